"""Numbers, changes and gaps of the series: which are taken, and how they are read back.

A subject is `KIND:NAME`: `host:web1`, `site:cong-chinh`, `store:near`, `service:giucong`. A metric
is a lower-case name that ends with its unit where it has one, and may say in brackets which of
several it is: `load1`, `memory_used_percent`, `disk_used_percent[/var]`.
"""

import math
import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, Table, func, select

from ops.monitor.series.store import SeriesStore, changes, five_minutes, gaps, hours, raw, series

SCALE = 1_000
"""Values are kept as whole thousandths: databases write small integers in few bytes."""

AHEAD = timedelta(minutes=5)
LATE = timedelta(days=6)
"""A day less than raw numbers are kept: a late one can still be rolled up with its neighbours."""

_LARGEST = 9e15  # thousandths of it fit 64 bits
_SUBJECT = re.compile(r"[a-z]+:[^\x00-\x1f\x7f]{1,200}")
_METRIC = re.compile(r"([a-z][a-z0-9_]{0,63})(?:\[([^\x00-\x1f\x7f]{1,200})\])?")

Why = Literal["not-finite", "too-large", "in-the-future", "too-late", "bad-name", "too-many"]


@dataclass(frozen=True, slots=True)
class Point:
    """A number.

    Attributes:
        subject, metric: As the module says.
        at: Aware; kept to the second.
        value: In the metric's unit, kept to a thousandth of it.
    """

    subject: str
    metric: str
    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A point that is not kept, and why."""

    point: Point
    why: Why


def check_points(
    points: Iterable[Point], now: datetime, known: Container[tuple[str, str]] = ()
) -> tuple[list[Point], list[Refused]]:
    """Part what may be kept from what may not, both in the order given.

    Args:
        points: To be looked at.
        now: Aware.
        known: Subjects and metrics whose names were looked at before.
    """
    good: list[Point] = []
    refused: list[Refused] = []
    for point in points:
        why = _find_fault(point, now)
        if why is None and (point.subject, point.metric) not in known and not _is_named(point):
            why = "bad-name"
        if why is None:
            good.append(point)
        else:
            refused.append(Refused(point, why))
    return good, refused


def _find_fault(point: Point, now: datetime) -> Why | None:
    if not math.isfinite(point.value):
        return "not-finite"
    if abs(point.value) > _LARGEST:
        return "too-large"
    if point.at > now + AHEAD:
        return "in-the-future"
    if point.at < now - LATE:
        return "too-late"
    return None


def _is_named(point: Point) -> bool:
    return bool(_SUBJECT.fullmatch(point.subject) and _METRIC.fullmatch(point.metric))


def split_metric(metric: str) -> tuple[str, str]:
    """Give the name, and which of several it is; empty where there is one: `("load1", "")`."""
    match = _METRIC.fullmatch(metric)
    return (match[1], match[2] or "") if match else (metric, "")


def to_thousandths(value: float) -> int:
    """Give the whole number that is kept."""
    return round(value * SCALE)


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
class StateChange:
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
    store: SeriesStore, subject: str, metric: str, since: datetime, until: datetime, step: timedelta
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
) -> list[StateChange]:
    """Give the changes of a subject in a window, oldest first."""
    with store.reading() as connection:
        rows = connection.execute(
            select(changes)
            .where(changes.c.subject == subject, changes.c.at >= int(since.timestamp()))
            .where(changes.c.at < int(until.timestamp()))
            .order_by(changes.c.at, changes.c.what)
        ).all()
    return [StateChange(it.subject, it.what, _moment(it.at), it.state, it.detail) for it in rows]


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
