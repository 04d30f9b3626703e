"""Read a runbook's front matter: TOML between two lines `+++`; every mistake gets its line.

TOML, since the estate is TOML and Python reads it; the line of a key is looked up in the text.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runbooks.errors import N_, Problem
from runbooks.procedure import Variable
from runbooks.shapes import SHAPES, choose_shape, fits_shape

FENCE = "+++"
NAME = re.compile(r"[a-z][a-z0-9_-]*")
_TOML_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)")
_SHARES = "shares"
_VARIABLE_KEYS = {"title", "secret", "default", "pattern", "key", "shape"}


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What stands above a runbook's text.

    Attributes:
        values: The keys as read; empty where it could not be read.
        variables: By name.
        body_line: Number of the first line below it, from 1.
    """

    values: Mapping[str, Any]
    variables: Mapping[str, Variable]
    body_line: int


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(NAME.fullmatch(value))


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_hours(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


_HOURS = N_("write hours, a number above 0")
_RULES: Mapping[str, tuple[bool, Callable[[object], bool], str]] = {
    "id": (True, _is_name, N_('write `id = "short-name"`: a-z, digits, hyphens')),
    "title": (True, _is_text, N_("write in quotes what the runbook does")),
    "owner": (True, _is_text, N_("write in quotes who keeps this runbook right")),
    "systems": (True, _are_texts, N_('write `systems = ["name"]`; `systems = []` means all')),
    "rto_hours": (False, _is_hours, _HOURS),
    "rpo_hours": (False, _is_hours, _HOURS),
}
"""Key → whether it has to be there, what it has to be, and how to put it right."""


def read_front_matter(lines: list[str]) -> tuple[FrontMatter, list[Problem]]:
    """Read it from the lines of a file; gives what could be read, and the mistakes."""
    if not lines or lines[0].strip() != FENCE:
        problem = Problem(
            "1", "the front matter is missing", "begin the file with a line `+++`, and keys below"
        )
        return FrontMatter({}, {}, 1), [problem]
    end = next((n for n, line in enumerate(lines) if n and line.strip() == FENCE), None)
    if end is None:
        problem = Problem("1", "the front matter has no end", "write a line `+++` below its keys")
        return FrontMatter({}, {}, len(lines) + 1), [problem]
    head = lines[1:end]
    try:
        values = tomllib.loads("\n".join(head))
    except tomllib.TOMLDecodeError as error:
        return FrontMatter({}, {}, end + 2), [_toml_problem(str(error), end)]
    problems = [*_check_values(values, head), *_check_variables(values, head)]
    return FrontMatter(values, _variables(values), end + 2), problems


def _toml_problem(told: str, end: int) -> Problem:
    found = _TOML_LINE.search(told)
    return Problem(
        str(int(found[1]) + 1 if found else end + 1),
        "this is not TOML: {reason}",
        'write `key = "value"`, each on a line of its own',
        {"reason": _TOML_LINE.sub("", told)},
    )


def _check_values(values: Mapping[str, Any], head: list[str]) -> Iterator[Problem]:
    for key, (needed, fits, fix) in _RULES.items():
        if key not in values:
            if needed:
                yield Problem("1", "`{key}` is missing in the front matter", fix, {"key": key})
        elif not fits(values[key]):
            yield Problem(_line(head, key), "`{key}` cannot be used as it is", fix, {"key": key})
    for key in sorted(values.keys() - _RULES.keys() - {"variables"}):
        params = {"key": key, "known": ", ".join([*_RULES, "variables"])}
        yield Problem(
            _line(head, key), "nobody knows the key `{key}`", "leave it out; known: {known}", params
        )


def _check_variables(values: Mapping[str, Any], head: list[str]) -> Iterator[Problem]:
    declared = values.get("variables", {})
    if not isinstance(declared, dict):
        yield Problem(
            _line(head, "variables"),
            "`variables` is no table",
            "write `[variables.name]` and below it `title` in quotes",
        )
        return
    for name, value in declared.items():
        fix = _judge_variable(name, value)
        if not fix and value.get("key", name) not in declared:
            fix = N_("name as `key` one of the variables that the runbook has")
        if fix:
            what = N_('the variable "{name}" cannot be used as it is')
            yield Problem(_line(head, f"variables.{name}"), what, fix, {"name": name})


def _judge_variable(name: str, value: object) -> str:
    """Say what is to be put right; empty where all is well."""
    if not NAME.fullmatch(name):
        return N_("name it with a-z, digits, hyphens")
    if not isinstance(value, dict) or not _is_text(value.get("title")):
        return N_("write `title` in quotes: what the value is, for the one who gives it")
    judged = (
        (
            value.keys() <= _VARIABLE_KEYS,
            N_("leave out what is none of title, secret, default, pattern, key, shape"),
        ),
        (
            isinstance(value.get("secret", False), bool) or value["secret"] == _SHARES,
            N_('write `secret = true`, `secret = "shares"`, or leave it out'),
        ),
        (
            all(isinstance(value.get(key, ""), str) for key in ("default", "pattern")),
            N_("write `default` and `pattern` in quotes"),
        ),
        (
            not (value.get("secret") and value.get("default")),
            N_("leave its default out, or empty: a secret stands in no file"),
        ),
        (
            "key" not in value or (value.get("secret") is True and _is_name(value["key"])),
            N_("write `key` only for a secret: the name of the variable with the key's file"),
        ),
        (
            value.get("shape", "text") in SHAPES and not (value.get("secret") and "shape" in value),
            N_(
                "write as `shape` one of text, name, number, day, moment, address, snapshot, below,"
                " file, folder, new-folder, repository, estate; a secret has none"
            ),
        ),
        (_is_pattern(value.get("pattern", "")), N_("write a regular expression as `pattern`")),
    )
    fix = next((fix for fits, fix in judged if not fits), "")
    return fix or _judge_default(value)


def _judge_default(value: Mapping[str, str]) -> str:
    default, pattern = value.get("default"), value.get("pattern", "")
    shape = choose_shape("", value, frozenset())
    if not default or (
        fits_shape(shape, default) and (not pattern or re.fullmatch(pattern, default))
    ):
        return ""
    return N_("write a `default` that its own `pattern` and `shape` allow, or an empty one")


def _is_pattern(value: object) -> bool:
    try:
        re.compile(str(value))
    except re.error:
        return False
    return True


def _variables(values: Mapping[str, Any]) -> dict[str, Variable]:
    declared = values.get("variables", {})
    tables = declared.items() if isinstance(declared, dict) else ()
    keys = frozenset(str(it["key"]) for _, it in tables if isinstance(it, dict) and "key" in it)
    return {
        name: Variable(
            name,
            str(value.get("title", "")),
            value.get("secret") is True or value.get("secret") == _SHARES,
            value.get("default"),
            str(value.get("pattern", "")),
            value.get("secret") == _SHARES,
            str(value.get("key", "")),
            choose_shape(name, value, keys),
        )
        for name, value in tables
        if isinstance(value, dict)
    }


def _line(head: list[str], key: str) -> str:
    """Find the line of a key or table; the front matter's first where it is not found."""
    quoted = r"\s*\.\s*".join(rf"[\"']?{re.escape(part)}[\"']?" for part in key.split("."))
    wanted = re.compile(rf"\s*(?:{quoted}\s*=|\[\s*{quoted}\s*\])")
    found = next((n for n, line in enumerate(head, 2) if wanted.match(line)), None)
    if found is None and "." in key:
        return _line(head, key.rpartition(".")[2])
    return str(found or 1)
