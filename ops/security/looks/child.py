"""A program of others as a child process: bounded in time and in what it may print.

It is the leader of a session of its own, so that its own children end with it.
"""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 4 << 20
_PIECE = 1 << 16
_END_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended.

    Attributes:
        status: Its exit status; negative: the signal that ended it.
        output: What it printed, up to `MOST_BYTES`.
        is_late, is_flooding: Whether we ended it: its time was over, or it printed too much.
    """

    status: int
    output: bytes
    is_late: bool = False
    is_flooding: bool = False


def run_child(words: Sequence[str], *, seconds: float, folder: Path) -> Ended:
    """Run a program to its end, or end it.

    Args:
        words: Its file and arguments.
        seconds: It may take so long.
        folder: Where it works, its home, and where it may leave files.

    Raises:
        OSError: It cannot be started.
    """
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "TERM": "dumb",
        "NO_COLOR": "1",
    }
    with subprocess.Popen(
        list(words),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        late = threading.Event()

        def end_late() -> None:
            late.set()
            _kill(process)

        timer = threading.Timer(seconds, end_late)
        timer.start()
        try:
            output, is_flooding = _read(process)
            if is_flooding:
                _kill(process)
            process.wait(seconds + _END_SECONDS)
        finally:
            timer.cancel()
            timer.join()
            _kill(process)
    return Ended(process.returncode, output, late.is_set(), is_flooding)


def _read(process: subprocess.Popen[bytes]) -> tuple[bytes, bool]:
    pieces, left = [], MOST_BYTES
    stream = process.stdout
    while stream is not None and (piece := os.read(stream.fileno(), _PIECE)):
        left -= len(piece)
        if left < 0:
            return b"", True
        pieces.append(piece)
    return b"".join(pieces), False


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it and what it has started; its id is its own until it has been waited for."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
