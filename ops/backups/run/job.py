"""Back up one site into its primary store.

Order:

1. Refuse what cannot be read; clear the scratch folder of a killed run; read what the last good
   backups have noted.
2. Have the site's chosen pages noted beside what follows; one that fails is a remark.
3. Make the snapshot (`backup.archiver.create`): durable when that returns. Its manifest, read last,
   holds the notes.
4. Bring the index tables up to date.
5. Hold it against the site's own past (`ops.backups.ransomware.watch`, `ops.backups.run.odd`), and
   its pages, as noted in step 2 (`ops.backups.pages.verdict`): what is suspicious is noted.
6. The caller records the result: ledger, journal and notices in one transaction.

What another system delivered is judged between 3 and 4, from the snapshot itself.
Killed between 3 and 6, the snapshot is there; the run counts as lost and is tried again.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from backup.archiver.create import BackupRequest, BackupResult, create_snapshot, find_parent
from backup.progress import SILENT, Progress
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.snapshots.selection import load_readable_snapshots
from ops.alerts.drafts import SUSPICIOUS
from ops.backups.pages.notes import PageNote, rules_of
from ops.backups.pages.noting import PagesOrder, noting_beside
from ops.backups.pages.verdict import UNLIKE, list_jumps, list_remarks
from ops.backups.ransomware.freeze import note_finding, params_of
from ops.backups.ransomware.watch import KEY, watch_backup
from ops.backups.repositories.catalog_index import update_index
from ops.backups.repositories.open import open_repository
from ops.backups.run.earlier import find_good, list_notes, read_earlier, whole_jobs
from ops.backups.run.follow_up import KEY as METHOD
from ops.backups.run.follow_up import method_of
from ops.backups.run.odd import (
    LEARNT_FROM,
    MOST_TOLD,
    Loss,
    Metered,
    RunFigures,
    decide_budget,
    find_failed_pages,
    find_losses,
    find_oddities,
    read_last_size,
)
from ops.backups.sources.availability import check_site
from ops.backups.sources.delivery_facts import judge_deliveries
from ops.backups.sources.delivery_verdict import make_params
from ops.backups.sources.manifest import describe_reading, make_manifest
from ops.backups.sources.site import Reading, make_request
from ops.catalog.open import Catalog
from ops.catalog.tables.copies import WatchFinding
from ops.catalog.tables.core import Run
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.sites import Site
from ops.jobs.run_now import Start, begin, clear_scratch
from ops.parts import Seam
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult
from ops.terminal.progress import Expecting, PassOn


class _Noting(PassOn):
    """Passes progress on, and notes in the reading what could not be read."""

    def __init__(self, inner: Progress, reading: Reading) -> None:
        super().__init__(inner)
        self._reading = reading

    def item_error(self, path: bytes, during: str, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or str(error)
        self._reading.missing.append((path, reason))
        super().item_error(path, during, error)


@dataclass(frozen=True, slots=True)
class OwnBackup:
    """How the service saves itself: as `back_up` and `rehearse` do with a site."""

    back_up: Callable[..., JobResult]
    rehearse: Callable[[Start, Progress], tuple[BackupResult, Reading]]


OWN_BACKUP: Seam[OwnBackup] = Seam("own-backup")
BEFORE_BACKUP: Seam[Callable[[RunContext, Estate], None]] = Seam("before-backup")
"""What makes a site ready that the service itself fills."""


def back_up(
    context: RunContext,
    progress: Progress = SILENT,
    *,
    wait_for_lock: timedelta = timedelta(minutes=10),
) -> JobResult:
    """Run a backup; the caller holds the site's lock.

    Arguments in the context: `database` takes that database alone, `full_read` reads every byte
    of the source again, `accept_size` takes whatever is odd for normal from now on; then nothing is
    frozen either.

    Raises:
        EstateError, OpsError: The estate or the site cannot be used.
        BackupError: The engine failed; there is no snapshot.
    """
    started = time.monotonic()
    start = begin(context)
    progress = Expecting(progress, {"back up": read_last_size(context.catalog, context.job)})
    if start.site.name == OWN_SITE:
        (own,) = OWN_BACKUP.parts()
        return own.back_up(context, start, progress, wait_for_lock=wait_for_lock)
    database = context.arguments.get("database")
    _make_ready(context, start)
    repository = open_repository(start.estate, start.site.name)
    request, reading = plan_backup(
        start,
        database=database,
        full_read=bool(context.arguments.get("full_read")),
        run=str(context.run_id),
    )
    accepts = bool(context.arguments.get("accept_size"))
    progress = Metered(
        progress, start.site.name, decide_budget(context.catalog, start.site, accepts=accepts)
    )
    earlier = read_earlier(context.catalog, repository, start.site.name, database=database)
    noted = list_notes(earlier)
    with noting_beside(_order_pages(start.site, noted, database)) as reading.take_pages:
        result = _create(repository, request, reading, progress, wait_for_lock)
    if database is None:
        reading.deliveries = judge_deliveries(
            start.site, repository, result.snapshot_id, request.time
        )
    outcome = "incomplete" if result.errors or reading.damaged or reading.doubtful else "ok"
    update_index(
        context.catalog,
        repository,
        site=start.site.name,
        store=start.estate.primary_store.name,
        outcomes={result.snapshot_id: outcome} if result.snapshot_id else {},
    )
    summary = summarize(start.estate, request, reading, result)
    if result.snapshot_id and database is None:
        summary[KEY] = watch_backup(
            context,
            start.estate.security.watch,
            start.site,
            repository,
            result.snapshot_id,
            accepts=accepts,
        )
    figures = RunFigures(time.monotonic() - started, summary["parts"])
    oddities = find_odd(context.catalog, context.job, figures)
    lost = find_losses(describe_reading(start.estate, reading), earlier)
    losses = [*lost, *find_failed_pages(reading.pages, noted)]
    if accepts:
        summary["accepted"] = [*oddities, *losses, *list_jumps(reading.pages)]
        return _conclude(result, reading, summary, [], [])
    summary |= _freeze_unlike(context, start.site.name, result.snapshot_id, reading.pages)
    return _conclude(result, reading, summary, oddities, losses)


def _freeze_unlike(
    context: RunContext, site: str, snapshot: str | None, pages: Sequence[PageNote]
) -> dict[str, Any]:
    """Keep what there is of a site whose pages have jumped; gives what the summary tells of it."""
    jumps = list_jumps(pages)
    if not jumps or not snapshot:
        return {}
    with context.catalog.writing() as session:
        before = find_good(session, site, whole_jobs(site))[0]
        frozen = WatchFinding(site=site, before=before, snapshot=snapshot, signals=jumps)
        note_finding(session, context.origin, frozen, now=datetime.now(UTC))
    return {UNLIKE: params_of(frozen)}


def _make_ready(context: RunContext, start: Start) -> None:
    for prepare in BEFORE_BACKUP.parts():
        prepare(context, start.estate)
    check_site(start.site, database=context.arguments.get("database"))
    clear_scratch(start.estate, start.site.name)


def _order_pages(
    site: Site, earlier: Sequence[PageNote] = (), database: str | None = None
) -> PagesOrder:
    """Order the site's pages to be noted; none where a database is saved alone."""
    pages = site.pages if database is None else ()
    return PagesOrder(url=site.url, pages=pages, rules=rules_of(site), earlier=earlier)


