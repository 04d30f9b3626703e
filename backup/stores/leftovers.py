"""What writers that died leave behind in a store: hidden pieces that no listing shows."""

from contextlib import suppress

from backup.stores.base import Store
from backup.stores.folder import FolderStore
from backup.stores.limited import LimitedStore


def sweep_leftovers(store: Store) -> int:
    """Remove them where a store has such; gives how many went.

    Needs no lock, for only those go that are older than any living writer's. What cannot be
    removed stays; it costs room and nothing else.
    """
    while isinstance(store, LimitedStore):
        store = store.inner
    if isinstance(store, FolderStore):
        with suppress(OSError):
            return store.sweep()
    return 0
