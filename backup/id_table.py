"""Which blobs a repository holds: only membership, in memory that several processes share."""

import mmap
import os
from bisect import bisect_left
from typing import TYPE_CHECKING

from backup.packs import ID_LENGTH, BlobType

if TYPE_CHECKING:  # numpy behind it costs a worker 20 MB
    from backup.index import Index

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
