"""The newest moment in a database's rows: which columns hold moments, and what they mean; pure.

A value that bears a time zone is exact. A column whose name ends in `_gmt` or `_utc` holds UTC.
Whatever else holds date and time without a zone is read as the organisation's local time, as web
applications write it; a date alone counts from its midnight. Values after the incident are passed
over: an event announced for next year says nothing about when data was last saved. Numbers that
count seconds are not looked at, for nothing tells them from other numbers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

Kind = Literal["zoned", "utc", "local", "date"]
FIRST = "1970-01-02"
"""Older values are placeholders such as 0000-00-00, or history."""

_UTC_ENDINGS = ("_gmt", "_utc")


@dataclass(frozen=True, slots=True)
class MomentColumn:
    """A column that holds moments.

    Attributes:
        table, column: Where.
        kind: `zoned`: exact; `utc`, `local`: date and time; `date`: a day.
    """

    table: str
    column: str
    kind: Kind

    @property
    def place(self) -> str:
        """As people read it."""
        return f"{self.table}.{self.column}"


@dataclass(frozen=True, slots=True)
class Believed:
    """Which values count.

    Attributes:
        until: The incident; aware.
        zone: Of the organisation.
    """

    until: datetime
    zone: ZoneInfo

    def limit(self, kind: Kind) -> str:
        """Give the last moment as a database writes it in columns of a kind."""
        zone = self.zone if kind in {"local", "date"} else UTC
        there = self.until.astimezone(zone)
        return there.strftime("%Y-%m-%d" if kind == "date" else "%Y-%m-%d %H:%M:%S.%f")

    def read(self, text: str, kind: Kind) -> datetime | None:
        """Read a value; None where it is no moment, or does not count."""
        try:
            found = datetime.fromisoformat(text.strip())
        except ValueError:
            return None
        if found.tzinfo is None:
            zone = self.zone if kind in {"local", "date"} else UTC
            found = found.replace(tzinfo=zone)
        first = datetime.fromisoformat(FIRST).replace(tzinfo=UTC)
        return found.astimezone(UTC) if first <= found <= self.until else None


def kind_of(column: str, *, is_zoned: bool, is_date: bool) -> Kind:
    """Tell what a column's values mean."""
    if is_zoned:
        return "zoned"
    if is_date:
        return "date"
    return "utc" if column.lower().endswith(_UTC_ENDINGS) else "local"


def choose_newest(
    found: Iterable[tuple[MomentColumn, datetime | None]],
) -> tuple[datetime | None, str]:
    """Give the newest moment and where it was found; the first of equals, an exact one first."""
    known = [(moment, column) for column, moment in found if moment is not None]
    if not known:
        return None, ""
    newest = max(moment for moment, _column in known)
    places = [column for moment, column in known if moment == newest]
    places.sort(key=lambda it: it.kind == "date")
    return newest, places[0].place
