"""A control group of the kernel (cgroup v2) for one rehearsal: all inside together is bounded.

Root may make one; a service without rights where its unit delegates its own (`Delegate=memory
pids`). Without, the rehearsal bounds and watches itself (`bounding`), and the minutes say so.

1. Groups whose maker is gone are removed, where they are empty.
2. The group is made, then bounded; only then the first process enters it, by itself.
3. When the rehearsal is over, whatever is left in it is killed, and it goes.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ops.sandbox.plan import SPARE, Bounds

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
