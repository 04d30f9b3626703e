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
from backup.format.config import is_id
from backup.repository.used_blobs import find_used
from backup.stores.base import Store
from backup.stores.object_lock import Promises, promises_of
from backup.workers.threads import do_each

if TYPE_CHECKING:
    from backup.repository.repository import Repository

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


def renew_for(
    repository: "Repository",
    promises: Promises,
    tree_ids: Sequence[bytes],
    *,
    mirror: Store | None = None,
) -> None:
    """Renew what snapshots with these root trees need; blobs that are missing are not its task.

    Args:
        repository: Whose index and trees are read.
        promises: Where the promises are made.
        tree_ids: Of the root trees.
        mirror: Where key and index files are listed, if the promises are those of a mirror.

    Raises:
        ObjectNotFoundError: A pack that they need is gone: no snapshot must be written.
        StoreError: The store failed, or does not let us promise.
    """
    from backup.format.pack import pack_key

    index = repository.load_index()
    used = find_used(repository, index, [(tree_id, tree_id) for tree_id in tree_ids])
    numbers = np.unique(index.pack_numbers()[used.marks]).tolist()
    _renew(promises, (pack_key(index.pack_ids[number]) for number in numbers))
    for kind in ("keys", "index"):
        files = (mirror or repository.store).list(kind)
        _renew_those_left(promises, [it.key for it in files if is_id(it.key.rpartition("/")[2])])
    promises.renew(["config"])


def _renew(promises: Promises, keys: Iterable[str]) -> None:
    for batch in _batches(keys):
        promises.renew(batch)


def _renew_those_left(promises: Promises, keys: Iterable[str]) -> None:
    """Renew files of which a prune beside us may have replaced some: one by one, several at once.

    One that is gone must not keep the others from being renewed.
    """

    def renew(key: str) -> None:
        with suppress(ObjectNotFoundError):
            promises.renew([key])

    for _ in do_each(renew, keys, threads=_THREADS):
        pass


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
