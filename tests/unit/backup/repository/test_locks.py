"""Locks: whose they are, when they are stale, and when we must stop."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from backup.clock import SYSTEM_CLOCK
from backup.errors import ObjectNotFoundError, RepositoryLockedError
from backup.format.key_file import current_username
from backup.format.times import format_local_time
from backup.repository.locks import (
    MUST_STOP_AFTER,
    REFRESH_EVERY,
    STALE_AFTER,
    Lock,
    hold_lock,
    is_own_dead,
    is_stale,
    list_locks,
    remove_locks,
)
from backup.repository.repository import Repository
from backup.stores.memory import MemoryStore
from tests.backing_up import ShiftedClock, make_repository


@pytest.fixture
def repository() -> Repository:
    return make_repository(trusting=False)


@pytest.fixture(scope="module")
def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def held(repository: Repository) -> Iterator[Lock]:
    with hold_lock(repository) as lock:
        yield lock


def clock_of(repository: Repository) -> ShiftedClock:
    assert isinstance(repository.clock, ShiftedClock)
    return repository.clock


def write(repository: Repository, **changes: object) -> str:
    """Write a lock of somebody else's, unless told otherwise."""
    fields: dict[str, object] = {
        "time": format_local_time(repository.clock.now()),
        "exclusive": False,
        "hostname": "elsewhere",
        "username": "somebody",
        "pid": 4711,
    }
    return repository.write_file("locks", json.dumps(fields | changes).encode())


def ids(repository: Repository) -> set[str]:
    return {lock.id for lock in list_locks(repository)}


def test_a_lock_says_who_holds_it(repository: Repository) -> None:
    with hold_lock(repository, exclusive=True) as lock:
        (info,) = list_locks(repository)
        assert info.id == lock.file_id
        assert info.exclusive
        assert (info.hostname, info.pid) == (socket.gethostname(), os.getpid())
        assert f"PID {os.getpid()} on {socket.gethostname()}" in info.describe()
        assert not is_own_dead(info, repository.clock.now())
    assert ids(repository) == set()


def test_a_lock_of_ours_whose_number_another_process_has_by_now_is_cleared(
    repository: Repository,
) -> None:
    """As after a power cut: the process of that number, here init, began after the lock."""
    repository.clock = SYSTEM_CLOCK
    uptime = timedelta(seconds=float(Path("/proc/uptime").read_text().split()[0]))
    written = format_local_time(SYSTEM_CLOCK.now() - uptime - timedelta(hours=1))
    for pid in (1, os.getppid()):
        write(
            repository, hostname=socket.gethostname(), username=current_username(),
            exclusive=True, pid=pid, time=written,
        )  # fmt: skip

    with hold_lock(repository, exclusive=True) as lock:
        assert ids(repository) == {lock.file_id}


def test_an_old_lock_of_ours_whose_process_runs_stays(repository: Repository) -> None:
    """It hangs, perhaps; whether it may be removed is for a person to say."""
    repository.clock = SYSTEM_CLOCK
    child = subprocess.Popen(["/bin/sleep", "60"])
    try:
        now = SYSTEM_CLOCK.now()
        write(
            repository, hostname=socket.gethostname(), username=current_username(),
            pid=child.pid, time=format_local_time(now),
        )  # fmt: skip
        (info,) = list_locks(repository)
        assert not is_own_dead(info, now + timedelta(hours=5))
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize(
    ("theirs", "ours", "conflict"),
    [(False, False, False), (False, True, True), (True, False, True), (True, True, True)],
)
def test_exclusive_locks_conflict_with_all_others(
    repository: Repository, theirs: bool, ours: bool, conflict: bool
) -> None:
    other = write(repository, exclusive=theirs)
    if conflict:
        with (
            pytest.raises(RepositoryLockedError) as caught,
            hold_lock(repository, exclusive=ours),
        ):
            pass
        assert "PID 4711 on elsewhere by somebody" in str(caught.value.params["holder"])
    else:
        with hold_lock(repository, exclusive=ours):
            pass
    assert ids(repository) == {other}, "foreign locks are never removed on the way"


