"""Forget a site's old snapshots by its retention, then remove the data nobody needs any more.

Order: decide under the exclusive lock; remove snapshots (`backup.forget`); let go of the lock;
prune (`backup.prune`); bring the index tables up to date. Each step may be cut off anywhere and is
made up for by the next run.

Beside the keep rules two things always stay: what is younger than `minimum_days`, and the newest
snapshot that is whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from backup.forget import ForgetPlan, ForgetResult, GroupPlan, apply_forget, plan_forget
from backup.locks import hold_lock
from backup.progress import SILENT, Progress
from backup.prune import PruneResult, prune
from backup.repository import Repository
from backup.retention import CalendarDuration, KeepPolicy, Verdict
from backup.selection import SnapshotFilter
from backup.snapshots import Snapshot
from ops.catalog.indexes import Snapshot as SnapshotRow
from ops.catalog.opening import Catalog
from ops.estate.models import Estate
from ops.estate.policies import Retention
from ops.estate.sites import Site
from ops.jobs.beginning import Start, begin
from ops.jobs.indexing import update_index
from ops.jobs.repositories import open_repository
from ops.ledger.definitions import JobResult
from ops.service.registry import RunContext
from ops.text import N_

NEWEST_WHOLE = N_("newest whole snapshot")
_SHORT = timedelta(minutes=10)


def forget_and_prune(
    context: RunContext, progress: Progress = SILENT, *, wait_for_lock: timedelta = _SHORT
) -> JobResult:
    """Run both, as the clock does; the caller holds the site's lock."""
    start = begin(context)
    repository = open_repository(start.estate, start.site.name)
    forgotten = _forget(context, start, repository, progress, wait_for_lock)
    pruned = prune(repository, retry_for=wait_for_lock, progress=progress)
    _reindex(context, start, repository)
    return _conclude(forgotten, pruned)


def forget(
    context: RunContext, progress: Progress = SILENT, *, wait_for_lock: timedelta = _SHORT
) -> JobResult:
    """Forget only; the caller holds the site's lock."""
    start = begin(context)
    repository = open_repository(start.estate, start.site.name)
    forgotten = _forget(context, start, repository, progress, wait_for_lock)
    _reindex(context, start, repository)
    return _conclude(forgotten, None)


def prune_only(
    context: RunContext, progress: Progress = SILENT, *, wait_for_lock: timedelta = _SHORT
) -> JobResult:
    """Prune only; the caller holds the site's lock."""
    start = begin(context)
    repository = open_repository(start.estate, start.site.name)
    pruned = prune(repository, retry_for=wait_for_lock, progress=progress)
    _reindex(context, start, repository)
    return _conclude(None, pruned)


def plan_for_site(
    estate: Estate, site: Site, snapshots: Sequence[Snapshot], outcomes: Mapping[str, str]
) -> ForgetPlan:
    """Decide what the site's retention lets go in its primary store.

    Args:
        estate: Whose store and rules.
        site: Which site.
        snapshots: All snapshots of the repository.
        outcomes: `ok` or `incomplete` by snapshot id, as far as known.
    """
    policy = make_policy(estate.retention_for(site, estate.primary_store))
    wanted = SnapshotFilter(hosts=(site.name,))
    plan = plan_forget(snapshots, policy, now=datetime.now(UTC), wanted=wanted)
    return spare_newest_whole(plan, outcomes)


def make_policy(retention: Retention) -> KeepPolicy:
    """Give the engine's policy for what the estate asks for."""
    return KeepPolicy(
        last=retention.keep_last,
        daily=retention.keep_daily,
        weekly=retention.keep_weekly,
        monthly=retention.keep_monthly,
        yearly=retention.keep_yearly,
        within=CalendarDuration(days=retention.minimum_days),
    )


def spare_newest_whole(plan: ForgetPlan, outcomes: Mapping[str, str]) -> ForgetPlan:
    """Take the newest snapshot that is whole out of what goes, in each group."""
    groups = tuple(_spare_in_group(group, outcomes) for group in plan.groups)
    remove = tuple(snapshot.id for group in groups for snapshot in group.remove)
    return replace(plan, groups=groups, remove=remove)


def _spare_in_group(group: GroupPlan, outcomes: Mapping[str, str]) -> GroupPlan:
    everything = [*(verdict.snapshot for verdict in group.keep), *group.remove]
    whole = [snapshot for snapshot in everything if outcomes.get(snapshot.id) == "ok"]
    newest = max(whole, key=lambda snapshot: snapshot.time, default=None)
    if newest is None or newest not in group.remove:
        return group
    kept = (*group.keep, Verdict(newest, keep=True, reasons=(NEWEST_WHOLE,)))
    return replace(group, keep=kept, remove=tuple(it for it in group.remove if it != newest))


def read_outcomes(catalog: Catalog, site: str, store: str) -> dict[str, str]:
    """Give each snapshot's outcome by its id, from the index tables."""
    query = select(SnapshotRow.id, SnapshotRow.outcome).where(
        SnapshotRow.site == site, SnapshotRow.store == store
    )
    with catalog.reading() as session:
        return {snapshot_id: outcome for snapshot_id, outcome in session.execute(query)}  # noqa: C416 - dict() loses the types


def _forget(
    context: RunContext,
    start: Start,
    repository: Repository,
    progress: Progress,
    wait_for_lock: timedelta,
) -> ForgetResult:
    estate, site = start.estate, start.site
    with hold_lock(repository, exclusive=True, retry_for=wait_for_lock) as lock:
        snapshots = _reindex(context, start, repository)
        outcomes = read_outcomes(context.catalog, site.name, estate.primary_store.name)
        plan = plan_for_site(estate, site, snapshots, outcomes)
        return apply_forget(repository, plan, lock=lock, progress=progress)


def _reindex(context: RunContext, start: Start, repository: Repository) -> list[Snapshot]:
    store = start.estate.primary_store.name
    return update_index(context.catalog, repository, site=start.site.name, store=store)


def _conclude(forgotten: ForgetResult | None, pruned: PruneResult | None) -> JobResult:
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
    if forgotten and forgotten.failed:
        params = {"count": len(forgotten.failed), "first": str(forgotten.failed[0][1])}
        return JobResult("incomplete", "not_all_forgotten", params, summary)
    if pruned and pruned.outcome == "postponed":
        return JobResult("incomplete", "prune_postponed", {}, summary)
    return JobResult("ok", summary=summary)
