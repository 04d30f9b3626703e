"""By when a finding is to be fixed, and who sees to it."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ops.drills.findings import Terms, decide_terms
from ops.drills.rotation.rotation import FINDING
from ops.duties.table.load import SHIPPED_DUTIES, SHIPPED_HOLIDAYS, read_calendar, read_duties

SHIPPED = read_duties((SHIPPED_DUTIES,))
CALENDAR = read_calendar((SHIPPED_HOLIDAYS,))
FRIDAY = datetime(2026, 11, 27, 23, 30, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))


def row(**changes: Any) -> Any:
    return SHIPPED.named(FINDING)[0].model_copy(update=changes)


def test_the_duty_says_by_when_and_working_days_are_counted() -> None:
    assert decide_terms(SHIPPED.duties, CALENDAR, "nva", FRIDAY) == Terms("nva", date(2026, 12, 11))


def test_a_row_of_the_centers_own_takes_its_place() -> None:
    shorter = row(due=row().due.model_copy(update={"count": 3}))

    assert decide_terms([shorter], CALENDAR, "nva", FRIDAY).due == date(2026, 12, 2)


def test_without_an_owner_whom_the_duty_names_sees_to_it() -> None:
    assert decide_terms(SHIPPED.duties, CALENDAR, "", FRIDAY).owner == "operator"


def test_without_a_duty_it_is_due_at_once() -> None:
    assert decide_terms([], CALENDAR, "nva", FRIDAY) == Terms("nva", date(2026, 11, 27))


def test_beyond_the_table_of_holidays_all_days_are_counted() -> None:
    later = FRIDAY.replace(year=2040)

    assert decide_terms(SHIPPED.duties, CALENDAR, "", later).due == date(2040, 12, 7)
