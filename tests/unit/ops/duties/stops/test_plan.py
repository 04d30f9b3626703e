"""A planned stop: time for its notice by working days, force majeure, and what the notice says."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from ops.duties.plan_stop import StopPlan, choose_duty, plan_stop
from ops.duties.table.load import SHIPPED_DUTIES, SHIPPED_HOLIDAYS, read_calendar, read_duties
from ops.duties.tasks import Stop
from ops.errors import WrongUseError

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DUTIES = read_duties((SHIPPED_DUTIES,)).duties
CALENDAR = read_calendar((SHIPPED_HOLIDAYS,))
WISH = Stop(
    site="cong-xa",
    from_="2026-12-10 22:00",
    until="2026-12-11 02:00",
    reason="Nâng cấp máy chủ",
)
NOW = datetime(2026, 12, 1, 9, tzinfo=ZONE)


def plan(begins: datetime, now: datetime = NOW, wish: Stop = WISH) -> StopPlan:
    until = begins.replace(hour=23)
    duty = choose_duty(DUTIES, begins.date())
    return plan_stop(wish, (begins, until), duty, CALENDAR, now)


def test_seven_working_days_lie_between_the_notice_and_the_stop() -> None:
    thursday = datetime(2026, 12, 10, 22, tzinfo=ZONE)
    found = plan(thursday)

    assert found.notice_by == date(2026, 12, 1)
    assert (found.duty.due.count, found.is_expected) == (7, False)


def test_a_day_that_is_too_near_is_refused_and_the_first_possible_one_named() -> None:
    with pytest.raises(WrongUseError) as refused:
        plan(datetime(2026, 12, 9, 22, tzinfo=ZONE))

    assert refused.value.params["notice_by"] == "30/11/2026"
    assert refused.value.params["first"] == "10/12/2026"
    basis = "điểm a khoản 1 Điều 13 Nghị định số 224/2026/NĐ-CP"
    assert basis in str(refused.value.params["basis"])


def test_force_majeure_is_let_through_and_the_notice_due_at_once() -> None:
    urgent = replace(WISH, force_majeure="Máy phát hỏng")
    found = plan(datetime(2026, 12, 2, 22, tzinfo=ZONE), wish=urgent)

    assert found.notice_by == NOW.date()


def test_holidays_are_no_working_days_and_those_not_announced_are_told() -> None:
    found = plan(datetime(2027, 1, 6, 22, tzinfo=ZONE))

    assert found.notice_by == date(2026, 12, 25)  # 1 January and two weekends lie between
    assert found.is_expected


@pytest.mark.parametrize(
    ("begins", "what"),
    [
        (datetime(2026, 11, 30, 22, tzinfo=ZONE), "begins in the future"),
        (datetime(2026, 12, 20, 23, tzinfo=ZONE), "begins in the future"),
        (datetime(2050, 1, 3, 22, tzinfo=ZONE), "no table of holidays covers 02/01/2050"),
    ],
)
def test_what_cannot_be_planned_is_said(begins: datetime, what: str) -> None:
    with pytest.raises(WrongUseError) as refused:
        plan(begins)

    assert what in str(refused.value)


def test_the_term_is_that_of_the_day_of_the_stop() -> None:
    assert choose_duty(DUTIES, date(2026, 6, 30)).due.count == 1
    assert choose_duty(DUTIES, date(2026, 7, 1)).due.count == 7
    with pytest.raises(WrongUseError, match="no duty asks"):
        choose_duty(DUTIES, date(2017, 1, 1))


TET_2026 = {date(2026, 2, it) for it in range(16, 21)}
"""Days of rest of Tết Bính Ngọ: from 29 tháng Chạp to mồng 4, 16/02 to 20/02/2026."""


@pytest.mark.parametrize("day", [date(2026, 2, 9) + timedelta(days=it) for it in range(30)])
def test_tet_does_not_count_into_the_seven_days(day: date) -> None:
    """Counted here by hand, day by day, for every day on which a stop may begin around Tết."""
    duty = next(it for it in DUTIES if it.event == "planned-stop" and it.due.count == 7)
    begins = datetime.combine(day, time(22), ZONE)
    now = datetime(2026, 1, 5, 9, tzinfo=ZONE)
    found = plan_stop(WISH, (begins, begins.replace(hour=23)), duty, CALENDAR, now)
    between = [found.notice_by + timedelta(days=it) for it in range((day - found.notice_by).days)]
    worked = [it for it in between if it.weekday() < 5 and it not in TET_2026]

    assert len(worked) == 7
    assert worked[0] == found.notice_by
