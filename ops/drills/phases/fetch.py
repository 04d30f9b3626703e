"""Fetch the whole copy, or one file of it, and compare; only here is a store touched."""

import hashlib
import os
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.format.snapshot import Snapshot
from backup.repository.repository import Repository
from backup.restorer.restore import RestoreRequest, restore_snapshot
from backup.snapshots.walk import Entry, TreeReader, walk
from ops.alerts.drafts import FROZEN
from ops.backups import MANIFEST
from ops.backups.malware.scan import show_path
from ops.backups.pages.verdict import UNLIKE
from ops.backups.ransomware.freeze import list_freezes, params_of
from ops.backups.repositories.moments import (
    NoSnapshotError,
    SnapshotShare,
    State,
    choose_snapshot,
    choose_state,
)
from ops.backups.repositories.open import hold_reading_lock, open_repository
from ops.backups.repositories.stock_restic import restic_at
from ops.backups.restore.into_folder import compile_texts, join_databases
from ops.backups.restore.restore import read_told
from ops.catalog.tables.core import Run
from ops.drills.compare import Comparison, Newest, Tree, compare_entry, compare_folder
from ops.drills.phases.prepare import open_for_drill, paper_password
from ops.drills.phases.work import Work, make_folder
from ops.drills.records import PhaseResult, choose_copy
from ops.told_text import clean_text
from ops.version import software_version

_TOLD_OTHERWISE = frozenset({"unreadable", "database_damaged", UNLIKE})
"""The manifest has the first two, and the rehearsal names them; the last one freezes its site."""


def find_warnings(
    session: Session, site: str, snapshots: Collection[Snapshot]
) -> list[dict[str, Any]]:
    """Give the warnings of the runs that made these snapshots, and what freezes the site for them.

    Args:
        session: Reading is enough.
        site: Its name.
        snapshots: What the copy is made of; copied ones name those they were made from.

    Returns:
        Reason codes and parameters, JSON values: `reason`, `params`; the oldest run's first.
    """
    ids = {it for one in snapshots for it in (one.id, one.original) if it}
    return [*_of_runs(session, site, ids), *_of_freezes(session, site, ids)]


def _of_runs(session: Session, site: str, ids: set[str]) -> Iterator[dict[str, Any]]:
    query = select(Run.reason, Run.params).where(
        Run.site == site,
        Run.kind == "backup",
        Run.reason.notin_(("", *_TOLD_OTHERWISE)),
        Run.summary["snapshot"].as_string().in_(ids),
    )
    for reason, params in session.execute(query.order_by(Run.started_at)):
        yield {"reason": reason, "params": params}


def _of_freezes(session: Session, site: str, ids: set[str]) -> Iterator[dict[str, Any]]:
    for it in list_freezes(session, site):
        if it.snapshot in ids:
            yield {"reason": FROZEN, "params": params_of(it)}


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
    """Fetch the whole copy, and compare every file with it.

    1. Clear what an earlier try has fetched.
    2. Open the repository with the drill's keys; choose what a restore would: the newest whole
       snapshot and what was saved of a database alone since, unless one snapshot is named.
    3. Restore all of it, with our engine or with stock restic.
    4. Compare every entry with the snapshots' trees (`ops.drills.compare`).
    5. Have the restored manifest tell of databases that are of later snapshots.

    Raises:
        OpsError: The repository does not open, or there is no such snapshot.
        BackupError: The store failed, or the snapshot's root cannot be read.
    """
    make_folder(work.restored)
    repository = open_for_drill(work)
    with hold_reading_lock(repository, retry_for=_WAIT_FOR_LOCK):
        snapshot, state = _choose(work, repository)
        with work.catalog.writing() as session:
            choose_copy(
                session,
                work.drill.id,
                store=work.store.name,
                snapshot=snapshot.id,
                taken_at=snapshot.time,
            )
            warnings = find_warnings(session, work.site.name, state.snapshots)
        shares = list(state.shares(work.site.name))
        begun = time.monotonic()
        restored = _restore(work, repository, shares)
        fetched = time.monotonic()
        reader = TreeReader(repository, repository.load_index())
        target, newest = os.fsencode(work.restored), newest_of(work.site.name, snapshot)
        found = compare_folder(reader, [_tree_of(it) for it in shares], target, newest)
        compared = time.monotonic()
        manifest = work.restored / work.site.name / MANIFEST
        join_databases(manifest, read_told(repository, state, work.site.name))
    facts = {
        **found.as_values(),
        **asdict(restored),
        "snapshot": snapshot.id,
        "databases_of": {
            name: {"snapshot": it.id, "taken_at": it.time.isoformat()}
            for name, it in state.apart.items()
        },
        "warnings": warnings,
        "tree": snapshot.tree.hex(),
        "made_by": snapshot.program_version or "",
        "seconds_restore": round(fetched - begun, 3),
        "seconds_compare": round(compared - fetched, 3),
    }
    return judge_comparison(found, facts)


