"""What a backup has read, and which full reads are owed."""

from datetime import UTC, datetime, timedelta

import pytest

from ops.backups.run.follow_up import find_owed, method_of
from ops.schedule.ledger.job import JobDefinition

MONTHLY = JobDefinition(
    name="full-read/a", kind="backup", site="a", schedule="0 1 1 * *", timezone="Asia/Ho_Chi_Minh"
)
DUE = datetime(2026, 10, 31, 18, tzinfo=UTC)  # the first of November, 01:00 here
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("full_read", "is_whole", "parent", "method"),
    [
        (True, True, "", "full"),
        (False, True, "", "full"),
        (False, True, "ab", "incremental"),
        (False, False, "", "incremental"),
        (True, False, "", "full"),
    ],
)
def test_full_is_what_read_every_byte(
    full_read: bool, is_whole: bool, parent: str, method: str
) -> None:
    assert method_of(full_read=full_read, is_whole=is_whole, parent=parent) == method


@pytest.mark.parametrize(
    ("newest", "now", "owed"),
    [
        (DUE - HOUR, DUE + 7 * HOUR, DUE),
        (None, DUE + 7 * HOUR, DUE),
        (DUE, DUE + 7 * HOUR, None),
        (DUE + 40 * HOUR, DUE + 300 * HOUR, None),
        (DUE - 40 * HOUR, DUE + 300 * HOUR, DUE),
    ],
)
def test_a_full_read_is_owed_until_one_has_ended(
    newest: datetime | None, now: datetime, owed: datetime | None
) -> None:
    assert find_owed(MONTHLY, newest, now) == owed


def test_for_some_hours_it_may_still_be_at_work_or_tried_again() -> None:
    assert find_owed(MONTHLY, DUE - timedelta(days=20), DUE + 5 * HOUR) is None


def test_without_a_set_day_nothing_is_owed() -> None:
    never = JobDefinition(
        name="full-read/a", kind="backup", site="a", schedule="", timezone="Asia/Ho_Chi_Minh"
    )
    assert find_owed(never, None, DUE) is None
