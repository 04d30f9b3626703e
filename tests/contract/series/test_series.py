"""Numbers, changes, gaps and verdicts, on SQLite and on PostgreSQL."""

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from ops.monitor.series.minutes import (
    Day,
    MinuteVerdict,
    read_all_days,
    read_days,
    write_minutes,
)
from ops.monitor.series.read import (
    Bucket,
    Point,
    read_changes,
    read_gaps,
    read_latest,
    read_series,
)
from ops.monitor.series.store import SeriesStore, five_minutes, hours, raw
from ops.monitor.series.write import roll_up, write_change, write_gap, write_points

NOW = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def point(at: datetime, value: float, metric: str = "load1") -> Point:
    return Point("host:web1", metric, at, value)


def read(store: SeriesStore, since: datetime, until: datetime, step: timedelta) -> list[Bucket]:
    return read_series(store, "host:web1", "load1", since, until, step)


def roll_all(store: SeriesStore, now: datetime) -> None:
    roll_up(store, now, share=1)  # the one series of these tests has the id 1


def test_buckets_have_minimum_mean_maximum_and_count(store: SeriesStore) -> None:
    points = [point(NOW + n * MINUTE, value) for n, value in enumerate((1.0, 4.0, 2.5, 0.001))]
    write_points(store, points, NOW + 5 * MINUTE)

    assert read(store, NOW, NOW + HOUR, 5 * MINUTE) == [Bucket(NOW, 0.001, 1.87525, 4.0, 4)]


def test_a_batch_written_twice_and_a_doubled_minute_change_nothing(store: SeriesStore) -> None:
    batch = [point(NOW, 1.0), point(NOW, 9.0)]

    assert write_points(store, batch, NOW) == []
    assert write_points(store, batch, NOW) == []
    assert [it.mean for it in read(store, NOW, NOW + HOUR, MINUTE)] == [1.0]


def test_what_is_no_number_or_from_no_time_of_ours_is_refused_and_the_rest_is_kept(
    store: SeriesStore,
) -> None:
    bad = [
        point(NOW, math.nan), point(NOW, math.inf), point(NOW, -math.inf), point(NOW, 1e16),
        point(NOW + 6 * MINUTE, 1), point(NOW - 7 * DAY, 1), point(NOW, 1, "Not A Name"),
        point(NOW, 1, "disk[\x1b[31m]"), Point("nobody", "load1", NOW, 1),
    ]  # fmt: skip

    refused = write_points(store, [*bad, point(NOW, 2)], NOW)

    assert [it.why for it in refused] == [
        "not-finite", "not-finite", "not-finite", "too-large", "in-the-future", "too-late",
        "bad-name", "bad-name", "bad-name",
    ]  # fmt: skip
    assert [it.value for it in read_latest(store, NOW - DAY)] == [2]


def test_a_host_that_invents_metrics_without_end_is_bounded(store: SeriesStore) -> None:
    refused = write_points(store, [point(NOW, 1, f"m{n}") for n in range(1_005)], NOW)

    assert [it.why for it in refused] == ["too-many"] * 5
    assert len(read_latest(store, NOW)) == 1_000


def test_roll_ups_say_what_the_raw_numbers_said_and_a_second_time_changes_nothing(
    store: SeriesStore,
) -> None:
    begin = NOW - 3 * HOUR
    write_points(store, [point(begin + n * MINUTE, n % 7 - 3.25) for n in range(180)], NOW)
    steps = (5 * MINUTE, 15 * MINUTE, HOUR)
    before = [read(store, begin, NOW, step) for step in steps]

    roll_all(store, NOW + 10 * MINUTE)
    after = [read(store, begin, NOW, step) for step in steps]
    with store.reading() as connection:
        kept = [connection.execute(select(it)).all() for it in (five_minutes, hours)]
    roll_all(store, NOW + 10 * MINUTE)

    # Means of buckets are kept to a thousandth.
    for old, new in zip(before, after, strict=True):
        assert [(it.at, it.minimum, it.maximum, it.count) for it in old] == [
            (it.at, it.minimum, it.maximum, it.count) for it in new
        ]
        assert all(abs(a.mean - b.mean) <= 0.0005 for a, b in zip(old, new, strict=True))
    with store.reading() as connection:
        assert [connection.execute(select(it)).all() for it in (five_minutes, hours)] == kept


