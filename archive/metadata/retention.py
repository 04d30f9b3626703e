"""How long classes are kept: rows of dated tables; what no row covers is kept, and asked about."""

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from archive.metadata.item import Item, Retention


@dataclass(frozen=True, slots=True)
class TermRow:
    """One row.

    Attributes:
        name: Of the row.
        content_class: What it covers.
        table: Version of the table.
        years: None is for ever.
        trigger: What the term counts from: `published`, `archived`.
        since: First day of validity.
    """

    name: str
    content_class: str
    table: str
    years: int | None
    trigger: str
    since: date


def read_tables(paths: Iterable[Path]) -> list[TermRow]:
    """Read tables; none is no row."""
    tables = [tomllib.loads(path.read_text(encoding="utf-8")) for path in paths]
    return [
        TermRow(
            row["name"], row["class"], table["version"], row.get("years"),
            row.get("trigger", "published"), row["from"],
        )
        for table in tables
        for row in table.get("rows", [])
    ]  # fmt: skip


def rule_of(rows: Iterable[TermRow]) -> Callable[[Item], Retention]:
    """Give what says how long an item is kept."""
    known = list(rows)

    def rule(item: Item) -> Retention:
        moment = item.published or item.created or item.archived
        day = moment.date() if moment else date.max
        fitting = [it for it in known if it.content_class == item.content_class and it.since <= day]
        if not fitting:
            return Retention()
        row = max(fitting, key=lambda it: it.since)
        due = None
        if row.years is not None and moment is not None:
            due = date(day.year + row.years + 1, 1, 1)
        return Retention(
            row=row.name, table=row.table, years=row.years, trigger=row.trigger, due=due
        )

    return rule
