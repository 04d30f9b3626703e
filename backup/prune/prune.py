"""Removing data that no snapshot needs, beside running backups.

Crash-safe order. Backups may run, begin and end during the first part; the second is short.

Under a shared lock, adding only:

1. List snapshots, twice, until two listings agree; then read the index, then list packs.
2. Walk the trees of all snapshots: which blobs are needed. Decide: the plan.
3. Move needed blobs out of the packs that shall go into new packs: durable, after each blob was
   authenticated, decoded and hashed again (`backup.repository.repack`).
4. Prove that our lock still stands; write index files about the new packs: durable. Now some blobs
   lie twice, which the format allows; the next run keeps one copy and need not move them again.

Under the exclusive lock; while a backup runs it cannot be had, and the rest is postponed:

5. List snapshots again. Read index files that came since. Walk snapshots that came since, and keep
   back packs that they need. Prove that every needed blob lies in a whole pack that stays.
6. Write the new index, without the packs that go: durable.
7. List snapshots once more; prove that our lock still stands and that no other lock came beside it
   (a machine so slow that its lock appears late); delete the old index files.
8. Look for other locks again. Delete the packs that are in no index any more, and those that never
   were: as nobody else can be writing, they are leftovers.

Before that, pieces of files that killed writers left in the store long ago are swept away.

Killed after any step, every snapshot is whole: a pack goes only when no index names it, and it is
in no index only when its needed blobs are indexed elsewhere.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np

from backup.errors import (
    DamagedError,
    ObjectLockedError,
    PlanOutdatedError,
    RepositoryLockedError,
)
from backup.format.pack import ID_LENGTH, BlobType, pack_key
from backup.progress import SILENT, Progress
from backup.prune.entries import find_whole_packs, select_blobs
from backup.prune.facts import (
    NOTHING_DELETED,
    PruneRequest,
    Reading,
    ensure_alone,
    find_needs,
    list_steadily,
)
from backup.prune.new_index import (
    Removal,
    decide_removal,
    extend_index,
    load_index_files,
    write_index,
)
from backup.prune.plan import PruneFigures, PrunePlan, plan_prune
from backup.repository.delete_files import delete_files
from backup.repository.index import Index
from backup.repository.locks import Lock, hold_lock
from backup.repository.object_lock import Locked, find_locked
from backup.repository.repack_workers import Move, Moved, open_mover
from backup.repository.repository import Repository
from backup.stores.leftovers import remove_superseded, sweep_leftovers

if TYPE_CHECKING:  # an HTTP client is behind it
    from backup.stores.s3.versions import Purge

__all__ = [
    "PruneFigures",
    "PrunePlan",
    "PruneRequest",
    "PruneResult",
    "plan_prune",
    "prune",
]

_ONE_THREAD, _THREADS = 1, 8


@dataclass(frozen=True, slots=True)
class PruneResult:
    """What became of it.

    Attributes:
        outcome: ok, or postponed where somebody else's lock stood in the way of removing; what
            was repacked is kept, and the next run goes on from there.
        figures: What was planned.
        moved: What was repacked.
        removed_packs: Packs that were deleted, leftovers included.
        removed_bytes: Their bytes.
        kept_back: Packs that stayed since a snapshot that came meanwhile needs them.
        postponed_by: Why it was postponed, else None.
        locked: Packs that the store has promised to keep for now; a later run removes them.
        superseded: What became of versions that nobody sees any more; None where the store locks
            nothing.
    """

    outcome: Literal["ok", "postponed"]
    figures: PruneFigures
    moved: Moved
    removed_packs: int = 0
    removed_bytes: int = 0
    kept_back: int = 0
    postponed_by: RepositoryLockedError | None = None
    locked: Locked = field(default_factory=Locked)
    superseded: "Purge | None" = None

    @property
    def overwritten(self) -> tuple[str, ...]:
        """Objects that somebody replaced in the bucket; what they held still lies beneath."""
        return () if self.superseded is None else self.superseded.odd


def prune(
    repository: Repository,
    request: PruneRequest | None = None,
    *,
    retry_for: timedelta = timedelta(0),
    progress: Progress = SILENT,
    on_plan: Callable[[PrunePlan], None] = lambda _plan: None,
) -> PruneResult:
    """Plan and apply, taking the locks that are needed.

    Args:
        repository: What to prune.
        request: How far to go.
        retry_for: How long to wait for each lock.
        progress: Told of it.
        on_plan: Shown the plan before anything is written.

    Raises:
        RepositoryLockedError: Not even a shared lock could be had, or ours is gone.
        DamagedError: See `plan_prune`; also when a needed blob cannot be read.
        StoreError: The store failed.
    """
    with hold_lock(repository, retry_for=retry_for, confirm_late=True) as lock:
        plan = plan_prune(repository, request, progress=progress)
        lock.confirm()
        on_plan(plan)
        moved = _repack(repository, plan, lock, progress)
    return _finish(repository, plan, moved, retry_for=retry_for, progress=progress)


def _refuse_outdated(plan: PrunePlan, index_files: Iterable[str]) -> None:
    gone = plan.index.file_ids.difference(index_files)
    if gone:
        raise PlanOutdatedError(
            "the plan to prune is out of date",
            why="{count} of the index files it was made from are gone; "
            "another prune or a repair has run since",
            data="nothing was deleted by this run",
            next_step="run prune again",
            count=len(gone),
        )


# Adding, under a shared lock ---------------------------------------------------------------------


def _repack(repository: Repository, plan: PrunePlan, lock: Lock, progress: Progress) -> Moved:
    if not plan.repack:
        return Moved(0, 0, 0, ())
    size = plan.figures.repack_bytes - plan.figures.repack_removed_bytes
    progress.start("repack", size, "bytes")
    with open_mover(
        repository,
        plan.index,
        repository,
        size=size,
        compression="auto" if plan.request.repack_uncompressed else None,
        workers=plan.request.workers,
        ensure_allowed=lock.ensure_held,
        progress=progress,
    ) as mover:
        moved = mover.move(
            Move(plan.index.pack_ids[number], blobs)
            for number, blobs in select_blobs(plan.index, plan.needed, plan.repack)
        )
    progress.finish()
    return moved


# Removing, under the exclusive lock --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sight:
    """What is there while nobody else can write.

    Attributes:
        snapshot_ids: All snapshots.
        index: All index entries.
        stored: The packs in the store and their sizes.
        removal: What may go.
    """

    snapshot_ids: list[str]
    index: Index
    stored: dict[bytes, int]
    removal: Removal


def _finish(
    repository: Repository,
    plan: PrunePlan,
    moved: Moved,
    *,
    retry_for: timedelta,
    progress: Progress,
) -> PruneResult:
    sweep_leftovers(repository.store)
    if not plan.has_work:
        return PruneResult(
            "ok",
            plan.figures,
            moved,
            locked=plan.locked,
            superseded=remove_superseded(repository.store),
        )
    with _hold_alone(repository, retry_for) as lock:
        if isinstance(lock, RepositoryLockedError):
            return PruneResult("postponed", plan.figures, moved, postponed_by=lock)
        sight = _look_again(repository, plan, progress)
        try:
            lock.confirm()
        except RepositoryLockedError as error:
            return PruneResult("postponed", plan.figures, moved, postponed_by=error)
        leaving = _list_leaving(sight)
        stuck = find_locked(repository.store, [pack_key(it) for it in leaving])
        leaving = [it for it in leaving if pack_key(it) not in stuck.keys]
        if sight.removal.packs.any():
            _replace_index(repository, sight, lock, plan=plan, progress=progress)
        _delete_packs(repository, leaving, lock, plan=plan, progress=progress)
    return PruneResult(
        "ok",
        plan.figures,
        moved,
        removed_packs=len(leaving),
        removed_bytes=sum(sight.stored[pack_id] for pack_id in leaving),
        kept_back=len(sight.removal.kept_back),
        locked=plan.locked.joined(stuck),
        superseded=remove_superseded(repository.store),
    )


@contextmanager
def _hold_alone(
    repository: Repository, retry_for: timedelta
) -> Iterator[Lock | RepositoryLockedError]:
    """Hold the exclusive lock, or give the reason why it cannot be had.

    The second look is left to the caller, who reads meanwhile: whoever took a lock beside ours is
    seen then, and whoever looked after ours was written withdrew.
    """
    with ExitStack() as stack:
        try:
            lock = stack.enter_context(
                hold_lock(repository, exclusive=True, retry_for=retry_for, confirm_late=True)
            )
        except RepositoryLockedError as error:
            yield error
            return
        yield lock


def _look_again(repository: Repository, plan: PrunePlan, progress: Progress) -> _Sight:
    snapshot_ids = list_steadily(repository, "snapshots")
    index_files = list_steadily(repository, "index")
    _refuse_outdated(plan, index_files)
    came_since = [it for it in index_files if it not in plan.index.file_ids]
    index, needed = plan.index, plan.needed
    if came_since:
        index, needed = extend_index(index, needed, load_index_files(repository, came_since))
    newcomers = [it for it in snapshot_ids if it not in plan.snapshot_ids]
    if newcomers:
        needed = needed | find_needs(repository, index, newcomers, Reading(None, progress)).marks
    stored = repository.list_packs()
    candidates = np.zeros(len(index.pack_ids), dtype=np.bool_)
    candidates[[*plan.remove, *plan.repack]] = True
    removal = decide_removal(
        index, needed, candidates=candidates, is_whole=find_whole_packs(index, stored)
    )
    _refuse_losses(index, removal)
    return _Sight(snapshot_ids, index, stored, removal)


def _refuse_losses(index: Index, removal: Removal) -> None:
    if not len(removal.lost):
        return
    first = int(removal.lost[0])
    raise DamagedError(
        "{count} blobs that snapshots need lie in packs that are missing or of the wrong size; "
        "first: {kind} blob {id} in pack {pack}",
        data="nothing was deleted; what was repacked is kept",
        next_step="run check --read-data to see what is damaged",
        count=len(removal.lost),
        kind=BlobType(int(index.types()[first])).word,
        id=index.ids()[first * ID_LENGTH :][:4].hex(),
        pack=index.pack_ids[int(index.pack_numbers()[first])].hex()[:8],
    )


def _list_leaving(sight: _Sight) -> list[bytes]:
    """List the packs in the store that no index will name: leftovers first."""
    named = set(sight.index.pack_ids)
    leftovers = sorted(pack_id for pack_id in sight.stored if pack_id not in named)
    removed = (
        sight.index.pack_ids[number] for number in np.flatnonzero(sight.removal.packs).tolist()
    )
    return [*leftovers, *(pack_id for pack_id in removed if pack_id in sight.stored)]


def _replace_index(
    repository: Repository, sight: _Sight, lock: Lock, *, plan: PrunePlan, progress: Progress
) -> None:
    staying = np.flatnonzero(~sight.removal.packs).tolist()
    lock.ensure_held()
    progress.start("write index", len(staying), "packs")
    write_index(repository, sight.index, staying, progress=progress.advance)
    progress.finish()
    if list_steadily(repository, "snapshots") != sight.snapshot_ids:
        raise PlanOutdatedError(
            "a snapshot came or went while the exclusive lock was held",
            why="something writes to {place} without taking a lock",
            data=NOTHING_DELETED,
            next_step="find out who writes there, then run prune again",
            place=repository.store.location,
        )
    ensure_alone(repository, lock)
    keys = [f"index/{file_id}" for file_id in sorted(sight.index.file_ids)]
    _delete(repository, keys, lock, plan=plan, progress=progress, stage="delete old index")


def _delete_packs(
    repository: Repository,
    pack_ids: Iterable[bytes],
    lock: Lock,
    *,
    plan: PrunePlan,
    progress: Progress,
) -> None:
    ensure_alone(repository, lock)
    keys = [pack_key(pack_id) for pack_id in pack_ids]
    _delete(repository, keys, lock, plan=plan, progress=progress, stage="delete packs")


def _delete(
    repository: Repository,
    keys: Sequence[str],
    lock: Lock,
    *,
    plan: PrunePlan,
    progress: Progress,
    stage: str,
) -> None:
    threads = _ONE_THREAD if plan.request.workers == 0 else _THREADS
    progress.start(stage, len(keys), "files")
    attempts = delete_files(
        repository.store, keys, ensure_allowed=lock.ensure_held, threads=threads
    )
    for _, error in attempts:
        if error is not None and not isinstance(error, ObjectLockedError):
            raise error
        progress.advance()
    progress.finish()
