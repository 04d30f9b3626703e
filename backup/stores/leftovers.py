"""What writers that died leave behind in a store: hidden pieces that no listing shows."""

from contextlib import suppress
from typing import TYPE_CHECKING

from backup.errors import StoreError
from backup.stores.base import Store, layers_of
from backup.stores.object_lock import promises_of

if TYPE_CHECKING:  # an HTTP client is behind it
    from backup.stores.s3.versions import Purge


def sweep_leftovers(store: Store) -> int:
    """Remove them where a store has such; gives how many went.

    Needs no lock, for only those go that are older than any living writer's. What cannot be
    removed stays; it costs room and nothing else.
    """
    for layer in layers_of(store):
        if sweep := getattr(layer, "sweep", None):  # of folders, here or on an SFTP server
            with suppress(OSError, StoreError):
                return int(sweep())
    return 0


def remove_superseded(store: Store) -> "Purge | None":
    """Remove versions that nobody sees any more, where the store locks objects; else None.

    A bucket that keeps versions without locking is left alone: its owner keeps them for a reason.
    What cannot be removed now stays for the next run.
    """
    if promises_of(store) is None:
        return None
    from backup.stores.s3.store import S3Store
    from backup.stores.s3.versions import purge_superseded

    bucket = next((layer for layer in layers_of(store) if isinstance(layer, S3Store)), None)
    return None if bucket is None else purge_superseded(bucket)


def remove_for_good(store: Store, key: str) -> str | None:
    """Try to remove an object past versions and locks; see `backup.stores.s3.versions`.

    Args:
        store: One that promises.
        key: Of the object.
    """
    from backup.stores.s3.store import S3Store
    from backup.stores.s3.versions import try_to_remove

    bucket = next(layer for layer in layers_of(store) if isinstance(layer, S3Store))
    return try_to_remove(bucket, key)
