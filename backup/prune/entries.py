"""Counting: which index entries are needed, which copies of a blob stay, what each pack holds.

An entry is needed where a snapshot needs its blob and it is the copy that stays. Ids follow each
other in an index, so entries of one blob are found by comparing neighbours. (Two ids that share
their first eight bytes may break a run in two; then a copy too many is kept, never one too few.)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from backup.format.crypto import OVERHEAD
from backup.format.pack import BlobType, PackedBlob
from backup.repository.index import Index
from backup.repository.pack_table import PackTable
from backup.repository.tree_walk import entries_at

_SEALED_EMPTY = OVERHEAD

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PackCounts:
    """What each pack holds; all arrays are as long as `Index.pack_ids`.

    Attributes:
        blobs: Number of all blobs.
        needed_blobs: Number of needed ones.
        needed_bytes: Sealed bytes of needed blobs.
        unused_bytes: Sealed bytes of all others.
        sizes: Bytes of the whole pack, header included.
        holds_trees: Whether it holds a tree, perhaps beside data.
        is_mixed: Whether it holds trees and data.
        plain_blobs: Number of needed data blobs that are stored plain.
        plain_trees: Number of needed trees that are stored plain.
        is_whole: Whether the store has it, and in the right size.
    """

    blobs: Numbers
    needed_blobs: Numbers
    needed_bytes: Numbers
    unused_bytes: Numbers
    sizes: Numbers
    holds_trees: Flags
    is_mixed: Flags
    plain_blobs: Numbers
    plain_trees: Numbers
    is_whole: Flags


def blob_numbers(index: Index) -> npt.NDArray[np.int64]:
    """Number the blobs: entries have the same number where id and type are the same; ascending.

    The numbers have gaps; none is above twice the number of entries.
    """
    if not len(index):
        return np.zeros(0, dtype=np.int64)
    ids = np.frombuffer(index.ids(), dtype="V32")
    starts = np.zeros(len(ids), dtype=np.int64)
    starts[1:] = ids[1:] != ids[:-1]
    return np.cumsum(starts) * len(BlobType) + index.types()


def find_whole_packs(index: Index, stored: dict[bytes, int]) -> Flags:
    """Say of each pack whether the store has it in the size the index promises."""
    promised = PackTable(index).sizes()
    there = np.array([stored.get(pack_id, -1) for pack_id in index.pack_ids], dtype=np.int64)
    return np.equal(there, promised)


def choose_copies(index: Index, used: Flags, is_whole: Flags) -> Flags:
    """Choose one entry for each used blob.

    Of several copies the one in a whole pack is taken first; among these, the one whose pack has
    most bytes that lie nowhere else, for that pack stays anyway; then the one with least unused.

    Args:
        index: The entries.
        used: Marks at least one entry of each used blob.
        is_whole: For each pack, whether it can be relied on.
    """
    numbers = blob_numbers(index)
    is_used = np.zeros(len(BlobType) * len(index), dtype=np.bool_)
    is_used[numbers[used]] = True
    candidates = is_used[numbers]
    counts = np.bincount(numbers, minlength=len(is_used))
    repeated = np.flatnonzero(candidates & (counts[numbers] > 1))
    needed = candidates.copy()
    needed[repeated] = False
    packs = index.pack_numbers()
    lengths = index.sizes().astype(np.int64)
    own = _sum_by_pack(index, np.where(needed, lengths, 0))
    waste = _sum_by_pack(index, np.where(candidates, 0, lengths))
    places = packs[repeated]
    order = np.lexsort((places, waste[places], -own[places], ~is_whole[places], numbers[repeated]))
    ordered = numbers[repeated][order]
    is_first = np.ones(len(ordered), dtype=np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    needed[repeated[order[is_first]]] = True
    return needed


def count_packs(index: Index, needed: Flags, is_whole: Flags) -> PackCounts:
    """Count what each pack holds."""
    lengths = index.sizes().astype(np.int64)
    is_tree = index.types() == BlobType.TREE
    table = PackTable(index)
    blobs = table.blob_counts()
    trees = _sum_by_pack(index, is_tree)
    # An empty blob cannot be compressed.
    is_plain = needed & (index.plain_sizes() == 0) & (lengths > _SEALED_EMPTY)
    return PackCounts(
        blobs=blobs,
        needed_blobs=_sum_by_pack(index, needed),
        needed_bytes=_sum_by_pack(index, np.where(needed, lengths, 0)),
        unused_bytes=_sum_by_pack(index, np.where(needed, 0, lengths)),
        sizes=table.sizes(),
        holds_trees=trees > 0,
        is_mixed=(trees > 0) & (trees < blobs),
        plain_blobs=_sum_by_pack(index, is_plain & ~is_tree),
        plain_trees=_sum_by_pack(index, is_plain & is_tree),
        is_whole=is_whole,
    )


def select_blobs(
    index: Index, marks: Flags, packs: Sequence[int]
) -> Iterator[tuple[int, list[PackedBlob]]]:
    """Yield the numbers of those packs that hold marked entries, ascending, with these blobs.

    The blobs of a pack come in the order of their offsets.
    """
    is_wanted = np.zeros(len(index.pack_ids), dtype=np.bool_)
    is_wanted[list(packs)] = True
    chosen = np.flatnonzero(marks & is_wanted[index.pack_numbers()])
    chosen = chosen[np.lexsort((index.offsets()[chosen], index.pack_numbers()[chosen]))]
    numbers = index.pack_numbers()[chosen]
    bounds = [0, *(np.flatnonzero(numbers[1:] != numbers[:-1]) + 1).tolist(), len(chosen)]
    for start, end in pairwise(bounds):
        if end > start:
            yield int(numbers[start]), entries_at(index, chosen[start:end])


def _sum_by_pack(index: Index, values: npt.NDArray[np.generic]) -> Numbers:
    sums = np.bincount(index.pack_numbers(), values.astype(np.float64), len(index.pack_ids))
    return sums.astype(np.int64)
