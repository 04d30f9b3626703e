"""A service that somebody else rules gets neither a person's files nor their terminal."""

import fcntl
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from ops.cli.pump import Screen, handed_streams
from ops.terminal.elsewhere import WasTyped

Act = Callable[[list[int]], object]


@contextmanager
def standard_streams(out: int, error: int) -> Iterator[None]:
    """Let these be standard output and error meanwhile."""
    kept = [os.dup(it) for it in (1, 2)]
    try:
        os.dup2(out, 1)
        os.dup2(error, 2)
        yield
    finally:
        for number, it in enumerate(kept, 1):
            os.dup2(it, number)
            os.close(it)


def give(out: int, error: int, act: Act) -> None:
    """Hand the streams over to an act."""
    sys.stdout.flush()
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with (
        closing(here), closing(there), standard_streams(out, error),
        handed_streams() as (streams, pump),
    ):  # fmt: skip
        theirs = [os.dup(it) for it in streams]

        def run() -> None:
            with suppress(OSError):
                act(theirs)
            for it in theirs:
                os.close(it)
            there.send(b"{}")

        thread = threading.Thread(target=run)
        thread.start()
        try:
            pump.run(here, WasTyped([]), lambda: None)
        finally:
            thread.join(20)


def rewrite(streams: list[int]) -> None:
    for it in streams[1:]:
        with suppress(OSError):
            fcntl.fcntl(it, fcntl.F_SETFL, fcntl.fcntl(it, fcntl.F_GETFL) & ~os.O_APPEND)
        with suppress(OSError):
            os.ftruncate(it, 0)
        with suppress(OSError):
            os.pwrite(it, b"history", 0)
        with suppress(OSError):
            os.close(os.open(f"/proc/self/fd/{it}", os.O_RDWR | os.O_TRUNC))
    os.write(streams[1], b"out\n")
    os.write(streams[2], b"error\n")


@pytest.mark.parametrize("both", [True, False])
def test_what_is_appended_to_is_only_appended_to(tmp_path: Path, both: bool) -> None:
    logs = [tmp_path / "out.log", tmp_path / ("out.log" if both else "error.log")]
    for it in logs:
        it.write_text("before\n")
    opened = [os.open(it, os.O_WRONLY | os.O_APPEND) for it in logs]
    give(opened[0], opened[0] if both else opened[1], rewrite)
    for number in opened:
        assert fcntl.fcntl(number, fcntl.F_GETFL) & os.O_APPEND
        os.close(number)
    told = [it.read_text() for it in logs]
    assert told == (["before\nout\nerror\n"] * 2 if both else ["before\nout\n", "before\nerror\n"])


def test_much_comes_through_whole_and_in_order(tmp_path: Path) -> None:
    content = os.urandom(3 << 20)

    def act(streams: list[int]) -> None:
        with os.fdopen(os.dup(streams[1]), "wb") as out:
            out.write(content)

    with (tmp_path / "out").open("wb") as out:
        give(out.fileno(), out.fileno(), act)
    assert (tmp_path / "out").read_bytes() == content


def test_a_pipe_goes_along_as_it_is_and_a_socket_does_not() -> None:
    kinds: list[Sequence[int]] = []
    end, pipe = os.pipe()
    ours, theirs = socket.socketpair()
    give(pipe, theirs.fileno(), lambda it: kinds.append([os.fstat(n).st_ino for n in it]))
    assert kinds[0][1] == os.fstat(pipe).st_ino
    assert kinds[0][2] != os.fstat(theirs.fileno()).st_ino
    for it in (end, pipe):
        os.close(it)
    ours.close()
    theirs.close()


def test_a_full_disk_is_told_and_ends_the_act() -> None:
    heard: list[OSError] = []

    def act(streams: list[int]) -> None:
        try:
            for _ in range(10_000):
                os.write(streams[1], b"x" * 4096)
        except OSError as error:
            heard.append(error)

    full = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(OSError, match="No space left"):
        give(full, full, act)
    os.close(full)
    assert isinstance(heard[0], BrokenPipeError)


# The screen --------------------------------------------------------------------------------------

SHOWN = [b"\x1b[1;31mred\x1b[0m", b"\x1b[2K\x1b[1A\r", b"\x1b[?25l\x1b[?25h", b"a\tb\r\n\x07\x08",
         "Tỉnh Đắk Lắk ✓".encode(), b"\x1b[38;5;208mx", b"\x1b[10;20Hx\x1b[J"]  # fmt: skip
COMMANDS = [
    b"\x1b]52;c;cm0=\x07",
    b"\x1b]0;title\x1b\\",
    b"\x1bP+q544e\x1b\\",
    b"\x1b[6n",
    b"\x1b[c",
    b"\x1b[>c",
    b"\x1b[21t",
    b"\x1b[?1000h",
    b"\x1b[?2004h",
    b"\x1b[?1049h",
    b"\x1b[5i",
    b"\x1b[0x",
    b"\x1b[?6n",
    b"\x1b[>q",
    b"\x1b[?1$p",
    b"\x05",
    b"\x1bc",
    b"\x1bZ",
    b"\x1b(0",
    b"\x0e",
    "\x9b6n".encode(),
    "\x9d52;c;eA==\x9c".encode(),
    b"\x9b6n",
    b"\x1b_x\x1b\\",
    b"\x1b^x\x1b\\",
    b"\x1b[;;\x1b[6n",
    b"\x1b\x1b[6n",
    b"\x1b[6\x18n",
    b"\x1b[ 6n",
]


def shown(told: bytes, at_once: int) -> bytes:
    screen = Screen()
    parts = [told[at : at + at_once] for at in range(0, len(told), at_once)]
    return b"".join(screen.pass_on(it) for it in [*parts, b"."])


@pytest.mark.parametrize("at_once", [1, 2, 3, 1 << 16])
@pytest.mark.parametrize("told", SHOWN)
def test_what_our_acts_write_is_shown_as_it_is(told: bytes, at_once: int) -> None:
    assert shown(told, at_once) == told + b"."


@pytest.mark.parametrize("at_once", [1, 2, 3, 1 << 16])
@pytest.mark.parametrize("told", COMMANDS)
def test_nothing_else_commands_the_persons_terminal(told: bytes, at_once: int) -> None:
    text = shown(told, at_once).decode()
    assert not set(text) & {"\x1b", "\x05", "\x0e", "\x18", *map(chr, range(0x80, 0xA0))}, text


@pytest.mark.parametrize("begun", [b"\x1b", b"\x1b[", b"\x1b[?2"])
def test_a_command_whose_end_never_comes_is_never_begun(begun: bytes) -> None:
    screen = Screen()
    assert screen.pass_on(b"x" + begun) == b"x"
    assert b"\x1b" not in screen.pass_on(b"\x1b]0;y\x07")
    assert b"\x1b" not in b"".join(Screen().pass_on(b"\x1b[" + b"1" * 100) for _ in range(2))
