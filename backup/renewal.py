"""Promises of the store around snapshots: renewed before a new one, respected by what removes.

A snapshot borrows packs that older ones brought; their promise may end long before its own would.
Crash-safe order, in `Repository.save_snapshot`:

1. Find the packs that the new snapshot's trees and contents lie in.
2. Promise them anew, and the index files, key files and config that are needed to read them.
3. Write the snapshot, under a promise of its own.

Killed before 3, some objects only stay longer than they need to.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from backup.errors import ObjectNotFoundError
from backup.stores.base import Store
from backup.stores.locking import Promises, promises_of
from backup.threads import do_each
from backup.usage import find_used

if TYPE_CHECKING:
    from backup.repository import Repository

_BATCH = 128
_THREADS = 8


@dataclass(frozen=True, slots=True)
class Locked:
    """What cannot be deleted yet.

    Attributes:
        keys: Which of the objects asked about.
        until: When the last of them is free; None without any.
    """

    keys: frozenset[str] = frozenset()
    until: datetime | None = None

    def joined(self, other: "Locked") -> "Locked":
        """Give both together."""
        moments = [it for it in (self.until, other.until) if it is not None]
        return Locked(self.keys | other.keys, max(moments, default=None))


def renew_for(repository: "Repository", promises: Promises, tree_id: bytes) -> None:
    """Renew what a snapshot with that root tree needs; blobs that are missing are not its task.

    Raises:
        ObjectNotFoundError: A pack that it needs is gone: the snapshot must not be written.
        StoreError: The store failed, or does not let us promise.
    """
    from backup.repository import pack_key

    index = repository.load_index()
    used = find_used(repository, index, [(tree_id, tree_id)])
    numbers = np.unique(index.pack_numbers()[used.marks]).tolist()
    _renew(promises, (pack_key(index.pack_ids[number]) for number in numbers))
    for kind in ("keys", "index"):
        files = repository.list_files(kind)
        with suppress(ObjectNotFoundError):  # a prune beside us may have replaced index files
            _renew(promises, [f"{kind}/{file_id}" for file_id in files])
    promises.renew(["config"])


def _renew(promises: Promises, keys: Iterable[str]) -> None:
    for batch in _batches(keys):
        promises.renew(batch)


def _batches(keys: Iterable[str]) -> Iterator[list[str]]:
    following = iter(keys)
    while batch := list(islice(following, _BATCH)):
        yield batch


def find_locked(store: Store, keys: Sequence[str]) -> Locked:
    """Look which objects the store has promised to keep; what is gone is not locked."""
    promises = promises_of(store)
    if promises is None or not keys:
        return Locked()

    def look(key: str) -> tuple[str, datetime | None]:
        try:
            return key, promises.locked_until(key)
        except ObjectNotFoundError:
            return key, None

    looked = do_each(look, keys, threads=_THREADS)
    found = {key: until for key, until in looked if until is not None}
    return Locked(frozenset(found), max(found.values(), default=None))
