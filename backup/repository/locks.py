"""Locks as restic takes them: a shared one to read and add, an exclusive one to change or remove.

To take one: look for conflicting locks, write our own, wait, look again; on a conflict remove ours.
A holder that only adds may begin while it waits, as long as it looks again before it writes what
others can see: a file of the index or a snapshot (`confirm_late`). That is safe since whoever
wants the exclusive lock looks again 200 ms after writing it: if ours stands within that time of our
first look, it is seen there. Where writing ours took longer, we look again before we begin.
A holder refreshes every five minutes by writing a new file and then deleting the old one. After
22.5 minutes without a refresh it must stop, for others may take its lock for stale.
Stale means older than 30 minutes, or a process of this host that is gone. Ours that are provably
stale (same host, same user, no such process) are cleared on the way; foreign ones are reported.
"""

import json
import os
import re
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from backup.errors import (
    DamagedError,
    ObjectNotFoundError,
    RepositoryLockedError,
    StoreError,
    UnsupportedFormatError,
    Words,
)
from backup.format.key_file import current_username
from backup.format.times import format_local_time, parse_time
from backup.repository.repository import Repository

REFRESH_EVERY = timedelta(minutes=5)
MUST_STOP_AFTER = timedelta(minutes=22, seconds=30)
STALE_AFTER = timedelta(minutes=30)
SECOND_LOOK_AFTER = timedelta(milliseconds=200)
# A process and a lock it writes at once are told apart by less than that.
_CLOCKS_DIFFER = timedelta(minutes=1)
_FIRST_RETRY = timedelta(seconds=5)
_LONGEST_NAME = 255  # of a host or a user; somebody else wrote the file
_LONGEST_RETRY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class LockInfo:
    """What a lock file says.

    Attributes:
        id: Id of the file.
        time: When it was written or refreshed, aware.
        exclusive: Whether nobody else may hold one.
        hostname: Where the holder runs.
        username: Who runs it.
        pid: Its process.
        is_readable: False for a file that cannot be decoded; it conflicts with everything.
    """

    id: str
    time: datetime | None
    exclusive: bool
    hostname: str
    username: str
    pid: int
    is_readable: bool = True

    def describe(self) -> str:
        """Say who holds it, in one line."""
        if not self.is_readable or self.time is None:
            return f"{self.id[:8]} (unreadable)"
        kind = "exclusive" if self.exclusive else "shared"
        return (
            f"{self.id[:8]}: {kind}, PID {self.pid} on {self.hostname} by {self.username}, "
            f"{self.time:%d/%m/%Y %H:%M:%S %z}"
        )

    def tell_holder(self, now: datetime) -> Words:
        """Say who holds it and when it was last heard of, in words that can be translated."""
        if not self.is_readable or self.time is None:
            return Words("lock {id} cannot be read", {"id": self.id[:8]})
        holder = {"id": self.id[:8], "pid": self.pid, "user": self.username, "host": self.hostname}
        return Words(
            "lock {id}: PID {pid} on {host} by {user}, last heard of {age} ago",
            {**holder, "age": tell_age(now - self.time)},
        )


