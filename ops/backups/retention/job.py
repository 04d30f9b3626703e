"""Forget a site's old snapshots by its retention, then remove the data nobody needs any more.

Order: look whether everything is as expected (`ops.backups.brakes`), else end as failed; decide
under the exclusive lock (`plan_for_site`); write the record of what is to go, remove snapshots
(`backup.forget`), complete the record (`delete_on_record`); let go of the lock; prune
(`backup.prune`); bring the index tables up to date. Each step may be cut off anywhere and is made
up for by the next run.

Beside the keep rules three things always stay: what is younger than the minimum (that of its own
time, where it was higher: `ops.backups.retention.minimums`), what is held, and the newest snapshot
that is whole (`ops.backups.retention.protection`).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.format.snapshot import Snapshot
from backup.progress import SILENT, Progress
from backup.prune.prune import PruneResult, prune
from backup.repository.locks import Lock, hold_lock
from backup.repository.object_lock import Locked
from backup.repository.repository import Repository
from backup.retention.forget import ForgetPlan, ForgetResult, apply_forget, plan_forget
from backup.snapshots.selection import SnapshotFilter
from ops.access.approvals.require import Permit
from ops.backups.brakes import Brake
from ops.backups.repositories.catalog_index import update_index
from ops.backups.repositories.open import open_repository
from ops.backups.retention.deletion_records import (
    DeletionPlan,
    complete_deletion,
    plan_deletion,
    refuse_held,
)
from ops.backups.retention.holds import read_holds
from ops.backups.retention.look_before_deleting import look_before_deleting
from ops.backups.retention.minimums import read_past_rules
from ops.backups.retention.protection import Guard, keep_ahead, list_paths, make_policy, protect
from ops.catalog.tables.index import Snapshot as SnapshotRow
from ops.catalog.tables.index import is_ahead
from ops.estate.choose import chosen_store
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.jobs.run_now import Start, begin
from ops.language.formats import format_moment
from ops.language.text import _
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult
from ops.terminal.output import write_line
from ops.told_text import keep_told


def summarize_locked(forgotten: ForgetResult | None, pruned: PruneResult | None) -> dict[str, Any]:
    """Give counts and the last moment; nothing where no store has promised anything."""
    snapshots = [] if forgotten is None else [until for _id, until in forgotten.locked]
    packs = Locked() if pruned is None else pruned.locked
    untils = snapshots + ([] if packs.until is None else [f"{packs.until:%Y-%m-%dT%H:%M:%SZ}"])
    if not untils:
        return {}
    return {
        "locked_snapshots": len(snapshots),
        "locked_packs": len(packs.keys),
        "locked_until": max(untils),
    }


def write_locked(result: JobResult) -> None:
    """Write what is still locked and until when; else nothing."""
    if "locked_until" not in result.summary:
        return
    until = datetime.fromisoformat(result.summary["locked_until"])
    text = _(
        "still locked by the store: {snapshots} snapshots, {packs} packs; the last until {until}"
    )
    write_line(
        text,
        snapshots=result.summary["locked_snapshots"],
        packs=result.summary["locked_packs"],
        until=format_moment(until, load_estate().organisation.timezone),
    )


_SHORT = timedelta(minutes=10)


def forget_and_prune(
    context: RunContext,
    progress: Progress = SILENT,
    *,
    wait_for_lock: timedelta = _SHORT,
    prunes: bool = True,
) -> JobResult:
    """Run both, as the clock does, or the first alone; the caller holds the site's lock.

    Argument in the context, here and below: `store`, which store (unless given the primary).
    """
    start = begin(context)
    store = chosen_store(start.estate, context.arguments)
    repository = open_repository(start.estate, start.site.name, store)
    forgotten = _forget(context, start, repository, progress, wait_for_lock)
    if isinstance(forgotten, Brake):
        return stop(forgotten)
    pruned = prune(repository, retry_for=wait_for_lock, progress=progress) if prunes else None
    _reindex(context, start, repository)
    return conclude(forgotten, pruned)


def prune_only(
    context: RunContext, progress: Progress = SILENT, *, wait_for_lock: timedelta = _SHORT
) -> JobResult:
    """Prune only; the caller holds the site's lock."""
    start = begin(context)
    store = chosen_store(start.estate, context.arguments)
    repository = open_repository(start.estate, start.site.name, store)
    snapshots = _reindex(context, start, repository)
    now = datetime.now(UTC)
    brake = look_before_deleting(
        context.catalog, context.origin, start.site.name, store.name, snapshots, now=now
    )
    if brake is not None:
        return stop(brake)
    pruned = prune(repository, retry_for=wait_for_lock, progress=progress)
    _reindex(context, start, repository)
    return conclude(None, pruned)


def plan_for_site(
    estate: Estate,
    site: Site,
    snapshots: Sequence[Snapshot],
    guard: Guard,
    *,
    now: datetime,
    store: Store | None = None,
) -> ForgetPlan:
    """Decide what the site's retention lets go in a store; pure.

    Args:
        estate: Whose store and rules.
        site: Which site.
        snapshots: All snapshots of the repository.
        guard: What must stay whatever the rules say.
        now: Present moment, aware.
        store: Which; None for the primary one.
    """
    policy = make_policy(estate.retention_for(site, store or estate.primary_store))
    wanted = SnapshotFilter(hosts=(site.name,))
    own = {
        paths: make_policy(part.retention)
        for part in site.databases
        if part.retention is not None
        for paths in list_paths(site, part)
    }
    ahead = [it for it in snapshots if is_ahead(it.time, now)]
    believed = [it for it in snapshots if not is_ahead(it.time, now)]
    plan = plan_forget(believed, policy, now=now, wanted=wanted, own=lambda key: own.get(key.paths))
    return keep_ahead(protect(plan, guard, now=now), ahead)


