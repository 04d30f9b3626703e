"""A store that is only read: locks are kept in memory, everything else is refused.

A medium that goes back to its safe must come away as it came, and may be write-protected.
"""

from collections.abc import Iterator

from backup.errors import StoreReadOnlyError
from backup.stores.base import Buffer, ObjectInfo, Store
from backup.stores.memory import MemoryStore

_LOCKS = "locks"


class ReadOnlyStore:
    """Reads another store, and keeps the locks that reading takes to itself."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self._locks = MemoryStore()

    @property
    def location(self) -> str:
        """Where it is."""
        return self._inner.location

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """List objects; of locks only those that were taken here."""
        if _is_lock(prefix):
            yield from self._locks.list(prefix)
            return
        for info in self._inner.list(prefix):
            if not _is_lock(info.key):
                yield info

    def size(self, key: str) -> int:
        """Give the length of one object in bytes."""
        return self._place(key).size(key)

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Read an object or a part of it."""
        return self._place(key).read(key, offset, length)

    def write(self, key: str, data: Buffer) -> None:
        """Keep a lock.

        Raises:
            StoreReadOnlyError: It is no lock.
        """
        self._refuse(key)
        self._locks.write(key, data)

    def delete(self, key: str) -> None:
        """Drop a lock.

        Raises:
            StoreReadOnlyError: It is no lock.
        """
        self._refuse(key)
        self._locks.delete(key)

    def _place(self, key: str) -> Store:
        return self._locks if _is_lock(key) else self._inner

    def _refuse(self, key: str) -> None:
        if not _is_lock(key):
            raise StoreReadOnlyError(
                "{key} is not written to {place}",
                why="the medium is only read",
                data="nothing was changed there",
                key=key,
                place=self.location,
            )


def _is_lock(key: str) -> bool:
    return key.partition("/")[0] == _LOCKS
