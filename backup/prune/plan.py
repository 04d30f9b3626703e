"""Making the plan: what to remove and what to repack, and the facts it follows from.

Deciding what becomes of each pack: pure.

The rules are restic's (its manual, "Customize pruning"; design of prune):

- A pack without needed blobs is removed.
- A pack with needed blobs only stays; small ones are joined where that is asked for.
- Others are repacked, the worst share of unused data first, and packs of trees before those of
  data. Packs of data stay once the unused rest is small enough.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from backup.errors import BackupError, DamagedError
from backup.format.pack import pack_key
from backup.progress import SILENT, Progress
from backup.prune.entries import Flags, PackCounts, choose_copies, count_packs, find_whole_packs
from backup.prune.facts import NOTHING_DELETED, PruneRequest, Reading, find_needs, list_steadily
from backup.repository.index import Index
from backup.repository.object_lock import Locked, find_locked
from backup.repository.repository import Repository
from backup.repository.tree_readers import open_tree_readers

_FEWEST_SMALL_PACKS = 10


@dataclass(frozen=True, slots=True)
class PackDecisions:
    """What becomes of the packs, by their number in the index.

    Attributes:
        remove: Packs that nobody needs, ascending.
        repack: Packs whose needed blobs move elsewhere, in the order of their worth.
        keep: All others, ascending.
    """

    remove: tuple[int, ...]
    repack: tuple[int, ...]
    keep: tuple[int, ...]

    @property
    def gone(self) -> tuple[int, ...]:
        """All packs that do not stay."""
        return (*self.remove, *self.repack)

    def without(self, spared: Collection[int]) -> "PackDecisions":
        """Keep these, too."""
        return PackDecisions(
            tuple(number for number in self.remove if number not in spared),
            tuple(number for number in self.repack if number not in spared),
            tuple(sorted({*self.keep, *spared})),
        )


def decide_packs(counts: PackCounts, request: PruneRequest) -> PackDecisions:
    """Decide about all packs."""
    is_needed = counts.needed_blobs > 0
    remove = np.flatnonzero(~is_needed)
    must_compress = counts.plain_trees > 0
    if request.repack_uncompressed:
        must_compress |= counts.plain_blobs > 0
    has_reason = (counts.unused_bytes > 0) | counts.is_mixed | must_compress
    # An unused copy of an empty blob has bytes too: the envelope's.
    candidates = is_needed & has_reason
    small = is_needed & ~has_reason & (counts.sizes < request.small_limit)
    if np.count_nonzero(small) >= _FEWEST_SMALL_PACKS:
        candidates |= small
    if request.repack_cacheable_only:
        candidates &= counts.holds_trees
    order = _by_worth(counts, np.flatnonzero(candidates).tolist())
    repack = _choose(counts, order, must_compress.tolist(), request)
    gone = {*remove.tolist(), *repack}
    keep = tuple(number for number in range(len(counts.blobs)) if number not in gone)
    return PackDecisions(tuple(remove.tolist()), repack, keep)


def _by_worth(counts: PackCounts, candidates: Iterable[int]) -> list[int]:
    """Mixed packs and packs of trees first, then by the share of unused bytes, worst first."""

    def worth(number: int) -> tuple[bool, bool, float, int]:
        share = counts.unused_bytes[number] / max(1, int(counts.sizes[number]))
        return (
            not counts.is_mixed[number],
            not counts.holds_trees[number],
            -float(share),
            number,
        )

    return sorted(candidates, key=worth)


def _choose(
    counts: PackCounts, order: Iterable[int], must_compress: list[bool], request: PruneRequest
) -> tuple[int, ...]:
    is_needed = counts.needed_blobs > 0
    unused = int(counts.unused_bytes[is_needed].sum())
    allowed = request.max_unused.allowed_bytes(int(counts.needed_bytes.sum()))
    budget = request.max_repack_bytes
    chosen = []
    for number in order:
        size = int(counts.needed_bytes[number] + counts.unused_bytes[number])
        if budget is not None and size > budget:
            continue
        is_limited = not counts.holds_trees[number] and not must_compress[number]
        is_clean_enough = allowed is None or unused <= allowed
        is_big_enough = counts.sizes[number] >= request.small_limit
        if is_limited and is_clean_enough and is_big_enough:
            continue
        chosen.append(number)
        unused -= int(counts.unused_bytes[number])
        if budget is not None:
            budget -= size
    return tuple(chosen)


_NOTHING_LOCKED = Locked()


@dataclass(frozen=True, slots=True)
class PruneFigures:
    """What a plan would do, in blobs and bytes.

    Attributes:
        used_blobs: Needed blobs, each counted once.
        used_bytes: Their sealed bytes.
        unused_blobs: Blobs that nobody needs, second copies included.
        unused_bytes: Their sealed bytes.
        repack_packs: Packs whose needed blobs move.
        repack_blobs: Blobs in them.
        repack_bytes: Their sealed bytes; so much is rewritten at most.
        repack_removed_blobs: Blobs that do not move.
        repack_removed_bytes: Their sealed bytes.
        removed_packs: Packs that hold nothing needed.
        removed_blobs: Blobs in them.
        removed_bytes: Their sealed bytes.
        unindexed_packs: Packs that no index knew; they may belong to a backup that runs.
        unindexed_bytes: Their bytes.
    """

    used_blobs: int
    used_bytes: int
    unused_blobs: int
    unused_bytes: int
    repack_packs: int
    repack_blobs: int
    repack_bytes: int
    repack_removed_blobs: int
    repack_removed_bytes: int
    removed_packs: int
    removed_blobs: int
    removed_bytes: int
    unindexed_packs: int
    unindexed_bytes: int

    @property
    def unused_bytes_after(self) -> int:
        """Bytes that nobody needs and that stay."""
        return self.unused_bytes - self.removed_bytes - self.repack_removed_bytes


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What to prune, and the facts it was decided from.

    Attributes:
        request: What was asked for.
        snapshot_ids: The snapshots whose trees were walked.
        index: The index that was read; its `file_ids` name the files.
        needed: Marks the copy that stays of each needed blob.
        remove: Numbers of packs that hold nothing needed.
        repack: Numbers of packs whose needed blobs move.
        figures: All this in numbers.
        locked: Packs that would go if the store had not promised to keep them for now.
    """

    request: PruneRequest
    snapshot_ids: frozenset[str]
    index: Index
    needed: Flags
    remove: tuple[int, ...]
    repack: tuple[int, ...]
    figures: PruneFigures
    locked: Locked = _NOTHING_LOCKED

    @property
    def has_work(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.remove or self.repack or self.figures.unindexed_packs)


