"""Read numbers, changes and gaps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Table, func, select

from ops.monitor.series.points import SCALE
from ops.monitor.series.store import SeriesStore
from ops.monitor.series.tables import changes, five_minutes, gaps, hours, raw, series

HOUR = 3_600
FIVE_MINUTES = 300


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was measured from `at` on, for one step.

    Attributes:
        at: In UTC, a multiple of the step since 1970.
        minimum, mean, maximum: Of the numbers in it.
        count: How many numbers; never 0: a bucket without any is left out.
    """

    at: datetime
    minimum: float
    mean: float
    maximum: float
    count: int


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest number of a series; fields as of a point."""

    subject: str
    metric: str
    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Change:
    """From `at` on a check of a subject was in this state."""

    subject: str
    what: str
    at: datetime
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing was measured of a subject in this time."""

    subject: str
    since: datetime
    until: datetime
    reason: str


Row = tuple[int, int, int, int, int]  # seconds, mean, below, above in thousandths, count


def read_series(
    store: SeriesStore,
    subject: str,
    metric: str,
    since: datetime,
    until: datetime,
    step: timedelta,
) -> list[Bucket]:
    """Give the buckets of a series from `since` until before `until`, oldest first.

    Args:
        store: Where.
        subject: Whose.
        metric: Which, with its brackets.
        since: Aware.
        until: Aware.
        step: Whole seconds. Less than five minutes asks for raw numbers, which are kept for 7 days;
            from an hour on, for what is kept for 25 months.

    Raises:
        SeriesError: The database cannot be used.
    """
    seconds = max(1, int(step.total_seconds()))
    window = (int(since.timestamp()), int(until.timestamp()))
    with store.reading() as connection:
        row = connection.execute(
            select(series.c.id, series.c.rolled_until).where(
                series.c.subject == subject, series.c.metric == metric
            )
        ).first()
        rows = _read_rows(connection, row[0], row[1], window, seconds) if row else []
    return merge_rows(rows, seconds)


def _read_rows(
    connection: Connection, which: int, rolled_until: int, window: tuple[int, int], step: int
) -> list[Row]:
    begin, end = window
    if step < FIVE_MINUTES:
        return read_raw(connection, which, begin, end)
    table, size = (hours, HOUR) if step >= HOUR else (five_minutes, FIVE_MINUTES)
    edge = min(max(begin, rolled_until // size * size), end)
    return [
        *_read_buckets(connection, table, size, which, (begin, edge)),
        *read_raw(connection, which, edge, end),
    ]


def _read_buckets(
    connection: Connection, table: Table, size: int, which: int, window: tuple[int, int]
) -> Iterable[Row]:
    rows = connection.execute(
        select(table.c.at, table.c.mean, table.c.below, table.c.above, table.c.count)
        .where(table.c.series == which)
        .where(table.c.at >= window[0] // size, table.c.at * size < window[1])
        .order_by(table.c.at)
    )
    return [(at * size, mean, below, above, count) for at, mean, below, above, count in rows]


def read_raw(connection: Connection, which: int, begin: int, end: int) -> list[Row]:
    """Give a series' raw numbers from `begin` until before `end` as rows, oldest first."""
    rows = connection.execute(
        select(raw.c.at, raw.c.value)
        .where(raw.c.series == which, raw.c.at >= begin, raw.c.at < end)
        .order_by(raw.c.at)
    )
    return [(at, value, 0, 0, 1) for at, value in rows]


def merge_rows(rows: Sequence[Row], step: int) -> list[Bucket]:
    """Put rows, oldest first, into buckets of `step` seconds; pure."""
    found: list[Bucket] = []
    place, low, high, total, count = None, 0, 0, 0, 0
    for at, mean, below, above, many in rows:
        if at // step != place:
            if place is not None:
                found.append(_bucket(place * step, low, high, total, count))
            place, low, high, total, count = at // step, mean - below, mean + above, 0, 0
        low, high = min(low, mean - below), max(high, mean + above)
        total, count = total + mean * many, count + many
    if place is not None:
        found.append(_bucket(place * step, low, high, total, count))
    return found


def _bucket(at: int, low: int, high: int, total: int, count: int) -> Bucket:
    mean = min(max(total / count, low), high) / SCALE
    return Bucket(_moment(at), low / SCALE, mean, high / SCALE, count)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def read_latest(store: SeriesStore, since: datetime) -> list[Latest]:
    """Give the newest raw number of every series that has one since then, by subject and metric.

    Raises:
        SeriesError: The database cannot be used.
    """
    newest = (
        select(func.max(raw.c.at)).where(raw.c.series == series.c.id).correlate(series)
    ).scalar_subquery()
    with store.reading() as connection:
        heads = select(
            series.c.subject, series.c.metric, series.c.id, newest.label("at")
        ).subquery()
        rows = connection.execute(
            select(heads.c.subject, heads.c.metric, raw.c.at, raw.c.value)
            .join(raw, (raw.c.series == heads.c.id) & (raw.c.at == heads.c.at))
            .where(heads.c.at >= int(since.timestamp()))
            .order_by(heads.c.subject, heads.c.metric)
        ).all()
    return [
        Latest(subject, metric, _moment(at), value / SCALE) for subject, metric, at, value in rows
    ]


def read_changes(
    store: SeriesStore, subject: str, since: datetime, until: datetime
) -> list[Change]:
    """Give the changes of a subject in a window, oldest first."""
    with store.reading() as connection:
        rows = connection.execute(
            select(changes)
            .where(changes.c.subject == subject, changes.c.at >= int(since.timestamp()))
            .where(changes.c.at < int(until.timestamp()))
            .order_by(changes.c.at, changes.c.what)
        ).all()
    return [Change(it.subject, it.what, _moment(it.at), it.state, it.detail) for it in rows]


def read_gaps(store: SeriesStore, subject: str, since: datetime, until: datetime) -> list[Gap]:
    """Give the gaps of a subject that touch a window, oldest first."""
    with store.reading() as connection:
        rows = connection.execute(
            select(gaps)
            .where(gaps.c.subject == subject, gaps.c.until > int(since.timestamp()))
            .where(gaps.c.since < int(until.timestamp()))
            .order_by(gaps.c.since)
        ).all()
    return [Gap(it.subject, _moment(it.since), _moment(it.until), it.reason) for it in rows]
