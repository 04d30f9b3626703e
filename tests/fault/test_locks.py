"""Locks that are stale, garbage, removed or late; clocks that jump; a half-made repository."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from backup.errors import (
    RepositoryLockedError,
    RepositoryNotFoundError,
    StoreUnavailableError,
    UsageError,
)
from backup.format.key_file import current_username
from backup.format.times import format_local_time
from backup.prune.prune import PruneRequest, prune
from backup.repository.locks import (
    MUST_STOP_AFTER,
    STALE_AFTER,
    Lock,
    hold_lock,
    list_locks,
    remove_locks,
)
from backup.repository.repository import Repository
from backup.stores.bandwidth import LimitedStore
from backup.stores.base import Buffer, ObjectInfo
from backup.stores.faulty import Effect, Fault, FaultyStore
from backup.stores.folder import FolderStore
from backup.stores.memory import MemoryStore
from tests.fault.world import (
    DEAD_PID,
    Desk,
    SwiftClock,
    back_up,
    export,
    make_world,
    open_part,
    part_of,
    read_back,
    read_source,
)
from tests.restic_oracle import PASSWORD

pytestmark = pytest.mark.slow  # making the world takes three seconds


@pytest.fixture
def store() -> MemoryStore:
    return make_world().full.clone()


def put_lock(store: MemoryStore, **changes: object) -> str:
    """Write a lock of some process, and give its id."""
    repository = open_part(store, "main")
    fields = {
        "time": format_local_time(repository.clock.now()),
        "exclusive": True,
        "hostname": socket.gethostname(),
        "username": current_username(),
        "pid": os.getpid(),
    }
    return repository.write_file("locks", json.dumps({**fields, **changes}).encode())


def test_a_lock_of_a_process_of_ours_that_is_gone_is_cleared(store: MemoryStore) -> None:
    put_lock(store, pid=DEAD_PID)
    repository = open_part(store, "main")
    with hold_lock(repository, exclusive=True) as lock:
        assert repository.list_files("locks") == [lock.file_id]
    assert repository.list_files("locks") == []


@pytest.mark.parametrize(
    "changes", [{}, {"pid": DEAD_PID, "hostname": "other"}, {"pid": DEAD_PID, "username": "other"}]
)
def test_a_lock_that_may_be_alive_is_respected(
    store: MemoryStore, changes: dict[str, object]
) -> None:
    lock_id = put_lock(store, **changes)
    repository = open_part(store, "main")
    before = len(repository.load_snapshots())
    with pytest.raises(RepositoryLockedError) as told:
        back_up(repository, make_world().source)
    assert lock_id[:8] in dict(told.value.lines())["why"]
    assert len(repository.load_snapshots()) == before
    assert repository.list_files("locks") == [lock_id]


def test_a_stale_foreign_lock_stops_us_until_unlock(store: MemoryStore) -> None:
    put_lock(store, hostname="other", pid=1)
    clock = SwiftClock()
    clock.sleep(STALE_AFTER + timedelta(seconds=5))
    repository = open_part(store, "main", clock=clock)
    with pytest.raises(RepositoryLockedError), hold_lock(repository):
        pass
    assert len(remove_locks(repository)) == 1
    with hold_lock(repository, exclusive=True):
        pass


@pytest.mark.parametrize("content", [b"garbage", b"\0" * 200, b"{}"])
def test_garbage_for_a_lock_stops_us_until_it_is_removed(
    store: MemoryStore, content: bytes
) -> None:
    store.write(f"main/locks/{'ab' * 32}", content)
    repository = open_part(store, "main")
    with pytest.raises(RepositoryLockedError, match="is locked") as told, hold_lock(repository):
        pass
    assert "cannot be read" in dict(told.value.lines())["why"]
    assert remove_locks(repository) == []
    assert len(remove_locks(repository, all_locks=True)) == 1
    with hold_lock(repository, exclusive=True):
        pass


def test_an_empty_lock_file_is_passed_over_as_restic_does(store: MemoryStore) -> None:
    store.write(f"main/locks/{'ab' * 32}", b"")
    with hold_lock(open_part(store, "main"), exclusive=True):
        pass


class Slow:
    """A store where each lock takes long to write, in the eyes of a clock; meanwhile others act."""

    def __init__(self, store: MemoryStore, clock: SwiftClock) -> None:
        self.store = store
        self.clock = clock
        self.delay = timedelta(0)
        self.meanwhile: list[Callable[[], object]] = []

    @property
    def location(self) -> str:
        return self.store.location

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return self.store.list(prefix)

    def size(self, key: str) -> int:
        return self.store.size(key)

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        return self.store.read(key, offset, length)

    def write(self, key: str, data: Buffer) -> None:
        if key.startswith("main/locks/"):
            self.clock.sleep(self.delay)
            while self.meanwhile:
                self.meanwhile.pop()()
        self.store.write(key, data)

    def delete(self, key: str) -> None:
        self.store.delete(key)


@pytest.mark.parametrize("milliseconds", [0, 500])
def test_a_backup_whose_lock_came_late_sees_what_was_pruned_meanwhile(
    milliseconds: int, tmp_path: Path
) -> None:
    """Whoever wants the exclusive lock may have looked before the late lock stood."""
    world = make_world()
    store = MemoryStore(world.full.objects())
    for snapshot in open_part(store, "main").load_snapshots()[1:]:
        store.delete(f"main/snapshots/{snapshot.id}")
    clock = SwiftClock(start=Desk(world, store, tmp_path).clock.now())
    slow = Slow(store, clock)
    repository = open_part(slow, "main", clock=clock)
    holder: list[AbstractContextManager[Lock]] = []

    def take_exclusive() -> None:
        holder.append(hold_lock(open_part(store, "main"), exclusive=True))
        holder[0].__enter__()

    slow.delay = timedelta(milliseconds=milliseconds)
    slow.meanwhile = [take_exclusive]
    with ExitStack() as stack:
        if milliseconds:
            # Told before it reads an index that is about to be replaced.
            with pytest.raises(RepositoryLockedError):
                stack.enter_context(hold_lock(repository, confirm_late=True))
        else:
            lock = stack.enter_context(hold_lock(repository, confirm_late=True))
            with pytest.raises(RepositoryLockedError):
                lock.ensure_held()
    holder[0].__exit__(None, None, None)
    assert open_part(store, "main").list_files("locks") == []


def test_a_backup_whose_lock_is_removed_on_the_way_writes_no_snapshot(store: MemoryStore) -> None:
    world = make_world()
    store = world.grown.clone()
    before = open_part(store, "main").list_files("snapshots")
    index_before = open_part(store, "main").list_files("index")
    removing = RemovesLocks(store)
    with pytest.raises(RepositoryLockedError, match="our lock on"):
        back_up(open_part(removing, "main"), world.source)
    assert removing.removed == 1
    repository = open_part(store, "main")
    assert repository.list_files("snapshots") == before
    # A prune may have run since the lock went; nothing may refer to packs it took for leftovers.
    assert repository.list_files("index") == index_before


class RemovesLocks(Slow):
    """An `unlock --remove-all` of somebody else, just when the first pack is written."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store, SwiftClock())
        self.removed = 0

    def write(self, key: str, data: Buffer) -> None:
        if key.startswith("main/data/") and not self.removed:
            self.removed = len(remove_locks(open_part(self.store, "main"), all_locks=True))
        self.store.write(key, data)