def plan_backup(
    start: Start, *, database: str | None = None, full_read: bool = False, run: str = ""
) -> tuple[BackupRequest, Reading]:
    """Make the request for a site, whose snapshot is dated now."""
    manifest = partial(make_manifest, start.estate, estate_version=start.version, run=run)
    return make_request(
        start.estate,
        start.site,
        manifest=manifest,
        now=datetime.now(UTC),
        database=database,
        full_read=full_read,
    )


def rehearse(start: Start, progress: Progress = SILENT) -> tuple[BackupResult, Reading]:
    """Read a site as a backup would, and store nothing."""
    if start.site.name == OWN_SITE:
        (own,) = OWN_BACKUP.parts()
        return own.rehearse(start, progress)
    check_site(start.site)
    repository = open_repository(start.estate, start.site.name)
    request, reading = plan_backup(start)
    request = replace(_with_parent(repository, request), dry_run=True)
    noting = _Noting(progress, reading)
    with noting_beside(_order_pages(start.site)) as reading.take_pages:
        return create_snapshot(repository, request, lock=None, progress=noting), reading


def _create(
    repository: Repository,
    request: BackupRequest,
    reading: Reading,
    progress: Progress,
    wait_for_lock: timedelta,
) -> BackupResult:
    noting = _Noting(progress, reading)
    with hold_lock(repository, retry_for=wait_for_lock, confirm_late=True) as lock:
        request = _with_parent(repository, request)
        return create_snapshot(repository, request, lock=lock, progress=noting)


