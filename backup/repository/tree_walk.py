"""Reading trees: every tree that is reachable, each once, pack by pack.

Folders lie near their subfolders in a pack, since a writer stores them together. So the walk reads
the trees of one pack with one range read and goes on inside it as long as it leads anywhere,
then turns to the pack with most waiting trees.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from backup.errors import BackupError, DamagedError, StoreError
from backup.format.compression import Decompressor
from backup.format.pack import ID_LENGTH, BlobType, PackedBlob, open_blob
from backup.repository.index import Index
from backup.repository.repository import Repository

ABSENT = -1
OTHER_TYPE = -2
# The trees of a pack are read at one go up to this many bytes; beyond it, one by one.
LARGEST_SPAN = 64 << 20


class MissingBlob(NamedTuple):
    """A blob that a tree or snapshot refers to and that the index does not know.

    Attributes:
        id: Of the blob, 32 bytes.
        type: What it should be.
        wanted_by: Id of the tree or snapshot that refers to it, 32 bytes.
        is_other_type: Whether the index knows the id, but as the other type only.
    """

    id: bytes
    type: BlobType
    wanted_by: bytes
    is_other_type: bool


class BadTree(NamedTuple):
    """A tree whose stored bytes failed.

    Attributes:
        id: Of the tree.
        pack: Where the first place of it lies.
        error: What was wrong.
        is_recovered: Whether another place held the right bytes, so that the walk went on.
    """

    id: bytes
    pack: bytes
    error: BackupError
    is_recovered: bool


def positions_of(index: Index, blob_ids: bytes, blob_type: BlobType) -> npt.NDArray[np.int64]:
    """For joined ids, the first entry of that type of each, or `ABSENT` or `OTHER_TYPE`.

    A file may have the very bytes of a tree; then one id stands for a data and for a tree blob.
    """
    positions = index.positions(blob_ids)
    if len(index) == 0:
        return positions
    types = index.types()
    for at in np.flatnonzero((positions >= 0) & (types[positions] != blob_type)):
        positions[at] = _other_entry(index, int(positions[at]), blob_type)
    return positions


def _other_entry(index: Index, position: int, blob_type: BlobType) -> int:
    ids, types = index.ids(), index.types()
    wanted = ids[position * ID_LENGTH : (position + 1) * ID_LENGTH]
    while ids[position * ID_LENGTH : (position + 1) * ID_LENGTH] == wanted:
        if types[position] == blob_type:
            return position
        position += 1
    return OTHER_TYPE


def entries_at(index: Index, positions: npt.NDArray[np.int64]) -> list[PackedBlob]:
    """Give the entries at some positions of the index."""
    ids = index.ids()
    rows = zip(
        positions.tolist(),
        index.types()[positions].tolist(),
        index.offsets()[positions].tolist(),
        index.sizes()[positions].tolist(),
        index.plain_sizes()[positions].tolist(),
        strict=True,
    )
    types = tuple(BlobType)
    return [
        PackedBlob(ids[at * ID_LENGTH : (at + 1) * ID_LENGTH], types[blob_type], *place)
        for at, blob_type, *place in rows
    ]


class Mentions:
    """Ids that trees mention, gathered until many can be looked up at once.

    Attributes:
        missing: Those that were looked up in vain.
    """

    def __init__(self, index: Index, blob_type: BlobType) -> None:
        self.missing: list[MissingBlob] = []
        self._index = index
        self._type = blob_type
        self._ids = bytearray()
        self._sources: list[bytes] = []
        self._counts: list[int] = []

    def __len__(self) -> int:
        return len(self._ids) // ID_LENGTH

    def add(self, blob_ids: bytes, mentioned_by: bytes) -> None:
        """Note the joined ids that one tree or snapshot mentions."""
        if blob_ids:
            self._ids += blob_ids
            self._sources.append(mentioned_by)
            self._counts.append(len(blob_ids) // ID_LENGTH)

    def look_up(self) -> npt.NDArray[np.int64]:
        """Give the position of each id noted, below zero where missing, and forget them all."""
        ids = bytes(self._ids)
        positions = positions_of(self._index, ids, self._type)
        lost = np.flatnonzero(positions < 0)
        if len(lost):
            ends = np.cumsum(self._counts)
            for at in lost:
                self.missing.append(
                    MissingBlob(
                        ids[at * ID_LENGTH : (at + 1) * ID_LENGTH],
                        self._type,
                        self._sources[int(np.searchsorted(ends, at, side="right"))],
                        is_other_type=bool(positions[at] == OTHER_TYPE),
                    )
                )
        self._ids.clear()
        self._sources.clear()
        self._counts.clear()
        return positions


class TreeWalk:
    """Yields (id, bytes) of every tree that was asked for, each once.

    Whoever goes through it calls `want` with the subfolders of each tree before taking the next.

    Attributes:
        seen: For each index entry, whether it is a tree that was asked for.
        bad: Trees whose stored bytes failed; whatever lies below the unrecovered ones was not seen.
    """

    def __init__(self, repository: Repository, index: Index) -> None:
        self.seen = np.zeros(len(index), dtype=np.bool_)
        self.bad: list[BadTree] = []
        self._repository = repository
        self._index = index
        self._envelope = repository.envelope()
        self._decompressor = Decompressor()
        self._mentions = Mentions(index, BlobType.TREE)
        self._waiting: dict[int, list[PackedBlob]] = {}
        self._starts, self._ends = _tree_spans(index)

    @property
    def missing(self) -> Sequence[MissingBlob]:
        """Trees that were asked for and are not in the index."""
        return self._mentions.missing

    def want(self, tree_ids: bytes, wanted_by: bytes) -> None:
        """Ask for trees, joined ids; `wanted_by` is the tree or snapshot that refers to them."""
        self._mentions.add(tree_ids, wanted_by)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        self._queue_mentioned()
        while self._waiting:
            pack = max(self._waiting, key=lambda number: len(self._waiting[number]))
            start, piece = self._read_span(pack)
            while waiting := self._waiting.pop(pack, None):
                for blob in waiting:
                    tree = self._load(pack, blob, start, piece)
                    if tree is not None:
                        yield blob.id, tree
                self._queue_mentioned()

    def _queue_mentioned(self) -> None:
        if not len(self._mentions):
            return
        positions = self._mentions.look_up()
        found = np.unique(positions[positions >= 0])
        new = found[~self.seen[found]]
        self.seen[new] = True
        packs = self._index.pack_numbers()[new].tolist()
        for pack, blob in zip(packs, entries_at(self._index, new), strict=True):
            self._waiting.setdefault(pack, []).append(blob)

    def _read_span(self, pack: int) -> tuple[int, memoryview]:
        """Read the part of a pack that holds its trees; gives its offset and bytes, or nothing."""
        start, end = int(self._starts[pack]), int(self._ends[pack])
        if end - start <= LARGEST_SPAN:
            try:
                return start, memoryview(
                    self._repository.read_pack(self._index.pack_ids[pack], start, end - start)
                )
            except StoreError:  # each tree is tried by itself then, and reported
                pass
        return 0, memoryview(b"")

    def _load(self, pack: int, blob: PackedBlob, start: int, piece: memoryview) -> bytes | None:
        at = blob.offset - start
        sealed = piece[at : at + blob.length]
        if len(sealed) == blob.length:
            try:
                return open_blob(blob, sealed, self._envelope, self._decompressor)
            except DamagedError:
                pass  # one bad read is forgiven, as everywhere
        pack_id = self._index.pack_ids[pack]
        try:
            sealed = memoryview(self._repository.read_pack(pack_id, blob.offset, blob.length))
            return open_blob(blob, sealed, self._envelope, self._decompressor)
        except (DamagedError, StoreError) as error:
            return self._load_elsewhere(blob, pack_id, error)

    def _load_elsewhere(self, blob: PackedBlob, pack: bytes, error: BackupError) -> bytes | None:
        try:
            tree = self._repository.load_blob(self._index, blob.id, expected=BlobType.TREE)
        except (DamagedError, StoreError):
            self.bad.append(BadTree(blob.id, pack, error, is_recovered=False))
            return None
        self.bad.append(BadTree(blob.id, pack, error, is_recovered=True))
        return tree


def _tree_spans(index: Index) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each pack, where its first tree starts and its last one ends."""
    trees = np.flatnonzero(index.types() == BlobType.TREE)
    packs = index.pack_numbers()[trees]
    offsets = index.offsets()[trees].astype(np.int64)
    starts = np.full(len(index.pack_ids), np.iinfo(np.int64).max)
    ends = np.zeros(len(index.pack_ids), dtype=np.int64)
    np.minimum.at(starts, packs, offsets)
    np.maximum.at(ends, packs, offsets + index.sizes()[trees])
    return starts, ends
