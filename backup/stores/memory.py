"""A store in memory, for tests and fault campaigns. Nothing in it outlives the process."""

import threading
from collections.abc import Iterator, Mapping

from backup.errors import ObjectExistsError, ObjectNotFoundError
from backup.stores.base import Buffer, ObjectInfo, validate_key


class MemoryStore:
    """Objects are immutable bytes, so a clone shares them and costs almost nothing."""

    location = "memory"

    def __init__(self, objects: Mapping[str, bytes] | None = None) -> None:
        """Start with a copy of `objects` (key to content), or empty."""
        self._objects = {validate_key(key): content for key, content in (objects or {}).items()}
        self._lock = threading.Lock()

    def clone(self) -> "MemoryStore":
        """Give a second store with the same objects; changes to one do not reach the other."""
        clone = MemoryStore()
        clone._objects = self.objects()
        return clone

    def objects(self) -> dict[str, bytes]:
        """Give a snapshot of everything: key to content."""
        with self._lock:
            return dict(self._objects)

    def replace(self, key: str, content: bytes) -> None:
        """Put bytes under a key, whatever is there, as a rotten disk or a vandal would."""
        with self._lock:
            self._objects[validate_key(key)] = content

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `Store.list`; gives what was there at the moment of the call."""
        start = f"{validate_key(prefix)}/" if prefix else ""
        return iter(
            [
                ObjectInfo(key, len(content))
                for key, content in self.objects().items()
                if key.startswith(start)
            ]
        )

    def size(self, key: str) -> int:
        """See `Store.size`."""
        return len(self._find(key))

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `Store.read`."""
        content = self._find(key)
        return content[offset : None if length is None else offset + length]

    def write(self, key: str, data: Buffer) -> None:
        """See `Store.write`."""
        validate_key(key)
        content = bytes(data)
        with self._lock:
            if key in self._objects:
                raise ObjectExistsError(
                    "{key} is already in memory",
                    why="objects are written once",
                    data="the stored object was left as it was",
                    key=key,
                )
            self._objects[key] = content

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        validate_key(key)
        with self._lock:
            if self._objects.pop(key, None) is None:
                raise self._not_found(key)

    def _find(self, key: str) -> bytes:
        content = self._objects.get(validate_key(key))
        if content is None:
            raise self._not_found(key)
        return content

    @staticmethod
    def _not_found(key: str) -> ObjectNotFoundError:
        return ObjectNotFoundError("{key} is not in memory", key=key)
