"""The duties and holidays in force: the shipped tables, and the estate's own on top of them.

A row of the estate with the name and first day of a shipped one takes its place; any other row is
added. A row without a last day ends when the next row of its name begins. What is wrong with a
table is collected, never raised by the reader (`read_table`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ops.canonical import digest_of
from ops.duties.evidence.due import HolidayTable, WorkCalendar, make_calendar
from ops.duties.table.models import Duty, DutyTable
from ops.errors import OpsError, Problem, WrongUseError
from ops.estate.load.problems import describe, list_deepest, render_key
from ops.estate.model.calendar import Calendar
from ops.estate.model.estate import Estate
from ops.toml import read_toml

Table = TypeVar("Table", bound=BaseModel)


class DutiesError(OpsError):
    """Tables of duties or holidays have mistakes; holds every one of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "the tables of duties and holidays cannot be used; problems found: {count}",
            data="nothing was changed; backups already taken are not affected",
            next_step="correct the lines above, then run `{program} duty.list`",
            count=len(self.problems),
        )


def read_table(path: Path, model: type[Table], problems: list[Problem]) -> Table | None:
    """Read one table; what is wrong with it is added to the problems."""
    data = _parse(path, problems)
    if data is None:
        return None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for details in list_deepest(error):
            found = describe(details, details["loc"], model)
            key = render_key(details["loc"], data)
            problems.append(Problem(key, found.what, found.fix, found.params, path))
    return None


def _parse(path: Path, problems: list[Problem]) -> dict[str, Any] | None:
    try:
        return read_toml(path)
    except OSError as error:
        problems.append(
            Problem(
                "",
                "the file cannot be read: {reason}",
                "create it or remove the entry",
                {"reason": error.strerror},
                path,
            )
        )
    except ValueError as error:
        problems.append(
            Problem(
                "",
                "the file is not valid TOML: {reason}",
                "correct it there; texts stand between quotes, dates do not",
                {"reason": str(error)},
                path,
            )
        )
    return None


SHIPPED_DUTIES = Path(__file__).parent / "duties.toml"
SHIPPED_HOLIDAYS = Path(__file__).parent / "holidays-vn.toml"


@dataclass(frozen=True, slots=True)
class DutySet:
    """The duties in force, and the notes that explain several of them.

    Attributes:
        duties: Rows in the order of the tables; rows of one name in the order of time.
        notes: Bilingual texts by name, as `(vi, en)`.
    """

    duties: tuple[Duty, ...]
    notes: dict[str, tuple[str, str]] = field(default_factory=dict)

    def named(self, name: str) -> tuple[Duty, ...]:
        """Give all rows of a name, earliest first.

        Raises:
            WrongUseError: There is none.
        """
        found = tuple(it for it in self.duties if it.name == name)
        if not found:
            raise WrongUseError(
                'there is no duty "{name}"',
                next_step="`{program} duty.list` lists all duties",
                name=name,
            )
        return found

    def document(self) -> dict[str, Any]:
        """Give everything as plain JSON values, each row under its own name."""
        rows = [{**duty.document(), "duty": duty.name, "name": duty.row} for duty in self.duties]
        return {"duties": rows, "notes": {name: list(it) for name, it in self.notes.items()}}

    def digest(self) -> str:
        """Give the digest by which catalog and journal name this set."""
        return digest_of(self.document())


def load_duties(estate: Estate) -> DutySet:
    """Give the duties in force for an estate.

    Raises:
        DutiesError: A table has mistakes; the error carries all of them.
    """
    return read_duties((SHIPPED_DUTIES, *estate.duties.include))


def load_calendar(estate: Estate) -> WorkCalendar:
    """Give the working days for an estate.

    Raises:
        DutiesError: A table has mistakes; the error carries all of them.
    """
    named = tuple(path for path in estate.calendar.holidays if not _is_shipped(path))
    files = tuple((path, _changed_at(path)) for path in (SHIPPED_HOLIDAYS, *named))
    return _read_calendar(files, estate.calendar)


