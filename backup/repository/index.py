"""The index: which pack holds which blob (restic: "Indexing").

All index files together are the truth. In memory they are sorted packed arrays, 57 bytes a blob,
searched by bisection; a dictionary would need several hundred.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from backup.errors import DamagedError, UnsupportedFormatError
from backup.format.pack import ID_LENGTH, BlobType, PackedBlob

MOST_BLOBS_A_FILE = 50_000
_LARGEST_NUMBER = (1 << 32) - 1
_TYPES = {"data": BlobType.DATA, "tree": BlobType.TREE}

_Numbers = npt.NDArray[np.unsignedinteger]


class _Blob(msgspec.Struct, gc=False):
    id: str
    type: Literal["data", "tree"]
    offset: int
    length: int
    uncompressed_length: int = 0


class _Pack(msgspec.Struct, gc=False):
    id: str
    blobs: list[_Blob]


class _File(msgspec.Struct):
    packs: list[_Pack] | None


# A tenth of the time and of the memory that dictionaries would take.
_decode_file = msgspec.json.Decoder(_File).decode


class Location(NamedTuple):
    """Where a blob lies.

    Attributes:
        pack: Id of the pack.
        blob: The blob's place in it.
    """

    pack: bytes
    blob: PackedBlob


class Index:
    """An immutable view of the index files it was built from.

    Attributes:
        pack_ids: Ids of all packs, in the order of first mention; no duplicates.
        file_ids: Ids of the index files, hexadecimal.
    """

    def __init__(self, columns: "Columns", file_ids: frozenset[str]) -> None:
        keys = np.frombuffer(columns.ids, dtype=">u8")[:: ID_LENGTH // 8].astype(np.uint64)
        ids = np.frombuffer(columns.ids, dtype=f"V{ID_LENGTH}")
        order = _order(keys, ids)
        self.pack_ids = columns.pack_ids
        self.file_ids = file_ids
        self._keys = memoryview(keys[order].tobytes()).cast("Q")
        self._ids = ids[order].tobytes()
        self._packs = columns.packs[order]
        self._offsets = columns.offsets[order]
        self._lengths = columns.lengths[order]
        self._plain_lengths = columns.plain_lengths[order]
        self._types = columns.types[order]

    def __len__(self) -> int:
        return len(self._keys)

    # Asking for an id without its type would go through all entries, and find none.
    __contains__: ClassVar[None] = None

    def of_type(self, blob_type: BlobType) -> "TypedIds":
        """Give the set of ids of one type.

        A file may hold the very bytes of a tree; both blobs then have one id, and both must be
        stored, since data and trees are looked up apart.
        """
        return TypedIds(self, blob_type)

    def holds(self, blob_id: bytes, blob_type: BlobType) -> bool:
        """Whether a blob of this type is there."""
        at = self._position(blob_id)
        while 0 <= at < len(self) and self._id(at) == blob_id:
            if self._types[at] == blob_type:
                return True
            at += 1
        return False

    def _position(self, blob_id: bytes) -> int:
        keys = self._keys
        key = int.from_bytes(blob_id[:8], "big")
        at = bisect_left(keys, key)
        while at < len(keys) and keys[at] == key:
            if self._ids[at * ID_LENGTH : (at + 1) * ID_LENGTH] == blob_id:
                return at
            at += 1
        return -1

    def find(self, blob_id: bytes) -> Location | None:
        """Give one place of a blob, or None."""
        at = self._position(blob_id)
        return None if at < 0 else self._location(at)

    def find_all(self, blob_id: bytes) -> list[Location]:
        """Give every place of a blob; several where it was stored twice."""
        at = self._position(blob_id)
        found = []
        while 0 <= at < len(self) and self._id(at) == blob_id:
            found.append(self._location(at))
            at += 1
        return found

    def __iter__(self) -> Iterator[Location]:
        """Go through all entries, ordered by id; duplicates follow each other."""
        return (self._location(at) for at in range(len(self)))

    def _id(self, at: int) -> bytes:
        return self._ids[at * ID_LENGTH : (at + 1) * ID_LENGTH]

    def _location(self, at: int) -> Location:
        return Location(
            self.pack_ids[self._packs[at]],
            PackedBlob(
                self._id(at),
                BlobType(self._types[at]),
                int(self._offsets[at]),
                int(self._lengths[at]),
                int(self._plain_lengths[at]),
            ),
        )

    def pack_numbers(self) -> npt.NDArray[np.uint32]:
        """For each entry, ordered by id, its pack's place in `pack_ids`."""
        return self._packs

    def offsets(self) -> npt.NDArray[np.uint32]:
        """For each entry, ordered by id, its first byte in the pack."""
        return self._offsets

    def sizes(self) -> npt.NDArray[np.uint32]:
        """For each entry, ordered by id, its sealed length."""
        return self._lengths

    def plain_sizes(self) -> npt.NDArray[np.uint32]:
        """For each entry, ordered by id, its plaintext length where compressed, else 0."""
        return self._plain_lengths

    def types(self) -> npt.NDArray[np.uint8]:
        """For each entry, ordered by id, 0 for data and 1 for trees."""
        return self._types

    def ids(self) -> bytes:
        """All ids, joined, in their order."""
        return self._ids

    def sorted_ids(self, blob_type: BlobType) -> tuple[bytes, bytes]:
        """Give the ids of one type, ascending, in two forms that `IdTable` searches.

        First the first eight bytes of each as a native number, joined; then the ids, joined.
        """
        chosen = self._types == blob_type
        keys = np.frombuffer(self._keys, dtype=np.uint64)[chosen]
        return keys.tobytes(), np.frombuffer(self._ids, dtype=f"V{ID_LENGTH}")[chosen].tobytes()

    def positions(self, blob_ids: bytes) -> npt.NDArray[np.int64]:
        """For joined ids, the first entry of each, or -1; vectorised for millions."""
        wanted = np.frombuffer(blob_ids, dtype=f"V{ID_LENGTH}")
        keys = np.frombuffer(blob_ids, dtype=">u8")[:: ID_LENGTH // 8].astype(np.uint64)
        own = np.frombuffer(self._keys, dtype=np.uint64)
        found = np.searchsorted(own, keys)
        if len(own) == 0:
            return np.full(len(wanted), -1, dtype=np.int64)
        clipped = np.minimum(found, len(own) - 1)
        same = np.frombuffer(self._ids, dtype=f"V{ID_LENGTH}")[clipped] == wanted
        result = np.where(same, clipped, -1).astype(np.int64)
        # Two different ids with the same first eight bytes: rare enough for the slow way.
        for at in np.flatnonzero(~same & (own[clipped] == keys)):
            result[at] = self._position(wanted[at].tobytes())
        return result

    def blobs_by_pack(self) -> Iterator[tuple[bytes, list[PackedBlob]]]:
        """Yield each pack with its blobs in the order of their offsets."""
        order = np.lexsort((self._offsets, self._packs))
        bounds = np.flatnonzero(np.diff(self._packs[order])) + 1
        for group in np.split(order, bounds):
            if len(group):
                yield (
                    self.pack_ids[self._packs[group[0]]],
                    [self._location(int(at)).blob for at in group],
                )


def _order(keys: npt.NDArray[np.uint64], ids: npt.NDArray[np.void]) -> npt.NDArray[np.intp]:
    """Sort by id, which nearly always means by its first eight bytes."""
    order = np.argsort(keys, kind="stable")
    same = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
    if np.any(ids[order[same + 1]] != ids[order[same]]):
        words = np.frombuffer(ids.tobytes(), dtype=">u8").reshape(-1, ID_LENGTH // 8)
        order = np.lexsort(words.T[::-1])
    return order


class TypedIds:
    """The ids of one type in an index."""

    def __init__(self, index: Index, blob_type: BlobType) -> None:
        self._index = index
        self._type = blob_type

    def __contains__(self, blob_id: bytes) -> bool:
        return self._index.holds(blob_id, self._type)


class Columns(NamedTuple):
    """Index entries column by column, all of one length; ids joined."""

    ids: bytes
    packs: _Numbers
    offsets: _Numbers
    lengths: _Numbers
    plain_lengths: _Numbers
    types: _Numbers
    pack_ids: Sequence[bytes]


class IndexBuilder:
    """Gathers index files into columns."""

    def __init__(self) -> None:
        self._packs: dict[bytes, int] = {}
        self._ids: list[bytes] = []
        self._rows: list[npt.NDArray[np.int64]] = []
        self.file_ids: set[str] = set()

    def add_file(self, file_id: str, json_text: bytes) -> None:
        """Add one decoded index file.

        Raises:
            UnsupportedFormatError: The text is not an index of the known form.
            DamagedError: An entry cannot be right.
        """
        try:
            self._add_packs(_decode_file(json_text).packs or [])
        except (msgspec.MsgspecError, ValueError, OverflowError) as error:
            raise UnsupportedFormatError(
                "index file {file} is not of the known form", file=file_id
            ) from error
        self.file_ids.add(file_id)

    def _add_packs(self, packs: Sequence[_Pack]) -> None:
        pack_ids = [bytes.fromhex(pack.id) for pack in packs]
        blobs = [blob for pack in packs for blob in pack.blobs]
        ids = bytes.fromhex("".join([blob.id for blob in blobs]))
        if len(ids) != len(blobs) * ID_LENGTH or any(len(it) != ID_LENGTH for it in pack_ids):
            raise DamagedError("an index file holds an id of the wrong length")
        numbers = [self._packs.setdefault(it, len(self._packs)) for it in pack_ids]
        rows = np.empty((len(blobs), 5), dtype=np.int64)
        rows[:, 0] = np.repeat(np.array(numbers, np.int64), [len(pack.blobs) for pack in packs])
        rows[:, 1] = [blob.offset for blob in blobs]
        rows[:, 2] = [blob.length for blob in blobs]
        rows[:, 3] = [blob.uncompressed_length for blob in blobs]
        rows[:, 4] = [_TYPES[blob.type] for blob in blobs]
        if rows.size and not 0 <= rows.min() <= rows.max() <= _LARGEST_NUMBER:
            raise DamagedError("an index file holds an impossible offset or length")
        self._ids.append(ids)
        self._rows.append(rows)

    def add_pack(self, pack_id: bytes, blobs: Iterable[PackedBlob]) -> None:
        """Add a pack that was just stored or found."""
        number = self._packs.setdefault(pack_id, len(self._packs))
        rows = []
        for blob in blobs:
            self._ids.append(blob.id)
            rows.append(
                (number, blob.offset, blob.length, blob.uncompressed_length, int(blob.type))
            )
        self._rows.append(np.array(rows, dtype=np.int64).reshape(-1, 5))

    def build(self) -> Index:
        """Sort everything; exact repetitions in several files count once."""
        rows = np.concatenate(self._rows) if self._rows else np.empty((0, 5), dtype=np.int64)
        ids = b"".join(self._ids)
        if len(rows):
            keyed = np.lexsort((rows[:, 1], rows[:, 0]))
            ordered = rows[keyed]
            all_ids = np.frombuffer(ids, dtype=f"V{ID_LENGTH}")
            same_place = np.concatenate(
                ([False], (np.diff(ordered[:, 0]) == 0) & (np.diff(ordered[:, 1]) == 0))
            )
            at = np.flatnonzero(same_place)
            again = np.zeros(len(rows), dtype=bool)
            again[at] = all_ids[keyed[at]] == all_ids[keyed[at - 1]]
            keep = np.sort(keyed[~again])
            rows = rows[keep]
            ids = all_ids[keep].tobytes()
        columns = Columns(
            ids,
            rows[:, 0].astype(np.uint32),
            rows[:, 1].astype(np.uint32),
            rows[:, 2].astype(np.uint32),
            rows[:, 3].astype(np.uint32),
            rows[:, 4].astype(np.uint8),
            list(self._packs),
        )
        return Index(columns, frozenset(self.file_ids))
