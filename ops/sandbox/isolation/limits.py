"""Bound what all inside takes of the machine: a control group where there is one, else limits.

Root may make one; a service without rights where its unit delegates its own (`Delegate=memory
pids`). Without, the rehearsal bounds and watches itself (`bounding`), and the minutes say so.

1. Groups whose maker is gone are removed, where they are empty.
2. The group is made, then bounded; only then the first process enters it, by itself.
3. When the rehearsal is over, whatever is left in it is killed, and it goes.

- If memory runs short all the same, the kernel ends what is in here first.
- Each process: its data, and each file that it writes, have an end.
- All processes: numbers of the sandbox's own processes end at a limit (Linux 6.14); so does what
  each account may start.
- All together is looked at again and again (`guarding`); what is too much ends the rehearsal.
"""

import os
import re
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ops.sandbox.plan import SPARE, Bounds, Order
from ops.sandbox.result import Bounded, Remark

_MOUNT = Path("/sys/fs/cgroup")
_NAME = "giucong-drill-"
_NEEDED = frozenset({"memory", "pids"})
_CONTROL = "cgroup.subtree_control"
_ENTER = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
_TRIES, _TRY_SECONDS = 100, 0.05
_SPARE_PART = 8


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """A group of processes that the kernel bounds together.

    Attributes:
        folder: Its own, in the file system of control groups.
    """

    folder: Path

    def words(self, words: Sequence[str]) -> list[str]:
        """Give the words of a command that enters the group first."""
        return ["sh", "-c", _ENTER, str(self.folder), *words]

    def list_breaches(self) -> Iterator[str]:
        """Name what was bounded and came up to its bound: `memory`, `processes`."""
        if self._count("memory.events", "oom_kill"):
            yield "memory"
        if self._count("pids.events", "max"):
            yield "processes"

    def _count(self, file: str, event: str) -> int:
        with suppress(OSError):
            lines = (self.folder / file).read_text(encoding="ascii").splitlines()
            return next((int(it.split()[1]) for it in lines if it.split()[0] == event), 0)
        return 0

    def close(self) -> None:
        """End whatever is left in it, and remove it."""
        with suppress(OSError):
            (self.folder / "cgroup.kill").write_text("1", encoding="ascii")
        for _try in range(_TRIES):
            with suppress(OSError):
                self.folder.rmdir()
            if not self.folder.exists():
                return
            time.sleep(_TRY_SECONDS)


def make_group(bounds: Bounds, mount: Path = _MOUNT, own: str | None = None) -> ControlGroup | None:
    """Make a bounded group; None where this machine or this account cannot.

    Args:
        bounds: Of memory and processes.
        mount: Where control groups are mounted.
        own: This process's group, as `/proc/self/cgroup` names it.
    """
    for place in find_places(mount, _read_own() if own is None else own):
        _remove_left(place)
        folder = place / f"{_NAME}{os.getpid()}"
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            _bound(folder, bounds)
        except OSError:
            ControlGroup(folder).close()
            continue
        return ControlGroup(folder)
    return None


def find_places(mount: Path, own: str) -> list[Path]:
    """Give the groups in which one with these bounds can be made, nearest first.

    Groups above our own, since one with processes in it has no bounded ones below. Last come those
    where the bounds are there but not handed down yet; it is tried to have them handed down.
    """
    here = mount / own.strip("/")
    above = [it for it in here.parents if it == mount or mount in it.parents]
    able = [it for it in (above or [mount]) if _read(it / "cgroup.controllers") >= _NEEDED]
    ready = [it for it in able if _read(it / _CONTROL) >= _NEEDED]
    return [*ready, *(it for it in able if it not in ready and _hand_down(it))]


def _hand_down(place: Path) -> bool:
    try:
        (place / _CONTROL).write_text("+memory +pids", encoding="ascii")
    except OSError:
        return False
    return True


def _read(file: Path) -> set[str]:
    try:
        return set(file.read_text(encoding="ascii").split())
    except OSError:
        return set()


def _read_own() -> str:
    with suppress(OSError):
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        return next((it.removeprefix("0::") for it in lines if it.startswith("0::")), "/")
    return "/"


def _bound(folder: Path, bounds: Bounds) -> None:
    """Bound it a little above what is allowed: who watches inside sees that first, and tells more.

    Where memory is short at once, all of it is killed together: half a site would stand for hours.
    """
    memory = bounds.memory_bytes + bounds.memory_bytes // _SPARE_PART
    (folder / "memory.max").write_text(str(memory), encoding="ascii")
    (folder / "memory.oom.group").write_text("1", encoding="ascii")
    (folder / "pids.max").write_text(str(bounds.processes + SPARE), encoding="ascii")
    with suppress(OSError):  # a machine without swap
        (folder / "memory.swap.max").write_text("0", encoding="ascii")


def _remove_left(place: Path) -> None:
    for folder in place.glob(f"{_NAME}*"):
        if not Path("/proc", folder.name.removeprefix(_NAME)).exists():
            with suppress(OSError):
                folder.rmdir()


