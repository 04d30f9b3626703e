"""When a drill of a site may run, seen from the window of its backups."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ops.drills.rotation.rotation import next_moment
from ops.schedule.windows import parse_schedule

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("schedule", "now", "moment"),
    [
        ("22:00-05:00", "2026-11-26 07:15", "2026-11-27 01:30"),
        ("22:00-05:00", "2026-11-26 22:00", "2026-11-27 01:30"),
        ("22:00-05:00", "2026-11-27 01:29:59", "2026-11-27 01:30"),
        ("22:00-05:00", "2026-11-27 02:10:30", "2026-11-27 02:10:30"),
        ("22:00-05:00", "2026-11-27 04:59", "2026-11-27 04:59"),
        ("22:00-05:00", "2026-11-27 05:00", "2026-11-28 01:30"),
        ("01:00-04:00", "2026-11-26 07:15", "2026-11-27 02:30"),
        ("01:00-04:00", "2026-11-26 00:15", "2026-11-26 02:30"),
        ("01:00-04:00", "2026-11-26 03:00", "2026-11-26 03:00"),
        ("0 1 * * *", "2026-11-26 07:15", "2026-11-27 02:00"),
        ("0 1 * * *", "2026-11-26 01:30", "2026-11-26 02:00"),
        ("", "2026-11-26 07:15", "2026-11-26 07:15"),
    ],
)
def test_a_drill_waits_for_the_window_of_its_site(schedule: str, now: str, moment: str) -> None:
    found = next_moment(parse_schedule(schedule, ZONE, spread_key="xa"), local(now))

    assert found == local(moment)
    assert found.tzinfo == UTC


def test_the_moment_is_a_whole_second_and_never_past() -> None:
    now = local("2026-11-27 02:00:00.750000")

    assert next_moment(parse_schedule("22:00-05:00", ZONE), now) == now.replace(microsecond=0)
