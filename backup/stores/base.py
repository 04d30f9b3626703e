"""The contract of a store: a flat set of objects, each written once under a key.

A key is a relative path of one or more parts joined by ``/``, e.g. ``config``,
``snapshots/<id>`` or ``data/ab/<id>``. Every implementation passes ``tests/contract``.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from backup.errors import StoreError

Buffer = bytes | bytearray | memoryview

_PART = re.compile(r"[A-Za-z0-9_=@+,~][A-Za-z0-9_=@+,~.\- ]*")


# Some 60 TB in packs of 16 MiB; a listing of so many takes a gigabyte of memory.
MOST_OBJECTS = 4_000_000


class ObjectInfo(NamedTuple):
    """One listed object.

    Attributes:
        key: Full key, as given to `read`.
        size: Length in bytes.
    """

    key: str
    size: int


class Store(Protocol):
    """A flat set of objects. All methods may be called from several threads at once."""

    @property
    def location(self) -> str:
        """Where the store is, for people; holds no secret."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield every complete object below the folder `prefix` (no trailing slash; "" for all).

        In no particular order, recursive. A folder that does not exist is empty. Objects that are
        still being written, and leftovers of interrupted writes, do not appear.

        Raises:
            StoreError: The listing failed; a partial listing is never silently returned as whole.
        """
        ...

    def size(self, key: str) -> int:
        """Give the length of one object in bytes.

        Raises:
            ObjectNotFoundError: No object has that key.
            StoreError: The store failed.
        """
        ...

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Read `length` bytes from `offset`, or to the end.

        A range that ends behind the end of the object gives fewer bytes.

        Raises:
            ObjectNotFoundError: No object has that key.
            StoreError: The store failed.
        """
        ...

    def write(self, key: str, data: Buffer) -> None:
        """Write a new object: whole or not at all, and durable when this returns.

        Raises:
            ObjectExistsError: An object has that key already; it is left as it was.
            StoreFullError: No room left; nothing remains of the attempt.
            StoreError: The store failed; the object may or may not exist, but never in part.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove one object; durable when this returns.

        Raises:
            ObjectNotFoundError: No object has that key.
            StoreError: The store failed; the object may or may not exist.
        """
        ...


def ensure_listable(count: int, location: str) -> None:
    """Refuse to list more than any repository has: names that never end, or links in a circle.

    Args:
        count: Entries met so far, whatever they are.
        location: Where the store is.

    Raises:
        StoreError: There are too many.
    """
    if count > MOST_OBJECTS:
        raise StoreError(
            "{location} has more than {most} entries",
            why="no repository has that many: somebody may have planted them",
            data="nothing was changed",
            next_step="look at what lies there, and remove what nobody knows",
            location=location,
            most=MOST_OBJECTS,
        )


def layers_of(store: Store) -> Iterator[object]:
    """Yield a store and then what it wraps, from the outside in."""
    found: object = store
    while found is not None:
        yield found
        found = getattr(found, "inner", None)


def validate_key(key: str) -> str:
    """Give back a key that is safe on every store.

    Raises:
        StoreError: The key is empty, absolute, or has a part that is hidden, dotted or odd.
    """
    if not all(_PART.fullmatch(part) for part in key.split("/")):
        raise StoreError(
            "{key!r} is not a valid object name",
            why="names are relative, and no part is empty, hidden or holds control characters",
            data="nothing was read or written",
            key=key,
        )
    return key