def _choose(work: Work, repository: Repository) -> tuple[Snapshot, State]:
    """Choose as a restore after the incident would; gives the snapshot of the files, and all."""
    estate, site, drill = work.estate, work.site.name, work.drill
    if not drill.wanted:
        names = [it.name for it in work.site.databases]
        with suppress(NoSnapshotError):  # the newest is taken then, and its age tells
            state = choose_state(
                repository, estate, site, at=drill.incident_at.isoformat(), databases=names
            )
            if state.whole is not None:
                return state.whole, state
    wanted = drill.wanted or drill.snapshot
    snapshot = choose_snapshot(repository, estate, site, wanted=wanted)
    return snapshot, State(snapshot)


def _tree_of(share: SnapshotShare) -> Tree:
    """Give a snapshot's tree, and which of its entries have to be there."""
    own, others = compile_texts(share.include), compile_texts(share.exclude)
    return (
        share.snapshot.tree,
        lambda path: (
            (own is None or own.match(path)) and (others is None or not others.match(path))
        ),
    )


def newest_of(site: str, snapshot: Snapshot) -> Newest:
    """Say which files tell how new a copy of a site is."""
    return Newest(f"/{site}/files/".encode(), round(snapshot.time.timestamp() * 1_000_000_000))


def judge_comparison(found: Comparison, facts: dict[str, Any]) -> PhaseResult:
    """Give the result of a comparison; pure."""
    if not found.difference_count:
        return PhaseResult(outcome="ok", facts=facts)
    named = sorted(found.differences, key=lambda it: it.what not in _LOST)
    first = [{"path": it.path, "what": it.what} for it in named[:FEW]]
    params = {
        "path": first[0]["path"],
        "what": first[0]["what"],
        "first": first,
        "count": found.difference_count,
    }
    return PhaseResult(outcome="failed", reason="drill_differs", params=params, facts=facts)


def _restore(work: Work, repository: Repository, shares: Sequence[SnapshotShare]) -> Restored:
    if work.drill.engine == "restic":
        return _restore_with_restic(work, shares)
    lines, count = list[str](), 0
    for share in shares:
        request = RestoreRequest(  # holes cost a look at every byte
            target=os.fsencode(work.restored),
            include=compile_texts(share.include),
            exclude=compile_texts(share.exclude),
        )
        result = restore_snapshot(repository, share.snapshot.tree, request, work.progress)
        lines += [f"{os.fsdecode(it.path)}: {it.error}" for it in result.failures[:_MOST_LINES]]
        count += result.error_count
    told = tuple(clean_text(line) for line in lines[:_MOST_LINES])
    return Restored(f"giucong {software_version()}", told, count)


def _restore_with_restic(work: Work, shares: Sequence[SnapshotShare]) -> Restored:
    """Have stock restic restore."""
    program = shutil.which("restic")
    if program is None:
        raise FileNotFoundError("restic")
    password = paper_password(work.keys) if work.drill.from_paper else None
    restic = restic_at(program, work.estate, work.site.name, work.store, password=password)
    done = [
        restic.restore(it.snapshot.id, work.restored, include=it.include, exclude=it.exclude)
        for it in shares
    ]
    lines = [line for it in done for line in it.stderr.splitlines() if line.strip()]
    told = tuple(clean_text(line) for line in lines[:_MOST_LINES])
    return Restored(restic.version(), told, max(it.returncode for it in done))


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
    """Fetch one file, and compare it.

    1. Clear what an earlier try has fetched.
    2. Open the repository, choose snapshot and file (`choose_file`).
    3. Restore that file, and compare it with its entry.
    """
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

    Which one is decided by lot: the file whose path, hashed with the drill's id, comes first. So
    nobody chooses it, and everybody can draw it again from the record. A file that an earlier drill
    has found wrong is taken by its name.

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
