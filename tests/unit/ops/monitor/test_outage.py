"""An outage is from the first minute down to the first one up, whenever its alert was told."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from ops.monitor.availability import count_month
from ops.monitor.outage import trace_outage
from ops.monitor.series.minutes import Day

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = date(2026, 10, 6)
AFTER = datetime(2027, 1, 1, tzinfo=UTC)


def at(hour: int, minute: int, day: int = 6) -> datetime:
    return datetime(2026, 10, day, hour, minute, 30, tzinfo=ZONE)


def minute(moment: datetime) -> datetime:
    return moment.replace(second=0).astimezone(UTC)


def bits(first: tuple[int, int], last: tuple[int, int]) -> int:
    """Give the minutes of a day from the one to before the other."""
    begin, end = (60 * hour + minute for hour, minute in (first, last))
    return ((1 << end - begin) - 1) << begin


UP = bits((0, 0), (20, 2)) | bits((21, 8), (24, 0))
DOWN = bits((20, 2), (21, 8))


def test_it_is_as_long_as_the_minutes_that_count_as_down() -> None:
    days = {DAY: Day(up=UP, down=DOWN)}
    began, ended = trace_outage(days, at(20, 4), at(21, 9), ZONE) or (None, None)
    (span,) = count_month("cong", date(2026, 10, 1), days, (), ZONE, now=AFTER).outages

    assert (began, ended) == (minute(at(20, 2)), minute(at(21, 8))) == (span.since, span.until)
    assert span.minutes == 66


def test_what_flaps_while_the_alert_is_open_is_one_outage() -> None:
    up, down = UP | bits((20, 30), (20, 31)), DOWN & ~bits((20, 30), (20, 31))
    found = trace_outage({DAY: Day(up=up, down=down)}, at(20, 4), at(21, 12), ZONE)

    assert found == (minute(at(20, 2)), minute(at(21, 8)))


def test_over_midnight_and_with_minutes_nobody_watched() -> None:
    before = Day(up=bits((0, 0), (23, 50)), down=bits((23, 55), (23, 57)))
    after = Day(up=bits((0, 20), (24, 0)), unknown=bits((0, 5), (0, 10)))
    found = trace_outage({DAY: before, date(2026, 10, 7): after}, at(23, 56), at(0, 21, 7), ZONE)

    assert found == (minute(at(23, 55)), minute(at(0, 20, 7)))


def test_its_end_is_not_known_while_nothing_was_up_again() -> None:
    seen = {DAY: Day(up=bits((0, 0), (20, 2)), down=DOWN)}

    assert trace_outage(seen, at(20, 4), None, ZONE) == (minute(at(20, 2)), None)
    assert trace_outage(seen, at(20, 4), at(21, 30), ZONE) == (minute(at(20, 2)), None)


def test_without_a_minute_down_nothing_was_measured() -> None:
    assert trace_outage({}, at(20, 4), at(21, 9), ZONE) is None
    up = {DAY: Day(up=bits((0, 0), (24, 0)))}
    assert trace_outage(up, at(20, 4), at(20, 4) + timedelta(hours=1), ZONE) is None
