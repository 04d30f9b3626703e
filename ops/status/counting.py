"""Newest snapshots and missed runs by site, as the catalog counts them."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.catalog.indexes import Snapshot
from ops.catalog.records import Occurrence


def read_newest(session: Session, store: str) -> dict[str, tuple[Snapshot, int]]:
    """Give each site's newest snapshot of the whole site, and how many snapshots there are."""
    query = select(Snapshot).where(Snapshot.store == store).order_by(Snapshot.taken_at)
    found: dict[str, tuple[Snapshot, int]] = {}
    counts: dict[str, int] = {}
    for row in session.execute(query).scalars():
        counts[row.site] = counts.get(row.site, 0) + 1
        if row.paths == [f"/{row.site}"]:
            found[row.site] = (row, 0)
    return {site: (row, counts[site]) for site, (row, _count) in found.items()}


def read_missed(session: Session, since: datetime) -> dict[str, int]:
    """Give how many runs of each site were missed since then."""
    rows = session.execute(
        select(Occurrence.site, func.count())
        .where(Occurrence.outcome == "missed", Occurrence.due_at >= since)
        .group_by(Occurrence.site)
    )
    return {site: count for site, count in rows}  # noqa: C416 - dict() loses the types
