"""Remember which snapshots there were, and look whether they are still there before deleting.

Order of a deletion, so that one cut off anywhere is no shrink to the next look:

1. The record of what is planned is written (`ops.backups.retention.deletion_records`).
2. Snapshots are deleted.
3. The record is completed, and what is gone is expected no more, in one transaction.

A look completes the records of runs that were cut off after step 1.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from backup.format.snapshot import Snapshot
from ops.backups.brakes import Brake, BrakeFacts, decide_brake
from ops.backups.ransomware.freeze import find_freeze_brake
from ops.backups.repositories.catalog_index import drop_expected, read_expected, remember_seen
from ops.backups.retention.deletion_records import settle_cut_off
from ops.backups.retention.holds import read_holds
from ops.backups.retention.protection import is_held
from ops.catalog.open import Catalog
from ops.catalog.tables.retention import ExpectedSnapshot, RetentionLook
from ops.journal.journal import Origin
from ops.journal.standing import find_doubt


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


def look_before_deleting(  # noqa: PLR0913 -- what is looked at, and who looks
    catalog: Catalog,
    origin: Origin,
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
        origin: Who looks; journaled with what a run that was cut off has removed.
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
        settle_cut_off(session, origin, site, store, present, now=now)
        times = {it: min(time, now) if it in leaving_out else time for it, time in present.items()}
        facts = read_facts(session, site, store, times, now=now)
        brake = find_standing_brake(session, site) or decide_brake(facts)
        if brake is None:
            _believe(session, site, store, snapshots, now=now)
    return brake


def find_standing_brake(session: Session, site: str) -> Brake | None:
    """Give what stops deletions whatever is seen: a catalog in doubt, or a frozen site."""
    doubt = find_doubt(session)
    return Brake(doubt.reason, doubt.params) if doubt else find_freeze_brake(session, site)


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


def give_up_gone(session: Session, site: str, store: str, gone: Collection[str]) -> None:
    """Expect no more what is gone, but for what is held: only two people end a hold."""
    held = {it.snapshot for it in read_holds(session, site)}
    if "" not in held:
        drop_expected(session, site, store, set(gone) - held)
