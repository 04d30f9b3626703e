"""Read duties from a table as a spreadsheet program saves it (CSV) into rows; pure.

UTF-8; comma, semicolon or tab between cells, whichever the first line uses most. One row is one
duty. Lengths of time are written `3 months` or `5 working-days`, levels `3 4 5`, days 2026-11-24.

Write a table of duties as a file that reads back as the same table; pure.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError

from ops.duties.table.models import Duty, Note
from ops.errors import Problem
from ops.estate.edit.csv_sheet import DELIMITERS, place_of
from ops.estate.load.problems import describe, list_deepest
from ops.language.text import N_

COLUMNS = (
    "name", "title_vi", "title_en", "document", "article", "certainty", "figure", "valid_from",
    "valid_until", "kind", "levels", "role", "every", "event", "due", "lead", "responsible",
    "query", "run_kind", "job", "note",
)  # fmt: skip
"""The heads of a table; those that are not needed may be missing."""

_PLACES: Mapping[str, tuple[str, ...]] = {
    "title_vi": ("title", "vi"), "title_en": ("title", "en"), "document": ("basis", "document"),
    "article": ("basis", "article"), "certainty": ("basis", "certainty"),
    "kind": ("applies", "kind"), "levels": ("applies", "levels"), "role": ("applies", "role"),
    "query": ("evidence", "query"), "run_kind": ("evidence", "run_kind"),
    "job": ("evidence", "job"),
}  # fmt: skip
_SPANS = ("every", "due", "lead")
_DAYS = ("valid_from", "valid_until")
_SPAN = re.compile(r"(\d+)\s+([a-z-]+)")


def read_duty_sheet(content: bytes, problems: list[Problem]) -> list[Duty]:
    """Read the rows; what is wrong with them is added to the problems."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.append(
            Problem("", "the table is not in UTF-8", "save it as `CSV UTF-8` and import that file")
        )
        return []
    delimiter = max(DELIMITERS, key=text.partition("\n")[0].count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    unknown = [it for it in rows.fieldnames or () if it.strip() not in COLUMNS]
    if unknown or not rows.fieldnames:
        problems.append(
            Problem(
                place_of(1),
                "columns that nobody knows: {names}",
                "the heads are: {known}",
                {"names": ", ".join(unknown) or "–", "known": ", ".join(COLUMNS)},
            )
        )
        return []
    found = (_read(cells, number, problems) for number, cells in enumerate(rows, 2))
    return [duty for duty in found if duty is not None]


def _read(cells: Mapping[str, Any], number: int, problems: list[Problem]) -> Duty | None:
    given = {key.strip(): (value or "").strip() for key, value in cells.items() if key}
    values: dict[str, Any] = {}
    for key, value in _read_cells({key: text for key, text in given.items() if text}):
        place = _PLACES.get(key, (key,))
        table = values
        for step in place[:-1]:
            table = table.setdefault(step, {})
        table[place[-1]] = value
    if "basis" in values:
        values["basis"] = [values["basis"]]
    if "event" in values:
        values.setdefault("due", {}).setdefault("since", "event")
    try:
        return Duty.model_validate(values)
    except ValidationError as error:
        problems += _explain(error, number)
    return None


def _explain(error: ValidationError, number: int) -> Iterator[Problem]:
    """Yield what is wrong with a row, by its columns and in the words of a sheet."""
    for details in list_deepest(error):
        location = details["loc"]
        told, column = describe(details, location, Duty), _column_of(location)
        fix, params = told.fix, dict(told.params)
        if column in _SPANS:
            fix = N_("write a number and a unit, like `3 months`")
        elif params.get("example"):
            fix = N_("write a value like {example}")
        yield Problem(place_of(number, column), told.what, fix, params)


def _column_of(location: tuple[str | int, ...]) -> str:
    """Give the head under which a value stands in a sheet."""
    steps = tuple(str(it) for it in location if not isinstance(it, int))
    heads = {place: head for head, place in _PLACES.items()}
    whole = [head for head, place in _PLACES.items() if place[:1] == steps]
    return heads.get(steps) or ", ".join(whole) or steps[0]


def _read_cells(given: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for key, text in given.items():
        found = _SPAN.fullmatch(text) if key in _SPANS else None
        if found:
            yield key, {"count": int(found[1]), "unit": found[2]}
        elif key == "levels":
            yield key, [int(it) if it.isdigit() else it for it in re.split(r"[\s,]+", text)]
        elif key in _DAYS:
            yield key, _day(text)
        else:
            yield key, text


def _day(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def write_table(duties: Iterable[Duty], notes: Iterable[Note] = ()) -> str:
    """Give a whole file: notes, then rows; what is as by default is left out."""
    blocks = ["schema = 1"]
    for section, parts in (("notes", notes), ("duties", duties)):
        for part in parts:
            values = part.model_dump(exclude_defaults=True, exclude_none=True)
            lines = [f"{key} = {_value(value)}" for key, value in values.items()]
            blocks.append("\n".join([f"[[{section}]]", *lines]))
    return "\n\n".join(blocks) + "\n"


def _value(value: Any) -> str:  # what a dumped model holds
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {_value(it)}" for key, it in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(it) for it in value)}]"
    # A JSON string is a TOML one but for U+007F, which TOML wants escaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
