"""The index seen pack by pack: sizes, headers and order, computed for all packs at once."""

import numpy as np
import numpy.typing as npt

from backup.format.crypto import OVERHEAD
from backup.format.pack import BlobType, PackedBlob, encode_header, header_overhead
from backup.repository.index import Index
from backup.repository.tree_walk import entries_at

_LENGTH_FIELD = 4
_COMPRESSED_BIT = 2
_ENTRY_LENGTHS = (header_overhead(compressed=True), header_overhead(compressed=False))
_COMPRESSED_ENTRY = np.dtype([("kind", "u1"), ("length", "<u4"), ("plain", "<u4"), ("id", "V32")])


class PackTable:
    """What the index says about each pack; a pack's number is its place in `Index.pack_ids`."""

    def __init__(self, index: Index) -> None:
        self._index = index
        packs = index.pack_numbers()
        # By pack, and within a pack by offset.
        self._order = np.lexsort((index.offsets(), packs))
        self._bounds = np.searchsorted(packs[self._order], np.arange(len(index.pack_ids) + 1))

    def __len__(self) -> int:
        return len(self._index.pack_ids)

    def blob_counts(self) -> npt.NDArray[np.int64]:
        """How many blobs each pack has."""
        return np.diff(self._bounds)

    def sizes(self) -> npt.NDArray[np.int64]:
        """How many bytes each pack should have, header included."""
        is_compressed = self._index.plain_sizes() > 0
        entries = np.where(is_compressed, *_ENTRY_LENGTHS)
        weights = entries + self._index.sizes().astype(np.int64)
        totals = np.bincount(self._index.pack_numbers(), weights, len(self))
        return totals.astype(np.int64) + OVERHEAD + _LENGTH_FIELD

    def uneven(self) -> npt.NDArray[np.int64]:
        """Numbers of the packs whose blobs do not follow each other without gaps, ascending."""
        offsets = self._index.offsets()[self._order].astype(np.int64)
        packs = self._index.pack_numbers()[self._order]
        ends = offsets + self._index.sizes()[self._order]
        expected = np.zeros_like(offsets)
        expected[1:] = np.where(packs[1:] == packs[:-1], ends[:-1], 0)
        return np.unique(packs[offsets != expected]).astype(np.int64)

    def mixed(self) -> int:
        """How many packs hold both data and trees."""
        is_tree = self._index.types() == BlobType.TREE
        trees = np.bincount(self._index.pack_numbers(), is_tree, len(self))
        return int(np.count_nonzero((trees > 0) & (trees < self.blob_counts())))

    def blobs(self, number: int) -> list[PackedBlob]:
        """Give the blobs of one pack in the order of their offsets."""
        return entries_at(self._index, self._positions(number))

    def header(self, number: int) -> bytes:
        """Give the plaintext header that a pack should have."""
        positions = self._positions(number)
        plain = self._index.plain_sizes()[positions]
        if not plain.all():  # the two forms of entries differ in length
            return encode_header(self.blobs(number))
        rows = np.empty(len(positions), dtype=_COMPRESSED_ENTRY)
        rows["kind"] = self._index.types()[positions] | _COMPRESSED_BIT
        rows["length"] = self._index.sizes()[positions]
        rows["plain"] = plain
        rows["id"] = np.frombuffer(self._index.ids(), dtype="V32")[positions]
        return rows.tobytes()

    def _positions(self, number: int) -> npt.NDArray[np.int64]:
        return self._order[self._bounds[number] : self._bounds[number + 1]]


def duplicated(index: Index) -> tuple[int, int]:
    """How many entries repeat a blob that is stored elsewhere too, and their sealed bytes."""
    ids = np.frombuffer(index.ids(), dtype="V32")
    if len(ids) == 0:
        return 0, 0
    # Entries of one id follow each other, but its two types may alternate: count both apart.
    count = size = 0
    for blob_type in BlobType:
        chosen = np.flatnonzero(index.types() == blob_type)
        again = np.flatnonzero(ids[chosen[1:]] == ids[chosen[:-1]]) + 1
        count += len(again)
        size += int(index.sizes()[chosen[again]].sum(dtype=np.int64))
    return count, size
