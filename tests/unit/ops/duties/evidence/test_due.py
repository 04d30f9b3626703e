"""When duties are due: year ends, leap years, Tết, and law that changes inside a period."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ops.duties.evidence.due import (
    BeyondTableError,
    HolidayTable,
    Period,
    WorkCalendar,
    add_months,
    due_after,
    due_of,
    list_due,
    list_periods,
    make_calendar,
)
from ops.duties.table.load import SHIPPED_HOLIDAYS, read_calendar
from ops.duties.table.models import Duty

CALENDAR = read_calendar((SHIPPED_HOLIDAYS,))


def a_duty(**changes: Any) -> Duty:
    values: dict[str, Any] = {
        "name": "a-duty",
        "title": {"vi": "Việc", "en": "Work"},
        "basis": [{"document": "Quy chế", "certainty": "S"}],
        "valid_from": date(2026, 1, 1),
        "applies": {"kind": "organisation"},
        "every": {"count": 1, "unit": "years"},
        "responsible": "operator",
    }
    if "event" in changes:
        del values["every"]
    return Duty.model_validate(values | changes)


def days(period: Period) -> tuple[str, str]:
    return period.start.isoformat(), period.end.isoformat()


@pytest.mark.parametrize(
    ("every", "first", "last", "expected"),
    [
        (
            {"count": 1, "unit": "years"},
            date(2026, 12, 31),
            date(2027, 1, 1),
            [("2026-01-01", "2026-12-31"), ("2027-01-01", "2027-12-31")],
        ),
        (
            {"count": 3, "unit": "months"},
            date(2027, 12, 31),
            date(2028, 1, 1),
            [("2027-10-01", "2027-12-31"), ("2028-01-01", "2028-03-31")],
        ),
        (
            {"count": 1, "unit": "years", "start": date(2025, 12, 15)},
            date(2026, 12, 14),
            date(2026, 12, 15),
            [("2026-01-01", "2026-12-14"), ("2026-12-15", "2027-12-14")],
        ),
        (
            {"count": 1, "unit": "months"},
            date(2028, 2, 29),
            date(2028, 2, 29),
            [("2028-02-01", "2028-02-29")],
        ),
        (
            {"count": 1, "unit": "days"},
            date(2028, 2, 28),
            date(2028, 3, 1),
            [(f"2028-{day}", f"2028-{day}") for day in ("02-28", "02-29", "03-01")],
        ),
        (
            {"count": 1, "unit": "weeks", "start": date(2025, 12, 29)},
            date(2026, 12, 31),
            date(2027, 1, 3),
            [("2026-12-28", "2027-01-03")],
        ),
        (
            {"dates": [date(2028, 1, 1), date(2027, 7, 1)]},
            date(2026, 5, 1),
            date(2029, 1, 1),
            [("2026-01-01", "2027-07-01"), ("2027-07-02", "2028-01-01")],
        ),
    ],
    ids=["year", "quarter", "15-to-14-december", "leap-month", "leap-day", "week", "dates"],
)
def test_periods_follow_each_other_without_gap(
    every: dict[str, Any], first: date, last: date, expected: list[tuple[str, str]]
) -> None:
    assert [days(it) for it in list_periods(a_duty(every=every), first, last)] == expected


def test_a_period_that_begins_on_29_february_keeps_its_day_in_leap_years() -> None:
    duty = a_duty(
        valid_from=date(2024, 2, 29),
        every={"count": 1, "unit": "years", "start": date(2024, 2, 29)},
    )
    starts = [it.start for it in list_periods(duty, date(2024, 2, 29), date(2028, 3, 1))]

    assert starts == [
        date(2024, 2, 29), date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28),
        date(2028, 2, 29),
    ]  # fmt: skip
    assert add_months(date(2027, 12, 31), 2) == date(2028, 2, 29)
    assert add_months(date(2028, 3, 31), -1) == date(2028, 2, 29)


def test_every_day_belongs_to_exactly_one_period() -> None:
    for every in ({"count": 1, "unit": "months", "start": date(2026, 1, 31)},
                  {"count": 6, "unit": "months"}, {"count": 10, "unit": "days"}):  # fmt: skip
        duty = a_duty(every=every)
        for number in range(900):
            day = date(2026, 1, 1) + timedelta(days=number)
            found = list_periods(duty, day, day)
            assert len(found) == 1, (every, day)
            assert found[0].start <= day <= found[0].end


def test_the_row_valid_on_a_periods_last_day_rules_it() -> None:
    old = a_duty(every={"count": 6, "unit": "months"}, valid_until=date(2026, 8, 18))
    new = a_duty(every={"count": 3, "unit": "months"}, valid_from=date(2026, 8, 19))
    first, last = date(2026, 1, 1), date(2026, 12, 31)

    assert [days(it) for it in list_periods(old, first, last)] == [("2026-01-01", "2026-06-30")]
    assert [days(it) for it in list_periods(new, first, last)] == [
        ("2026-08-19", "2026-09-30"),
        ("2026-10-01", "2026-12-31"),
    ]


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        ({}, date(2026, 12, 14)),
        ({"on": "12-19"}, date(2026, 12, 19)),
        ({"on": "01-31"}, date(2027, 1, 31)),
        ({"on": "02-29"}, date(2027, 2, 28)),
        ({"count": 5, "unit": "working-days"}, date(2026, 12, 21)),
        ({"since": "period-start"}, date(2026, 1, 1)),
        ({"count": 30, "unit": "days", "before": True}, date(2026, 11, 14)),
        ({"count": 2, "unit": "months"}, date(2027, 2, 14)),
    ],
)
def test_due_days_are_counted_from_the_period(due: dict[str, Any], expected: date) -> None:
    duty = a_duty(every={"count": 1, "unit": "years", "start": date(2025, 12, 15)}, due=due)
    period = list_periods(duty, date(2026, 12, 14), date(2026, 12, 14))[0]

    assert due_of(duty, period, CALENDAR).day == expected


def test_working_days_jump_over_tet_and_exchanged_days() -> None:
    friday_before_tet = date(2026, 2, 13)

    assert CALENDAR.add_working_days(friday_before_tet, 1) == date(2026, 2, 23)
    assert CALENDAR.add_working_days(date(2026, 2, 23), -1) == friday_before_tet
    assert CALENDAR.add_working_days(date(2026, 8, 28), 1) == date(2026, 9, 3)
    assert CALENDAR.is_working(date(2026, 8, 22))  # a Saturday, worked for 31/8
    assert not CALENDAR.is_working(date(2026, 9, 2))
    assert CALENDAR.add_working_days(date(2025, 12, 31), 1) == date(2026, 1, 5)
    assert CALENDAR.add_working_days(date(2026, 1, 9), 1) == date(2026, 1, 10)
    assert CALENDAR.add_working_days(date(2026, 11, 23), 1) == date(2026, 11, 25)  # Culture Day


def test_a_reminder_never_falls_on_a_day_of_rest() -> None:
    duty = a_duty(
        every={"dates": [date(2026, 3, 2)]}, lead={"count": 14, "unit": "days"}
    )  # 14 days before 02/3 is Tết
    period = list_periods(duty, date(2026, 3, 2), date(2026, 3, 2))[0]

    assert due_of(duty, period, CALENDAR).remind_on == date(2026, 2, 13)


def test_beyond_the_table_nothing_is_guessed() -> None:
    duty = a_duty(
        every={"count": 1, "unit": "years"},
        due={"count": 5, "unit": "working-days"},
        lead={"count": 3, "unit": "days"},
    )
    period = list_periods(duty, date(2027, 6, 1), date(2027, 6, 1))[0]
    due = due_of(duty, period, CALENDAR)

    assert (due.day, due.remind_on, due.beyond) == (None, None, date(2028, 1, 1))
    with pytest.raises(BeyondTableError):
        CALENDAR.is_working(date(2028, 1, 3))


def test_calendar_days_need_no_table_and_their_reminder_goes_without() -> None:
    duty = a_duty(lead={"count": 30, "unit": "days"})
    due = due_of(duty, Period(date(2029, 1, 1), date(2029, 12, 31)), CALENDAR)

    assert (due.day, due.remind_on) == (date(2029, 12, 31), date(2029, 12, 1))


def test_holidays_that_are_not_announced_are_said_to_be_expected() -> None:
    duty = a_duty(due={"count": 5, "unit": "working-days"})
    expected = [
        due_of(duty, Period(date(year, 1, 1), date(year, 6, 30)), CALENDAR).is_expected
        for year in (2026, 2027)
    ]

    assert expected == [False, True]


def test_hours_and_days_after_or_before_an_event() -> None:
    moment = datetime(2026, 8, 28, 17, tzinfo=UTC)
    hours = a_duty(event="incident", due={"count": 72, "unit": "hours", "since": "event"})
    before = a_duty(
        event="planned-stop",
        due={"count": 7, "unit": "working-days", "since": "event", "before": True},
    )
    late = a_duty(event="x", due={"count": 7, "unit": "working-days", "since": "event"})

    assert due_after(hours, moment, CALENDAR) == datetime(2026, 8, 31, 17, tzinfo=UTC)
    assert due_after(before, datetime(2026, 9, 4, tzinfo=UTC), CALENDAR) == date(2026, 8, 22)
    assert due_after(late, datetime(2027, 12, 30, tzinfo=UTC), CALENDAR) is None


def test_what_is_due_is_listed_by_day_also_when_its_period_ended_long_ago() -> None:
    report = a_duty(name="report", due={"on": "12-19"})
    january = a_duty(name="january", due={"on": "01-31"})
    found = list_due([january, report], CALENDAR, date(2027, 1, 1), date(2027, 12, 31))

    assert [(it.duty.name, it.day, it.period.end.year) for it in found] == [
        ("january", date(2027, 1, 31), 2026),
        ("report", date(2027, 12, 19), 2026),
    ]


def a_table(year: int, **changes: Any) -> HolidayTable:
    values: dict[str, Any] = {
        "schema": 1,
        "rest_weekdays": [6, 7],
        "years": [{"year": year, "status": "announced", "certainty": "own"}],
    }
    return HolidayTable.model_validate(values | changes)


def test_a_later_table_takes_the_place_of_a_whole_year() -> None:
    title = {"vi": "Nghỉ", "en": "Rest"}
    one = {"title": title, "from": date(2030, 1, 1), "until": date(2030, 1, 2)}
    other = {"title": title, "from": date(2030, 1, 3), "until": date(2030, 1, 3)}
    joined: WorkCalendar = make_calendar(
        [a_table(2030, holidays=[one]), a_table(2030, holidays=[other])]
    )

    assert joined.is_working(date(2030, 1, 1))
    assert not joined.is_working(date(2030, 1, 3))
    assert not joined.is_working(date(2030, 1, 5))  # a Saturday