def test_whoever_comes_while_we_wait_is_seen_at_the_second_look(repository: Repository) -> None:
    class Racing(ShiftedClock):
        def sleep(self, duration: timedelta) -> None:
            super().sleep(duration)
            write(repository, exclusive=True)

    repository.clock = Racing()
    with pytest.raises(RepositoryLockedError), hold_lock(repository):
        pass
    assert len(ids(repository)) == 1, "ours must go again"


def test_a_late_second_look_comes_before_anything_is_written(repository: Repository) -> None:
    with hold_lock(repository, confirm_late=True) as lock:
        write(repository, exclusive=True)
        with pytest.raises(RepositoryLockedError):
            lock.ensure_held()


def test_waiting_ends_when_the_other_lock_goes(repository: Repository) -> None:
    other = write(repository, exclusive=True)

    class Patient(ShiftedClock):
        def sleep(self, duration: timedelta) -> None:
            super().sleep(duration)
            if self.passed > timedelta(seconds=20) and other in ids(repository):
                repository.store.delete(f"locks/{other}")

    repository.clock = Patient()
    briefly = timedelta(seconds=10)
    with pytest.raises(RepositoryLockedError), hold_lock(repository, retry_for=briefly):
        pass
    with hold_lock(repository, retry_for=timedelta(minutes=10)):
        pass
    assert clock_of(repository).passed < timedelta(minutes=2)


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_dead_lock_of_ours_goes_on_the_way(
    repository: Repository, dead_pid: int, exclusive: bool
) -> None:
    ours = {"hostname": socket.gethostname(), "username": current_username(), "pid": dead_pid}
    write(repository, exclusive=exclusive, **ours)
    with hold_lock(repository) as lock:
        assert ids(repository) == {lock.file_id}


@pytest.mark.parametrize("foreign", [{"hostname": "elsewhere"}, {"username": "somebody"}])
def test_a_dead_lock_that_may_not_be_ours_stays(
    repository: Repository, dead_pid: int, foreign: dict[str, str]
) -> None:
    ours = {"hostname": socket.gethostname(), "username": current_username(), "pid": dead_pid}
    write(repository, exclusive=True, **{**ours, **foreign})
    with pytest.raises(RepositoryLockedError), hold_lock(repository):
        pass


def test_stale_is_what_restic_calls_so(repository: Repository, dead_pid: int) -> None:
    clock = clock_of(repository)
    host = socket.gethostname()
    fresh = write(repository)
    alive = write(repository, hostname=host, pid=os.getpid())
    dead = write(repository, hostname=host, pid=dead_pid)

    def stale() -> set[str]:
        return {lock.id for lock in list_locks(repository) if is_stale(lock, clock.now())}

    assert stale() == {dead}
    clock.passed = STALE_AFTER - timedelta(seconds=10)
    assert stale() == {dead}
    clock.passed = STALE_AFTER + timedelta(seconds=10)
    assert stale() == {fresh, alive, dead}
    clock.shift = -timedelta(days=1)  # the clock jumped back: nobody is old any more
    assert stale() == {dead}


def test_unlock_removes_stale_locks_or_all(repository: Repository, dead_pid: int) -> None:
    living = write(repository)
    dead = write(repository, hostname=socket.gethostname(), pid=dead_pid)
    assert [lock.id for lock in remove_locks(repository)] == [dead]
    assert ids(repository) == {living}
    assert [lock.id for lock in remove_locks(repository, all_locks=True)] == [living]
    assert ids(repository) == set()


def test_garbage_blocks_everybody_and_an_empty_file_nobody(repository: Repository) -> None:
    store = repository.store
    store.write("locks/" + "00" * 32, b"")
    with hold_lock(repository):
        pass
    garbage = "11" * 32
    store.write(f"locks/{garbage}", b"garbage")
    with pytest.raises(RepositoryLockedError, match="locked"), hold_lock(repository):
        pass
    assert remove_locks(repository) == []
    assert [lock.id for lock in remove_locks(repository, all_locks=True)] == [garbage]


