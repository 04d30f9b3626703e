"""Bound what everything inside takes of the machine, with what the kernel gives without rights.

- If memory runs short all the same, the kernel ends what is in here first.
- Each process: its data, and each file that it writes, have an end.
- All processes: numbers of the sandbox's own processes end at a limit (Linux 6.14); so does what
  each account may start.
- All together is looked at again and again (`guarding`); what is too much ends the rehearsal.
"""

import os
import re
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ops.sandbox.plan import SPARE, Bounds, Order
from ops.sandbox.result import Bounded, Remark

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