def tell_age(age: timedelta) -> Words:
    """Give an age in the one unit that says enough: minutes, hours to two days, then days."""
    if age >= timedelta(days=2):
        return Words("{count} days", {"count": age.days})
    if age >= timedelta(hours=2):
        return Words("{count} hours", {"count": age // timedelta(hours=1)})
    return Words("{count} minutes", {"count": max(age // timedelta(minutes=1), 0)})


def list_locks(repository: Repository, *, but: str = "") -> list[LockInfo]:
    """Read all locks; those that vanish meanwhile are left out, empty files too, as restic does.

    Args:
        repository: Whose.
        but: Id of one that is not wanted, since it is known.
    """
    locks = []
    for file_id, size in sorted(repository.list_sizes("locks").items()):
        if size and file_id != but:
            with suppress(ObjectNotFoundError):
                locks.append(_read_lock(repository, file_id))
    return locks


def is_stale(lock: LockInfo, now: datetime) -> bool:
    """Decide as restic does: older than 30 minutes, or a process of this host that is gone."""
    if lock.time is None:
        return False
    if now - lock.time > STALE_AFTER:
        return True
    return lock.hostname == socket.gethostname() and not _is_alive(lock.pid)


def is_own_dead(lock: LockInfo, now: datetime) -> bool:
    """Whether the lock is surely a leftover of ours: this host, this user, and no such process.

    After a power cut another process may have the number by now: the lock has not been refreshed
    for long, and the process began after it was, which its holder cannot have.
    """
    if (
        not lock.is_readable
        or lock.hostname != socket.gethostname()
        or lock.username != current_username()
    ):
        return False
    if not _is_alive(lock.pid):
        return True
    return (
        lock.time is not None
        and now - lock.time > STALE_AFTER
        and _began_after(lock.pid, lock.time)
    )


def remove_locks(repository: Repository, *, all_locks: bool = False) -> list[LockInfo]:
    """Remove stale locks, or all of them; gives those removed."""
    now = repository.clock.now()
    chosen = [it for it in list_locks(repository) if all_locks or is_stale(it, now)]
    drop_locks(repository, chosen)
    return chosen


def drop_locks(repository: Repository, locks: Iterable[LockInfo]) -> None:
    """Remove these very locks; one that its holder has refreshed since is another one."""
    for lock in locks:
        with suppress(ObjectNotFoundError):
            repository.store.delete(f"locks/{lock.id}")


class Lock:
    """A lock that is held, and refreshed by a thread of its own."""

    def __init__(self, repository: Repository, *, exclusive: bool) -> None:
        self.exclusive = exclusive
        self._repository = repository
        self._refresher = repository.twin()  # the refreshing thread must not share ciphers
        self._is_lost = False
        self._file_id = _write_lock(repository, exclusive=exclusive)
        self._refreshed_at = repository.clock.monotonic()
        self._written_at = self._refreshed_at
        self._is_confirmed = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep_fresh, name="lock", daemon=True)

    @property
    def file_id(self) -> str:
        """Id of the lock file as it is now."""
        return self._file_id

    def start_refreshing(self) -> None:
        """Start the refreshing thread."""
        self._thread.start()

    def confirm(self) -> None:
        """Wait until 200 ms after writing the lock, and look for conflicting ones again.

        Raises:
            RepositoryLockedError: There is one.
        """
        if not self._is_confirmed:
            clock = self._repository.clock
            passed = timedelta(seconds=clock.monotonic() - self._written_at)
            clock.sleep(max(timedelta(0), SECOND_LOOK_AFTER - passed))
            _refuse_conflicts(self._repository, exclusive=self.exclusive, own=self._file_id)
            self._is_confirmed = True

    def ensure_held(self) -> None:
        """Prove that the lock still stands; every writer does so before others see what it wrote.

        Raises:
            RepositoryLockedError: Somebody removed it, it could not be refreshed in time, or the
                second look found a conflicting one.
        """
        self.confirm()
        age = timedelta(seconds=self._repository.clock.monotonic() - self._refreshed_at)
        if not self._is_lost and age <= MUST_STOP_AFTER and self._file_exists():
            return
        raise RepositoryLockedError(
            "our lock on {place} is gone",
            why="somebody removed it, or it could not be refreshed for {minutes} minutes",
            data="nothing that others stored was touched; what we stored so far is kept",
            next_step="run the command again",
            place=self._repository.store.location,
            minutes=int(age.total_seconds() // 60),
        )

    def _file_exists(self) -> bool:
        # Twice: a refresh beside us may replace the file between the two lines.
        return any(_has_lock(self._repository, self._file_id) for _ in range(2))

    def refresh(self) -> None:
        """Write a new lock file, then delete the old one.

        A lock whose old file was gone before the new one stood is lost: whoever removed it took us
        for dead, and may be at work already. The new file then goes too.

        Raises:
            StoreError: The store failed; the lock may be refreshed or not.
        """
        repository, old = self._refresher, self._file_id
        if self._is_lost or not _has_lock(repository, old):
            self._is_lost = True
            return
        started_at = repository.clock.monotonic()
        new = _write_lock(repository, exclusive=self.exclusive)
        if not _has_lock(repository, old):
            self._is_lost = True
            repository.store.delete(f"locks/{new}")
            return
        self._file_id, self._refreshed_at = new, started_at
        with suppress(ObjectNotFoundError):
            repository.store.delete(f"locks/{old}")

    def _keep_fresh(self) -> None:
        while not self._done.wait(REFRESH_EVERY.total_seconds()):
            with suppress(StoreError):  # tried again in five minutes; ensure_held judges the age
                self.refresh()

    def release(self) -> None:
        """Stop refreshing and remove the lock file."""
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(StoreError):
            self._repository.store.delete(f"locks/{self._file_id}")


@contextmanager
def hold_lock(
    repository: Repository,
    *,
    exclusive: bool = False,
    retry_for: timedelta = timedelta(0),
    confirm_late: bool = False,
) -> Iterator[Lock]:
    """Hold a lock while the block runs.

    Args:
        repository: What to lock.
        exclusive: Let nobody else hold one.
        retry_for: How long to wait for a conflicting lock to go.
        confirm_late: Leave the second look to the holder's first `ensure_held`; only for work that
            adds packs and calls it before it writes anything that refers to them.

    Raises:
        RepositoryLockedError: A conflicting lock stands and did not go within `retry_for`.
    """
    deadline = repository.clock.monotonic() + retry_for.total_seconds()
    lock = _acquire_patiently(
        repository, exclusive=exclusive, deadline=deadline, confirm_late=confirm_late
    )
    lock.start_refreshing()
    try:
        yield lock
    finally:
        lock.release()


def _acquire_patiently(
    repository: Repository, *, exclusive: bool, deadline: float, confirm_late: bool
) -> Lock:
    pause = _FIRST_RETRY
    while True:
        try:
            return _acquire(repository, exclusive=exclusive, confirm_late=confirm_late)
        except RepositoryLockedError:
            left = timedelta(seconds=deadline - repository.clock.monotonic())
            if left <= timedelta(0):
                raise
            repository.clock.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_RETRY)


def _acquire(repository: Repository, *, exclusive: bool, confirm_late: bool) -> Lock:
    looked_at = repository.clock.monotonic()
    _refuse_conflicts(repository, exclusive=exclusive, own="")
    lock = Lock(repository, exclusive=exclusive)
    taken = timedelta(seconds=repository.clock.monotonic() - looked_at)
    try:
        if not confirm_late or taken >= SECOND_LOOK_AFTER:
            lock.confirm()
    except BaseException:
        lock.release()
        raise
    return lock


def _refuse_conflicts(repository: Repository, *, exclusive: bool, own: str) -> None:
    now = repository.clock.now()
    for lock in list_locks(repository, but=own):
        if is_own_dead(lock, now):
            with suppress(ObjectNotFoundError):
                repository.store.delete(f"locks/{lock.id}")
            continue
        if not (exclusive or lock.exclusive or not lock.is_readable):
            continue
        raise RepositoryLockedError(
            "the repository at {place} is locked",
            why="{holder}",
            data="nothing was changed",
            next_step="wait for it, use --retry-lock 10m, or run unlock if that process is gone",
            place=repository.store.location,
            holder=lock.tell_holder(now),
        )


def _has_lock(repository: Repository, file_id: str) -> bool:
    try:
        repository.store.size(f"locks/{file_id}")
    except ObjectNotFoundError:
        return False
    return True


def _write_lock(repository: Repository, *, exclusive: bool) -> str:
    fields: dict[str, Any] = {
        "time": format_local_time(repository.clock.now()),
        "exclusive": exclusive,
        "hostname": socket.gethostname(),
        "username": current_username(),
        "pid": os.getpid(),
        "uid": os.getuid(),
        "gid": os.getgid(),
    }
    return repository.write_file("locks", json.dumps(fields, separators=(",", ":")).encode())


def _read_lock(repository: Repository, file_id: str) -> LockInfo:
    try:
        raw = json.loads(repository.read_file("locks", file_id))
        return LockInfo(
            id=file_id,
            time=parse_time(raw["time"]),
            exclusive=bool(raw.get("exclusive")),
            hostname=str(raw.get("hostname", ""))[:_LONGEST_NAME],
            username=str(raw.get("username", ""))[:_LONGEST_NAME],
            pid=int(raw.get("pid", 0)),
        )
    except ObjectNotFoundError:
        raise
    except (DamagedError, UnsupportedFormatError, KeyError, TypeError, ValueError):
        return LockInfo(file_id, None, True, "", "", 0, is_readable=False)  # noqa: FBT003 -- is_exclusive: unread, so the worst


def _began_after(pid: int, when: datetime) -> bool:
    """Whether a process began surely later than a moment; False where that cannot be told."""
    try:
        # proc(5): the 22nd field, counted behind the name, which may hold anything; since boot.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        boot = re.search(rb"^btime (\d+)$", Path("/proc/stat").read_bytes(), re.MULTILINE)
        ticks = int(fields[19])
    except (OSError, IndexError, ValueError):
        return False
    if boot is None:
        return False
    began_at = int(boot[1]) + ticks / os.sysconf("SC_CLK_TCK")
    return began_at > when.timestamp() + _CLOCKS_DIFFER.total_seconds()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