# Holding one --------------------------------------------------------------------------------------


def test_a_refresh_writes_the_new_file_before_the_old_one_goes(
    repository: Repository, held: Lock
) -> None:
    calls: list[str] = []
    store = repository.store

    class Watched(MemoryStore):
        def write(self, key: str, data: object) -> None:
            calls.append("write")
            store.write(key, data)  # type: ignore[arg-type]  # the test needs it so

        def delete(self, key: str) -> None:
            calls.append("delete")
            store.delete(key)

        def size(self, key: str) -> int:
            return store.size(key)

    old = held.file_id
    held._refresher.store = Watched()
    held.refresh()
    assert calls == ["write", "delete"]
    assert held.file_id != old
    assert ids(repository) == {held.file_id}
    held.ensure_held()


def test_a_refreshed_lock_holds_for_ever_and_another_one_not(
    repository: Repository, held: Lock
) -> None:
    clock = clock_of(repository)
    for _ in range(20):
        clock.passed += REFRESH_EVERY
        held.refresh()
    held.ensure_held()
    clock.passed += MUST_STOP_AFTER - timedelta(seconds=10)
    held.ensure_held()
    clock.passed += timedelta(seconds=20)
    with pytest.raises(RepositoryLockedError):
        held.ensure_held()


@pytest.mark.parametrize("jump", [timedelta(days=-1), timedelta(days=1)])
def test_a_clock_that_jumps_changes_nothing_for_the_holder(
    repository: Repository, held: Lock, jump: timedelta
) -> None:
    clock_of(repository).shift = jump
    held.ensure_held()
    held.refresh()
    held.ensure_held()


def test_a_removed_lock_is_missed_and_does_not_come_back(
    repository: Repository, held: Lock
) -> None:
    repository.store.delete(f"locks/{held.file_id}")
    with pytest.raises(RepositoryLockedError):
        held.ensure_held()
    held.refresh()
    assert ids(repository) == set()
    with pytest.raises(RepositoryLockedError):
        held.ensure_held()


def test_a_lock_removed_in_the_middle_of_a_refresh_is_lost(
    repository: Repository, held: Lock
) -> None:
    """Somebody took us for dead, and may delete packs by now; our new file must not hide that."""
    store = repository.store

    class Removing(MemoryStore):
        def write(self, key: str, data: object) -> None:
            store.delete(f"locks/{held.file_id}")
            store.write(key, data)  # type: ignore[arg-type]  # the test needs it so

        def delete(self, key: str) -> None:
            store.delete(key)

        def size(self, key: str) -> int:
            return store.size(key)

    held._refresher.store = Removing()
    held.refresh()
    assert ids(repository) == set()
    with pytest.raises(RepositoryLockedError):
        held.ensure_held()


def test_releasing_a_lock_that_is_gone_is_no_error(repository: Repository) -> None:
    with hold_lock(repository) as lock:
        repository.store.delete(f"locks/{lock.file_id}")
    with pytest.raises(ObjectNotFoundError):
        repository.store.size(f"locks/{lock.file_id}")


def test_the_refreshing_thread_shares_no_cipher_with_the_holder(
    repository: Repository, held: Lock
) -> None:
    failures: list[BaseException] = []

    def refresh() -> None:
        try:
            for _ in range(100):
                held.refresh()
        except BaseException as error:  # noqa: BLE001 -- told to the test's own thread
            failures.append(error)

    thread = threading.Thread(target=refresh)
    thread.start()
    for number in range(100):
        file_id = repository.write_file("index", b'{"packs":[]}' + b" " * number)
        assert repository.read_file("index", file_id).startswith(b'{"packs"')
        held.ensure_held()
    thread.join()
    assert not failures
