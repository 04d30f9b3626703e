"""The page of settings, from the models of the estate file."""

import types
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ops.estate.model.changeable import is_whole
from ops.estate.model.estate import Estate
from ops.estate.model.values import make_reference

_HEAD = """# Settings

<!-- written by `make docs` from the models of the estate file; change those instead -->

All keys of the estate file, in TOML. `fab estate.sample` prints them as a commented file, in your
language.

- Relative paths, in included files too, start at the folder of the main estate file.
- A secret is a *reference*: `file:PATH` (mode 0600), `env:NAME`, or `credential:NAME` for a systemd
  credential.
- Cron lines and windows are in the organisation's time zone. `mbps` is megabits a second.
- A key that is not known is a mistake; `fab estate.check` reports all mistakes at once.
- *Changeable* may stand in the [part that the service writes](../how-to/change-the-estate.md), and
  needs no root there; all else is root's.
"""
_SIMPLE = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    date: "date",
    Path: "path",
    dict: "table",
}


def render_settings() -> str:
    """Render the page: one section for each table, in the order of the models."""
    return "\n".join([_HEAD, *_render_table(Estate, "", "Top of the file", "")])


def _render_table(model: type[BaseModel], path: str, title: str, meaning: str) -> Iterator[str]:
    """Yield the section of a table, then those of the tables inside it."""
    yield f"## {title}\n"
    if meaning:
        yield f"{meaning}\n"
    rows, inner = [], []
    for name, field in model.model_fields.items():
        key = field.alias or name
        child, form = _find_model(field.annotation)
        if child is None:
            rows.append(_render_row(key, field))
        elif child is not model:
            inner.append((child, f"{path}.{key}".lstrip("."), form, _meaning(field)))
    if rows:
        yield "| key | form | if left out | meaning |\n|---|---|---|---|"
        yield "\n".join(rows) + "\n"
    for child, inner_path, form, description in inner:
        yield from _render_table(child, inner_path, form.format(path=inner_path), description)


def _find_model(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """Find the model inside a field's type, and how its table is written in TOML."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, "`[{path}]`"
    found = [_find_model(part) for part in get_args(annotation)]
    model = next((model for model, _ in found if model is not None), None)
    if get_origin(annotation) is tuple:
        return model, "`[[{path}]]`"
    if get_origin(annotation) is dict:
        return model, "`[{path}.NAME]`"
    return model, "`[{path}]`"


def _render_row(key: str, field: FieldInfo) -> str:
    meaning, form = _meaning(field).replace("|", "\\|"), _describe_form(field.annotation)
    return f"| `{key}` | {form} | {_describe_default(field)} | {meaning} |"


def _meaning(field: FieldInfo) -> str:
    ending = " *Changeable.*" if is_whole(field) else ""
    return f"{field.description or ''}{ending}"


def _describe_default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ("", (), {}):
        return "–"
    text = str(list(value) if isinstance(value, tuple) else value)
    return f"`{text.lower() if isinstance(value, bool) else text}`"


def _describe_form(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """Say what a value looks like, for people."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if any(getattr(part, "func", None) is make_reference for part in metadata):
        return "reference"
    if origin is Annotated:
        return _describe_form(parts[0], parts[1:])
    if origin in {Union, types.UnionType}:
        forms = [_describe_form(part) for part in parts if part is not types.NoneType]
        return " or ".join(dict.fromkeys(forms))
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    return (
        f"list of {_describe_form(parts[0])}" if origin is tuple else _SIMPLE[origin or annotation]
    )
