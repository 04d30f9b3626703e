"""What writers that died leave behind in a store: hidden pieces that no listing shows."""

from contextlib import suppress

from backup.errors import StoreError
from backup.stores.base import Store
from backup.stores.limited import LimitedStore
from backup.stores.locking import promises_of
from backup.stores.retrying import RetryingStore


def sweep_leftovers(store: Store) -> int:
    """Remove them where a store has such; gives how many went.

    Needs no lock, for only those go that are older than any living writer's. What cannot be
    removed stays; it costs room and nothing else.
    """
    while isinstance(store, LimitedStore | RetryingStore):
        store = store.inner
    sweep = getattr(store, "sweep", None)  # of folders, here or on an SFTP server
    if sweep is None:
        return 0
    with suppress(OSError, StoreError):
        return int(sweep())
    return 0


def remove_superseded(store: Store) -> int:
    """Remove versions that nobody sees any more, where the store locks objects; gives how many.

    A bucket that keeps versions without locking is left alone: its owner keeps them for a reason.
    What cannot be removed now stays for the next run.
    """
    if promises_of(store) is None:
        return 0
    from backup.stores.s3 import S3Store
    from backup.stores.s3_versions import purge_superseded

    while not isinstance(store, S3Store):
        inner = getattr(store, "inner", None)
        if inner is None:
            return 0
        store = inner
    return purge_superseded(store).removed
