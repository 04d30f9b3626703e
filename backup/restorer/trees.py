"""Reading small pieces that lie near each other, through windows that are read whole and kept.

A snapshot's trees were stored one after another and are wanted in nearly that order. One by one
they would cost a request each, which on a distant store is most of the time of a restore.
"""

from collections import OrderedDict
from typing import TYPE_CHECKING

from backup.errors import BackupError
from backup.format.compression import Decompressor
from backup.format.crypto import Envelope
from backup.format.pack import BlobType, open_blob, pack_key
from backup.repository.repository import Repository
from backup.stores.base import Store

if TYPE_CHECKING:  # numpy behind it costs a tenth of a second
    from backup.repository.index import Index

WINDOW = 1 << 20
_MOST_KEPT = 12


class NearbyReads:
    """Reads ranges of objects that never change. For one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._windows: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def read(self, key: str, offset: int, length: int) -> bytes:
        """Read `length` bytes from `offset`; fewer where the object ends before.

        Raises:
            ObjectNotFoundError: No object has that key.
            StoreError: The store failed.
        """
        first, last = offset // WINDOW, (offset + length - 1) // WINDOW
        if first == last:
            start = offset - first * WINDOW
            return self._window(key, first)[start : start + length]
        whole = b"".join([self._window(key, number) for number in range(first, last + 1)])
        start = offset - first * WINDOW
        return whole[start : start + length]

    def _window(self, key: str, number: int) -> bytes:
        place = key, number
        window = self._windows.get(place)
        if window is None:
            window = self._windows[place] = self._store.read(key, number * WINDOW, WINDOW)
            if len(self._windows) > _MOST_KEPT:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(place)
        return window

    def forget(self, key: str) -> None:
        """Read an object anew when it is wanted again: a read can go wrong once."""
        for place in [place for place in self._windows if place[0] == key]:
            del self._windows[place]


class TreeReader:
    """Reads trees. For one thread."""

    def __init__(self, repository: Repository, index: "Index") -> None:
        self._repository = repository
        self._index = index
        self._nearby = NearbyReads(repository.store)
        self._envelope = Envelope(repository.key)
        self._decompressor = Decompressor()

    def load(self, tree_id: bytes) -> bytes:
        """Read a tree and prove it.

        Raises:
            DamagedError: It is lost or damaged.
            StoreError: The store failed.
        """
        tree = self._load_nearby(tree_id)
        if tree is None:
            tree = self._repository.load_blob(self._index, tree_id, expected=BlobType.TREE)
        return tree

    def _load_nearby(self, tree_id: bytes) -> bytes | None:
        """Read it the quick way; None where that fails, and the careful way is to be tried."""
        place = next(
            (it for it in self._index.find_all(tree_id) if it.blob.type == BlobType.TREE), None
        )
        if place is None:
            return None
        key, blob = pack_key(place.pack), place.blob
        try:
            sealed = self._nearby.read(key, blob.offset, blob.length)
            return open_blob(blob, sealed, self._envelope, self._decompressor)
        except BackupError:
            self._nearby.forget(key)
            return None
