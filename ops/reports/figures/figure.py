"""What a figure is, and the time that a report covers; pure.

A report's year runs from 15 December to 14 December, and its months from the 15th to the 14th
(law.md 2.3: NĐ 331/2026, NĐ 244/2026 and the province's own rules).
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Generic, Literal, TypeVar
from zoneinfo import ZoneInfo

from ops.errors import WrongUseError
from ops.estate.edit.import_sites import read_day as try_day

Source = Literal[
    "runs",
    "duties",
    "plan",
    "snapshots",
    "drills",
    "minutes",
    "samples",
    "visits",
    "archive",
    "findings",
    "register",
    "restores",
    "runbooks",
    "stops",
    "estate",
    "journal",
    "outlooks",
    "sections",
]
"""Where figures come from; papers name it in words (`sources` in `wordings/every_paper.toml`)."""

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Figure(Generic[T_co]):
    """What one query gave.

    Attributes:
        value: None where nobody knows: never a zero in its place.
        source: Where it comes from.
    """

    value: T_co | None
    source: Source


CLOSES_ON = 15
"""Day of the month on which the next month of reports begins."""

EARLIEST, LATEST = 2000, 2999
"""Years that anybody reports on."""

_DECEMBER = 12
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Timespan:
    """Whole days of the organisation, both ends included."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def since(self) -> datetime:
        """The first moment."""
        return datetime.combine(self.first, time(), self.zone)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last + _DAY, time(), self.zone)

    @property
    def year(self) -> int:
        """The year it ends in."""
        return self.last.year

    def months(self) -> tuple["Timespan", ...]:
        """Give its months in order, the first and the last cut where it begins and ends.

        They turn on the 15th where it begins on one, else on the 1st.
        """
        turns_on = CLOSES_ON if self.first.day == CLOSES_ON else 1
        found, begin = [], self.first
        while begin <= self.last:
            following = _next_turn(begin, turns_on)
            found.append(Timespan(begin, min(self.last, following - _DAY), self.zone))
            begin = following
        return tuple(found)


def _next_turn(day: date, turns_on: int) -> date:
    if day.day < turns_on:
        return day.replace(day=turns_on)
    return (day.replace(day=28) + 4 * _DAY).replace(day=turns_on)


def report_year(year: int, zone: ZoneInfo) -> Timespan:
    """Give the window of a year's report."""
    first = date(year - 1, _DECEMBER, CLOSES_ON)
    return Timespan(first, date(year, _DECEMBER, CLOSES_ON) - _DAY, zone)


def running_year(today: date, zone: ZoneInfo) -> int:
    """Give the year whose report covers a day."""
    return today.year if today <= report_year(today.year, zone).last else today.year + 1


def read_day(text: str, flag: str) -> date:
    """Read `15/12/2026` or `2026-12-15`."""
    found = try_day(text)
    if found is None or not EARLIEST <= found.year <= LATEST:
        raise WrongUseError(
            '--{flag}: "{given}" is no day',
            next_step="write it like 15/12/2026",
            flag=flag,
            given=text[:40],
        )
    return found
