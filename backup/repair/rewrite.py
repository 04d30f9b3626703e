"""Snapshots written anew with other trees: ``rewrite`` and ``repair snapshots``.

A snapshot is never changed: another one is written that remembers it, and where that is wanted the
old one goes. The data of what was taken out stays until a prune.

Crash-safe order, for each snapshot:

1. Write the new trees and an index file about them: durable.
2. Prove that our lock still stands.
3. Write the new snapshot: durable.
4. Delete the old one, if it is to go. Killed in between, both are there; run it again.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from backup.archiver.run_writer import RunWriter
from backup.errors import BackupError, DamagedError, ObjectNotFoundError
from backup.format.snapshot import Snapshot
from backup.patterns.patterns import Patterns
from backup.repair.rewritten_trees import (
    Edit,
    Entry,
    LostRootError,
    NewTree,
    TreeRewriter,
)
from backup.repository.locks import Lock
from backup.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class RewriteRequest:
    """How snapshots are replaced.

    Attributes:
        tag: Put on the new ones, unless the old ones go.
        forget: Whether the old ones go.
        dry_run: Write nothing, only say what would be done.
    """

    tag: str
    forget: bool = False
    dry_run: bool = False


class Rewritten(NamedTuple):
    """What became of one snapshot.

    Attributes:
        snapshot: As it was.
        is_changed: Whether its trees are others now.
        new_id: Of the one that stands for it; "" where none was written.
        is_removed: Whether the old one is gone.
        is_lost: Whether not even its root can be read, so that nothing can stand for it.
    """

    snapshot: Snapshot
    is_changed: bool = False
    new_id: str = ""
    is_removed: bool = False
    is_lost: bool = False


def rewrite_snapshots(
    repository: Repository,
    snapshots: Iterable[Snapshot],
    edit: Edit,
    request: RewriteRequest,
    *,
    lock: Lock | None,
) -> Iterator[Rewritten]:
    """Write snapshots anew, and yield what became of each.

    Args:
        repository: Where they are.
        snapshots: Which.
        edit: What is to change in them.
        request: How.
        lock: The lock that is held, exclusive where snapshots go; None only for a dry run.

    Raises:
        BackupError: A tree cannot be read; snapshots that were yielded are done.
        RepositoryLockedError: Our lock is gone.
        StoreError: The store failed.
    """

    def ensure_held() -> None:
        if lock is not None:
            lock.ensure_held()

    writer = RunWriter(repository, width=0, dry_run=request.dry_run, before_index=ensure_held)
    try:
        rewriter = TreeRewriter(repository, writer, edit)
        for snapshot in snapshots:
            try:
                tree = rewriter.rewrite(snapshot.tree)
            except LostRootError:
                yield _give_up(repository, snapshot, request, ensure_held)
                continue
            except DamagedError as error:
                raise _unreadable(snapshot, error) from error
            if tree.id == snapshot.tree or request.dry_run:
                yield Rewritten(snapshot, is_changed=tree.id != snapshot.tree)
                continue
            writer.checkpoint()
            ensure_held()
            new_id = repository.save_snapshot(_renew(snapshot, tree, request))
            if request.forget:
                _remove(repository, snapshot)
            yield Rewritten(snapshot, is_changed=True, new_id=new_id, is_removed=request.forget)
    finally:
        writer.close()


def _renew(snapshot: Snapshot, tree: NewTree, request: RewriteRequest) -> Snapshot:
    """Give the snapshot that stands for another one; without what is gone it holds less."""
    tags = snapshot.tags if request.forget else (*snapshot.tags, request.tag)
    summary = dict(snapshot.summary)
    for name, gone in (
        ("total_files_processed", tree.files),
        ("total_bytes_processed", tree.bytes),
    ):
        if isinstance(summary.get(name), int):
            summary[name] = max(0, summary[name] - gone)
    return replace(
        snapshot,
        tree=tree.id,
        tags=tuple(dict.fromkeys(tags)),
        original=snapshot.id,
        summary=summary,
        id="",
    )


def _give_up(
    repository: Repository,
    snapshot: Snapshot,
    request: RewriteRequest,
    ensure_held: Callable[[], None],
) -> Rewritten:
    """Remove a snapshot of which nothing can be read, if snapshots may go at all."""
    goes = request.forget and not request.dry_run
    if goes:
        ensure_held()
        _remove(repository, snapshot)
    return Rewritten(snapshot, is_removed=goes, is_lost=True)


def _remove(repository: Repository, snapshot: Snapshot) -> None:
    with suppress(ObjectNotFoundError):
        repository.store.delete(f"snapshots/{snapshot.id}")


def _unreadable(snapshot: Snapshot, error: DamagedError) -> BackupError:
    return DamagedError(
        "snapshot {id} cannot be written anew",
        why="{cause}",
        data="this snapshot and those after it are as they were",
        next_step="run check, then repair snapshots, or leave this snapshot out",
        id=snapshot.short_id,
        cause=error,
    )


class ExcludeEdit:
    """Leaves out what patterns match."""

    def __init__(self, patterns: Patterns, told: Callable[[bytes], None]) -> None:
        """Set up; `told` is called with each path that is left out."""
        self._told = told
        self._patterns = patterns

    def edit(self, entries: list[Entry]) -> list[Entry]:
        """See `Edit`."""
        kept = []
        for entry in entries:
            if self._patterns.match(entry.path):
                self._told(entry.path)
            else:
                kept.append(entry)
        return kept

    def enters(self, path: bytes) -> bool:
        """See `Edit`."""
        return self._patterns.child_match(path)

    def replace_lost(self, path: bytes, error: DamagedError) -> bool:
        """See `Edit`: what cannot be looked through may hold what is to go."""
        del path, error
        return False
