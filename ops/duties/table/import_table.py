"""Import an edited table of duties for a person at a terminal, and say what it changes.

Order:

1. Read the table beside the others that are in force, and compare; a mistake ends it here.
2. Put the new file in its place, whole.
3. Journal the changed set of duties and the import. Killed before that, the service journals the
   changed set the next day by itself.
"""

import csv
import io
import json
import re
import sys
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from ops.access.session import at_bench
from ops.durable_files import FILE_MODE, place_file
from ops.duties.cli import write_changes
from ops.duties.table.load import (
    SHIPPED_DUTIES,
    DutiesError,
    DutySet,
    load_duties,
    read_duties,
    read_table,
)
from ops.duties.table.models import Duty, DutyTable, Note
from ops.duties.table.versions import as_stored, remember_duties
from ops.duties.tasks import ImportDuties
from ops.errors import OpsError, Problem, WrongUseError
from ops.estate.edit.csv_sheet import DELIMITERS, place_of
from ops.estate.load.load import load_estate
from ops.estate.load.problems import describe, list_deepest
from ops.estate.model.estate import Estate
from ops.estate.versions import find_changes
from ops.journal import journal
from ops.language.text import N_, _
from ops.terminal.output import write_json, write_line

IMPORTED = "duty.imported"
STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do.

    Attributes:
        path: The file of the estate that is written.
        content: Its new content.
        duties: The duties in force then.
        changes: What differs from those in force now, dotted key to [old, new].
    """

    path: Path
    content: bytes
    duties: DutySet
    changes: Mapping[str, list[Any]]


def import_duties(wish: ImportDuties) -> int:
    """Take an edited table over; gives the exit code."""
    estate = load_estate()
    content = _read(wish.file)
    plan = plan_import(estate, content, is_sheet=wish.file.lower().endswith(".csv"))
    if plan.changes and not wish.dry_run:
        _apply(estate, plan, wish.file, content)
    if wish.json:
        changes = [{"key": key, "old": old, "new": new} for key, (old, new) in plan.changes.items()]
        write_json(changes, file=plan.path, written=bool(plan.changes) and not wish.dry_run)
        return 0
    title = _("would change in {path}:") if wish.dry_run else _("changed in {path}:")
    write_changes(title.format(path=plan.path), plan.changes)
    if plan.changes and not wish.dry_run:
        write_line(_("journaled; the change is in force now"))
    return 0


def plan_import(estate: Estate, content: bytes, *, is_sheet: bool) -> ImportPlan:
    """Say what a table would change; touches nothing that lasts.

    A TOML file takes the place of the Center's own whole. Rows of a CSV table are added to the
    Center's own, or take the place of those with the same name and first day; comments in that
    file are lost.
    """
    if not estate.duties.include:
        raise WrongUseError(
            "the estate names no file for the Center's own duties",
            next_step='write `include = ["duties.local.toml"]` under `[duties]` of the estate file',
        )
    *others, path = estate.duties.include
    wanted = _merge(path, content).encode() if is_sheet else content.removeprefix(BOM_UTF8)
    with TemporaryDirectory() as folder:
        trial = Path(folder) / path.name
        trial.write_bytes(wanted)
        duties = read_duties((SHIPPED_DUTIES, *others, trial))
    return ImportPlan(path, wanted, duties, find_changes(_in_force(estate), as_stored(duties)))


def _in_force(estate: Estate) -> Mapping[str, Any]:
    if estate.duties.include[-1].exists():
        return as_stored(load_duties(estate))
    return as_stored(read_duties((SHIPPED_DUTIES, *estate.duties.include[:-1])))


def _merge(path: Path, content: bytes) -> str:
    problems: list[Problem] = []
    present = read_table(path, DutyTable, problems) if path.exists() else None
    rows = read_duty_sheet(content, problems)
    if problems:
        raise DutiesError(problems)
    kept = {it.row: it for it in (present.duties if present else ())}
    return write_table(
        (kept | {it.row: it for it in rows}).values(), present.notes if present else ()
    )


def _read(source: str) -> bytes:
    try:
        if source == STANDARD_INPUT:
            return sys.stdin.buffer.read()
        return Path(source).read_bytes()
    except OSError as error:
        raise WrongUseError(
            'the table "{path}" cannot be read',
            why="{reason}",
            next_step="if only you may read it: `{program} duty.import --file - < {path}`",
            path=source,
            reason=error.strerror or type(error).__name__,
        ) from error


def _apply(estate: Estate, plan: ImportPlan, source: str, content: bytes) -> None:
    try:
        place_file(plan.path, plan.content, mode=FILE_MODE, replace=True)
    except OSError as error:
        raise OpsError(
            "the duties cannot be written to {path}",
            why="{reason}",
            data="the duties are as they were",
            next_step="make the folder writable for the service's user, and import again",
            path=plan.path,
            reason=error.strerror or type(error).__name__,
        ) from error
    details = {
        "from": Path(source).name,
        "sha256": sha256(content).hexdigest(),
        "changed": sorted(plan.changes),
    }
    with at_bench(estate) as bench, bench.catalog.writing() as session:
        remember_duties(session, plan.duties, now=datetime.now(UTC), origin=bench.origin)
        journal.append(session, bench.origin, [journal.Entry(IMPORTED, plan.path.name, details)])


COLUMNS = (
    "name", "title_vi", "title_en", "document", "article", "certainty", "figure", "valid_from",
    "valid_until", "kind", "levels", "role", "every", "event", "due", "lead", "responsible",
    "query", "run_kind", "job", "note",
)  # fmt: skip
"""The heads of a table; those that are not needed may be missing."""

_PLACES: Mapping[str, tuple[str, ...]] = {
    "title_vi": ("title", "vi"),
    "title_en": ("title", "en"),
    "document": ("basis", "document"),
    "article": ("basis", "article"),
    "certainty": ("basis", "certainty"),
    "kind": ("applies", "kind"),
    "levels": ("applies", "levels"),
    "role": ("applies", "role"),
    "query": ("evidence", "query"),
    "run_kind": ("evidence", "run_kind"),
    "job": ("evidence", "job"),
}
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
    found = (_read_row(cells, number, problems) for number, cells in enumerate(rows, 2))
    return [duty for duty in found if duty is not None]


def _read_row(cells: Mapping[str, Any], number: int, problems: list[Problem]) -> Duty | None:
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
