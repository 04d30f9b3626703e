"""Keep numbers, changes and gaps.

Order of a batch, all in one transaction:
1. Series that are new get an id.
2. The numbers are inserted; a second one of the same second is left out.
3. A series that got a number from before where it is rolled up is marked to be rolled up again.

Cut off anywhere, nothing of the batch is there; written again, it changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Insert, Table, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ops.monitor.series.read import (
    FIVE_MINUTES,
    HOUR,
    Point,
    Refused,
    check_points,
    read_raw,
    to_thousandths,
)
from ops.monitor.series.store import (
    SeriesStore,
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

MAX_A_SUBJECT = 1_000

_ROLL_AGAIN = (
    update(series)
    .where(series.c.id == bindparam("which"), series.c.rolled_until > bindparam("since"))
    .values(rolled_until=bindparam("since"))
)

# A minute's batch is the one thing done all the time: past SQLAlchemy it takes half as long.
_INSERT = {
    "sqlite": "INSERT OR IGNORE INTO series_raw (series, at, value) VALUES (?, ?, ?)",
    "postgresql": "INSERT INTO series_raw (series, at, value) VALUES (%s, %s, %s)"
    " ON CONFLICT DO NOTHING",
}

Key = tuple[str, str]


def insert_at(connection: Connection, table: Table) -> Any:  # of one dialect or the other
    """Begin an INSERT that can say what happens where the row is there already."""
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def _insert_missing(connection: Connection, table: Table) -> Insert:
    begun: Insert = insert_at(connection, table).on_conflict_do_nothing()
    return begun


def write_points(store: SeriesStore, points: Iterable[Point], now: datetime) -> list[Refused]:
    """Keep numbers; give those that are refused, in the order given.

    What is not refused is kept on return, as far as the power stays on. A number of a second that
    has one already is left out without a word, so that a batch may be written again.

    Raises:
        SeriesError: The database cannot be used; nothing of the batch was kept.
    """
    good, refused = check_points(points, now, store.ids)
    with store.writing() as connection:
        ids = _find_ids(connection, store, good)
        rows = [
            (ids[key], int(it.at.timestamp()), to_thousandths(it.value))
            for it in good
            if (key := (it.subject, it.metric)) in ids
        ]
        if rows:
            connection.exec_driver_sql(_INSERT[connection.dialect.name], rows)
            _roll_again(connection, rows)
    store.ids = ids
    return [
        *refused,
        *(Refused(it, "too-many") for it in good if (it.subject, it.metric) not in ids),
    ]


def _roll_again(connection: Connection, rows: Sequence[tuple[int, int, int]]) -> None:
    newest = connection.execute(select(func.max(series.c.rolled_until))).scalar_one()
    late: dict[int, int] = {}
    for which, at, _value in rows:
        if at < newest:
            since = at // FIVE_MINUTES * FIVE_MINUTES
            late[which] = min(since, late.get(which, since))
    if late:
        found = [{"which": which, "since": since} for which, since in late.items()]
        connection.execute(_ROLL_AGAIN, found)


def _find_ids(
    connection: Connection, store: SeriesStore, points: Sequence[Point]
) -> Mapping[Key, int]:
    wanted = dict.fromkeys((it.subject, it.metric) for it in points)
    if all(key in store.ids for key in wanted):
        return store.ids
    known = read_ids(connection)
    counts: dict[str, int] = {}
    for subject, _metric in known:
        counts[subject] = counts.get(subject, 0) + 1
    new = []
    for subject, metric in wanted:
        if (subject, metric) not in known and counts.get(subject, 0) < MAX_A_SUBJECT:
            counts[subject] = counts.get(subject, 0) + 1
            new.append({"subject": subject, "metric": metric})
    if new:
        connection.execute(_insert_missing(connection, series), new)
        known = read_ids(connection)
    return MappingProxyType(known)


def read_ids(connection: Connection) -> dict[Key, int]:
    """Give the id of every series, by subject and metric."""
    rows = connection.execute(select(series.c.subject, series.c.metric, series.c.id))
    return {(subject, metric): number for subject, metric, number in rows}


def write_change(
    store: SeriesStore, subject: str, what: str, at: datetime, state: str, detail: str = ""
) -> None:
    """Note that a check of a subject has another state from `at` on."""
    row = {
        "subject": subject[:210],
        "what": what[:100],
        "at": int(at.timestamp()),
        "state": state[:40],
        "detail": detail[:1000],
    }
    with store.writing() as connection:
        begun = insert_at(connection, changes)
        kept = ["subject", "what", "at"]
        set_ = {"state": begun.excluded.state, "detail": begun.excluded.detail}
        connection.execute(begun.on_conflict_do_update(index_elements=kept, set_=set_), row)


def write_gap(
    store: SeriesStore, subject: str, since: datetime, until: datetime, reason: str
) -> None:
    """Note that nothing was measured of a subject; one with the same beginning is made longer."""
    row = {
        "subject": subject[:210],
        "since": int(since.timestamp()),
        "until": int(until.timestamp()),
        "reason": reason[:200],
    }
    with store.writing() as connection:
        begun = insert_at(connection, gaps)
        connection.execute(
            begun.on_conflict_do_update(
                index_elements=["subject", "since"],
                set_={"until": begun.excluded.until, "reason": begun.excluded.reason},
                where=gaps.c.until < begun.excluded.until,
            ),
            row,
        )


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

    Order for each series, all in one transaction:

    1. Its raw numbers since `rolled_until` become five-minute and hourly buckets; one that is there
       already is written again from all of its raw numbers, so that a second time changes nothing.
    2. `rolled_until` moves on.
    3. Raw numbers and buckets that are older than they are kept are deleted, a few hours of them at
       once: a clock that jumps ahead deletes no more than that before somebody sees it.

    Killed anywhere, all is as it was before or as it is after. All series get their turn within an
    hour, which touches each page of the database once an hour and not each minute. What is read
    meanwhile comes from the raw numbers.

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
