"""Fetch one file of the newest copy, and compare it in every byte and all its metadata.

Which one is decided by lot: the file whose path, hashed with the drill's id, comes first. So nobody
chooses it, and everybody can draw it again from the record. A file that an earlier drill has found
wrong is taken by its name.

1. Clear what an earlier try has fetched.
2. Open the repository, choose snapshot and file.
3. Restore that file, and compare it with its entry.
"""

import hashlib
import os
from dataclasses import dataclass
from datetime import timedelta

from backup.restorer.restore import RestoreRequest, restore_snapshot
from backup.snapshots.walk import Entry, TreeReader, walk
from ops.backups.malware.scan import show_path
from ops.backups.repositories.moments import choose_snapshot
from ops.backups.repositories.open import hold_reading_lock, open_repository
from ops.drills.compare import compare_entry
from ops.drills.phases.fetch import judge_comparison, newest_of
from ops.drills.phases.work import Work, make_folder
from ops.drills.records import PhaseResult, choose_copy
from ops.version import software_version

_WAIT_FOR_LOCK = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class OnePath:
    """Chooses one path of a snapshot and nothing else."""

    path: bytes

    def match(self, path: bytes) -> bool:
        """Whether this is it."""
        return path == self.path

    def child_match(self, path: bytes) -> bool:
        """Whether it lies below."""
        return self.path.startswith(path.rstrip(b"/") + b"/")

    @property
    def literals(self) -> tuple[bytes]:
        """See `backup.restorer.request.PathFilter`."""
        return (self.path.rpartition(b"/")[2],)


def fetch_file(work: Work) -> PhaseResult:
    """Fetch and compare."""
    target = os.fsencode(make_folder(work.restored))
    repository = open_repository(work.estate, work.site.name, work.store)
    with hold_reading_lock(repository, retry_for=_WAIT_FOR_LOCK):
        snapshot = choose_snapshot(
            repository, work.estate, work.site.name, wanted=work.drill.wanted
        )
        with work.catalog.writing() as session:
            choose_copy(
                session,
                work.drill.id,
                store=work.store.name,
                snapshot=snapshot.id,
                taken_at=snapshot.time,
            )
        reader = TreeReader(repository, repository.load_index())
        entry, count = choose_file(reader, snapshot.tree, work.drill.id, work.path)
        if entry is None:
            params = {"path": work.path}
            return PhaseResult(outcome="not_checked", reason="drill_no_file", params=params)
        request = RestoreRequest(target=target, include=OnePath(entry.path), workers=0)
        result = restore_snapshot(repository, snapshot.tree, request, work.progress)
        found = compare_entry(reader, entry, target, newest_of(work.site.name, snapshot))
    facts = {
        **found.as_values(),
        "path": show_path(entry.path),
        "chosen_from": count,
        "by_lot": not work.path,
        "engine": f"giucong {software_version()}",
        "problem_count": result.error_count,
        "made_by": snapshot.program_version,
    }
    return judge_comparison(found, facts)


def choose_file(
    reader: TreeReader, tree: bytes, drill: str, path: str = ""
) -> tuple[Entry | None, int]:
    """Choose a file; gives it, and from how many.

    Args:
        reader: Reads the trees.
        tree: Id of the snapshot's root tree.
        drill: Id of the drill, from which the lot is drawn.
        path: As `show_path` tells it; empty for the lot.
    """
    best: tuple[bytes, Entry] | None = None
    count = 0
    for entry in walk(reader, tree):
        if entry.node.type != "file":
            continue
        count += 1
        lot = hashlib.sha256(drill.encode() + b"\0" + entry.path).digest()
        if path and show_path(entry.path) == path:
            return entry, 1
        if not path and (best is None or lot < best[0]):
            best = lot, entry
    return (None if best is None else best[1]), count
