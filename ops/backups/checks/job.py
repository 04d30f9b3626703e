"""Check a site's repository: its structure always, and each day a share of the stored bytes.

The catalog remembers when each pack was last read back and found sound. Each day reads those that
were not read for longest, a share of the bytes and one more for every day on which no check ran,
so that every stored byte is read back within `reread_days`.

What was found damaged is read again by every check, also by one that reads nothing else, until it
is sound or gone: no check that has not looked there calls the repository good.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from backup.check.check import CheckRequest, CheckResult, PackChoice, check_repository
from backup.check.findings import Finding
from backup.progress import SILENT, Progress
from backup.repository.repository import Repository
from ops.backups.checks.deletion_probe import try_protection
from ops.backups.checks.mend import mend
from ops.backups.checks.packs_read import (
    DAMAGED_AT,
    choose_packs,
    recall_readings,
    remember_readings,
)
from ops.backups.repositories.catalog_index import update_index
from ops.backups.repositories.open import hold_reading_lock, open_repository
from ops.backups.retention.losses import read_losses
from ops.canonical import keep_told
from ops.estate.choose import chosen_store
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.jobs.run_now import begin
from ops.jobs.site_lock import SiteBusyError, hold_site_lock
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult, Outcome

ReadData = Literal["none", "share", "all"]

MOST_TOLD = 20
"""Findings that a result names; of more only the number is given."""


def check(
    context: RunContext,
    progress: Progress = SILENT,
    *,
    wait_for_lock: timedelta = timedelta(minutes=10),
) -> JobResult:
    """Run a check; the caller holds the lock of the site's checks.

    What it writes it writes with the site's lock. Where somebody works on the site just now, damage
    is told and left to the next check to mend, and whoever works there writes the index.

    Arguments in the context: `read_data`, one of `none`, `share` (unless given) and `all`;
    `store`, which store (unless given the primary).

    Raises:
        EstateError, OpsError: The estate or the site cannot be used.
        BackupError: The repository could not be looked at, which says nothing of its data.
    """
    estate, _version, site = begin(context)
    store = chosen_store(estate, context.arguments)
    repository = open_repository(estate, site.name, store)
    wanted: ReadData = context.arguments.get("read_data", "share")
    now = datetime.now(UTC)
    read_at = recall_readings(context.catalog, site.name, store.name)
    within = timedelta(days=site.targets.reread_days)
    with hold_reading_lock(repository, retry_for=wait_for_lock):
        request = make_check_request(repository, wanted, read_at, within=within, now=now)
        result = check_repository(repository, request, progress)
    mended: dict[str, list[str]] = {}
    with (
        suppress(SiteBusyError),
        hold_site_lock(context.state, site.name, holder=str(context.run_id), wait=wait_for_lock),
    ):
        if result.damaged_packs:
            mended = mend(
                context,
                estate,
                store,
                repository,
                result.damaged_packs,
                wait_for_lock=wait_for_lock,
            )
        if mended:  # what followed from the damage is gone with it; only another look can tell
            with hold_reading_lock(repository, retry_for=wait_for_lock):
                request = make_check_request(repository, wanted, read_at, within=within, now=now)
                result = check_repository(repository, request, progress)
        update_index(context.catalog, repository, site=site.name, store=store.name)
    stored = repository.list_packs()
    gone = [it for it in read_at if it not in stored]
    damaged = [it for it in result.damaged_packs if it in stored]
    where = (site.name, store.name)
    remember_readings(
        context.catalog, where, result.verified_packs, damaged=damaged, gone=gone, now=now
    )
    try_protection(context.catalog, estate, site.name, store)
    concluded = _conclude(result, {"store": store.name, "mended": mended})
    return _add_loss(concluded, context, estate, store)


def _add_loss(result: JobResult, context: RunContext, estate: Estate, store: Store) -> JobResult:
    """Tell what is gone from the store, unless there is damage to tell of."""
    with context.catalog.reading() as session:
        losses = read_losses(session, estate).get(context.site, [])
    loss = next((it for it in losses if it.store == store.name), None)
    if loss is None or result.outcome == "failed" or (result.outcome != "ok" and not loss.held):
        return result
    outcome: Outcome = "failed" if loss.held else "incomplete"
    return JobResult(outcome, loss.reason, loss.as_params(), result.summary)


def make_check_request(
    repository: Repository,
    wanted: ReadData,
    read_at: Mapping[bytes, datetime],
    *,
    within: timedelta,
    now: datetime,
) -> CheckRequest:
    """Say which packs to read back.

    Args:
        repository: Its packs are listed where a share is wanted.
        wanted: Whether to read none, the day's share or all.
        read_at: When each pack was last read back and found sound; `DAMAGED_AT` where it was not.
        within: Everything is to be read back within that time.
        now: Present moment.
    """
    if wanted == "all":
        return CheckRequest(read_data="all")
    if wanted == "none":
        damaged = frozenset(it for it, at in read_at.items() if at == DAMAGED_AT)
        return CheckRequest(PackChoice(damaged) if damaged else "none")
    packs = repository.list_packs()
    return CheckRequest(PackChoice(choose_packs(packs, read_at, within=within, now=now)))


def _conclude(result: CheckResult, where: dict[str, Any]) -> JobResult:
    counts = result.counts
    summary: dict[str, Any] = {
        "snapshots": counts.snapshots,
        "packs": counts.packs,
        "blobs": counts.blobs,
        "packs_read": counts.packs_read,
        "bytes_read": counts.bytes_read,
        "every_pack_read": result.is_every_pack_verified,
        "hints": len(result.hints),
        **where,
    }
    if not result.errors and where["mended"]:
        count = sum(map(len, where["mended"].values()))
        params = {"count": count, "stores": sorted(where["mended"]), "store": where["store"]}
        return JobResult("incomplete", "damage_mended", params, summary)
    if not result.errors:
        return JobResult("ok", summary=summary)
    params = {
        "count": len(result.errors),
        "first": [tell_finding(it) for it in result.errors[:MOST_TOLD]],
        "snapshots": counts.snapshots,
    }
    return JobResult("failed", "damaged", params, summary)


def tell_finding(finding: Finding) -> dict[str, Any]:
    """Give a finding as JSON values that can be told in any language."""
    return {
        "code": finding.code,
        "concerned": finding.concerned,
        "params": {name: keep_told(value) for name, value in finding.params.items()},
    }