def check_tables(estate: Estate) -> list[Problem]:
    """List what is wrong with the tables of duties and holidays, for `estate.check`."""
    problems: list[Problem] = []
    for load in (load_duties, load_calendar):
        try:
            load(estate)
        except DutiesError as error:
            problems += error.problems
    return problems


def _is_shipped(path: Path) -> bool:
    return path.name == SHIPPED_HOLIDAYS.name and not path.exists()


def read_duties(paths: Sequence[Path]) -> DutySet:
    """Read tables of duties, later ones on top of earlier ones."""
    return _read_duties(tuple((path, _changed_at(path)) for path in paths))


def read_calendar(paths: Sequence[Path]) -> WorkCalendar:
    """Read tables of holidays, later ones on top of earlier ones."""
    return _read_calendar(tuple((path, _changed_at(path)) for path in paths), Calendar())


def _changed_at(path: Path) -> int:
    """Give when a file was changed, so that it is read once as long as it stays the same."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=4)
def _read_duties(files: tuple[tuple[Path, int], ...]) -> DutySet:
    problems: list[Problem] = []
    tables = [(path, read_table(path, DutyTable, problems)) for path, _changed in files]
    rows: dict[str, Duty] = {}
    notes: dict[str, tuple[str, str]] = {}
    for path, table in tables:
        if table is not None:
            problems += _find_doubles(path, table)
            rows |= {duty.row: duty for duty in table.duties}
            notes |= {note.name: (note.text.vi, note.text.en) for note in table.notes}
    duties = _closed(rows.values())
    problems += _find_inconsistencies(duties, notes, files[-1][0])
    if problems:
        raise DutiesError(problems)
    return DutySet(duties, notes)


@lru_cache(maxsize=4)
def _read_calendar(files: tuple[tuple[Path, int], ...], own: Calendar) -> WorkCalendar:
    problems: list[Problem] = []
    tables = [read_table(path, HolidayTable, problems) for path, _changed in files]
    if problems:
        raise DutiesError(problems)
    written = HolidayTable.model_construct(
        years=own.years, holidays=own.days_off, made_up=own.made_up
    )
    return make_calendar([*(it for it in tables if it is not None), written])


def _find_doubles(path: Path, table: DutyTable) -> Iterable[Problem]:
    seen: set[str] = set()
    for duty in table.duties:
        if duty.row in seen:
            yield Problem(
                f"duties[{duty.name}]",
                "two rows of this name begin on {day}",
                "keep one of them, or change its first day",
                {"day": duty.valid_from},
                path,
            )
        seen.add(duty.row)


def _closed(rows: Iterable[Duty]) -> tuple[Duty, ...]:
    """Let each open row end before the next one of its name begins; keep the tables' order."""
    by_name: dict[str, list[Duty]] = {}
    for duty in rows:
        by_name.setdefault(duty.name, []).append(duty)
    closed = []
    for named in by_name.values():
        ordered = sorted(named, key=lambda it: it.valid_from)
        for duty, following in pairwise(ordered):
            last = following.valid_from - timedelta(days=1)
            is_open = duty.valid_until is None
            closed.append(duty.model_copy(update={"valid_until": last}) if is_open else duty)
        closed.append(ordered[-1])
    return tuple(closed)


def _find_inconsistencies(
    duties: Sequence[Duty], notes: dict[str, tuple[str, str]], path: Path
) -> Iterable[Problem]:
    for before, after in pairwise(duties):
        is_over = before.valid_until is not None and before.valid_until < after.valid_from
        if before.name == after.name and not is_over:
            yield Problem(
                f"duties[{after.name}].valid_from",
                "the row before it is valid until {until}",
                "end the row before it earlier, or begin this one later",
                {"until": before.valid_until},
                path,
            )
    for duty in duties:
        if duty.note and duty.note not in notes:
            yield Problem(
                f"duties[{duty.name}].note",
                'there is no note "{note}"',
                "add `[[notes]]` with that name, or correct it",
                {"note": duty.note},
                path,
            )
