"""Snapshots by site and store and missed runs by site, as the catalog counts them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.catalog.indexes import Snapshot, is_of_whole_site
from ops.catalog.records import Occurrence

Place = tuple[str, str]
"""Names of a site and of a store."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest snapshot of a whole site; fields as in `ops.catalog.indexes.Snapshot`."""

    id: str
    taken_at: datetime
    outcome: str


def read_newest(session: Session) -> Mapping[Place, Newest]:
    """Give the newest snapshot of each whole site in each store."""
    newest = (
        select(Snapshot.site, Snapshot.store, func.max(Snapshot.taken_at).label("taken_at"))
        .where(is_of_whole_site())
        .group_by(Snapshot.site, Snapshot.store)
        .subquery()
    )
    query = (
        select(Snapshot.site, Snapshot.store, Snapshot.id, Snapshot.taken_at, Snapshot.outcome)
        .join(
            newest,
            (Snapshot.site == newest.c.site)
            & (Snapshot.store == newest.c.store)
            & (Snapshot.taken_at == newest.c.taken_at),
        )
        .where(is_of_whole_site())
    )
    return {
        (site, store): Newest(key, taken_at, outcome)
        for site, store, key, taken_at, outcome in session.execute(query)
    }


def read_counts(session: Session) -> Mapping[Place, int]:
    """Give how many snapshots there are of each site in each store."""
    query = select(Snapshot.site, Snapshot.store, func.count()).group_by(
        Snapshot.site, Snapshot.store
    )
    return {(site, store): count for site, store, count in session.execute(query)}


def read_missed(session: Session, since: datetime) -> dict[str, int]:
    """Give how many runs of each site were missed since then."""
    rows = session.execute(
        select(Occurrence.site, func.count())
        .where(Occurrence.outcome == "missed", Occurrence.due_at >= since)
        .group_by(Occurrence.site)
    )
    return {site: count for site, count in rows}  # noqa: C416 - dict() loses the types
