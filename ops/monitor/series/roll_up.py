"""Roll raw numbers up and delete what is old, a share of the series at a time.

Order for each series, all in one transaction:
1. Its raw numbers since `rolled_until` become five-minute and hourly buckets; one that is there
   already is written again from all of its raw numbers, so that a second time changes nothing.
2. `rolled_until` moves on.
3. Raw numbers and buckets that are older than they are kept are deleted, a few hours of them at
   once: a clock that jumps ahead deletes no more than that before somebody sees it.

Killed anywhere, all is as it was before or as it is after. Each call takes the series whose turn it
is: all of them get theirs within an hour, which touches each page of the database once an hour and
not each minute. What is read meanwhile comes from the raw numbers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select, update

from ops.monitor.series.read import FIVE_MINUTES, HOUR, read_raw
from ops.monitor.series.store import SeriesStore
from ops.monitor.series.tables import (
    changes,
    days,
    five_minutes,
    gaps,
    hours,
    log_places,
    raw,
    series,
    visits,
)
from ops.monitor.series.write import insert_at

RAW_KEPT = timedelta(days=7)
FIVE_MINUTES_KEPT = timedelta(days=60)
HOURS_KEPT = timedelta(days=761)
"""25 months: a year's report in February still sees the whole year before the last."""

SHARES = 60
_CLOSED_AFTER = timedelta(minutes=2)
_AT_ONCE = timedelta(hours=4)
_MOST_ROLLED = timedelta(days=1)
_PAGES = 512


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What one call did: how many series it looked at, buckets it wrote, rows it deleted."""

    series: int
    buckets: int
    deleted: int


def roll_up(store: SeriesStore, now: datetime, share: int | None = None) -> RolledUp:
    """Roll up and delete for the series whose turn it is; to be called once a minute.

    Args:
        store: Where.
        now: Aware.
        share: Which sixtieth of the series; left out: that of the minute.

    Raises:
        SeriesError: The database cannot be used; nothing was changed.
    """
    turn = int(now.timestamp()) // 60 % SHARES if share is None else share % SHARES
    with store.reading() as connection:
        query = select(series.c.id).where(series.c.id % SHARES == turn).order_by(series.c.id)
        chosen = list(connection.execute(query).scalars())
    buckets = deleted = 0
    with store.writing() as connection:
        for which in chosen:
            buckets += _roll_one(connection, which, now)
            deleted += _delete_old(connection, which, now)
        deleted += _delete_events(connection, now)
    _give_back(store)
    return RolledUp(len(chosen), buckets, deleted)


def _roll_one(connection: Connection, which: int, now: datetime) -> int:
    query = select(series.c.rolled_until).where(series.c.id == which)
    begin = connection.execute(query).scalar_one()
    oldest = connection.execute(select(func.min(raw.c.at)).where(raw.c.series == which)).scalar()
    closed = int((now - _CLOSED_AFTER).timestamp()) // FIVE_MINUTES * FIVE_MINUTES
    if oldest is None or closed <= begin:
        return 0
    begin = max(begin, oldest // FIVE_MINUTES * FIVE_MINUTES)
    end = min(closed, begin // HOUR * HOUR + int(_MOST_ROLLED.total_seconds()))
    written = 0
    rows = read_raw(connection, which, begin // HOUR * HOUR, end)
    for table, size in ((five_minutes, FIVE_MINUTES), (hours, HOUR)):
        since = begin // size
        wanted = _make_buckets(which, (it for it in rows if it[0] // size >= since), size)
        written += _write(connection, table, wanted)
    connection.execute(update(series).where(series.c.id == which).values(rolled_until=end))
    return written


def _make_buckets(
    which: int, rows: Iterable[tuple[int, int, int, int, int]], size: int
) -> list[dict[str, int]]:
    """Give the rows of a table of buckets from raw numbers, oldest first; pure."""
    parts: dict[int, list[int]] = {}
    for at, value, *_rest in rows:
        parts.setdefault(at // size, []).append(value)
    found = []
    for at, values in parts.items():
        mean = round(sum(values) / len(values))
        below, above = mean - min(values), max(values) - mean
        found.append(
            {
                "series": which,
                "at": at,
                "mean": mean,
                "below": below,
                "above": above,
                "count": len(values),
            }
        )
    return found


def _write(connection: Connection, table: Table, rows: list[dict[str, int]]) -> int:
    if rows:
        begun = insert_at(connection, table)
        set_ = {name: begun.excluded[name] for name in ("mean", "below", "above", "count")}
        connection.execute(
            begun.on_conflict_do_update(index_elements=["series", "at"], set_=set_), rows
        )
    return len(rows)


def _delete_old(connection: Connection, which: int, now: datetime) -> int:
    deleted = 0
    for table, size, kept in (
        (raw, 1, RAW_KEPT),
        (five_minutes, FIVE_MINUTES, FIVE_MINUTES_KEPT),
        (hours, HOUR, HOURS_KEPT),
    ):
        query = select(func.min(table.c.at)).where(table.c.series == which)
        oldest = connection.execute(query).scalar()
        if oldest is None:
            continue
        limit = min(
            int((now - kept).timestamp()) // HOUR * HOUR,
            (oldest * size + int(_AT_ONCE.total_seconds())) // HOUR * HOUR,
        )
        if table is raw:
            rolled = select(series.c.rolled_until).where(series.c.id == which)
            limit = min(limit, connection.execute(rolled).scalar_one())
        gone = delete(table).where(table.c.series == which, table.c.at < limit // size)
        deleted += connection.execute(gone).rowcount
    return deleted


def _delete_events(connection: Connection, now: datetime) -> int:
    """Delete changes, gaps and days; a day's worth at once."""
    deleted = 0
    for table, column in ((changes, changes.c.at), (gaps, gaps.c.until)):
        oldest = connection.execute(select(func.min(column))).scalar()
        if oldest is not None:
            limit = min(int((now - HOURS_KEPT).timestamp()), oldest + 86_400)
            deleted += connection.execute(delete(table).where(column < limit)).rowcount
    for by_day in (days, visits):
        first: date | None = connection.execute(select(func.min(by_day.c.day))).scalar()
        if first is not None and first < (now - HOURS_KEPT).astimezone(UTC).date():
            deleted += connection.execute(delete(by_day).where(by_day.c.day == first)).rowcount
    unseen = log_places.c.seen_at < int((now - HOURS_KEPT).timestamp())
    deleted += connection.execute(delete(log_places).where(unseen)).rowcount
    return deleted


def _give_back(store: SeriesStore) -> None:
    """Give free pages of an SQLite file back to the disk, a few at a time."""
    if store.readers.dialect.name == "sqlite":
        with store.writing() as connection:
            # It frees a page a step, and SQLAlchemy would take only the first.
            driver: Any = connection.connection.driver_connection
            driver.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
