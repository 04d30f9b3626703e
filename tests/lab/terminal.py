"""Somebody at a terminal: types a command, and answers whenever it waits for what is typed."""

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_LOOK_SECONDS = 0.1
_QUIET_SECONDS = 0.2
_END_SECONDS = 30
_PTS = 136  # major number of the first pseudo-terminals: admin-guide/devices.txt of Linux
_READ = "0 "  # number of read(2) on x86-64, as /proc/PID/syscall gives it
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


@dataclass(frozen=True, slots=True)
class Typed:
    """What came of a command.

    Attributes:
        words: The command.
        code: Its exit code.
        told: All that stood on the terminal, without what moves and colours.
    """

    words: tuple[str, ...]
    code: int
    told: str

    def check(self, *good: int) -> "Typed":
        """Give this where it ended with 0, or one of these codes.

        Raises:
            AssertionError: It ended otherwise.
        """
        assert self.code in (good or (0,)), f"{' '.join(self.words)}: {self.code}\n{self.told}"
        return self


def type_at_terminal(
    command: Sequence[str],
    answer: Callable[[str], str],
    *,
    environment: Mapping[str, str],
    seconds: float = 600,
    clean: Callable[[bytes], str] | None = None,
    rows_and_columns: tuple[int, int] = (0, 0),
) -> Typed:
    """Run a command at a terminal of its own.

    Args:
        command: Its words.
        answer: Gives the line that is typed where the command waits; it is given all that stands on
            the terminal. Raises `EOFError` where nothing is to be typed: the input then ends.
        environment: The command's.
        seconds: How long it may take.
        clean: Makes of what was written what stands on it; left out: all of it, without controls.
        rows_and_columns: Of the terminal; with zeros it does not say how large it is.

    Raises:
        AssertionError: It took longer; it is ended.
    """
    clean = clean or _clean
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, rows_and_columns)
    process = subprocess.Popen(
        ["setsid", "--ctty", *command],
        stdin=theirs, stdout=theirs, stderr=theirs, env={**environment, "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    deadline, told = time.monotonic() + seconds, b""
    quiet_since = time.monotonic()
    try:
        while True:
            if _has_more(ours):
                if not (piece := _read(ours)):
                    break
                told += piece
                if _clean(piece):  # a bar that is drawn anew says nothing while a question waits
                    quiet_since = time.monotonic()
            elif process.poll() is not None:
                break
            elif (
                time.monotonic() - quiet_since > _QUIET_SECONDS
                and _waits(process.pid)
                and not _has_more(ours, 0)  # it may have asked since we looked for that
            ):
                quiet_since = time.monotonic()
                _type(ours, answer, _clean(told))
            assert time.monotonic() < deadline, f"{command} takes too long:\n{clean(told)}"
        code = process.wait(_END_SECONDS)
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGHUP)
        raise
    finally:
        os.close(ours)
    return Typed(tuple(command), code, clean(told))


def _has_more(terminal: int, seconds: float = _LOOK_SECONDS) -> bool:
    return bool(select.select([terminal], [], [], seconds)[0])


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # nobody has the other side open any more
        return b""


def _type(terminal: int, answer: Callable[[str], str], told: str) -> None:
    try:
        line = answer(told) + "\n"
    except EOFError:
        line = "\x04"
    os.write(terminal, line.encode())


def _waits(process: int) -> bool:
    """Whether a process, or one that it has started, reads from a terminal.

    A client of the service hands a terminal of its own making over: there somebody else reads.
    """
    with suppress(psutil.NoSuchProcess):
        found = psutil.Process(process)
        ours = [found.pid, *(it.pid for it in found.children(recursive=True))]
        if any(_reads(it) for it in ours):
            return True
        made = {int(number) for it in ours for number in _made_by(it)}
        same = {_numbering_of(it) for it in ours}
        return any(
            _terminal_of(it) in made and _numbering_of(it) in same and _reads(it)
            for it in (psutil.pids() if made else ())
        )
    return False


def _made_by(process: int) -> list[str]:
    """Give the numbers of the terminals that a process has made."""
    found = []
    with suppress(OSError):
        for it in Path(f"/proc/{process}/fdinfo").iterdir():
            found += re.findall(r"^tty-index:\s*(\d+)", it.read_text(), re.MULTILINE)
    return found


def _numbering_of(process: int) -> int:
    """Give what tells the machines apart in which a process lives: each counts terminals anew."""
    with suppress(OSError):
        return Path(f"/proc/{process}/ns/pid").stat().st_ino
    return 0


def _terminal_of(process: int) -> int:
    """Give the number of the terminal that a process belongs to; -1 where it is no such one."""
    with suppress(OSError, ValueError, IndexError):
        device = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[4])
        if os.major(device) == _PTS:
            return os.minor(device)
    return -1


def _reads(process: int) -> bool:
    with suppress(OSError):
        text = Path(f"/proc/{process}/syscall").read_text()
        if text.startswith(_READ):
            file = Path(f"/proc/{process}/fd/{int(text.split()[1], 16)}").readlink()
            return str(file).startswith(("/dev/pts/", "/dev/tty"))
    return False


def _clean(told: bytes) -> str:
    return _CONTROLS.sub("", told.decode(errors="replace"))
