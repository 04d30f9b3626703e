"""Turn what pydantic found into problems an operator can act on: where, what, and the fix.

No value from the file is repeated except where a validator of ours chose to: a value in the wrong
place may be a secret.
"""

import difflib
import json
import re
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ops.errors import Problem
from ops.estate.load.read import Location
from ops.estate.model.values import fields_of, is_union, model_of
from ops.language.text import N_

_EXPECTED: tuple[tuple[str, str], ...] = (
    ("string", N_("this must be a text between quotes")),
    ("int", N_("this must be a whole number, without quotes")),
    ("bool", N_("this must be true or false, without quotes")),
    ("date", N_("this must be a date such as 2026-12-31, without quotes")),
    ("path", N_("this must be a text between quotes")),
    ("tuple", N_("this must be a list between square brackets")),
    ("dict", N_("this must be a table of keys and values")),
    ("model", N_("this must be a table of keys and values")),
)
_LIMITS: Mapping[str, str] = {
    "greater_than_equal": N_("this must be at least {ge}"),
    "less_than_equal": N_("this must be at most {le}"),
    "string_too_short": N_("this must not be empty"),
    "too_short": N_("this must not be empty"),
}


def list_deepest(error: ValidationError) -> list[ErrorDetails]:
    """Give what was found, without what a whole is said to lack because of its parts."""
    found = error.errors(include_url=False, include_input=False)
    places = [it["loc"] for it in found]
    return [
        it
        for it in found
        if not any(place[: len(it["loc"])] == it["loc"] != place for place in places)
    ]


def describe(details: ErrorDetails, location: Location, model: type[BaseModel]) -> Problem:
    """Give the problem behind one error of pydantic; the key is left empty for the caller.

    Args:
        details: The error.
        location: Where it is, inside `model`.
        model: The model that was validated.
    """
    kind = details["type"]
    context = details.get("ctx", {})
    if kind == "estate":
        return Problem("", context["what"], context["fix"], context["params"])
    if kind == "extra_forbidden":
        return _unknown_key(location, model)
    key = str(location[-1]) if location else ""
    params = {"key": key, "example": example_of(find_field(model, location)), **context}
    fix = N_("write `{key} = {example}`") if params["example"] else N_("correct it")
    if kind == "missing":
        return Problem("", "the key is missing", _missing_fix(params), params)
    if kind == "literal_error":
        params["choices"] = ", ".join(map(toml_value, _choices(find_field(model, location))))
        return Problem("", "this must be one of: {choices}", fix, params)
    what = _LIMITS.get(kind) or next(
        (text for start, text in _EXPECTED if kind.startswith(start)), details["msg"]
    )
    return Problem("", what, fix, params)


def _missing_fix(params: Mapping[str, object]) -> str:
    if params["example"]:
        return N_("add it, e.g. `{key} = {example}`")
    return N_("add it; `{program} estate.sample` shows how it is written")


def _unknown_key(location: Location, model: type[BaseModel]) -> Problem:
    parent = find_model(model, location[:-1])
    known = list(fields_of(parent)) if parent else []
    near = next(iter(difflib.get_close_matches(str(location[-1]), known, 1)), "")
    fix = N_("write `{near}`") if near else N_("remove it, or move it to where it belongs")
    return Problem("", "the key is not known here", fix, {"near": near})


def find_field(model: type[BaseModel], location: Location) -> FieldInfo | None:
    """Give the field of a model's tree at a location; None when there is none."""
    parent = find_model(model, location[:-1])
    return fields_of(parent).get(str(location[-1])) if parent and location else None


def find_model(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """Give the model that describes the table at a location; None when there is none."""
    current: type[BaseModel] | None = model
    for step in location:
        if isinstance(step, int):
            continue  # an entry of a list is described by the list's own field
        field = fields_of(current).get(step) if current else None
        current = model_of(field) if field else None
    return current


def example_of(field: FieldInfo | None) -> str:
    """Give a value for a field as TOML writes it; empty when the field has no example."""
    if field is None:
        return ""
    if field.examples:
        return toml_value(field.examples[0])
    default = field.get_default(call_default_factory=False)
    if field.is_required() or default is None or isinstance(default, BaseModel | tuple | dict):
        return next(map(toml_value, _choices(field)), "")
    return toml_value(default)


def _choices(field: FieldInfo | None) -> tuple[Any, ...]:
    """Give the values of a field that allows only some; empty for any other field."""
    annotation = field.annotation if field else None
    branches = typing.get_args(annotation) if is_union(annotation) else (annotation,)
    found = (it for it in branches if typing.get_origin(it) is typing.Literal)
    return tuple(choice for branch in found for choice in typing.get_args(branch))


def toml_value(value: Any) -> str:
    """Write a value as TOML does; a text that reads as a date is written as a date."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    if isinstance(value, dict):
        pairs = ", ".join(f"{_toml_key(key)} = {toml_value(item)}" for key, item in value.items())
        return f"{{ {pairs} }}"
    text = str(value)
    return text if _is_date(text) else json.dumps(text, ensure_ascii=False)


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _is_date(text: str) -> bool:
    parts = text.split("-")
    return [len(part) for part in parts] == [4, 2, 2] and all(part.isdigit() for part in parts)


def render_key(location: Location, data: Any) -> str:
    """Give a dotted key; an entry of a list is called by its name: `sites[cong-chinh].files[0]`."""
    text = ""
    for step in location:
        data = step_into(data, step)
        if isinstance(step, int):
            name = data.get("name") if isinstance(data, dict) else None
            text += f"[{name}]" if isinstance(name, str) and name else f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def step_into(data: Any, step: str | int) -> Any:
    """Give what stands at one step of a location; None where nothing does."""
    try:
        return data[step]
    except (KeyError, IndexError, TypeError):
        return None
