"""Writing to a mirror what it lacks: every object is read, proven against its name, and written.

The order is that of `backup.copies.mirror`; its steps 3 and 4 are here.

Mending damaged packs with the same bytes from another place, be it a mirror or its source.

Crash-safe order, for each pack, under the exclusive lock on the repository:

1. Read it there, and prove it against its name.
2. Delete the damaged one; write the sound one: durable.

Killed in between, the pack is missing here and still there: run it again.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress

from backup.copies.mirror_plan import ADDED, MirrorPlan, kind_of
from backup.errors import DamagedError, ObjectExistsError, ObjectNotFoundError
from backup.format.bounds import read_bounded
from backup.format.pack import pack_key
from backup.progress import Progress
from backup.repository.locks import Lock
from backup.repository.repository import Repository
from backup.stores.base import Store
from backup.stores.object_lock import promises_of
from backup.workers.threads import do_each

_BATCH = 16


def hold_both(locks: tuple[Lock, ...]) -> Callable[[], None]:
    """Give a test that raises where one of the locks is gone."""

    def ensure_held() -> None:
        for lock in locks:
            lock.ensure_held()

    return ensure_held


def add_objects(
    source: Repository,
    store: Store,
    plan: MirrorPlan,
    locks: tuple[Lock, ...],
    *,
    threads: int,
    progress: Progress,
) -> None:
    """Write what is lacking: keys, the config, packs, then index files, then snapshots.

    Where the mirror locks its objects, what the new snapshots borrow is locked anew before them.

    Raises:
        DamagedError: Packs are lost or hold wrong bytes; all others are written, but no index file
            and no snapshot that might need them.
        RepositoryLockedError: One of the locks is gone.
        StoreError: A store failed.
    """
    mover = _Mover(source.store, store, plan, hold_both(locks), threads)
    progress.start("mirror", plan.add_bytes, "bytes", items=len(plan.add))
    for kind in ADDED:
        if kind == "index" and (mover.damaged or plan.lost):
            raise _not_whole(source.store, plan, mover.damaged)
        keys = [key for key in plan.add if kind_of(key) == kind]
        if kind == "snapshots":
            _renew_promises(source, store, keys)
        mover.add(keys, progress)
        if kind == "keys":
            _add_config(source, store)
    progress.finish()


class _Mover:
    """Moves objects of one kind, several at a time; each lies in memory meanwhile.

    Attributes:
        damaged: Keys of objects whose bytes are wrong at the source.
    """

    def __init__(
        self,
        source: Store,
        store: Store,
        plan: MirrorPlan,
        ensure_allowed: Callable[[], None],
        threads: int,
    ) -> None:
        self.damaged: list[str] = []
        self._source = source
        self._store = store
        self._replace = plan.replace
        self._ensure_allowed = ensure_allowed
        self._threads = threads

    def add(self, keys: Sequence[str], progress: Progress) -> None:
        for start in range(0, len(keys), _BATCH):
            self._ensure_allowed()
            batch = keys[start : start + _BATCH]
            sizes = list(do_each(self._move, batch, threads=self._threads))
            self.damaged += [key for key, size in zip(batch, sizes, strict=True) if size is None]
            progress.advance(sum(size or 0 for size in sizes), items=len(batch))

    def _move(self, key: str) -> int | None:
        """Give how many bytes were written; None for wrong bytes, of which nothing is written."""
        content = read_proven(self._source, key)
        if content is None:
            return None
        if key in self._replace:
            with suppress(ObjectNotFoundError):
                self._store.delete(key)
        with suppress(ObjectExistsError):
            self._store.write(key, content)
        return len(content)


def read_proven(store: Store, key: str) -> bytes | None:
    """Read an object whose name is its hash, twice at most; None where the bytes are wrong."""
    name = key.rpartition("/")[2]
    for _ in range(2):  # a read can go wrong once
        try:
            content = read_bounded(store, key)
        except DamagedError:
            return None
        if hashlib.sha256(content).hexdigest() == name:
            return content
    return None


def _renew_promises(source: Repository, store: Store, keys: Sequence[str]) -> None:
    """Have the mirror promise anew what these snapshots borrow there from older ones.

    The same as before any new snapshot (`backup.repository.object_lock`); the trees are read at the
    source.
    """
    promises = promises_of(store)
    if promises is None or not keys:
        return
    from backup.repository.object_lock import renew_for

    trees = [source.load_snapshot(key.rpartition("/")[2]).tree for key in keys]
    renew_for(source, promises, trees, mirror=store)


def _add_config(source: Repository, store: Store) -> None:
    """Write the config; its name is no hash, so it has to open with the repository's key."""
    try:
        store.size("config")
    except ObjectNotFoundError:
        sealed = read_bounded(source.store, "config")
        source.envelope().open(sealed)
        store.write("config", sealed)


def _not_whole(source: Store, plan: MirrorPlan, damaged: Sequence[str]) -> DamagedError:
    first = [*damaged, *plan.lost][0]
    return DamagedError(
        "{count} packs cannot be mirrored from {place}",
        why="{damaged} hold wrong bytes, {lost} are gone though the index names them; the first is"
        " {first}",
        data="the mirror is as its last update left it; nothing was removed there",
        next_step="run check --read-data to see what is damaged",
        count=len(damaged) + len(plan.lost),
        damaged=len(damaged),
        lost=len(plan.lost),
        first=first,
        place=source.location,
    )


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
