"""Write down each path that an act of the service opens, changes or connects to.

Python loads it where a test has put this folder into the service's PYTHONPATH; the product knows
nothing of it. `WATCHED_INTO` names the file that gets a line of JSON for each: the task, what
happens (an audit event of Python's), the path with all links followed, and whether it is written.
"""

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
    if event != "open" and event not in _PATHS:
        return
    if not (task := _task()):
        return
    if event == "open":
        path, mode, flags = arguments
        found = [(path, -1, bool((flags or 0) & _WRITING) or bool(set(mode or "") & set("wax+")))]
        if isinstance(path, (str, bytes)) and not os.path.isabs(path):
            # Below an open folder, which the event does not name: one name, and no link followed.
            is_own = (flags or 0) & (os.O_NOFOLLOW | os.O_EXCL) and b"/" not in os.fsencode(path)
            if is_own and os.fsencode(path) != b"..":
                return
    else:
        found = _PATHS[event](arguments)
    for path, folder, is_written in found:
        if isinstance(path, (str, bytes, os.PathLike)) and path != ":memory:":
            text = os.fsdecode(path).removeprefix("file:").partition("?")[0]
            above = f"/proc/self/fd/{folder}" if folder >= 0 else ""
            named = os.path.join(above, text)
            is_name = event in {"os.symlink", "os.remove", "os.rename", "os.rmdir"}
            real = (
                os.path.join(os.path.realpath(os.path.dirname(named)), os.path.basename(named))
                if is_name
                else os.path.realpath(named)
            )
            line = {"task": task, "event": event, "path": real, "named": text, "writes": is_written}
            os.write(_into, json.dumps(line).encode() + b"\n")


if _INTO:
    _into = os.open(_INTO, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    if os.environ.get(_BELOW):
        _seen[os.getpid()] = os.environ[_BELOW]
    sys.addaudithook(_note)
