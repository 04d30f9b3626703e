"""What a store may be able to do besides: promise not to delete objects for a while.

A capability, found with `promises_of`; a folder has none.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, runtime_checkable

from backup.errors import ObjectLockedError
from backup.stores.base import Store, layers_of

# Never locks: they must go when their holder goes.
LOCKABLE = ("config", "data/", "index/", "keys/", "snapshots/")


@runtime_checkable
class Promises(Protocol):
    """A store that keeps objects locked. Several threads may use it at once."""

    @property
    def promises(self) -> bool:
        """Whether it was asked to."""
        ...

    def locked_until(self, key: str) -> datetime | None:
        """Say until when an object cannot be deleted; None if it can be now.

        Raises:
            ObjectNotFoundError: No object has that key.
            StoreError: The store failed.
        """
        ...

    def renew(self, keys: Iterable[str]) -> None:
        """Promise these objects anew where less than the agreed time is left of their promise.

        Raises:
            ObjectNotFoundError: One of them is gone.
            StoreError: The store failed; some may have been renewed.
        """
        ...


def promises_of(store: Store) -> Promises | None:
    """Give the outermost store that promises, through any wrapping; None where there is none."""
    return next((it for it in layers_of(store) if isinstance(it, Promises) and it.promises), None)


def locked_error(key: str, place: str, until: datetime) -> ObjectLockedError:
    """Say that an object cannot be deleted yet."""
    return ObjectLockedError(
        "{key} in {place} is locked until {until}",
        why="the store has promised to keep it that long",
        data="it was left as it was",
        next_step="run again after that",
        key=key,
        place=place,
        until=f"{until:%Y-%m-%dT%H:%M:%SZ}",
    )