def test_a_clock_that_jumps_back_has_its_numbers_rolled_up_again(store: SeriesStore) -> None:
    write_points(store, [point(NOW, 1.0)], NOW)
    roll_all(store, NOW + HOUR)
    late = NOW + 2 * MINUTE

    write_points(store, [point(late, 5.0)], late)
    seen_raw = read(store, NOW, NOW + HOUR, HOUR)
    roll_all(store, NOW + HOUR)

    assert seen_raw == read(store, NOW, NOW + HOUR, HOUR) == [Bucket(NOW, 1.0, 3.0, 5.0, 2)]


def test_what_is_old_goes_a_few_hours_at_a_time_even_where_the_clock_is_wrong(
    store: SeriesStore,
) -> None:
    points = [point(NOW + n * HOUR, n) for n in range(48)]
    for it in points:
        write_points(store, [it], it.at)
    roll_all(store, NOW + 2 * DAY)
    roll_all(store, NOW + 2 * DAY)

    roll_all(store, NOW + 3_650 * DAY)
    with store.reading() as connection:
        counts = [
            connection.execute(select(func.count()).select_from(it)).scalar()
            for it in (raw, five_minutes, hours)
        ]

    assert counts == [44, 44, 44]


def test_raw_numbers_last_seven_days_and_hours_stay(store: SeriesStore) -> None:
    for day in range(10):
        at = NOW + day * DAY
        write_points(store, [point(at, day)], at)
        for turn in range(12):
            roll_all(store, at + turn * HOUR)
    end = NOW + 9 * DAY + 11 * HOUR

    assert [it.mean for it in read(store, NOW, end, MINUTE)] == [3, 4, 5, 6, 7, 8, 9]
    assert [it.mean for it in read(store, NOW, end, HOUR)] == list(range(10))


def test_changes_and_gaps_come_back_in_order(store: SeriesStore) -> None:
    write_change(store, "site:a", "http", NOW + MINUTE, "up")
    write_change(store, "site:a", "http", NOW, "down", "HTTP 503")
    write_gap(store, "site:a", NOW, NOW + MINUTE, "service stopped")
    write_gap(store, "site:a", NOW, NOW + HOUR, "service stopped")
    write_gap(store, "site:a", NOW, NOW + MINUTE, "shorter")

    changed = read_changes(store, "site:a", NOW, NOW + DAY)
    gaps = read_gaps(store, "site:a", NOW + 30 * MINUTE, NOW + DAY)

    assert [(it.state, it.detail) for it in changed] == [("down", "HTTP 503"), ("up", "")]
    assert [(it.since, it.until, it.reason) for it in gaps] == [
        (NOW, NOW + HOUR, "service stopped")
    ]


def test_of_two_verdicts_about_a_minute_the_graver_counts_in_any_order(store: SeriesStore) -> None:
    midnight = datetime(2026, 11, 28, 17, 0, tzinfo=UTC)
    verdicts: list[tuple[str, datetime, MinuteVerdict]] = [
        ("a", midnight, "down"),
        ("a", midnight + timedelta(seconds=30), "up"),
        ("a", midnight + MINUTE, "unknown"),
        ("a", midnight + MINUTE, "up"),
        ("a", midnight - MINUTE, "up"),
        ("a", midnight + 2 * MINUTE, "unknown"),
    ]

    write_minutes(store, verdicts[:3], ZONE)
    write_minutes(store, verdicts[::-1], ZONE)

    assert read_days(store, "a", date(2026, 11, 28), date(2026, 11, 29)) == {
        date(2026, 11, 28): Day(up=1 << 1439),
        date(2026, 11, 29): Day(up=0b10, down=0b1, unknown=0b100),
    }


def test_days_of_some_sites_are_those_of_each(store: SeriesStore) -> None:
    at, day = datetime(2026, 11, 28, 3, 0, tzinfo=UTC), date(2026, 11, 28)
    write_minutes(store, [("a", at, "up"), ("b", at, "down"), ("c", at, "up")], ZONE)

    assert read_all_days(store, ["a", "b", "none"], day, day) == {
        it: read_days(store, it, day, day) for it in ("a", "b")
    }
    assert set(read_all_days(store, ["b"], day, day)) == {"b"}