def plan_prune(
    repository: Repository,
    request: PruneRequest | None = None,
    *,
    without: Collection[str] = (),
    progress: Progress = SILENT,
) -> PrunePlan:
    """Decide what to prune. The caller holds a lock, or only wants to look.

    Args:
        repository: What to prune.
        request: How far to go.
        without: Ids of snapshots that are taken for removed already; a plan made with them is to
            be looked at only, since those snapshots come as new ones when it is applied.
        progress: Told of it.

    Raises:
        DamagedError: A snapshot, tree, needed blob or needed pack is missing or damaged.
        BackupError: There is no snapshot at all, or two listings do not agree.
        StoreError: The store failed.
    """
    request = request or PruneRequest()
    with open_tree_readers(repository, workers=request.workers) as readers:
        return _plan(repository, request, without, Reading(readers, progress))


def _plan(
    repository: Repository, request: PruneRequest, without: Collection[str], reading: Reading
) -> PrunePlan:
    listed = list_steadily(repository, "snapshots")
    snapshot_ids = [snapshot_id for snapshot_id in listed if snapshot_id not in without]
    index = repository.load_index()
    stored = repository.list_packs()
    if not snapshot_ids and stored and not request.allow_empty:
        raise BackupError(
            "refusing to remove all data of {place}",
            why="it has no snapshot, so nothing in it seems to be needed",
            data=NOTHING_DELETED,
            next_step="look at it with snapshots; if it is right, add --unsafe-allow-remove-all",
            place=repository.store.location,
        )
    used = find_needs(repository, index, snapshot_ids, reading)
    is_whole = find_whole_packs(index, stored)
    needed = choose_copies(index, used.marks, is_whole)
    counts = count_packs(index, needed, is_whole)
    _refuse_lost_packs(index, counts)
    decisions, locked = _spare_locked(repository, index, decide_packs(counts, request))
    known = set(index.pack_ids)
    unindexed = [size for pack_id, size in stored.items() if pack_id not in known]
    return PrunePlan(
        request=request,
        snapshot_ids=frozenset(snapshot_ids),
        index=index,
        needed=needed,
        remove=decisions.remove,
        repack=decisions.repack,
        figures=_figure(counts, decisions, unindexed),
        locked=locked,
    )


def _spare_locked(
    repository: Repository, index: Index, decisions: PackDecisions
) -> tuple[PackDecisions, Locked]:
    """Leave alone what the store would not delete anyway; moving its blobs would only cost room."""
    keys = {number: pack_key(index.pack_ids[number]) for number in decisions.gone}
    locked = find_locked(repository.store, list(keys.values()))
    spared = {number for number, key in keys.items() if key in locked.keys}
    return decisions.without(spared), locked


def _refuse_lost_packs(index: Index, counts: PackCounts) -> None:
    lost = np.flatnonzero((counts.needed_blobs > 0) & ~counts.is_whole)
    if len(lost):
        raise DamagedError(
            "{count} packs that snapshots need are missing or of the wrong size; first: {id}",
            data=NOTHING_DELETED,
            next_step="run check --read-data, then repair index",
            count=len(lost),
            id=index.pack_ids[lost[0]].hex()[:8],
        )


def _figure(counts: PackCounts, decisions: PackDecisions, unindexed: Sequence[int]) -> PruneFigures:
    remove, repack = list(decisions.remove), list(decisions.repack)
    unneeded = counts.blobs - counts.needed_blobs
    return PruneFigures(
        used_blobs=int(counts.needed_blobs.sum()),
        used_bytes=int(counts.needed_bytes.sum()),
        unused_blobs=int(unneeded.sum()),
        unused_bytes=int(counts.unused_bytes.sum()),
        repack_packs=len(repack),
        repack_blobs=int(counts.blobs[repack].sum()),
        repack_bytes=int((counts.needed_bytes + counts.unused_bytes)[repack].sum()),
        repack_removed_blobs=int(unneeded[repack].sum()),
        repack_removed_bytes=int(counts.unused_bytes[repack].sum()),
        removed_packs=len(remove),
        removed_blobs=int(counts.blobs[remove].sum()),
        removed_bytes=int(counts.unused_bytes[remove].sum()),
        unindexed_packs=len(unindexed),
        unindexed_bytes=sum(unindexed),
    )
