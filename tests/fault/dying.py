"""A process of ours that is killed at its n-th change of the file system.

The child is forked, so that nothing of it but its files outlives it; it kills itself as the kernel
would: no handler runs, no buffer is written. What it changed before is what a disk would have after
a power cut too, for only what is durable may be relied on: the order is proved by `changes_of`.
"""

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from archive.ocfl import files

CHANGES = ("mkdir", "rename", "chmod", "unlink", "rmdir", "write")
Work = Callable[[], object]


class Recorder:
    """Stands before the system's calls of one process; calls `strike` before each change."""

    def __init__(self, strike: Callable[[str, str], None]) -> None:
        self._strike = strike
        self._library, self._open = files._libc, os.open

    def arm(self) -> None:
        """Put it there; for good."""
        for name in CHANGES:
            setattr(os, name, self._before(name, getattr(os, name)))
        os.open = self._before_creation
        files._libc = cast("Any", self)

    def syncfs(self, handle: int) -> int:
        """As the C library has it."""
        self._strike("syncfs", str(handle))
        return int(self._library.syncfs(handle))

    def renameat2(self, *arguments: Any) -> int:
        """As the C library has it; can be told to know nothing of it."""
        self._strike("exchange", str(arguments[3]))
        return int(self._library.renameat2(*arguments))

    def _before(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            where = arguments[1] if name == "rename" else arguments[0]
            self._strike(name, str(where))
            return real(*arguments, **named)

        return call

    def _before_creation(self, path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if flags & os.O_CREAT:
            self._strike("create", str(path))
        return self._open(path, flags, *rest, **named)


def changes_of(work: Work, log: Path) -> list[tuple[str, str]]:
    """Do some work in a process of its own, and give the changes that it makes: call and path."""

    def armed() -> None:
        with log.open("a", buffering=1) as file:
            Recorder(lambda name, where: print(name, where, file=file)).arm()
            work()

    assert _run(armed) == 0
    lines = log.read_text().splitlines()
    log.unlink()
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def is_killed(work: Work, at: int) -> bool:
    """Do some work in a process that dies before its change number `at`, from 1; says if it did."""
    left = at

    def strike(_name: str, _where: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    def armed() -> None:
        Recorder(strike).arm()
        work()

    status = _run(armed)
    assert status in {0, -signal.SIGKILL}
    return status != 0


def _run(work: Work) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of the test runner
        pid = os.fork()
    if not pid:
        try:
            work()
        except BaseException:  # noqa: BLE001 - the parent must not go on twice
            traceback.print_exc(file=sys.__stderr__)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
