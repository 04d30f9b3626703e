"""Every minute of a month is counted once, by the organisation's calendar."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from ops.monitor.availability import Availability, Span, Stop, count_month
from ops.monitor.series.minutes import Day, judge_day

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOVEMBER = date(2026, 11, 1)
AFTER = datetime(2027, 1, 1, tzinfo=UTC)
ALL = (1 << 1440) - 1
MINUTE = timedelta(minutes=1)


def local(day: int, hour: int = 0, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ZONE)


def count(
    days: dict[date, Day], *stops: Stop, now: datetime = AFTER, month: date = NOVEMBER
) -> Availability:
    return count_month("cong", month, days, stops, ZONE, now=now)


def parts_of(it: Availability) -> int:
    return it.up + it.down + it.unknown + it.gap + it.planned + it.ahead


def test_a_month_nobody_watched_is_one_gap_and_no_percentage() -> None:
    told = count({})

    assert (told.minutes, told.gap, told.percent) == (30 * 1440, 30 * 1440, None)
    assert told.gaps == (Span(local(1).astimezone(UTC), local(1, month=12).astimezone(UTC)),)


def test_the_month_ends_at_midnight_of_the_organisation() -> None:
    """The last minute of November is 23:59 +07:00, which is 16:59 of UTC."""
    days = {date(2026, 11, 30): Day(down=1 << 1439), date(2026, 12, 1): Day(down=1)}

    assert count(days).outages == (Span(local(30, 23, 59), local(1, month=12)),)
    assert count(days, month=date(2026, 12, 1)).outages == (
        Span(local(1, month=12), local(1, 0, 1, month=12)),
    )


def test_planned_stops_are_taken_out_and_named() -> None:
    """Down from 22:00 to 23:00; a stop was planned from 22:10 until 22:40 and went to 23:00."""
    bits = ((1 << 60) - 1) << 22 * 60
    stop = Stop("cong-20261110-2210", local(10, 22, 10), local(10, 22, 40))
    told = count({date(2026, 11, 10): Day(up=ALL & ~bits, down=bits)}, stop)

    assert (told.up, told.down, told.planned) == (1380, 30, 30)
    assert told.stops == (Span(local(10, 22, 10), local(10, 22, 40), "cong-20261110-2210"),)
    assert [it.minutes for it in told.outages] == [10, 20]
    assert parts_of(told) == told.minutes


def test_a_stop_over_the_end_of_the_month_is_cut_there_and_two_count_once() -> None:
    stops = [Stop("a", local(30, 23), local(1, 2, month=12)), Stop("b", local(30, 23, 30),
             local(30, 23, 45))]  # fmt: skip
    told = count({date(2026, 11, 30): Day(down=ALL)}, *stops)

    assert (told.planned, told.down) == (60, 23 * 60)
    assert [(it.name, it.minutes) for it in told.stops] == [("a", 60), ("b", 15)]


def test_a_planned_stop_is_as_long_as_the_site_did_not_answer() -> None:
    """Planned from 22:00 to 24:00: down for 20 minutes, then up for 70, not told 5, unwatched."""
    first = 22 * 60
    down, up = ((1 << 20) - 1) << first, ((1 << 70) - 1) << first + 20
    seen = Day(up=up, down=down, unknown=0b11111 << first + 90)
    told = count({date(2026, 11, 10): seen}, Stop("a", local(10, 22), local(11)))

    assert (told.planned, told.up, told.down, told.unknown) == (20, 70, 0, 5)
    assert told.gap == told.minutes - 95
    assert told.percent == 100
    assert [(it.name, it.minutes) for it in told.stops] == [("a", 20)]


def test_what_lies_ahead_is_no_gap() -> None:
    told = count({NOVEMBER: Day(up=ALL)}, now=local(2, 0, 5))

    assert (told.up, told.gap, told.ahead) == (1440, 5, 28 * 1440 + 1435)
    assert told.percent == 100


def test_a_minute_that_is_up_and_down_is_down() -> None:
    told = count({NOVEMBER: judge_day(up=0b11, down=0b10, unknown=0b111)})

    assert (told.up, told.down, told.unknown) == (1, 1, 1)
    assert told.percent == 50


def test_february_of_a_leap_year_and_a_day_of_23_hours_are_whole() -> None:
    leap = count_month("a", date(2028, 2, 1), {}, (), ZONE, now=AFTER + 999 * timedelta(days=1))
    berlin = count_month("a", date(2026, 3, 1), {}, (), ZoneInfo("Europe/Berlin"), now=AFTER)

    assert leap.minutes == 29 * 1440
    assert berlin.minutes == 31 * 1440 - 60


_BITS = st.integers(0, ALL)
_MOMENTS = st.integers(-2000, 50_000).map(lambda it: local(1) + it * MINUTE)


@given(
    st.dictionaries(st.integers(1, 30).map(lambda it: date(2026, 11, it)),
                    st.builds(judge_day, _BITS, _BITS, _BITS)),
    st.lists(st.builds(Stop, st.just("s"), _MOMENTS, _MOMENTS), max_size=4),
    _MOMENTS,
)  # fmt: skip
def test_the_parts_always_add_up(days: dict[date, Day], stops: list[Stop], now: datetime) -> None:
    told = count(days, *stops, now=now)

    assert parts_of(told) == told.minutes
    assert sum(it.minutes for it in told.outages) == told.down
    assert sum(it.minutes for it in told.gaps) == told.gap
