"""Look at the fetched copy: for malware first, then alive in the sandbox.

The files get numbered further names in a folder of their own (hard links, which cost no room),
since a name of the site may be anything; ClamAV looks at those, then they go again.

1. Wipe the keys from paper: nothing in the sandbox may find them.
2. Plan the rehearsal from the copy's own manifest and the estate.
3. Rehearse it (`ops.sandbox`).
"""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from backup.format.snapshot import Snapshot
from ops.backups import MANIFEST
from ops.backups.malware.clamscan import (
    TOO_LARGE,
    FileAnswer,
    Scanner,
    Signatures,
    find_scanner,
    read_signatures,
)
from ops.backups.malware.job import conclude_scan, explain_error
from ops.backups.malware.records import CopyLook, remember_look
from ops.backups.malware.scan import Tally, show_path
from ops.drills.phases.work import Work, make_folder
from ops.drills.records import PhaseResult
from ops.errors import OpsError
from ops.sandbox.databases.databases import doubt_copy
from ops.sandbox.make_plan import plan_rehearsal
from ops.sandbox.plan import RehearsalPlan
from ops.sandbox.rehearse import remove_tree
from ops.sandbox.result import RehearsalResult, write_result
from ops.schedule.ledger.job import JobResult

_PARTLY = "not_all_scanned"


def scan(work: Work) -> PhaseResult:
    """Look; a copy that was not looked through is only less than needed where the estate says so.

    Raises:
        OSError: The drill's folder cannot be written.
    """
    settings = work.estate.security
    needed = settings.scan_before_use
    try:
        signatures = read_signatures(settings.clamav_database)
        scanner = find_scanner(signatures.path)
    except OpsError as error:
        return PhaseResult(
            outcome="not_checked",
            reason="scan_impossible",
            params=explain_error(error),
            facts={"needed": needed},
        )
    found = look_at(work.restored, work.folder / "scan", scanner)
    result = _conclude(work, scanner, signatures, found)
    outcome, reason = result.outcome, result.reason
    if reason == _PARTLY and found.files:  # such files are named, and keep nobody from the copy
        outcome, reason = "ok", ""
    return PhaseResult(
        outcome=outcome,  # type: ignore[arg-type]  # a look is never missed
        reason=reason,
        params=result.params,
        facts={**result.summary, "needed": needed},
    )


def look_at(folder: Path, scratch: Path, scanner: Scanner) -> Tally:
    """Look at every file below a folder.

    Args:
        folder: What was restored.
        scratch: Folder on the same file system for numbered names; made and removed here.
        scanner: Looks at files.
    """
    found = Tally()
    make_folder(scratch)
    names: dict[str, tuple[str, int]] = {}
    for number, (path, size) in enumerate(_list_files(folder)):
        shown = show_path(os.fsencode(path)[len(os.fsencode(folder)) :])
        if size > scanner.largest_bytes:
            found.not_checked.append((shown, TOO_LARGE))
            continue
        name = f"{number:06}"
        os.link(path, scratch / name, follow_symlinks=False)
        names[name] = shown, size
    try:
        answers = scanner.scan(scratch, list(names)) if names else {}
    finally:
        remove_tree(scratch)
    for name, answer in answers.items():
        _take(found, answer, *names[name])
    return found


def _list_files(folder: Path) -> Iterator[tuple[str, int]]:
    for above, _folders, files in os.walk(folder):
        for name in sorted(files):
            path = os.path.join(above, name)  # noqa: PTH118 - names that are no UTF-8 stay as they are
            if os.path.isfile(path) and not os.path.islink(path):  # noqa: PTH113, PTH114 - the same
                yield path, os.path.getsize(path)  # noqa: PTH202 - the same


def _take(found: Tally, answer: FileAnswer, shown: str, size: int) -> None:
    if answer.state == "not_checked":
        found.not_checked.append((shown, answer.told))
        return
    found.files += 1
    found.bytes += size
    if answer.state == "infected":
        found.infected.append((shown, answer.told))


def _conclude(work: Work, scanner: Scanner, signatures: Signatures, found: Tally) -> JobResult:
    """Keep the record of the look, as `backup.scan` does, and judge it."""
    drill, now = work.drill, datetime.now(UTC)
    snapshot = Snapshot(
        time=drill.taken_at or drill.started_at,
        tree=bytes.fromhex(str(drill.phases["fetch"].facts["tree"])),
        paths=(f"/{work.site.name}",),
        hostname=work.site.name,
        id=drill.snapshot,
    )
    looked = CopyLook(
        work.site.name, work.store.name, snapshot, scanner.version(), signatures, found
    )
    with work.catalog.writing() as session:
        remember_look(session, work.origin, looked, now=now)
    return conclude_scan(looked, timedelta(days=work.estate.security.clamav_days), now)


def rehearse(work: Work) -> PhaseResult:
    """Plan and rehearse."""
    from ops.sandbox.rehearse import rehearse as rehearse_plan

    remove_tree(work.keys)
    top = work.restored / work.site.name
    try:
        manifest: dict[str, Any] = json.loads((top / MANIFEST).read_text(encoding="utf-8"))
        plan, doubts = _plan(work, manifest), tuple(doubt_copy(manifest, work.site))
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        params = {"error": type(error).__name__, "text": str(error)}
        return PhaseResult(outcome="failed", reason="drill_no_manifest", params=params)
    found = rehearse_plan(plan)
    return judge_rehearsal(replace(found, remarks=(*found.remarks, *doubts)), manifest)


def _plan(work: Work, manifest: dict[str, Any]) -> RehearsalPlan:
    """Plan it; what claims to be younger than the copy itself does not count as its newest."""
    is_later = bool(work.drill.phases["fetch"].facts.get("databases_of"))
    ended_at = datetime.fromisoformat(manifest["ended_at"]["utc"])
    newest = work.drill.incident_at if is_later else min(work.drill.incident_at, ended_at)
    plan = plan_rehearsal(
        work.estate,
        work.site,
        manifest=manifest,
        restored=work.restored / work.site.name,
        work=work.folder,
        incident_at=newest,
    )
    return replace(plan, rows_are_later=is_later)


def judge_rehearsal(found: RehearsalResult, manifest: dict[str, Any]) -> PhaseResult:
    """Give the result of a rehearsal: its gravest remark is the reason; pure."""
    facts = {
        "result": json.loads(write_result(found)),
        "made_by": manifest.get("made_by", {}),
        "newest": None if found.newest is None else found.newest.isoformat(),
    }
    outcome = found.outcome
    if outcome == "ok":
        return PhaseResult(outcome="ok", facts=facts)
    grave = [it for it in found.remarks if it.outcome == "failed"] or list(found.remarks)
    if not grave:
        params = {"why": found.isolation.why}
        return PhaseResult(outcome=outcome, reason="drill_not_isolated", params=params, facts=facts)
    return PhaseResult(
        outcome=outcome, reason=grave[0].code, params=dict(grave[0].params), facts=facts
    )