def read_guard(session: Session, estate: Estate, site: Site, store: Store | None = None) -> Guard:
    """Gather what protects a site's snapshots in a store; None for the primary one."""
    store = store or estate.primary_store
    query = select(SnapshotRow.id, SnapshotRow.outcome).where(
        SnapshotRow.site == site.name, SnapshotRow.store == store.name
    )
    rules = read_past_rules(session)
    guard = Guard(
        floor_days=estate.retention_for(site, store).minimum_days,
        holds=read_holds(session, site.name),
        outcomes={snapshot_id: outcome for snapshot_id, outcome in session.execute(query)},  # noqa: C416 - dict() loses the types
        minimums=rules.of(site.name, store.name),
    )
    alone: dict[tuple[str, ...], Guard] = {}
    for part in site.databases:
        own = replace(
            guard,
            floor_days=estate.minimum_for(site, store, part),
            minimums=rules.of(site.name, store.name, part.name),
        )
        alone |= dict.fromkeys(list_paths(site, part), own)
    return replace(guard, alone=alone)


def delete_on_record(
    context: RunContext,
    repository: Repository,
    lock: Lock,
    planned: tuple[ForgetPlan, DeletionPlan],
    progress: Progress,
    permit: Permit | None = None,
) -> ForgetResult:
    """Delete what was planned, with a record before and after; without work nothing is written.

    Args:
        context: The run.
        repository: Where the snapshots are.
        lock: The exclusive lock that is held.
        planned: What the engine removes, and the same for the record.
        progress: Told of it.
        permit: The second person's, for snapshots that were named.

    Raises:
        HeldError: A hold was placed since the plan was made.
    """
    plan, told = planned
    if not plan.remove:
        return ForgetResult("ok", (), ())
    with context.catalog.writing() as session:
        refuse_held(told, read_holds(session, told.site))
        record = plan_deletion(session, context.origin, told, permit, now=datetime.now(UTC))
    result = apply_forget(repository, plan, lock=lock, progress=progress)
    now = datetime.now(UTC)
    complete_deletion(context.catalog, context.origin, record, result.removed, now=now)
    return result


def _forget(
    context: RunContext,
    start: Start,
    repository: Repository,
    progress: Progress,
    wait_for_lock: timedelta,
) -> ForgetResult | Brake:
    estate, site = start.estate, start.site
    store = chosen_store(estate, context.arguments)
    with hold_lock(repository, exclusive=True, retry_for=wait_for_lock) as lock:
        snapshots = _reindex(context, start, repository)
        now = datetime.now(UTC)
        brake = look_before_deleting(
            context.catalog, context.origin, site.name, store.name, snapshots, now=now
        )
        if brake is not None:
            return brake
        with context.catalog.reading() as session:
            guard = read_guard(session, estate, site, store)
        plan = plan_for_site(estate, site, snapshots, guard, now=now, store=store)
        rule = estate.retention_for(site, store)
        going = tuple(it for it in snapshots if it.id in plan.remove)
        told = DeletionPlan(site.name, store.name, rule.model_dump(), rule.minimum_basis, going)
        return delete_on_record(context, repository, lock, (plan, told), progress)


def _reindex(context: RunContext, start: Start, repository: Repository) -> list[Snapshot]:
    store = chosen_store(start.estate, context.arguments)
    return update_index(context.catalog, repository, site=start.site.name, store=store.name)


def stop(brake: Brake) -> JobResult:
    """Give the result of a run that deleted nothing because something is in doubt."""
    return JobResult("failed", brake.reason, brake.params, {"forgotten": 0})


def conclude(forgotten: ForgetResult | None, pruned: PruneResult | None) -> JobResult:
    """Give the result of what was forgotten and pruned."""
    summary: dict[str, Any] = {}
    if forgotten:
        summary["forgotten"] = len(forgotten.removed)
    if pruned:
        summary |= {
            "removed_packs": pruned.removed_packs,
            "removed_bytes": pruned.removed_bytes,
            "repacked_packs": pruned.figures.repack_packs,
            "unused_bytes_after": pruned.figures.unused_bytes_after,
        }
    summary |= summarize_locked(forgotten, pruned)
    if pruned and pruned.overwritten:
        overwritten = {"count": len(pruned.overwritten), "first": pruned.overwritten[0]}
        return JobResult("incomplete", "objects_overwritten", overwritten, summary)
    if forgotten and forgotten.failed:
        params = {"count": len(forgotten.failed), "first": str(forgotten.failed[0][1])}
        return JobResult("incomplete", "not_all_forgotten", params, summary)
    if pruned and pruned.outcome == "postponed":
        return JobResult("incomplete", "prune_postponed", _tell_holder(pruned), summary)
    return JobResult("ok", summary=summary)


def _tell_holder(pruned: PruneResult) -> dict[str, object]:
    """Give who stood in the way, as parameters of a result."""
    params = {} if pruned.postponed_by is None else pruned.postponed_by.params
    return {"holder": keep_told(params.get("holder", ""))}
