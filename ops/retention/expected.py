"""The snapshots that are expected in a store, so that losses are seen."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backup.format.snapshot import Snapshot
from ops.catalog.retention_records import ExpectedSnapshot


def remember_seen(session: Session, site: str, store: str, snapshots: Sequence[Snapshot]) -> None:
    """Expect from now on what was seen; nothing that was expected before is dropped."""
    known = read_expected(session, site, store)
    session.add_all(
        ExpectedSnapshot(site=site, store=store, id=it.id, taken_at=it.time, accepted=False)
        for it in snapshots
        if it.id not in known
    )


def read_expected(session: Session, site: str, store: str) -> dict[str, bool]:
    """Give the ids of the snapshots that are expected, and whether each was found right."""
    query = select(ExpectedSnapshot.id, ExpectedSnapshot.accepted).where(
        ExpectedSnapshot.site == site, ExpectedSnapshot.store == store
    )
    return {snapshot_id: accepted for snapshot_id, accepted in session.execute(query)}  # noqa: C416 - dict() loses the types


def drop_expected(session: Session, site: str, store: str, ids: Collection[str]) -> None:
    """Expect these snapshots no more."""
    for snapshot_id in ids:
        session.execute(
            delete(ExpectedSnapshot).where(
                ExpectedSnapshot.site == site,
                ExpectedSnapshot.store == store,
                ExpectedSnapshot.id == snapshot_id,
            ),
            execution_options={"synchronize_session": False},
        )
