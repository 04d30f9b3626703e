"""Check a site's repository: its structure always, and each day a share of the stored bytes.

Packs are divided into as many shares as `reread_days` has days. Each day reads the share that was
not read for longest, and one more for every day on which no check ran, so that every stored byte
is read back within that time.
"""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import select

from backup.check import CheckRequest, CheckResult, PackChoice, check_repository
from backup.checking.findings import Finding
from backup.errors import BackupError
from backup.progress import SILENT, Progress
from backup.repository import Repository
from ops.catalog.opening import Catalog
from ops.catalog.records import Run
from ops.estate.models import Estate
from ops.jobs.beginning import begin
from ops.jobs.choosing import chosen_store
from ops.jobs.indexing import update_index
from ops.jobs.protection_trial import try_protection
from ops.jobs.reading_lock import hold_reading_lock
from ops.jobs.repositories import open_repository
from ops.ledger.definitions import JobResult
from ops.service.registry import RunContext

ReadData = Literal["none", "share", "all"]

MOST_TOLD = 20
"""Findings that a result names; of more only the number is given."""

_ID_DIVISOR_BYTES = 4


def check(
    context: RunContext,
    progress: Progress = SILENT,
    *,
    wait_for_lock: timedelta = timedelta(minutes=10),
) -> JobResult:
    """Run a check; the caller holds the site's lock.

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
    total = site.targets.reread_days
    today = context.due_at.astimezone(estate.zone).date()
    shares = _shares_to_read(context, estate, total, today) if wanted == "share" else ()
    with hold_reading_lock(repository, retry_for=wait_for_lock):
        request = make_check_request(repository, wanted, shares, total)
        result = check_repository(repository, request, progress)
    update_index(context.catalog, repository, site=site.name, store=store.name)
    if wanted == "all":
        shares = tuple(range(total))
    try_protection(context.catalog, estate, site.name, store)
    told = {"store": store.name, "shares": list(shares), "share_total": total}
    return _conclude(result, told)


def make_check_request(
    repository: Repository, wanted: ReadData, shares: Collection[int], total: int
) -> CheckRequest:
    """Say which packs to read back.

    Args:
        repository: Its packs are listed where a share is wanted.
        wanted: Whether to read none, a share or all.
        shares: Numbers of the shares, from 0.
        total: How many shares there are.
    """
    if wanted != "share":
        return CheckRequest(read_data=wanted)
    packs = repository.list_packs()
    return CheckRequest(PackChoice(frozenset(it for it in packs if share_of(it, total) in shares)))


def share_of(pack_id: bytes, total: int) -> int:
    """Give the share a pack belongs to for life, from 0: its id is as good as chance."""
    return int.from_bytes(pack_id[:_ID_DIVISOR_BYTES]) % total


def choose_shares(read_on: Mapping[int, date], total: int, today: date) -> tuple[int, ...]:
    """Choose the shares to read today.

    Args:
        read_on: When each share was last read and found sound; those never read are left out.
        total: How many there are.
        today: The organisation's date.

    Returns:
        Those not read for longest, one for each day since the last reading, at least one,
        ascending.
    """
    days = (today - max(read_on.values())).days if read_on else 1
    count = min(max(days, 1), total)
    oldest_first = sorted(range(total), key=lambda share: (read_on.get(share, date.min), share))
    return tuple(sorted(oldest_first[:count]))


def _shares_to_read(
    context: RunContext, estate: Estate, total: int, today: date
) -> tuple[int, ...]:
    read_on: dict[int, date] = {}
    for ended_at, summary in _sound_checks(context.catalog, context.job):
        if summary.get("share_total") == total:
            day = ended_at.astimezone(estate.zone).date()
            read_on |= dict.fromkeys(summary.get("shares", ()), day)
    return choose_shares(read_on, total, today)


def _sound_checks(catalog: Catalog, job: str) -> list[tuple[Any, dict[str, Any]]]:
    query = (
        select(Run.ended_at, Run.summary)
        .where(Run.job == job, Run.outcome == "ok")
        .where(Run.ended_at.is_not(None))
        .order_by(Run.started_at)
    )
    with catalog.reading() as session:
        return [(ended_at, summary) for ended_at, summary in session.execute(query)]


def _conclude(result: CheckResult, shares: dict[str, Any]) -> JobResult:
    counts = result.counts
    summary: dict[str, Any] = {
        "snapshots": counts.snapshots,
        "packs": counts.packs,
        "blobs": counts.blobs,
        "packs_read": counts.packs_read,
        "bytes_read": counts.bytes_read,
        "every_pack_read": result.is_every_pack_verified,
        "hints": len(result.hints),
        **shares,
    }
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


def keep_told(value: object) -> object:
    """Give a value as JSON keeps it; of an error its template stays apart from its values."""
    if isinstance(value, BackupError):
        params = {name: keep_told(it) for name, it in value.params.items()}
        return {"what": value.what, "params": params}
    return str(value)
