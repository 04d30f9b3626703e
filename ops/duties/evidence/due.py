"""When a duty is due: its periods and terms, in working days by a dated table of holidays; pure.

The row that is valid on a period's last day rules the period. A row that begins inside a period has
a shorter first period, from its first day on; a row that ends inside one owes nothing for it.
"""

import calendar as months
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from ops.duties.table.models import DueRule, Duty, Every, Span
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


_MONTHS_A_YEAR = 12
_DAYS_A_WEEK = 7
_LONGEST_DAYS = {"hours": 1, "days": 1, "working-days": 12, "weeks": 7, "months": 31, "years": 366}


RENEWAL = "media-renewal"
"""The duty whose term runs from the first use of each medium (`ops.duties.evidence.judge`)."""


@dataclass(frozen=True, slots=True)
class Period:
    """A period, first and last day included."""

    start: date
    end: date

    @property
    def key(self) -> str:
        """Give what names the period for life: its last day."""
        return self.end.isoformat()


@dataclass(frozen=True, slots=True)
class Due:
    """One period of one duty, and its dates.

    Attributes:
        duty: The row that rules it.
        period: Which period.
        day: By the end of which day; None when it is not in the table of holidays.
        remind_on: When a notice is written; None when none is asked for, or `day` is None.
        beyond: The day that no table of holidays covers; None when all are covered.
        is_expected: Whether holidays were counted that are not announced yet.
        about: Of what comes with events: when each was told, by what papers about it are called;
            empty where the event has no such name.
    """

    duty: Duty
    period: Period
    day: date | None
    remind_on: date | None = None
    beyond: date | None = None
    is_expected: bool = False
    about: Mapping[str, datetime] = field(default_factory=dict)


def add_months(day: date, count: int) -> date:
    """Give the same day some months later; where the month is too short, its last day."""
    year, month = divmod(day.year * _MONTHS_A_YEAR + day.month - 1 + count, _MONTHS_A_YEAR)
    last = months.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def add_span(day: date, span: Span | DueRule, calendar: WorkCalendar, sign: int = 1) -> date:
    """Count a span from a day, forwards or (sign -1) backwards; hours reach to the same day.

    Raises:
        BeyondTableError: Working days lead out of the table of holidays.
    """
    count = span.count * sign
    if span.unit == "working-days":
        return calendar.add_working_days(day, count)
    if span.unit in {"months", "years"}:
        return add_months(day, count * (_MONTHS_A_YEAR if span.unit == "years" else 1))
    if span.unit == "hours":
        return (datetime.combine(day, datetime.min.time()) + timedelta(hours=count)).date()
    return day + timedelta(days=count * (_DAYS_A_WEEK if span.unit == "weeks" else 1))


def list_periods(duty: Duty, first: date, last: date) -> list[Period]:
    """Give a duty's periods that touch the days from `first` to `last`, in order.

    Args:
        duty: A row with a period; an event has none, and media have theirs each.
        first: A day.
        last: A day, not before it.
    """
    if duty.every is None or duty.name == RENEWAL:
        return []
    every = duty.every
    whole = _dated(duty, every) if every.dates else _repeated(duty, every, first, last)
    return [
        Period(max(it.start, duty.valid_from), it.end)
        for it in whole
        if duty.is_valid_on(it.end) and it.end >= first and it.start <= last
    ]


def _dated(duty: Duty, every: Every) -> Iterator[Period]:
    start = duty.valid_from
    for day in sorted(every.dates):
        yield Period(start, day)
        start = day + _ONE_DAY


def _repeated(duty: Duty, every: Every, first: date, last: date) -> Iterator[Period]:
    """Yield periods from the one that holds `first`, or the first valid day, to that of `last`."""
    anchor = every.start or duty.valid_from.replace(month=1, day=1)
    number = _number_of(every, anchor, max(first, duty.valid_from))
    while (start := _start_of(every, anchor, number)) <= last:
        yield Period(start, _start_of(every, anchor, number + 1) - _ONE_DAY)
        number += 1


