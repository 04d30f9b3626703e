"""Delete snapshots that somebody names, past the rules: always with a second person's approval.

Order: as in `ops.backups.retention.job`; what is held, and the newest whole snapshot, cannot be
named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backup.format.snapshot import Snapshot
from backup.progress import SILENT, Progress
from backup.repository.locks import hold_lock
from backup.retention.forget import plan_forget_named
from ops.access.approvals.requests import Wish
from ops.access.approvals.require import Permit
from ops.backups.repositories.catalog_index import update_index
from ops.backups.repositories.open import open_repository
from ops.backups.retention.deletion_records import DeletionPlan
from ops.backups.retention.job import conclude, delete_on_record, read_guard, stop
from ops.backups.retention.look_before_deleting import look_before_deleting
from ops.backups.retention.protection import HELD, NEWEST_WHOLE, Guard, find_protected, is_held
from ops.catalog.tables.index import is_ahead
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.jobs.run_now import begin
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult

BELOW_MINIMUM = "deletion-below-minimum"


class ProtectedError(OpsError):
    """A snapshot must stay, whoever approves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedWish:
    """What somebody wants to be deleted.

    Attributes:
        snapshots: Ids, in full.
        reason, reference: Why, and the document behind it.
    """

    snapshots: tuple[str, ...]
    reason: str
    reference: str = ""


def plan_named(
    estate: Estate,
    site: Site,
    snapshots: Sequence[Snapshot],
    guard: Guard,
    wish: NamedWish,
    *,
    now: datetime,
) -> DeletionPlan:
    """Plan the deletion of named snapshots; pure.

    Args:
        estate: Whose store.
        site: Which site.
        snapshots: All of the repository.
        guard: What must stay.
        wish: Which are to go, and why.
        now: Present moment, aware.

    Raises:
        ProtectedError: One of them is held, or is the newest whole one.
    """
    named = tuple(it for it in snapshots if it.id in wish.snapshots)
    believed = [it for it in snapshots if not is_ahead(it.time, now)]
    refuse_protected(site, believed, named, guard)
    basis = wish.reference or wish.reason
    store = estate.primary_store.name
    return DeletionPlan(site.name, store, {"named": True}, basis, named, wish.reason)


def refuse_protected(
    site: Site, snapshots: Sequence[Snapshot], named: Sequence[Snapshot], guard: Guard
) -> None:
    """Refuse to delete what no approval gives free; pure.

    Raises:
        ProtectedError: One of them is held, or is the newest whole one of its paths.
    """
    for snapshot in named:
        alike = [it for it in snapshots if it.paths == snapshot.paths]
        reasons = find_protected(alike, guard.of(snapshot.paths), now=snapshot.time).get(
            snapshot.id, ()
        )
        if HELD in reasons:
            hold = next(it for it in guard.holds if is_held(snapshot.id, [it]))
            raise ProtectedError(
                'the snapshot {snapshot} of "{site}" is held: {reference}',
                data="nothing was removed",
                next_step="`{program} backup.hold --list --site {site}` lists the holds; two people"
                " can release one",
                snapshot=snapshot.short_id,
                site=site.name,
                reference=hold.reference,
            )
        if NEWEST_WHOLE in reasons:
            raise ProtectedError(
                'the snapshot {snapshot} is the newest whole one of "{site}"',
                why="without it a restore would have nothing newer to give back",
                data="nothing was removed",
                next_step="make a newer one first: `{program} backup.run --site {site}`",
                snapshot=snapshot.short_id,
                site=site.name,
            )


def wish_deletion(plan: DeletionPlan, wish: NamedWish) -> Wish:
    """Give the request for approval: bound to these very snapshots."""
    return Wish(BELOW_MINIMUM, plan.site, plan.as_values(), wish.reason, wish.reference)


def forget_named(
    context: RunContext,
    wish: NamedWish,
    permit: Permit,
    progress: Progress = SILENT,
    *,
    wait_for_lock: timedelta = timedelta(0),
) -> JobResult:
    """Delete named snapshots; the caller holds the site's lock.

    Raises:
        ProtectedError: One of them is held, or is the newest whole one.
    """
    start = begin(context)
    estate, site = start.estate, start.site
    store = estate.primary_store.name
    repository = open_repository(estate, site.name)
    with hold_lock(repository, exclusive=True, retry_for=wait_for_lock) as lock:
        snapshots = update_index(context.catalog, repository, site=site.name, store=store)
        brake = look_before_deleting(
            context.catalog,
            context.origin,
            site.name,
            store,
            snapshots,
            now=datetime.now(UTC),
            leaving_out=wish.snapshots,
        )
        if brake is not None:
            return stop(brake)
        with context.catalog.reading() as session:
            guard = read_guard(session, estate, site)
        told = plan_named(estate, site, snapshots, guard, wish, now=datetime.now(UTC))
        planned = (plan_forget_named(told.snapshots), told)
        result = delete_on_record(context, repository, lock, planned, progress, permit)
    update_index(context.catalog, repository, site=site.name, store=store)
    return conclude(result, None)
