"""Back up the service itself, as the site `giucong`, into every store that can be reached.

Order (`back_up_service`):

1. Hold the journal against its chain and the heads in the stores; sign its head.
2. Copy the catalog (`take_records`): its copy holds at least the row that was signed for.
3. Into each store: make the repository on first use, make the snapshot; durable when that returns.
   A mirror is brought up to date with its source (`backup.copies.mirror`).
4. Give each store the signed head and the guide for recovery.
5. The caller records the result.

One store that fails does not keep the others from getting theirs. Killed after any step, the next
run goes on: what is there stays. What people decide stands nowhere else, so it is saved before the
night (`save_decision`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.archiver.create import BackupRequest, BackupResult, create_snapshot, find_parent
from backup.copies.mirror import update_mirror
from backup.errors import BackupError
from backup.progress import SILENT, Progress
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.snapshots.selection import load_readable_snapshots
from ops.access.session import Bench
from ops.audit.job import ENOUGH_HEADS, broken_params, examine, give_head, sign_now
from ops.backups.copies.job import ensure_mounted, open_or_make
from ops.backups.kinds import backup_job
from ops.backups.repositories.catalog_index import update_index
from ops.backups.repositories.guide import put_guides
from ops.backups.repositories.open import open_place, open_repository
from ops.backups.run.job import OwnBackup, summarize
from ops.backups.sources.site import Reading
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import Occurrence
from ops.errors import OpsError
from ops.estate.choose import choose_stores
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.references import reveal
from ops.estate.model.stores import Store
from ops.jobs.definitions import list_jobs
from ops.jobs.run_now import Start, clear_scratch
from ops.journal.journal import Origin
from ops.language.causes import tell_cause
from ops.language.text import N_, _, fill
from ops.outcomes import UNTOUCHED, Explainer, Explanation
from ops.recovery.catalog_copy import catalog_file, copy_catalog, dump_records
from ops.recovery.content import make_own_request
from ops.schedule.kinds import RunContext
from ops.schedule.ledger import overview
from ops.schedule.ledger.job import JobResult

_GATHERED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Saved:
    """What became of one store: its numbers, or why there are none."""

    summary: dict[str, Any]
    is_whole: bool = True


def back_up_service(
    context: RunContext,
    start: Start,
    progress: Progress = SILENT,
    *,
    wait_for_lock: timedelta = timedelta(minutes=10),
) -> JobResult:
    """Run it; the caller holds the lock of the site `giucong`."""
    estate = start.estate
    clear_scratch(estate, OWN_SITE)
    found = examine(estate, context.catalog, newest=ENOUGH_HEADS)
    head = None if found.faults else sign_now(estate, context.catalog, context.origin)
    copy = take_records(estate, context.catalog)
    saved, failed = _save_everywhere(context, start, copy, progress, wait_for_lock)
    clear_scratch(estate, OWN_SITE)
    if head is not None:
        give_head(estate, context.catalog, context.origin, head)
    put_guides(estate, context.catalog)
    if not saved:
        raise OpsError(
            "the service could not be saved into any store",
            why="{first}",
            data="what the stores had before is untouched",
            next_step="check the stores, then `{program} backup.run --site giucong`",
            first="; ".join(f"{store}: {reason}" for store, reason in failed.items()),
        )
    first = next(iter(saved.values()))
    summary = {**first.summary, "rows": {}, "signed": head.sequence if head else None}
    summary["stores"] = {it.name: "ok" if it.name in saved else "failed" for it in estate.stores}
    if found.faults:
        return JobResult("incomplete", "journal_broken", broken_params(found), summary)
    if failed:
        return JobResult("incomplete", "stores_unreached", {"stores": failed}, summary)
    if not all(it.is_whole for it in saved.values()):
        return JobResult("incomplete", "own_files_missing", {}, summary)
    return JobResult("ok", summary=summary)


def take_records(estate: Estate, catalog: Catalog) -> Path:
    """Copy the catalog into the scratch folder: a file, or a folder of record tables."""
    folder = estate.service.scratch / OWN_SITE
    live = catalog_file(reveal(estate.catalog.url))
    if live is not None:
        return copy_catalog(live, folder)
    dump_records(catalog, folder / "records")
    return folder / "records"


def rehearse_service(start: Start, progress: Progress = SILENT) -> tuple[BackupResult, Reading]:
    """Read the service as its backup would, and store nothing."""
    estate, store = start.estate, start.estate.primary_store
    repository = open_repository(estate, OWN_SITE)
    clear_scratch(estate, OWN_SITE)
    catalog = open_catalog(reveal(estate.catalog.url))
    try:
        copy = take_records(estate, catalog)
        request, reading = make_own_request(
            estate, store, copy, version=start.version, run="", now=datetime.now(UTC)
        )
        dry = replace(request, dry_run=True)
        return create_snapshot(repository, dry, lock=None, progress=progress), reading
    finally:
        catalog.close()
        clear_scratch(estate, OWN_SITE)


def _save_everywhere(
    context: RunContext, start: Start, copy: Path, progress: Progress, wait: timedelta
) -> tuple[dict[str, _Saved], dict[str, str]]:
    estate = start.estate
    saved: dict[str, _Saved] = {}
    failed: dict[str, str] = {}
    for store in choose_stores(estate, ""):
        try:
            if store.role == "mirror":
                saved[store.name] = _mirror(context, estate, store, wait)
            else:
                saved[store.name] = _save(context, start, store, copy, progress, wait)
        except (BackupError, OpsError) as error:
            failed[store.name] = fill(error.what, error.params)
    return saved, failed


def _save(
    context: RunContext, start: Start, store: Store, copy: Path, progress: Progress, wait: timedelta
) -> _Saved:
    repository = open_or_make(context.catalog, start.estate, OWN_SITE, store)
    request, reading = make_own_request(
        start.estate,
        store,
        copy,
        version=start.version,
        run=str(context.run_id),
        now=datetime.now(UTC),
    )
    with hold_lock(repository, retry_for=wait, confirm_late=True) as lock:
        parent = find_parent(
            load_readable_snapshots(repository).snapshots,
            hostname=request.hostname,
            paths=request.paths,
            before=request.time,
        )
        result = create_snapshot(
            repository, replace(request, parent=parent), lock=lock, progress=progress
        )
    return _note(context, start, store, repository, (result, reading), request)


def _note(
    context: RunContext,
    start: Start,
    store: Store,
    repository: Repository,
    made: tuple[BackupResult, Reading],
    request: BackupRequest,
) -> _Saved:
    result, reading = made
    is_whole = not result.errors and not reading.damaged
    outcome = "ok" if is_whole else "incomplete"
    update_index(
        context.catalog,
        repository,
        site=OWN_SITE,
        store=store.name,
        outcomes={result.snapshot_id: outcome} if result.snapshot_id else {},
    )
    return _Saved(summarize(start.estate, request, reading, result), is_whole)


def _mirror(context: RunContext, estate: Estate, store: Store, wait: timedelta) -> _Saved:
    """Bring a mirror up to date with its source."""
    source = estate.store(store.of or "")
    opened = open_repository(estate, OWN_SITE, source)
    ensure_mounted(context.catalog, estate, OWN_SITE, store)
    place = open_place(estate, OWN_SITE, store)
    update_mirror(opened, place, retry_for=wait)
    repository = open_repository(estate, OWN_SITE, store)
    update_index(context.catalog, repository, site=OWN_SITE, store=store.name)
    return _Saved({})


def ask_for_backup(session: Session, estate: Estate, origin: Origin) -> None:
    """Have the service save itself in a minute, with whatever else is decided until then.

    Args:
        session: A writing session.
        estate: As it is now.
        origin: Who has caused it; journaled. One that waits already is enough.
    """
    name = backup_job(OWN_SITE)
    waiting = select(Occurrence.id).where(
        Occurrence.job == name, Occurrence.state == "due", Occurrence.trigger == "person"
    )
    if session.execute(waiting).first() is not None:
        return
    job, now = next(job for job in list_jobs(estate) if job.name == name), datetime.now(UTC)
    row = session.get_one(Occurrence, overview.trigger(session, job, now=now, origin=origin))
    row.not_before = now + _GATHERED


def save_decision(bench: Bench) -> None:
    """Have the service save itself soon, since what people have decided stands nowhere else."""
    with bench.catalog.writing() as session:
        ask_for_backup(session, bench.estate, bench.origin)


OWN_BACKUP = OwnBackup(back_up_service, rehearse_service)


def _explain_unreached_stores(params: Mapping[str, Any]) -> Explanation:
    told = "; ".join(f"{store}: {tell_cause(reason)}" for store, reason in params["stores"].items())
    return Explanation(
        _("{count} stores could not be reached").format(count=len(params["stores"])),
        told,
        _("the other stores have what is new; what these had before is untouched"),
        fill(N_("check the store, then `{program} backup.run --site giucong`"), params),
    )


EXPLANATIONS: Mapping[str, Explanation | Explainer] = {
    "stores_unreached": _explain_unreached_stores,
    "own_files_missing": Explanation(
        N_("some files of the service itself could not be read"),
        "",
        UNTOUCHED,
        N_("look who owns them, then `{program} backup.run --site giucong`"),
    ),
}
"""By reason code; parts with placeholders, or what makes them."""
