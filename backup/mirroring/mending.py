"""Mending damaged packs with the same bytes from another place, be it a mirror or its source.

Crash-safe order, for each pack, under the exclusive lock on the repository:

1. Read it there, and prove it against its name.
2. Delete the damaged one; write the sound one: durable.

Killed in between, the pack is missing here and still there: run it again.
"""

from collections.abc import Sequence
from contextlib import suppress

from backup.errors import ObjectNotFoundError
from backup.locks import Lock
from backup.mirroring.moving import read_proven
from backup.repository import Repository, pack_key
from backup.stores.base import Store


def mend_packs(
    repository: Repository, other: Store, pack_ids: Sequence[bytes], lock: Lock
) -> list[bytes]:
    """Put sound packs in the place of damaged or missing ones.

    Args:
        repository: Where they are damaged.
        other: Holds the same repository, byte for byte.
        pack_ids: Which packs.
        lock: The exclusive lock on `repository` that is held.

    Returns:
        Those that were mended; the others are damaged or missing there too.

    Raises:
        RepositoryLockedError: The lock is gone.
        StoreError: A store failed.
    """
    mended = []
    for pack_id in pack_ids:
        content = _find_sound(other, pack_key(pack_id))
        if content is None:
            continue
        lock.ensure_held()
        with suppress(ObjectNotFoundError):
            repository.store.delete(pack_key(pack_id))
        repository.store.write(pack_key(pack_id), content)
        mended.append(pack_id)
    return mended


def _find_sound(store: Store, key: str) -> bytes | None:
    try:
        return read_proven(store, key)
    except ObjectNotFoundError:
        return None
