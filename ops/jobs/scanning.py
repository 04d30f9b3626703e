"""Look through one copy of a site for malware; nothing of it is ever changed or deleted.

Order:

1. Find ClamAV and its signatures; without them the outcome is not checked.
2. Look through the snapshot piece by piece (`ops.malware.looking`).
3. Write the record and its journal row in one transaction.
4. The caller records the run's result.

Killed before 3, nothing is claimed; killed after it, the record stands and the run counts as lost.
"""

from datetime import UTC, datetime, timedelta

from backup.progress import SILENT, Progress
from backup.snapshots.walk import TreeReader
from ops.errors import OpsError
from ops.jobs.beginning import begin, clear_scratch
from ops.jobs.choosing import chosen_store
from ops.jobs.looking import choose_snapshot
from ops.jobs.reading_lock import hold_reading_lock
from ops.jobs.repositories import open_repository
from ops.ledger.definitions import JobResult, Outcome
from ops.malware.clamscan import ScannerError, find_scanner
from ops.malware.looking import look_through
from ops.malware.remembering import Looked, remember_look
from ops.malware.signatures import SignaturesError, read_signatures
from ops.service.registry import RunContext

FEW = 5
"""Files that a result names."""

_MIB = 1 << 20


def scan_copy(
    context: RunContext,
    progress: Progress = SILENT,
    *,
    wait_for_lock: timedelta = timedelta(minutes=10),
) -> JobResult:
    """Run it; the caller holds the site's lock.

    Arguments in the context: `store`, which store (unless given the primary); `snapshot`, the
    beginning of an id (unless given the newest).

    Raises:
        EstateError, OpsError: The estate, the site or the snapshot cannot be used.
        BackupError: The store failed, or a tree cannot be read.
    """
    estate, _version, site = begin(context)
    settings = estate.security
    try:
        signatures = read_signatures(settings.clamav_database)
        scanner = find_scanner(signatures.path)
    except (ScannerError, SignaturesError) as error:
        return JobResult("not_checked", "scan_impossible", explain_error(error))
    store = chosen_store(estate, context.arguments)
    repository = open_repository(estate, site.name, store)
    clear_scratch(estate, site.name)
    with hold_reading_lock(repository, retry_for=wait_for_lock):
        wanted = str(context.arguments.get("snapshot", ""))
        snapshot = choose_snapshot(repository, estate, site.name, wanted=wanted)
        reader = TreeReader(repository, repository.load_index())
        found = look_through(
            reader, snapshot.tree, scanner, estate.service.scratch / site.name / "scan",
            piece_bytes=settings.scan_piece_mb * _MIB, progress=progress,
        )  # fmt: skip
    looked = Looked(site.name, store.name, snapshot, scanner.version(), signatures, found)
    now = datetime.now(UTC)
    with context.catalog.writing() as session:
        remember_look(session, context.origin, looked, now=now)
    return conclude_scan(looked, timedelta(days=settings.clamav_days), now)


def explain_error(error: OpsError) -> dict[str, object]:
    """Give an error as parameters of a result, which tell it in its own words."""
    params = {name: str(value) for name, value in error.params.items()}
    parts = {name: getattr(error, name) for name in ("what", "why", "data", "next_step")}
    return {**parts, "params": params}


def conclude_scan(looked: Looked, longest: timedelta, now: datetime) -> JobResult:
    """Give the result of a look; pure.

    Args:
        looked: What was looked through, by what, and what came of it.
        longest: How old signatures may be.
        now: Aware.
    """
    found, summary = looked.found, looked.as_values()
    params: dict[str, object]
    about = {"store": looked.store, "snapshot": looked.snapshot.short_id}
    if found.infected:
        named = [f"{path} ({signature})" for path, signature in found.infected[:FEW]]
        params = {**about, "count": len(found.infected), "first": named}
        return JobResult("failed", "malware_found", params, summary)
    if found.not_checked:
        first = [{"path": path, "reason": reason} for path, reason in found.not_checked[:FEW]]
        params = {**about, "count": len(found.not_checked), "first": first}
        outcome: Outcome = "incomplete" if found.files else "not_checked"
        return JobResult(outcome, "not_all_scanned", params, summary)
    age = looked.signatures.age(now)
    if age > longest:
        params = {**about, "days": age.days, "longest": longest.days}
        return JobResult("incomplete", "signatures_old", params, summary)
    return JobResult("ok", summary=summary)
