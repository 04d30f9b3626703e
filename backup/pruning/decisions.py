"""Deciding what becomes of each pack: pure.

The rules are restic's (its manual, "Customize pruning"; design of prune):

- A pack without needed blobs is removed.
- A pack with needed blobs only stays; small ones are joined where that is asked for.
- Others are repacked, the worst share of unused data first, and packs of trees before those of
  data. Packs of data stay once the unused rest is small enough.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from backup.pruning.entries import PackCounts
from backup.pruning.request import PruneRequest

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