def _with_parent(repository: Repository, request: BackupRequest) -> BackupRequest:
    if request.force:
        return request
    parent = find_parent(
        load_readable_snapshots(repository).snapshots,
        hostname=request.hostname,
        paths=request.paths,
        before=request.time,
    )
    return replace(request, parent=parent)


def summarize(
    estate: Estate, request: BackupRequest, reading: Reading, result: BackupResult
) -> dict[str, Any]:
    """Give the numbers that are kept of a run, as JSON values."""
    numbers = result.summary
    return {
        "snapshot": result.snapshot_id,
        "parent": result.parent_id,
        METHOD: method_of(
            full_read=request.force,
            is_whole=request.paths == (f"/{request.hostname}",),
            parent=result.parent_id,
        ),
        "taken_at": request.time.isoformat(),
        "files": numbers["total_files_processed"],
        "new_files": numbers["files_new"],
        "changed_files": numbers["files_changed"],
        "processed_bytes": numbers["total_bytes_processed"],
        "added_bytes": numbers["data_added"],
        "added_packed_bytes": numbers["data_added_packed"],
        "parts": size_parts(request.hostname, result),
        "rows": count_rows(reading),
        "not_consistent": [it.part.name for it in reading.torn],
        "without_history": [it.part.name for it in reading.without_history],
        "pages": list_remarks(reading.pages),
        "deliveries": {it.part: it.outcome for it in reading.deliveries},
        "missing": len(result.errors),
        "gap_seconds": reading.gap_seconds,
        "stores": {
            store.name: "ok" if store.role == "primary" else "waiting" for store in estate.stores
        },
    }


def size_parts(site: str, result: BackupResult) -> dict[str, int]:
    """Give how many bytes each part of a site holds, by its path below the site."""
    root = len(site) + 2
    return {report.at.decode()[root:]: report.bytes for report in result.mounts[:-1]}


def count_rows(reading: Reading) -> dict[str, int]:
    """Give how many rows each database holds; of one that was not looked into, nothing."""
    return {
        it.part.name: sum(count or 0 for count in it.facts.tables.values())
        for it in reading.databases
        if it.facts is not None
    }


def find_odd(catalog: Catalog, job: str, figures: RunFigures) -> list[dict[str, Any]]:
    """Give the measures of a run that lie below what the job's good runs have taught.

    A suspicious run teaches nothing: else the first one would silence the alarm about the next.
    """
    with catalog.reading() as session:
        query = (
            select(Run.summary)
            .where(Run.job == job, Run.outcome == "ok", Run.reason != SUSPICIOUS)
            .order_by(Run.started_at.desc())
            .limit(LEARNT_FROM)
        )
        history = [RunFigures.from_summary(it) for it in session.execute(query).scalars()]
    return [asdict(oddity) for oddity in find_oddities(figures, history)]


def _conclude(
    result: BackupResult,
    reading: Reading,
    summary: dict[str, Any],
    oddities: Sequence[dict[str, Any]],
    losses: Sequence[Loss],
) -> JobResult:
    if reading.damaged:
        params = {
            "databases": [it.part.name for it in reading.damaged],
            "problems": [it.facts.problems[0] for it in reading.damaged if it.facts],
            "count": len(result.errors),
        }
        return JobResult("incomplete", "database_damaged", params, summary)
    if result.errors:
        first = [
            {"path": error.path.decode("utf-8", "backslashreplace"), "reason": error.text}
            for error in result.errors[:MOST_TOLD]
        ]
        params = {"count": len(result.errors), "first": first}
        return JobResult("incomplete", "unreadable", params, summary)
    if reading.doubtful:
        return JobResult("incomplete", *make_params(reading.doubtful), summary)
    if oddities or losses:
        params = {
            "oddities": list(oddities),
            "losses": list(losses[:MOST_TOLD]),
            "lost": len(losses),
        }
        return JobResult("ok", SUSPICIOUS, params, summary)
    if UNLIKE in summary:
        return JobResult("ok", UNLIKE, summary[UNLIKE], summary)
    return JobResult("ok", summary=summary)