LOOK_EVERY_SECONDS = 0.2
_PAGE = os.sysconf("SC_PAGE_SIZE")
_FIRST_ENDED = "1000"
_OWN_NUMBERS_SINCE = (6, 14)
"""Linux, from which on the largest process number is a namespace's own; before, the machine's."""

_RESERVED = 300
"""Process numbers are not given out again below it. source: include/linux/pid.h"""

_NUMBERS = Path("/proc/sys/kernel/pid_max")
_IN_MEMORY = ("/", "/dev/shm")  # noqa: S108 -- the sandbox's own
_RELEASE = re.compile(r"(\d+)\.(\d+)")


def fit(bounds: Bounds) -> Bounds:
    """Cut bounds to half of what the machine has."""
    half = os.sysconf("SC_PHYS_PAGES") * _PAGE // 2
    return Bounds(
        memory_bytes=min(bounds.memory_bytes, half),
        processes=bounds.processes,
        file_bytes=bounds.file_bytes,
    )


def count_taken() -> int:
    """Give how many processes and threads the busiest account besides root runs."""
    counts: dict[int, int] = {}
    for folder in _list_processes():
        with suppress(OSError):
            user = folder.stat().st_uid
            counts[user] = counts.get(user, 0) + _count_threads(folder)
    return max((count for user, count in counts.items() if user != 0), default=0)


def bound(order: Order) -> Bounded:
    """Bound this process and everything that it will start; its `/proc` is the sandbox's own.

    Args:
        order: What is to be done.
    """
    bounds = order.plan.bounds
    for what, most in (
        (resource.RLIMIT_DATA, bounds.memory_bytes),
        (resource.RLIMIT_FSIZE, bounds.file_bytes),
        (resource.RLIMIT_NPROC, bounds.processes + SPARE + order.taken),
        (resource.RLIMIT_CORE, 0),
    ):
        _limit(what, most)
    has_numbers = _limit_numbers(bounds.processes)
    return tell_bounds(order, has_numbers=has_numbers)


def be_first() -> None:
    """Let the kernel end this process and what it starts first, if memory runs short."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_ENDED, encoding="ascii")


def _limit(what: int, most: int) -> None:
    _soft, hard = resource.getrlimit(what)
    end = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (end, end))


def _limit_numbers(processes: int) -> bool:
    release = _RELEASE.match(os.uname().release)
    if release is None or (int(release[1]), int(release[2])) < _OWN_NUMBERS_SINCE:
        return False
    try:
        _NUMBERS.write_text(str(processes + SPARE + _RESERVED), encoding="ascii")
    except OSError:
        return False
    return True


def tell_bounds(order: Order, *, has_numbers: bool) -> Bounded:
    """Say what holds, and what nothing holds; pure.

    Args:
        order: What is to be done.
        has_numbers: Whether process numbers end.
    """
    bounds, in_group = order.plan.bounds, order.in_group
    held = "group" if in_group else "namespace" if has_numbers else "account"
    unbounded = ["disk", "processor"]
    if (
        held == "account" and order.way == "root"
    ):  # inside a user namespace one account has them all
        unbounded.insert(0, "processes")
    if not in_group:
        unbounded.insert(0, "memory")
    return Bounded(
        memory_bytes=bounds.memory_bytes,
        processes=bounds.processes,
        file_bytes=bounds.file_bytes,
        by={"memory": "group" if in_group else "watch", "processes": held},
        unbounded=tuple(unbounded),
    )


def find_breach(bounds: Bounds) -> Remark | None:
    """Look once; gives what is too much."""
    processes = list(_list_processes())
    if sum(map(_count_threads, processes)) >= bounds.processes:
        return too_many_processes(bounds)
    in_files = sum(map(_used_in, _IN_MEMORY))
    if in_files + sum(map(_resident, processes)) <= bounds.memory_bytes:
        return None
    used = in_files + sum(map(_own_memory, processes))  # resident pages may be shared by many
    return too_much_memory(bounds, used) if used > bounds.memory_bytes else None


def too_much_memory(bounds: Bounds, used: int = 0) -> Remark:
    """Make the remark; pure."""
    most = bounds.memory_bytes
    return Remark("failed", "too_much_memory", {"used": max(used, most), "most": most})


def too_many_processes(bounds: Bounds) -> Remark:
    """Make the remark; pure."""
    return Remark("failed", "too_many_processes", {"most": bounds.processes})


def _list_processes() -> Iterator[Path]:
    yield from (it for it in Path("/proc").iterdir() if it.name.isdigit())


def _count_threads(folder: Path) -> int:
    """Give how many threads a process has; 0 where it has just ended."""
    try:
        return (folder / "task").stat().st_nlink - 2
    except OSError:
        return 0


def _resident(folder: Path) -> int:
    try:
        return int((folder / "statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _own_memory(folder: Path) -> int:
    """Give the memory of a process that no file is behind; shared pages by their part."""
    try:
        lines = (folder / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return _resident(folder) if folder.exists() else 0
    named = (line.split() for line in lines)
    return sum(int(it[1]) * 1024 for it in named if it[0] in {"Pss_Anon:", "Pss_Shmem:"})


def _used_in(folder: str) -> int:
    status = os.statvfs(folder)
    return (status.f_blocks - status.f_bfree) * status.f_frsize
