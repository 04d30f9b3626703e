"""Which blobs this run has met already, shared by all its processes without a lock.

The ids lie in buckets of 16 in one memory file that every process maps. A bucket that is full
overflows into the next, bigger segment. Two processes may race: at worst one id is forgotten and a
blob is stored twice, which the format allows. The other way round, taking an unseen blob for
seen, would need a torn write to produce a whole SHA-256.

Segment sizes grow by half of what is there, so that about 64 bytes an id are ever touched.

Which blobs a repository holds: only membership, in memory that several processes share.
"""

import mmap
import os
from bisect import bisect_left
from typing import TYPE_CHECKING, Protocol

from backup.format.pack import ID_LENGTH, BlobType

_SLOTS_A_BUCKET = 16
_BUCKET = _SLOTS_A_BUCKET * ID_LENGTH
_FIRST_BUCKETS = 1 << 12  # 2 MiB, 65 536 ids
_SEGMENTS = 24
_EMPTY = bytes(ID_LENGTH)


def _segments() -> list[tuple[int, int]]:
    segments = []
    start, buckets = 0, _FIRST_BUCKETS
    for _ in range(_SEGMENTS):
        segments.append((start, buckets))
        start += buckets * _BUCKET
        buckets = max(_FIRST_BUCKETS // 2, start // _BUCKET // 2)
    return segments


_LAYOUT = _segments()
_SIZE = _LAYOUT[-1][0] + _LAYOUT[-1][1] * _BUCKET


class KnownIds(Protocol):
    """Says which ids are in the repository."""

    def __contains__(self, blob_id: bytes, /) -> bool:
        """Whether the blob is stored already."""
        ...


class Claims(Protocol):
    """Remembers ids."""

    def add(self, blob_id: bytes) -> bool:
        """Remember an id; True where it was new."""
        ...


class LocalClaims:
    """Claims of one process alone."""

    def __init__(self) -> None:
        self._ids: set[bytes] = set()

    def add(self, blob_id: bytes) -> bool:
        """Remember an id; True where it was new."""
        before = len(self._ids)
        self._ids.add(blob_id)
        return len(self._ids) > before


class SharedClaims:
    """Claims in a memory file that several processes map.

    Attributes:
        descriptor: The memory file, to be inherited by workers.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._map = mmap.mmap(descriptor, _SIZE)

    @classmethod
    def create(cls) -> "SharedClaims":
        """Make an empty one; its memory is only taken as it fills."""
        descriptor = os.memfd_create("claims")
        os.ftruncate(descriptor, _SIZE)
        return cls(descriptor)

    def add(self, blob_id: bytes) -> bool:
        """Remember an id; True where it was new, or where every segment's bucket is full."""
        memory = self._map
        number = int.from_bytes(blob_id[:8], "little")
        for start, buckets in _LAYOUT:
            first = start + number % buckets * _BUCKET
            last = first + _BUCKET
            if memory.find(blob_id, first, last) >= 0:
                return False
            free = memory.find(_EMPTY, first, last)
            if free >= 0:
                # An id may end in zeros, so the run of zeros can begin before its slot.
                slot = first + -(-(free - first) // ID_LENGTH) * ID_LENGTH
                if slot < last:
                    memory[slot : slot + ID_LENGTH] = blob_id
                    return True
        return True

    def close(self) -> None:
        """Unmap and close."""
        self._map.close()
        os.close(self.descriptor)


if TYPE_CHECKING:  # numpy behind it costs a worker 20 MB
    from backup.repository.index import Index

_KEY = 8


class IdTable:
    """Sorted ids in a memory file: all keys (8 bytes, native), then all ids (32 bytes)."""

    def __init__(self, descriptor: int, count: int) -> None:
        """Map the memory file of `count` ids."""
        self._keys = self._ids = memoryview(b"").cast("Q")
        if count:
            view = memoryview(mmap.mmap(descriptor, 0, prot=mmap.PROT_READ))
            self._keys = view[: _KEY * count].cast("Q")
            self._ids = view[_KEY * count : (_KEY + ID_LENGTH) * count]

    def __contains__(self, blob_id: bytes) -> bool:
        key = int.from_bytes(blob_id[:_KEY], "big")
        keys = self._keys
        at = bisect_left(keys, key)
        while at < len(keys) and keys[at] == key:
            if self._ids[at * ID_LENGTH : (at + 1) * ID_LENGTH] == blob_id:
                return True
            at += 1
        return False


def share_ids(index: "Index", blob_type: BlobType, descriptor: int) -> int:
    """Lay out the ids of one type in an empty memory file for `IdTable`; gives their count."""
    keys, ids = index.sorted_ids(blob_type)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(keys)
        file.write(ids)
    return len(keys) // _KEY
