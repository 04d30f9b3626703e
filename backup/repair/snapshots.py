"""Snapshots freed from what is lost, so that all of the rest can be restored again.

As restic's: a folder that cannot be read becomes an empty one, a file keeps the parts that are
still there and their size, an entry of no known type goes. Better, where the source still has what
is lost: a backup stores it again, and heals the old snapshots too.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from backup.errors import DamagedError
from backup.format.crypto import OVERHEAD
from backup.format.pack import ID_LENGTH, BlobType
from backup.format.tree import NODE_TYPES
from backup.repair.rewritten_trees import Entry
from backup.repository.index import Index
from backup.repository.tree_walk import positions_of

_TYPES = frozenset(NODE_TYPES.values())


class RepairEdit:
    """Takes out what is lost."""

    def __init__(self, index: Index, told: Callable[[bytes, str], None]) -> None:
        """Set up.

        Args:
            index: Says what is there.
            told: Called with each path that changes, and what was done.
        """
        self._index = index
        self._told = told

    def edit(self, entries: list[Entry]) -> list[Entry]:
        """See `Edit`."""
        known = []
        for entry in entries:
            if entry.fields.type in _TYPES:
                known.append(entry)
            else:
                self._told(entry.path, "it is of no known type, and goes")
        contents = [_content(entry) for entry in known]
        positions = positions_of(self._index, b"".join(contents), BlobType.DATA)
        kept, at = [], 0
        for entry, content in zip(known, contents, strict=True):
            count = len(content) // ID_LENGTH
            kept.append(self._mend(entry, content, positions[at : at + count]))
            at += count
        return kept

    def enters(self, path: bytes) -> bool:
        """See `Edit`."""
        del path
        return True

    def replace_lost(self, path: bytes, error: DamagedError) -> bool:
        """See `Edit`."""
        del error
        if path != b"/":
            self._told(path, "the folder cannot be read, and becomes an empty one")
        return True

    def _mend(self, entry: Entry, content: bytes, positions: npt.NDArray[np.int64]) -> Entry:
        if entry.fields.type != "file":
            return entry
        there = positions >= 0
        size = self._size_of(positions[there])
        if not there.all():
            self._told(entry.path, f"{np.count_nonzero(~there)} of {len(there)} parts are lost")
        elif size != entry.fields.size or entry.fields.content is None:
            self._told(entry.path, f"the size said was wrong, it has {size} bytes")
        else:
            return entry
        ids = [content[at * ID_LENGTH : (at + 1) * ID_LENGTH].hex() for at in np.flatnonzero(there)]
        return entry.changed(size=size, content=ids)

    def _size_of(self, positions: npt.NDArray[np.int64]) -> int:
        plain = self._index.plain_sizes()[positions].astype(np.int64)
        sealed = self._index.sizes()[positions].astype(np.int64)
        return int(np.where(plain > 0, plain, sealed - OVERHEAD).sum())


def _content(entry: Entry) -> bytes:
    """Give the joined ids of a file's content; of what is no id, one that nothing has."""
    if entry.fields.type != "file":
        return b""
    ids = []
    for text in entry.fields.content or ():
        try:
            ids.append(bytes.fromhex(text)[:ID_LENGTH].ljust(ID_LENGTH, b"\0"))
        except ValueError:
            ids.append(bytes(ID_LENGTH))
    return b"".join(ids)