def _number_of(every: Every, anchor: date, day: date) -> int:
    """Give the number of the period that holds a day; 0 for the one that begins at the anchor."""
    count = every.count or 1
    if every.unit in {"months", "years"}:
        length = count * (_MONTHS_A_YEAR if every.unit == "years" else 1)
        apart = (day.year - anchor.year) * _MONTHS_A_YEAR + day.month - anchor.month
        number = apart // length
    else:
        number = (day - anchor).days // (count * (_DAYS_A_WEEK if every.unit == "weeks" else 1))
    return number if _start_of(every, anchor, number) <= day else number - 1


def _start_of(every: Every, anchor: date, number: int) -> date:
    """Give a period's first day, counted from the anchor: short months do not add up."""
    count = (every.count or 1) * number
    if every.unit in {"months", "years"}:
        return add_months(anchor, count * (_MONTHS_A_YEAR if every.unit == "years" else 1))
    return anchor + timedelta(days=count * (_DAYS_A_WEEK if every.unit == "weeks" else 1))


def due_of(duty: Duty, period: Period, calendar: WorkCalendar) -> Due:
    """Give a period's dates; what no table of holidays covers is said, not guessed."""
    try:
        day = _due_day(duty.due, period, calendar)
    except BeyondTableError as error:
        return Due(duty, period, None, None, error.day)
    counted = duty.due.unit == "working-days" and duty.due.on is None
    expected = counted and calendar.is_expected(period.end, day)
    if duty.lead is None:
        return Due(duty, period, day, None, None, expected)
    try:
        remind = calendar.working_day_before(add_span(day, duty.lead, calendar, -1))
    except BeyondTableError:
        remind = add_span(day, duty.lead.model_copy(update={"unit": "days"}), calendar, -1)
    return Due(duty, period, day, remind, None, expected)


def _due_day(rule: DueRule, period: Period, calendar: WorkCalendar) -> date:
    if rule.on is not None:
        return _next_day_of_year(rule.on, period.end)
    start = period.start if rule.since == "period-start" else period.end
    return add_span(start, rule, calendar, -1 if rule.before else 1)


def _next_day_of_year(on: str, after: date) -> date:
    month, day = (int(part) for part in on.split("-"))
    for year in (after.year, after.year + 1):
        found = date(year, month, min(day, months.monthrange(year, month)[1]))
        if found >= after:
            break
    return found


def due_after(duty: Duty, event: datetime, calendar: WorkCalendar) -> datetime | date | None:
    """Give by when something is due after (or before) an event.

    Args:
        duty: A row with an event.
        event: When it happens, in the organisation's zone.
        calendar: Working days.

    Returns:
        A moment where hours are counted, else a day; None when no table of holidays covers it.
    """
    sign = -1 if duty.due.before else 1
    if duty.due.unit == "hours":
        return event + timedelta(hours=duty.due.count * sign)
    try:
        return add_span(event.date(), duty.due, calendar, sign)
    except BeyondTableError:
        return None


def list_due(duties: Iterable[Duty], calendar: WorkCalendar, first: date, last: date) -> list[Due]:
    """Give what is due from a day to another, earliest first; what is in no table comes last."""
    found = []
    for duty in duties:
        reach = _reach(duty, first)
        for period in list_periods(duty, reach, last):
            due = due_of(duty, period, calendar)
            if due.day is None or first <= due.day <= last:
                found.append(due)
    return sorted(found, key=lambda it: (it.day or date.max, it.duty.name))


def _reach(duty: Duty, first: date) -> date:
    if duty.due.on is not None:
        return add_months(first, -_MONTHS_A_YEAR)
    return first - timedelta(days=longest_days(duty.due))


def longest_days(span: Span | DueRule) -> int:
    """Give days that a span never exceeds, however the holidays lie."""
    return _LONGEST_DAYS[span.unit] * (span.count + 1)
