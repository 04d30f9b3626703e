"""Remember which snapshots there were, and look whether they are still there before deleting.

Order of a deletion, so that one cut off anywhere is no shrink to the next look:

1. The record of what is planned is written (`ops.retention.deletions`).
2. Snapshots are deleted.
3. The record is completed, and what is gone is expected no more, in one transaction.

A look completes the records of runs that were cut off after step 1.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backup.snapshots import Snapshot
from ops.catalog.opening import Catalog
from ops.catalog.retention_records import Deletion, ExpectedSnapshot, RetentionLook
from ops.ransomware.freezing import find_freeze_brake
from ops.retention.braking import Brake, BrakeFacts, decide_brake
from ops.retention.holds import read_holds
from ops.retention.protection import is_held


def remember_seen(session: Session, site: str, store: str, snapshots: Sequence[Snapshot]) -> None:
    """Expect from now on what was seen; nothing that was expected before is dropped."""
    known = read_expected(session, site, store)
    session.add_all(
        ExpectedSnapshot(site=site, store=store, id=it.id, taken_at=it.time, accepted=False)
        for it in snapshots
        if it.id not in known
    )


def read_facts(
    session: Session, site: str, store: str, present: Mapping[str, datetime], *, now: datetime
) -> BrakeFacts:
    """Gather what `decide_brake` needs.

    Args:
        session: Reading is enough.
        site: Name of the site.
        store: Name of the store.
        present: Each snapshot that is seen now, and when it was taken.
        now: Present moment by the machine's clock.
    """
    expected = read_expected(session, site, store)
    look = session.get(RetentionLook, (site, store))
    holds = read_holds(session, site)
    return BrakeFacts(
        now=now,
        present=present,
        expected=frozenset(expected),
        accepted=frozenset(it for it, accepted in expected.items() if accepted),
        looked_at=look.looked_at if look else None,
        held=frozenset(it for it in expected if is_held(it, holds)),
    )


def look_before_deleting(
    catalog: Catalog,
    site: str,
    store: str,
    snapshots: Sequence[Snapshot],
    *,
    now: datetime,
    leaving_out: Collection[str] = (),
) -> Brake | None:
    """Look whether everything is as expected, or nearly; if it is, that is noted.

    What is gone and was not deleted here stays expected: it is told until somebody accepts it, and
    many small losses add up to one that stops everything.

    Args:
        catalog: Open.
        site: Name of the site.
        store: Name of the store.
        snapshots: All that are seen now.
        now: Present moment by the machine's clock.
        leaving_out: Ids of snapshots whose own time is not believed, because they are to go.

    Returns:
        Why nothing may be deleted; None where all is as expected.
    """
    present = {it.id: it.time for it in snapshots}
    with catalog.writing() as session:
        settle_cut_off(session, site, store, present, now=now)
        times = {it: min(time, now) if it in leaving_out else time for it, time in present.items()}
        facts = read_facts(session, site, store, times, now=now)
        brake = find_freeze_brake(session, site) or decide_brake(facts)
        if brake is None:
            _believe(session, site, store, snapshots, now=now)
    return brake


def accept_present(
    session: Session, site: str, store: str, snapshots: Sequence[Snapshot], *, now: datetime
) -> None:
    """Expect what is there, and believe the clock; what is held and gone stays expected."""
    present = {it.id for it in snapshots}
    gone = read_expected(session, site, store).keys() - present
    give_up_gone(session, site, store, gone)
    _believe(session, site, store, snapshots, now=now)


def _believe(
    session: Session, site: str, store: str, snapshots: Sequence[Snapshot], *, now: datetime
) -> None:
    """Believe what is there, and the clock; what is gone stays expected, so that it is told."""
    remember_seen(session, site, store, snapshots)
    session.flush()
    session.execute(
        update(ExpectedSnapshot)
        .where(ExpectedSnapshot.site == site, ExpectedSnapshot.store == store)
        .values(accepted=True),
        execution_options={"synchronize_session": False},
    )
    session.merge(RetentionLook(site=site, store=store, looked_at=now))


def settle_cut_off(
    session: Session, site: str, store: str, present: Collection[str], *, now: datetime
) -> None:
    """Complete the records of runs that were cut off: what they planned and is gone, they removed.

    The caller knows that none of them still runs: it holds the site's lock.
    """
    query = select(Deletion).where(
        Deletion.site == site, Deletion.store == store, Deletion.ended_at.is_(None)
    )
    for deletion in session.execute(query).scalars():
        removed = [it["id"] for it in deletion.planned if it["id"] not in present]
        deletion.removed = removed
        deletion.ended_at = now
        drop_expected(session, site, store, removed)


def give_up_gone(session: Session, site: str, store: str, gone: Collection[str]) -> None:
    """Expect no more what is gone, but for what is held: only two people end a hold."""
    held = {it.snapshot for it in read_holds(session, site)}
    if "" not in held:
        drop_expected(session, site, store, set(gone) - held)


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


def read_expected(session: Session, site: str, store: str) -> dict[str, bool]:
    """Give the ids of the snapshots that are expected, and whether each was found right."""
    query = select(ExpectedSnapshot.id, ExpectedSnapshot.accepted).where(
        ExpectedSnapshot.site == site, ExpectedSnapshot.store == store
    )
    return {snapshot_id: accepted for snapshot_id, accepted in session.execute(query)}  # noqa: C416 - dict() loses the types
