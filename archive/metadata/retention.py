"""How long classes are kept: rows of dated tables; what no row covers is kept, and asked about.

The table that ships (`retention.toml`) is a draft. An estate's own tables go before it, class by
class, the last one first; in a table the row with the most conditions, then the youngest, decides.
No term ends by itself: at its end comes a review, by people.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec

from archive.errors import WrongTableError
from archive.metadata.item import Item, Retention

Action = Literal["keep", "review", "transfer", "destroy"]
_MOST_YEARS = 200


class TermRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={
    "content_class": "class", "since": "from"}):  # fmt: skip
    """One row.

    Attributes:
        name: Of the row.
        content_class: What it covers.
        where: Field of the item → its values; the row covers only items that have one of them.
        years: From the end of the trigger's year on; None is for ever.
        trigger: What the term counts from: `published`, `created`, `archived`, a field with a day,
            or a step of the trail. An item without it has no end yet.
        action: What comes at its end.
        since, until: Days of publication that it holds for; None: all.
        basis: Which rule says so.
        certainty: How sure that is, as the table of duties has it.
    """

    name: str
    content_class: str
    where: Mapping[str, tuple[str, ...]] = {}
    years: int | None = None
    trigger: str = "published"
    action: Action = "review"
    since: date | None = None
    until: date | None = None
    basis: str
    certainty: Literal["S", "S*", "M", "own"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its version, and its rows."""

    version: str
    rows: tuple[TermRow, ...]


def read_tables(paths: Iterable[Path] = ()) -> tuple[Table, ...]:
    """Read the table that ships, then others that go before it.

    Raises:
        WrongTableError: One is not right; says which, and in which row.
    """
    shipped = resources.files("archive.metadata").joinpath("retention.toml").read_bytes()
    tables = [_read(shipped, "retention.toml")]
    for path in paths:
        try:
            tables.append(_read(path.read_bytes(), str(path)))
        except OSError as error:
            raise _wrong(str(path), "", str(error)) from error
    return tuple(tables)


def rule_of(tables: Iterable[Table]) -> Callable[[Item], Retention]:
    """Give what says how long an item is kept; the last table goes first."""
    known: dict[str, list[tuple[Table, TermRow]]] = {}
    for table in tables:
        rows: dict[str, list[TermRow]] = {}
        for row in table.rows:
            rows.setdefault(row.content_class, []).append(row)
        known |= {name: [(table, it) for it in of_class] for name, of_class in rows.items()}

    def rule(item: Item) -> Retention:
        fitting = [it for it in known.get(item.content_class, ()) if _covers(it[1], item)]
        if not fitting:
            return Retention()
        table, row = max(fitting, key=lambda it: (len(it[1].where), it[1].since or date.min))
        return Retention(
            row=row.name, table=table.version, years=row.years, trigger=row.trigger,
            due=_due(row, item), basis=row.basis, action=row.action if row.years else "keep",
        )  # fmt: skip

    return rule


def _read(data: bytes, name: str) -> Table:
    try:
        values = tomllib.loads(data.decode())
    except ValueError as error:
        raise _wrong(name, "", str(error)) from error
    version, rows = values.pop("version", None), values.pop("rows", None)
    if values or not isinstance(rows, list) or not isinstance(version, str) or not version.strip():
        raise _wrong(name, "", "a table has a `version` and `[[rows]]`, and nothing else")
    done: list[TermRow] = []
    for number, values_of_row in enumerate(rows, start=1):
        told = values_of_row.get("name", "") if isinstance(values_of_row, dict) else ""
        place = f"{number} ({told})" if told else str(number)
        try:
            row = msgspec.convert(values_of_row, TermRow)
        except msgspec.ValidationError as error:
            raise _wrong(name, place, str(error)) from error
        if why := _mistake(row, done):
            raise _wrong(name, place, why)
        done.append(row)
    return Table(version.strip(), tuple(done))


def _mistake(row: TermRow, before: Iterable[TermRow]) -> str:
    if not (row.name.strip() and row.content_class.strip() and row.basis.strip()):
        return "`name`, `class` and `basis` are never empty"
    if row.name in {it.name for it in before}:
        return "another row has that name"
    if row.years is not None and not 0 < row.years <= _MOST_YEARS:
        return f"`years` is 1 to {_MOST_YEARS}; without it the class is kept for ever"
    if row.years is None and row.action != "review":
        return "what is kept for ever has no `action`"
    if row.since and row.until and row.until < row.since:
        return "`until` lies before `from`"
    return ""


def _covers(row: TermRow, item: Item) -> bool:
    moment = item.published or item.created or item.archived
    day = moment.date() if moment else None
    if (row.since or row.until) and day is None:
        return False
    if day and not (row.since or date.min) <= day <= (row.until or date.max):
        return False
    return all(
        item.fields.get(name, "").strip().casefold() in {it.casefold() for it in values}
        for name, values in row.where.items()
    )


def _due(row: TermRow, item: Item) -> date | None:
    """Give the first day after the term, or None: for ever, or not begun."""
    begin = _begin_of(row.trigger, item)
    if row.years is None or begin is None:
        return None
    last = begin.year + row.years + 1
    return date(last, 1, 1) if last <= date.max.year else None


def _begin_of(trigger: str, item: Item) -> date | None:
    if trigger in {"published", "created", "archived", "withdrawn", "superseded"}:
        moment: datetime | None = getattr(item, trigger)
        return moment.date() if moment else None
    if told := item.fields.get(trigger):
        try:
            return date.fromisoformat(told)
        except ValueError:
            return None
    steps = [moment for moment, status, _note in item.trail if status == trigger]
    return max(steps).date() if steps else None


def _wrong(name: str, row: str, why: str) -> WrongTableError:
    return WrongTableError(
        "row {row} of the table of terms {file} cannot be used"
        if row
        else "the table of terms {file} cannot be used",
        why="{reason}",
        data="nothing was changed; what is archived stays",
        next_step="correct it, or take it out of `[archive] retention` in the estate",
        file=name,
        row=row,
        reason=why,
    )
