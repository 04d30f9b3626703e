"""Import an edited table of duties for a person at a terminal, and say what it changes.

Order:

1. Read the table beside the others that are in force, and compare; a mistake ends it here.
2. Put the new file in its place, whole.
3. Journal the changed set of duties and the import. Killed before that, the service journals the
   changed set the next day by itself.
"""

import sys
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ops.access.session import at_bench
from ops.durable_files import FILE_MODE, place_file
from ops.duties.evidence.cli import write_changes
from ops.duties.table.load import (
    SHIPPED_DUTIES,
    DutiesError,
    DutySet,
    load_duties,
    read_duties,
    read_table,
)
from ops.duties.table.models import DutyTable
from ops.duties.table.spreadsheet import read_duty_sheet, write_table
from ops.duties.table.versions import as_stored, remember_duties
from ops.duties.tasks import Import
from ops.errors import OpsError, Problem, WrongUseError
from ops.estate.history.versions import find_changes
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.language.text import _
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


def import_duties(wish: Import) -> int:
    """Take an edited table over; gives the exit code.

    Raises:
        DutiesError: The table has mistakes; the error carries all of them.
        WrongUseError: The file cannot be read, or the estate names none to write to.
    """
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
    """Give the set in force; where the Center's file is missing yet, that of the others."""
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
    return write_table((kept | {it.row: it for it in rows}).values(),
                       present.notes if present else ())  # fmt: skip


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
