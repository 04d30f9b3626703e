"""Working days, from a dated table of holidays; a day beyond the table is not guessed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field

from ops.estate.model.calendar import CoveredYear, DayMadeUp, DaysOff
from ops.estate.model.values import Part

_ONE_DAY = timedelta(days=1)


class BeyondTableError(Exception):
    """A day lies in a year the table does not cover; `day` says which."""

    def __init__(self, day: date) -> None:
        self.day = day
        super().__init__(f"not in the table: {day.isoformat()}")


class HolidayTable(Part):
    """A table of holidays.

    Attributes:
        rest_weekdays: Days of the week, 1 for Monday to 7 for Sunday.
        years: Which years are complete; other days are beyond the table.
        holidays: Days off.
        made_up: Days worked instead.
    """

    schema_version: Literal[1] = Field(alias="schema", examples=[1])
    rest_weekdays: tuple[Annotated[int, Field(strict=True, ge=1, le=7)], ...] = Field(
        default=(), examples=[[6, 7]]
    )
    years: tuple[CoveredYear, ...] = ()
    holidays: tuple[DaysOff, ...] = ()
    made_up: tuple[DayMadeUp, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """All tables together.

    Attributes:
        rest_weekdays: ISO days of the week on which offices rest.
        years: Covered years with their status.
        days_off: Holidays on whatever day of the week.
        made_up: Rest days that are worked.
    """

    rest_weekdays: frozenset[int]
    years: dict[int, str]
    days_off: frozenset[date]
    made_up: frozenset[date]

    def is_working(self, day: date) -> bool:
        """Say whether offices work on a day.

        Raises:
            BeyondTableError: No table covers that year.
        """
        if day.year not in self.years:
            raise BeyondTableError(day)
        if day in self.made_up:
            return True
        return day.isoweekday() not in self.rest_weekdays and day not in self.days_off

    def add_working_days(self, day: date, count: int) -> date:
        """Count working days forwards, or backwards when negative; the day itself is not counted.

        Raises:
            BeyondTableError: The way leads out of the covered years.
        """
        step = _ONE_DAY if count > 0 else -_ONE_DAY
        for _number in range(abs(count)):
            day += step
            while not self.is_working(day):
                day += step
        return day

    def working_day_before(self, day: date) -> date:
        """Give the day itself if offices work on it, else the last working day before it."""
        while not self.is_working(day):
            day -= _ONE_DAY
        return day

    def is_expected(self, first: date, last: date) -> bool:
        """Say whether part of the way lies in a year whose holidays are not announced yet."""
        return any(self.years.get(year) == "expected" for year in range(first.year, last.year + 1))


def make_calendar(tables: Iterable[HolidayTable]) -> WorkCalendar:
    """Join tables, the shipped one first; for a year that two name the later table alone counts."""
    known = tuple(tables)
    owner = {covered.year: place for place, table in enumerate(known) for covered in table.years}
    return WorkCalendar(
        rest_weekdays=next(
            (frozenset(it.rest_weekdays) for it in reversed(known) if it.rest_weekdays), frozenset()
        ),
        years={covered.year: covered.status for table in known for covered in table.years},
        days_off=frozenset(
            day
            for place, table in enumerate(known)
            for row in table.holidays
            for day in _days(row.since, row.until)
            if owner.get(day.year) == place
        ),
        made_up=frozenset(
            row.day
            for place, table in enumerate(known)
            for row in table.made_up
            if owner.get(row.day.year) == place
        ),
    )


def _days(first: date, last: date) -> Iterable[date]:
    return (first + _ONE_DAY * number for number in range((last - first).days + 1))
