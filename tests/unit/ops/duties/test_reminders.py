"""The service's first day tells of what is near, and not of all that comes in a year."""

from datetime import date, timedelta

import pytest

from ops.duties.evidence.due import RENEWAL, Due, Period
from ops.duties.evidence.judge import AgendaItem
from ops.duties.reminders import draft_reminders
from ops.duties.table.load import SHIPPED_DUTIES, read_duties

FIRST = date(2026, 11, 27)
SHIPPED = read_duties((SHIPPED_DUTIES,)).duties
DUTY = next(it for it in SHIPPED if it.lead is not None and it.name != RENEWAL)


def ahead(due_in: int, remind_in: int) -> AgendaItem:
    period = Period(FIRST, FIRST + timedelta(days=due_in))
    due = Due(DUTY, period, FIRST + timedelta(days=due_in),
              remind_on=FIRST + timedelta(days=remind_in))  # fmt: skip
    return AgendaItem(due, "ahead", "not_checked", ())


@pytest.mark.parametrize(
    ("due_in", "remind_in", "day", "told"),
    [
        (20, -10, 0, True),  # near
        (90, -10, 0, False),  # its day of reminding was before the service's first
        (90, -10, 59, False),
        (90, -10, 60, True),  # now it is near
        (90, 0, 0, True),  # its day is the first one
        (90, 40, 39, False),
        (90, 40, 40, True),  # as ever
    ],
)
def test_what_the_first_days_tell(due_in: int, remind_in: int, day: int, *, told: bool) -> None:
    today = FIRST + timedelta(days=day)
    assert bool(draft_reminders([ahead(due_in, remind_in)], today, FIRST)) is told
