"""A planned stop is called off by its code, before it begins."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ops.duties.call_off import choose_stop, sort_stops
from ops.duties.evidence.events import STOP_CALLED_OFF, STOP_PLANNED
from ops.errors import WrongUseError

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
BEGINS = datetime(2026, 12, 10, 22, tzinfo=ZONE)
PLANNED_AT = datetime(2026, 11, 30, 18, tzinfo=ZoneInfo("UTC"))
CODE = "cong-xa-20261210-2200"
DETAILS: dict[str, Any] = {
    "begins": BEGINS.isoformat(), "until": (BEGINS + timedelta(hours=4)).isoformat(),
    "notice_by": "2026-12-01", "duty": "planned-stop-notice@2026-07-01",
}  # fmt: skip
PLANNED = (STOP_PLANNED, PLANNED_AT, "cong-xa", DETAILS)
CALLED_OFF = (STOP_CALLED_OFF, PLANNED_AT, "cong-xa", DETAILS)


def test_a_stop_is_found_by_its_code_with_the_period_of_its_notice() -> None:
    (stop,) = sort_stops([PLANNED], ZONE)

    assert choose_stop([stop], CODE, BEGINS - timedelta(minutes=1), str(ZONE)) is stop
    assert stop.notice[0] == "planned-stop-notice"
    assert stop.planned_on.isoformat() == "2026-12-01"  # in the organisation's zone


@pytest.mark.parametrize(("rows", "left"), [
    ([PLANNED, CALLED_OFF], 0), ([PLANNED, PLANNED], 1), ([PLANNED, CALLED_OFF, PLANNED], 1),
])  # fmt: skip
def test_what_was_called_off_is_gone_until_it_is_planned_again(rows: list[Any], left: int) -> None:
    assert len(sort_stops(rows, ZONE)) == left


@pytest.mark.parametrize(("code", "now", "told"), [
    ("cong-xa", BEGINS - timedelta(days=1), CODE), (CODE, BEGINS, "10/12/2026 22:00"),
])  # fmt: skip
def test_another_code_and_a_stop_that_has_begun_are_refused(
    code: str, now: datetime, told: str
) -> None:
    with pytest.raises(WrongUseError) as refused:
        choose_stop(sort_stops([PLANNED], ZONE), code, now, str(ZONE))

    assert told in str(refused.value.params)
