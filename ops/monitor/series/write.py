"""Keep numbers, changes and gaps.

Order of a batch, all in one transaction:
1. Series that are new get an id.
2. The numbers are inserted; a second one of the same second is left out.
3. A series that got a number from before where it is rolled up is marked to be rolled up again.

Cut off anywhere, nothing of the batch is there; written again, it changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Insert, Table, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ops.monitor.series.points import Point, Refused, check_points, to_thousandths
from ops.monitor.series.store import SeriesStore
from ops.monitor.series.tables import changes, gaps, series

MAX_A_SUBJECT = 1_000
FIVE_MINUTES = 300

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
