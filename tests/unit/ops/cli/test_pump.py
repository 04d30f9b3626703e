"""The person's terminal is given back as it was, and is nobody else's meanwhile."""

import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_LOCAL = 3

# $1 what runs at the terminal that goes along.
_RUNS = """
import fcntl, os, subprocess, sys, termios
from ops.cli.pump import handed_streams
from ops.terminal.elsewhere import WasTyped

def take() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

with handed_streams() as (streams, pump):
    started = subprocess.Popen(
        ["sh", "-c", sys.argv[1]], stdin=streams[0], stdout=streams[1], stderr=streams[2],
        preexec_fn=take,
    )
    pump.run(os.pidfd_open(started.pid), WasTyped(()), lambda: None)
    sys.exit(started.wait())
"""


class Shell:
    """A shell at a terminal of its own, which knows jobs, as a person's."""

    def __init__(self, ours: int, theirs: int) -> None:
        self.ours, self.theirs, self.told = ours, theirs, b""

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def wait(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < until, self.told.decode()
            os.set_blocking(self.ours, False)
            try:
                self.told += os.read(self.ours, 1 << 16)
            except BlockingIOError:
                time.sleep(0.02)

    def wait_for(self, text: str) -> None:
        self.wait(lambda: text.encode() in self.told)
        self.told = self.told.partition(text.encode())[2]

    @property
    def is_raw(self) -> bool:
        return not termios.tcgetattr(self.theirs)[_LOCAL] & termios.ICANON


@contextmanager
def shell(folder: Path) -> Iterator[Shell]:
    script = folder / "runs.py"
    script.write_text(_RUNS)
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PS1": "$ ", "RUNS": f"{sys.executable} {script}"}
    process = subprocess.Popen(
        ["setsid", "--ctty", "sh", "-i", "-m"], stdin=theirs, stdout=theirs, stderr=theirs,
        env=environment,
    )  # fmt: skip
    try:
        yield Shell(ours, theirs)
    finally:
        for it in (ours, theirs):
            os.close(it)
        process.kill()
        process.wait(10)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Shell]:
    with shell(tmp_path) as found:
        yield found


def test_what_runs_has_the_terminal_and_gives_it_back(at: Shell) -> None:
    at.type("$RUNS 'echo be''gun; read it; echo \"got $it\"'; echo e''nd\n")
    at.wait_for("begun")
    at.wait(lambda: at.is_raw)
    at.type("xyz\r")
    at.wait_for("got xyz")
    at.wait_for("end")
    assert not at.is_raw


def test_a_pager_that_reads_it_keeps_the_terminal(at: Shell) -> None:
    """Only while it asks something, what is typed goes to what runs."""
    at.type(
        "$RUNS 'echo be''gun >&2; sleep 1; printf \"Name: \" >&2; read it; echo \"$it\"' | cat\n"
    )
    at.wait_for("begun")
    time.sleep(0.3)
    assert not at.is_raw
    at.wait(lambda: at.is_raw)
    at.type("xyz\r")
    at.wait_for("xyz")
    at.wait(lambda: not at.is_raw)


def test_in_the_background_it_runs_on_and_takes_no_terminal(at: Shell) -> None:
    at.type("$RUNS 'sleep 1; echo do''ne; sleep 1' & sleep 0; echo ba''ck\n")
    at.wait_for("back")
    at.wait_for("done")
    assert not at.is_raw


def test_it_stops_as_a_job_and_comes_back(at: Shell) -> None:
    at.type("$RUNS 'echo be''gun; read it; echo \"got $it\"'\n")
    at.wait_for("begun")
    at.wait(lambda: at.is_raw)
    at.type("\x1a")
    at.wait_for("fg")
    at.wait(lambda: not at.is_raw)
    at.type("fg\n")
    at.wait(lambda: at.is_raw)
    at.type("xyz\r")
    at.wait_for("got xyz")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_ends_it_leaves_the_terminal_as_it_was(at: Shell, number: int) -> None:
    at.type("$RUNS 'echo pi''d $PPID; sleep 20'\n")
    at.wait(lambda: at.is_raw and b"pid " in at.told)
    time.sleep(0.1)
    at.wait(lambda: b"\r\n" in at.told.partition(b"pid ")[2])
    os.kill(int(at.told.partition(b"pid ")[2].split()[0]), number)
    at.wait(lambda: not at.is_raw)
