"""Copying snapshots from one repository to another, whose key and chunks may be others.

Trees are copied byte for byte, so their ids and those of the snapshots' roots stay the same. Blobs
that the target has already are not read.

Crash-safe order, for each batch of snapshots:

1. Walk their trees in the source: which blobs are needed.
2. Move those that the target lacks: read, authenticated, decoded, hashed, sealed under the target's
   key, opened again and compared; packs become durable as they fill.
3. Index files about these packs: durable; also now and then on the way, so that an interrupted copy
   goes on cheaply.
4. Prove that our lock on the target still stands; write the snapshots.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from backup.errors import DamagedError
from backup.format.compression import Compression
from backup.format.pack import BlobType
from backup.format.snapshot import Snapshot, derive_snapshot
from backup.progress import SILENT, Progress
from backup.prune.entries import Flags, select_blobs
from backup.prune.new_index import extend_index, load_index_files
from backup.repository.index import Index
from backup.repository.locks import Lock
from backup.repository.repack_workers import Move, open_mover
from backup.repository.repository import Repository
from backup.repository.tree_walk import positions_of
from backup.repository.used_blobs import find_used

_BATCH = 25


@dataclass(frozen=True, slots=True)
class CopiedSnapshot:
    """One snapshot that was asked for.

    Attributes:
        source: The snapshot in the source.
        copy_id: Id in the target.
        is_new: False where it had been copied before.
    """

    source: Snapshot
    copy_id: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """How to copy.

    Attributes:
        compression: How to compress data blobs that the source stores plain; None leaves them.
        workers: Processes; None for as many as suit, 0 for this thread alone.
    """

    compression: Compression | None = None
    workers: int | None = None


def find_copy(snapshot: Snapshot, there: Sequence[Snapshot]) -> Snapshot | None:
    """Find the copy of a snapshot, as restic does: the same first id, and all else the same.

    Where the same snapshot was tagged since, on either side, it is not the same any more. Pure.
    """
    first_id = snapshot.original or snapshot.id
    for other in there:
        if first_id in {other.original, other.id} and _is_similar(snapshot, other):
            return other
    return None


def _is_similar(one: Snapshot, other: Snapshot) -> bool:
    return (
        one.time == other.time
        and one.tree == other.tree
        and one.hostname == other.hostname
        and one.username == other.username
        and (one.uid, one.gid) == (other.uid, other.gid)
        and sorted(one.paths) == sorted(other.paths)
        and one.excludes == other.excludes
        and sorted(one.tags) == sorted(other.tags)
    )


def copy_snapshots(
    source: Repository,
    target: Repository,
    snapshots: Sequence[Snapshot],
    *,
    lock: Lock,
    request: CopyRequest | None = None,
    progress: Progress = SILENT,
) -> Iterator[CopiedSnapshot]:
    """Copy snapshots, and yield what became of each; those that were there already come first.

    Args:
        source: Where they are; the caller holds a shared lock on it.
        target: Where they go.
        snapshots: Which; they are copied in this order.
        lock: The shared lock on the target that is held.
        request: How.
        progress: Told of it.

    Raises:
        DamagedError: The source lacks something a snapshot needs, or it cannot be read.
        RepositoryLockedError: Our lock on the target is gone.
        StoreError: A store failed.
    """
    there = target.load_snapshots()
    missing = []
    for snapshot in snapshots:
        copy = find_copy(snapshot, there)
        if copy is None:
            missing.append(snapshot)
        else:
            yield CopiedSnapshot(snapshot, copy.id, is_new=False)
    if missing:
        copier = _Copier(source, target, lock, request or CopyRequest(), progress)
        for start in range(0, len(missing), _BATCH):
            yield from copier.copy(missing[start : start + _BATCH])


class _Copier:
    def __init__(
        self,
        source: Repository,
        target: Repository,
        lock: Lock,
        request: CopyRequest,
        progress: Progress,
    ) -> None:
        self._source = source
        self._target = target
        self._lock = lock
        self._request = request
        self._progress = progress
        self._source_index = source.load_index()
        self._target_index = target.load_index()

    def copy(self, snapshots: Sequence[Snapshot]) -> Iterator[CopiedSnapshot]:
        wanted = self._find_wanted(snapshots)
        self._move(wanted)
        for snapshot in snapshots:
            self._lock.ensure_held()
            copy_id = self._target.save_snapshot(derive_snapshot(snapshot, parent=""))
            yield CopiedSnapshot(snapshot, copy_id, is_new=True)

    def _find_wanted(self, snapshots: Sequence[Snapshot]) -> Flags:
        """Mark the source's entries of blobs that these snapshots need and the target lacks."""
        roots = [(snapshot.tree, bytes.fromhex(snapshot.id)) for snapshot in snapshots]
        self._progress.start("find data", None, "trees")
        used = find_used(
            self._source, self._source_index, roots, progress=_as_steps(self._progress.advance)
        )
        self._progress.finish()
        if used.missing or used.unreadable:
            raise DamagedError(
                "{count} blobs that the snapshots need cannot be read in {place}",
                why="{missing} are in no index, {unreadable} trees are damaged",
                data="no snapshot was written",
                next_step="run check there; copy the snapshots that are whole by their ids",
                count=len(used.missing) + len(used.unreadable),
                missing=len(used.missing),
                unreadable=len(used.unreadable),
                place=self._source.store.location,
            )
        return used.marks & ~_mark_known(self._source_index, used.marks, self._target_index)

    def _move(self, wanted: Flags) -> None:
        if not wanted.any():
            return
        index = self._source_index
        size = int(index.sizes()[wanted].sum(dtype=np.int64))
        packs = np.unique(index.pack_numbers()[wanted]).tolist()
        self._progress.start("copy", size, "bytes")
        with open_mover(
            self._source,
            index,
            self._target,
            size=size,
            compression=self._request.compression,
            workers=self._request.workers,
            ensure_allowed=self._lock.ensure_held,
            progress=self._progress,
        ) as mover:
            moved = mover.move(
                Move(index.pack_ids[number], blobs)
                for number, blobs in select_blobs(index, wanted, packs)
            )
        self._progress.finish()
        fresh = load_index_files(self._target, list(moved.index_files))
        nothing = np.zeros(len(self._target_index), dtype=np.bool_)
        self._target_index, _ = extend_index(self._target_index, nothing, fresh)


def _mark_known(index: Index, marks: Flags, other: Index) -> Flags:
    """Of the marked entries, mark those whose blobs another index has too."""
    known = np.zeros(len(index), dtype=np.bool_)
    ids = np.frombuffer(index.ids(), dtype="V32")
    for blob_type in BlobType:
        chosen = np.flatnonzero(marks & (index.types() == blob_type))
        known[chosen] = positions_of(other, ids[chosen].tobytes(), blob_type) >= 0
    return known


def _as_steps(advance: Callable[[int], None]) -> Callable[[int], None]:
    """Turn a running total into steps."""
    seen = 0

    def told(total: int) -> None:
        nonlocal seen
        advance(total - seen)
        seen = total

    return told
