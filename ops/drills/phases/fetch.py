"""Fetch the whole copy, and compare every file with it; only here is a store touched.

1. Clear what an earlier try has fetched.
2. Open the repository with the drill's keys; choose the snapshot where nobody has yet.
3. Restore all of it, with our engine or with stock restic.
4. Compare every entry with the snapshot's tree (`ops.drills.compare`).
"""

import os
import shutil
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from backup.format.snapshot import Snapshot
from backup.repository.repository import Repository
from backup.restorer.restore import RestoreRequest, restore_snapshot
from backup.snapshots.walk import TreeReader
from ops.backups.repositories.moments import choose_snapshot
from ops.backups.repositories.open import hold_reading_lock
from ops.backups.repositories.stock_restic import restic_at
from ops.canonical import clean_text
from ops.drills.compare import Comparison, Newest, compare_folder
from ops.drills.phases.keys import open_for_drill, paper_password
from ops.drills.phases.work import Work, make_folder
from ops.drills.records import PhaseResult, choose_copy
from ops.version import software_version

FEW = 5
"""Differences that a reason names."""

_LOST = frozenset({"missing", "content", "unreadable", "type", "tree"})
"""What is told first: a folder's time, say, differs only because a file in it is missing."""
_WAIT_FOR_LOCK = timedelta(minutes=10)
_MOST_LINES = 5


@dataclass(frozen=True, slots=True)
class Restored:
    """How a restore went.

    Attributes:
        engine: Which program and version.
        problems: Lines of its own about what it could not restore; the first few.
        problem_count: How many entries it could not restore; of restic its exit code.
    """

    engine: str
    problems: tuple[str, ...]
    problem_count: int


def fetch(work: Work) -> PhaseResult:
    """Fetch and compare.

    Raises:
        OpsError: The repository does not open, or there is no such snapshot.
        BackupError: The store failed, or the snapshot's root cannot be read.
    """
    make_folder(work.restored)
    repository = open_for_drill(work)
    with hold_reading_lock(repository, retry_for=_WAIT_FOR_LOCK):
        wanted = work.drill.snapshot or work.drill.wanted
        snapshot = choose_snapshot(repository, work.estate, work.site.name, wanted=wanted)
        with work.catalog.writing() as session:
            choose_copy(session, work.drill.id, store=work.store.name, snapshot=snapshot.id,
                        taken_at=snapshot.time)  # fmt: skip
        begun = time.monotonic()
        restored = _restore(work, repository, snapshot)
        fetched = time.monotonic()
        reader = TreeReader(repository, repository.load_index())
        target = os.fsencode(work.restored)
        found = compare_folder(reader, snapshot.tree, target, newest_of(work.site.name, snapshot))
        compared = time.monotonic()
    facts = {
        **found.as_values(),
        **asdict(restored),
        "snapshot": snapshot.id,
        "tree": snapshot.tree.hex(),
        "made_by": snapshot.program_version or "",
        "seconds_restore": round(fetched - begun, 3),
        "seconds_compare": round(compared - fetched, 3),
    }
    return judge_comparison(found, facts)


def newest_of(site: str, snapshot: Snapshot) -> Newest:
    """Say which files tell how new a copy of a site is."""
    return Newest(f"/{site}/files/".encode(), round(snapshot.time.timestamp() * 1_000_000_000))


def judge_comparison(found: Comparison, facts: dict[str, Any]) -> PhaseResult:
    """Give the result of a comparison; pure."""
    if not found.difference_count:
        return PhaseResult(outcome="ok", facts=facts)
    named = sorted(found.differences, key=lambda it: it.what not in _LOST)
    first = [{"path": it.path, "what": it.what} for it in named[:FEW]]
    params = {"path": first[0]["path"], "what": first[0]["what"], "first": first,
              "count": found.difference_count}  # fmt: skip
    return PhaseResult(outcome="failed", reason="drill_differs", params=params, facts=facts)


def _restore(work: Work, repository: Repository, snapshot: Snapshot) -> Restored:
    if work.drill.engine == "restic":
        return _restore_with_restic(work, snapshot)
    request = RestoreRequest(target=os.fsencode(work.restored))  # holes cost a look at every byte
    result = restore_snapshot(repository, snapshot.tree, request, work.progress)
    told = (f"{os.fsdecode(it.path)}: {it.error}" for it in result.failures[:_MOST_LINES])
    lines = tuple(clean_text(line) for line in told)
    return Restored(f"giucong {software_version()}", lines, result.error_count)


def _restore_with_restic(work: Work, snapshot: Snapshot) -> Restored:
    """Have stock restic restore."""
    program = shutil.which("restic")
    if program is None:
        raise FileNotFoundError("restic")
    password = paper_password(work.keys) if work.drill.from_paper else None
    restic = restic_at(program, work.estate, work.site.name, work.store, password=password)
    done = restic.restore(snapshot.id, work.restored)
    told = [clean_text(line) for line in done.stderr.splitlines() if line.strip()]
    return Restored(restic.version(), tuple(told[:_MOST_LINES]), done.returncode)
