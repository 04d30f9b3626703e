"""Keeping a mirror: the same repository, byte for byte, in a second store.

Crash-safe order; killed after any step, the next run goes on with what its listings say:

1. Hold a shared lock in each: nobody removes what is read, nobody prunes what is written.
2. List snapshots, then index, then packs of the source, so that what is pointed to is listed too;
   plan.
3. Add keys, config, packs. Each is read and proven against its name before it is written.
4. Prove that every pack the source's index names is there; add index files, then snapshots.
5. Under an exclusive lock on the mirror, and in the reverse order, remove what the source has not
   any more, each after asking the source for it by name: snapshots, index files, packs, keys.

So a snapshot is never there before all it needs, and no longer than it. Where the source itself is
in doubt nothing is removed at all: the mirror may be what it is repaired from. What a mirror has
promised to keep stays until its time is up; while a snapshot stays, so does all that it may need.
"""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import compress
from typing import TYPE_CHECKING

from backup.copies.mirror_objects import add_objects, hold_both
from backup.copies.mirror_plan import (
    KINDS,
    Kind,
    Listing,
    MirrorFacts,
    MirrorPlan,
    kind_of,
    plan_mirror,
)
from backup.errors import (
    BackupError,
    DamagedError,
    ObjectLockedError,
    ObjectNotFoundError,
    UsageError,
)
from backup.format.bounds import read_bounded
from backup.format.config import decode_config, is_id
from backup.format.pack import pack_key
from backup.progress import SILENT, Progress
from backup.repository.delete_files import delete_files
from backup.repository.locks import Lock, hold_lock
from backup.repository.object_lock import Locked, find_locked
from backup.repository.repository import Repository
from backup.stores.base import Store
from backup.stores.leftovers import remove_superseded
from backup.workers.threads import do_each

if TYPE_CHECKING:  # an HTTP client is behind it
    from backup.stores.s3.versions import Purge

_THREADS = 4
_AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class MirrorResult:
    """What was done.

    Attributes:
        plan: What was to be done.
        removed: How many objects were removed.
        locked: What the mirror has promised to keep for now; a later run removes it.
        superseded: What became of versions that nobody sees any more; None where nothing was
            looked for.
    """

    plan: MirrorPlan
    removed: int
    locked: Locked = field(default_factory=Locked)
    superseded: "Purge | None" = None


def list_objects(store: Store, kinds: Sequence[Kind] = KINDS) -> Listing:
    """List a repository's objects, those first that point to others."""
    return {
        info.key: info.size
        for kind in kinds
        for info in store.list(kind)
        if is_id(info.key.rpartition("/")[2])
    }


def _look_at_source(source: Repository) -> tuple[Listing, frozenset[str]]:
    """List the source, and name the packs its index needs.

    Index files are listed twice between the snapshots and the packs, by who loads them and here, so
    that a listing that lacks one leaves no snapshot without it.
    """
    store = source.store
    snapshots = list_objects(store, ("snapshots",))
    index = source.load_index()
    listed = list_objects(store, ("index",))
    missed = [key for key in (f"index/{it}" for it in index.file_ids) if key not in listed]
    files = {**listed, **{key: store.size(key) for key in missed}}
    rest = list_objects(store, ("data", "keys"))
    return {**snapshots, **files, **rest}, frozenset(map(pack_key, index.pack_ids))


def look_at_mirror(source: Repository, store: Store) -> MirrorFacts:
    """List both sides; the caller holds a shared lock on the source.

    Raises:
        UsageError: The mirror is of another repository.
        DamagedError: The source's index cannot be read.
        StoreError: A store failed.
    """
    has_config = ensure_same(source, store)
    there, needed = _look_at_source(source)
    mirror = list_objects(store)
    foreign = [key for key in mirror.keys() - there.keys() if kind_of(key) != "keys"]
    if foreign and not has_config:
        raise UsageError(
            "{place} holds {count} objects of another repository, and no config",
            why="so it is no mirror of {source}",
            data="nothing was changed",
            next_step="name an empty place for the mirror, or put its config back",
            place=store.location,
            count=len(foreign),
            source=source.store.location,
        )
    gone = [key for key in mirror.keys() - there.keys() if kind_of(key) == "index"]
    forgotten = _named_by(as_mirror(source, store), gone) - needed if gone else frozenset()
    left = [key for key in mirror.keys() - there.keys() if kind_of(key) == "snapshots"]
    return MirrorFacts(there, mirror, needed, forgotten, find_locked(store, left).keys)