@pytest.mark.parametrize("hours", [-48, 48])
def test_a_clock_that_jumps_does_not_let_go_of_a_lock(store: MemoryStore, hours: int) -> None:
    clock = SwiftClock()
    repository = open_part(store, "main", clock=clock)
    with hold_lock(repository, exclusive=True) as lock:
        clock.jump(timedelta(hours=hours))
        lock.ensure_held()
        old = lock.file_id
        lock.refresh()
        lock.ensure_held()
        assert [it.id for it in list_locks(repository)] == [lock.file_id] != [old]
    assert repository.list_files("locks") == []


def test_a_clock_that_jumps_back_makes_no_snapshot_vanish(store: MemoryStore) -> None:
    """A snapshot from before the newest one is made, is whole, and forgets nothing younger."""
    world = make_world()
    clock = SwiftClock()
    clock.jump(timedelta(days=-900))
    repository = open_part(store, "main", clock=clock)
    before = set(repository.list_files("snapshots"))
    result = back_up(repository, world.source)
    assert result.outcome == "ok"
    assert before < set(repository.list_files("snapshots"))
    assert repository.load_snapshots()[0].id == result.snapshot_id
    assert read_back(repository, repository.load_snapshots()[0]) == read_source(world.source)


def test_a_lock_that_could_not_be_refreshed_in_time_stops_its_holder(store: MemoryStore) -> None:
    clock = SwiftClock()
    repository = open_part(store, "main", clock=clock)
    with hold_lock(repository) as lock:
        clock.sleep(MUST_STOP_AFTER + timedelta(seconds=1))
        with pytest.raises(RepositoryLockedError, match="our lock on"):
            lock.ensure_held()


