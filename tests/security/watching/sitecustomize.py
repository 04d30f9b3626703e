"""Write down each path that an act of the service opens, changes or connects to.

Python loads it where a test has put this folder into the service's PYTHONPATH; the product knows
nothing of it. `WATCHED_INTO` names the file that gets a line of JSON for each: the task, what
happens (an audit event of Python's), the path with all links followed, and whether it is written.
"""

# ruff: noqa: PTH118, PTH119, PTH120 - texts, which may be no paths

import json
import os
import sys
from collections.abc import Callable
from typing import Any

_INTO = os.environ.get("WATCHED_INTO", "")
_BELOW = "WATCHED_TASK"
"""The task, for the processes that an act starts."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_PATHS: dict[str, Callable[[Any], list[tuple[Any, int, bool]]]] = {
    "os.listdir": lambda a: [(a[0], -1, False)],
    "os.scandir": lambda a: [(a[0], -1, False)],
    "os.chdir": lambda a: [(a[0], -1, False)],
    "os.mkdir": lambda a: [(a[0], a[2], True)],
    "os.rename": lambda a: [(a[0], a[2], True), (a[1], a[3], True)],
    "os.remove": lambda a: [(a[0], a[1], True)],
    "os.rmdir": lambda a: [(a[0], a[1], True)],
    "os.link": lambda a: [(a[0], a[2], False), (a[1], a[3], True)],
    "os.symlink": lambda a: [(a[1], a[2], True)],
    "os.chmod": lambda a: [(a[0], a[2], True)],
    "os.chown": lambda a: [(a[0], a[3], True)],
    "os.utime": lambda a: [(a[0], a[3], True)],
    "os.truncate": lambda a: [(a[0], -1, True)],
    "os.getxattr": lambda a: [(a[0], -1, False)],
    "os.listxattr": lambda a: [(a[0], -1, False)],
    "os.setxattr": lambda a: [(a[0], -1, True)],
    "os.exec": lambda a: [(a[0], -1, False)],
    "os.posix_spawn": lambda a: [(a[0], -1, False)],
    "sqlite3.connect": lambda a: [(a[0], -1, True)],
    "ctypes.dlopen": lambda a: [(a[0], -1, False)],
    "socket.connect": lambda a: [(a[1], -1, True)],
}
_NAMES = {"os.symlink", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link"}
_seen: dict[int, str] = {}


def _task() -> str:
    """Give the task of the act that this process is; empty where it is none."""
    if (pid := os.getpid()) in _seen:
        return _seen[pid]
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "do_act":
            order = frame.f_locals.get("order")
            if order is None:
                return ""
            os.environ[_BELOW] = _seen[pid] = order.task
            return str(order.task)
        frame = frame.f_back  # type: ignore[assignment]  # None ends it
    return ""


def _note(event: str, arguments: Any) -> None:
    if (event == "open" or event in _PATHS) and (task := _task()):
        for path, folder, is_written in (
            _opened(*arguments) if event == "open" else _PATHS[event](arguments)
        ):
            if isinstance(path, (str, bytes, os.PathLike)) and path != ":memory:":
                text = os.fsdecode(path).removeprefix("file:").partition("?")[0]
                real = _real(text, folder, is_name=event in _NAMES)
                told = {"task": task, "event": event, "path": real, "writes": is_written}
                os.write(_into, json.dumps(told).encode() + b"\n")


def _opened(path: Any, mode: str | None, flags: int | None) -> list[tuple[Any, int, bool]]:
    """Give what is opened; not one name that is no link, below an open folder that was told of."""
    flags = flags or 0
    name = os.fsencode(path) if isinstance(path, (str, bytes)) else b""
    is_below = b"/" not in name and name not in {b"", b".", b".."}
    is_compared = sys._getframe(2).f_code.co_name == "_rmtree_safe_fd"  # with what was looked at
    if is_below and (flags & (os.O_NOFOLLOW | os.O_EXCL) or is_compared):
        return []
    return [(path, -1, bool(flags & _WRITING) or bool(set(mode or "") & set("wax+")))]


def _real(text: str, folder: int, *, is_name: bool) -> str:
    """Give a path with links followed; of what is done to a name, but the last."""
    named = os.path.join(f"/proc/self/fd/{folder}" if folder >= 0 else "", text)
    if is_name:
        return os.path.join(os.path.realpath(os.path.dirname(named)), os.path.basename(named))
    return os.path.realpath(named)


if _INTO:
    _into = os.open(_INTO, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    if os.environ.get(_BELOW):
        _seen[os.getpid()] = os.environ[_BELOW]
    sys.addaudithook(_note)