def ensure_same(source: Repository, store: Store) -> bool:
    """Prove that a mirror is of this repository; gives whether it has a config yet.

    Raises:
        UsageError: It is of another one.
        StoreError: The store failed.
    """
    try:
        sealed = read_bounded(store, "config")
    except ObjectNotFoundError:
        return False
    if sealed != read_bounded(source.store, "config"):
        raise UsageError(
            "{place} is another repository: {id}",
            why="a mirror holds the same bytes; the repository at {source} is {own}",
            data="nothing was changed",
            next_step="name an empty place for the mirror",
            place=store.location,
            id=_name_repository(source, sealed),
            source=source.store.location,
            own=source.id[:10],
        )
    return True


def _name_repository(source: Repository, sealed: bytes) -> str:
    """Name the repository of a config that is not ours, as far as our key opens it."""
    try:
        return decode_config(source.envelope().open(sealed)).id[:10]
    except BackupError:
        return f"? (config {hashlib.sha256(sealed).hexdigest()[:10]})"


def as_mirror(source: Repository, store: Store) -> Repository:
    """Give the mirror as a repository, although it may have no key file yet."""
    return Repository(
        store, source.config, key=source.key, key_id=source.key_id, clock=source.clock
    )


def _named_by(repository: Repository, keys: Iterable[str]) -> frozenset[str]:
    """Give the packs that index files name; a damaged one names nothing."""
    from backup.repository.index import IndexBuilder

    builder = IndexBuilder()
    for key in keys:
        file_id = key.rpartition("/")[2]
        with suppress(DamagedError, ObjectNotFoundError):
            builder.add_file(file_id, repository.read_file("index", file_id))
    return frozenset(map(pack_key, builder.build().pack_ids))


def update_mirror(  # noqa: PLR0913 -- each is a choice of its own
    source: Repository,
    store: Store,
    *,
    allow_shrink: bool = False,
    keep_all: bool = False,
    retry_for: timedelta = _AT_ONCE,
    threads: int = _THREADS,
    progress: Progress = SILENT,
) -> MirrorResult:
    """Bring a mirror up to date.

    Args:
        source: The repository.
        store: Where the mirror is; may be empty.
        allow_shrink: Follow the source although it has lost most of its snapshots.
        keep_all: Remove nothing, whatever the source lacks; what is new is added.
        retry_for: How long to wait for a conflicting lock.
        threads: How many objects to move at once; each lies in memory meanwhile.
        progress: Told of it.

    Raises:
        UsageError: The mirror is of another repository.
        DamagedError: The source holds wrong bytes, or lacks packs that its index names; what is
            whole was added.
        RepositoryLockedError: A lock is in the way, or ours is gone.
        StoreError: A store failed.
    """
    ensure_same(source, store)
    mirror = as_mirror(source, store)
    with hold_lock(source, retry_for=retry_for) as here:
        with hold_lock(mirror, retry_for=retry_for) as there:
            plan = plan_mirror(look_at_mirror(source, store), allow_shrink=allow_shrink)
            add_objects(source, store, plan, (here, there), threads=threads, progress=progress)
        if keep_all or not plan.remove:
            return MirrorResult(plan, 0)
        with hold_lock(mirror, exclusive=True, retry_for=retry_for) as there:
            removed, locked = _remove(source.store, store, plan, (here, there), threads)
    return MirrorResult(plan, removed, locked, remove_superseded(store))


def _remove(
    source: Store, store: Store, plan: MirrorPlan, locks: tuple[Lock, Lock], threads: int
) -> tuple[int, Locked]:

    def is_gone(key: str) -> bool:
        """Ask for one object by name: a listing may lag behind or lack an entry."""
        try:
            source.size(key)
        except ObjectNotFoundError:
            return True
        return False

    removed, locked = 0, Locked()
    for kind in KINDS:
        if any(kind_of(key) == "snapshots" for key in locked.keys):
            break
        asked = [key for key in plan.remove if kind_of(key) == kind]
        keys = list(compress(asked, do_each(is_gone, asked, threads=threads)))
        allowed = hold_both(locks)
        for key, error in delete_files(store, keys, ensure_allowed=allowed, threads=threads):
            if isinstance(error, ObjectLockedError):
                until = datetime.fromisoformat(str(error.params["until"]))
                locked = locked.joined(Locked(frozenset({key}), until))
            elif error is not None:
                raise error
            else:
                removed += 1
    return removed, locked