def test_prune_beside_a_backup_is_postponed_and_deletes_nothing(store: MemoryStore) -> None:
    repository = open_part(store, "main")
    for snapshot in repository.load_snapshots()[1:4]:
        store.delete(f"main/snapshots/{snapshot.id}")
    before = store.objects().keys()
    with hold_lock(open_part(store, "main")):
        result = prune(repository, PruneRequest(workers=0))
    assert result.outcome == "postponed"
    assert before <= store.objects().keys()
    assert prune(repository, PruneRequest(workers=0)).removed_packs > 0


# A half-made repository ----------------------------------------------------------------------


def test_init_goes_on_where_an_earlier_one_was_cut_short() -> None:
    store = MemoryStore()
    with pytest.raises(StoreUnavailableError):
        Repository.init(
            FaultyStore(store, [Fault(Effect.FAIL_BEFORE, method="write", at=2)]), b"password"
        )
    assert [key.partition("/")[0] for key in store.objects()] == ["keys"]
    with pytest.raises(RepositoryNotFoundError):
        Repository.open(store, b"password")
    with pytest.raises(UsageError, match="given another password"):
        Repository.init(store, b"other password")
    made = Repository.init(store, b"password")
    assert Repository.open(store, b"password").id == made.id
    assert len(store.objects()) == 2


@pytest.mark.parametrize("kind", ["data", "index", "snapshots"])
def test_init_refuses_a_repository_whose_config_is_lost(store: MemoryStore, kind: str) -> None:
    objects = {
        key.removeprefix("main/"): content
        for key, content in store.objects().items()
        if key.startswith(("main/keys/", f"main/{kind}/"))
    }
    lost = MemoryStore(objects)
    with pytest.raises(UsageError, match="there is a repository"):
        Repository.init(lost, PASSWORD.encode())
    assert lost.objects() == objects


def test_a_listing_that_names_snapshots_twice_counts_them_once(store: MemoryStore) -> None:
    twice = FaultyStore(
        store, [Fault(Effect.DUPLICATE, method="list", prefix="main/snapshots", times=None)]
    )
    assert len(open_part(twice, "main").load_snapshots()) == 5


def test_prune_sweeps_away_what_killed_writers_left_long_ago(tmp_path: Path) -> None:
    world = make_world()
    export(part_of(world.full, "main"), tmp_path)
    old, young = tmp_path / "data/.giucong-tmp-old", tmp_path / "data/.giucong-tmp-young"
    for path in (old, young):
        path.write_bytes(b"a part of a pack")
    long_ago = time.time() - timedelta(days=2).total_seconds()
    os.utime(old, (long_ago, long_ago))
    store = LimitedStore(FolderStore(tmp_path), upload_bytes_per_second=10**9)
    prune(Repository.open(store, PASSWORD.encode(), clock=SwiftClock()), PruneRequest(workers=0))
    assert not old.exists()
    assert young.exists()
