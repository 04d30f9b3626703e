"""Commands on any host: their words, their deadline, and how they ended.

A host runs the words that `make_words` gives: the command in a fixed locale, below coreutils'
`timeout` where its time is limited, so that the end of its time comes where it runs, even when
nobody is left at this end of the line.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from provisioning.errors import CommandError, ProvisioningError
from provisioning.hosts import MOST_OUTPUT_BYTES, Command, Completed, Host, HostProcess

KILL_AFTER_SECONDS = 5
"""A command that ignores the end of its time is killed after so many seconds more."""

GRACE_SECONDS = KILL_AFTER_SECONDS + 10
"""After its time and these, a host that still says nothing is given up."""

STDERR_BYTES = 65_536
"""So much of the end of stderr is kept."""

MOST_COMPLAINT_BYTES = 256 << 20
"""A command that says more than this on stderr is ended: it might never fall silent."""

MOST_BYTES = 120_000
"""Linux takes at most 128 KiB in one argument, and the shell there gets a line as one."""

_PLAIN = re.compile(rb"[A-Za-z0-9_@%+=:,./-]+")
_TIMED_OUT = frozenset({124, 137, -9})
_CHUNK = 32_768
_PIECE = 1 << 20


def make_words(command: Command, *, timeout: float | None = None) -> list[bytes]:
    """Give the words that run a command in the locale C.UTF-8, with its deadline.

    Args:
        command: Program and arguments.
        timeout: Seconds it may take.

    Raises:
        CommandError: It is empty or holds a null byte.
    """
    odd = not command or not command[0] or b"=" in command[0]
    if odd or any(b"\0" in word for word in command):
        raise _make_senseless(command)
    words = [b"env", b"LC_ALL=C.UTF-8"]
    if timeout is not None:
        seconds = f"{max(timeout, 0.001):.3f}".rstrip("0").rstrip(".")
        words += [b"timeout", b"-k", b"%d" % KILL_AFTER_SECONDS, seconds.encode()]
    return [*words, *command]


def make_line(words: Command) -> bytes:
    """Give the line that a POSIX shell takes as exactly these words, byte for byte.

    Raises:
        CommandError: It is longer than a host takes.
    """
    return _ensure_short(b" ".join([b"exec", *map(quote_word, words)]))


def make_bare_line(command: Command) -> bytes:
    """Give the line for a device without a POSIX shell: the words as they are, blanks between.

    Raises:
        CommandError: It is empty, too long, or holds what would begin another command.
    """
    line = b" ".join(command)
    if not line.strip() or any(byte in line for byte in (b"\0", b"\n", b"\r")):
        raise _make_senseless(command)
    return _ensure_short(line)


def _make_senseless(command: Command) -> CommandError:
    return CommandError(
        "this is not a command: {words}",
        why="it is empty, or holds what no command may hold",
        data="nothing was started",
        next_step="correct the command where it is written",
        words=b" ".join(command),
    )


def _ensure_short(line: bytes) -> bytes:
    if len(line) > MOST_BYTES:
        raise CommandError(
            "a command of {bytes} bytes is too long",
            why="a host takes at most {most} bytes at once",
            data="nothing was started",
            next_step="put it into a script on the host, and name that",
            bytes=len(line),
            most=MOST_BYTES,
        )
    return line


def quote_word(word: bytes) -> bytes:
    """Give a word such that a POSIX shell takes it as exactly these bytes."""
    if _PLAIN.fullmatch(word):
        return word
    return b"'" + word.replace(b"'", b"'\\''") + b"'"


class RunsToEnd:
    """What gives a host its `run`, by way of its `start`."""

    def run(
        self: Host,
        command: Command,
        *,
        stdin: bytes = b"",
        timeout: float = 60,
        most_bytes: int = MOST_OUTPUT_BYTES,
    ) -> Completed:
        """See `Host.run`."""
        feeding = None
        with self.start(command, timeout=timeout) as process:
            process.bear_silence(None)  # its time is limited in all
            if stdin:
                feeding = threading.Thread(target=_feed, args=(process, stdin), daemon=True)
                feeding.start()
            else:
                process.close_input()
            stdout = b"".join(take_output(self.name, command, process.read, most_bytes))
            ended = process.finish()
        if feeding is not None:
            feeding.join()
        return ended._replace(stdout=stdout)


def _feed(process: HostProcess, stdin: bytes) -> None:
    """Send what a command reads; one that reads less than that is none of our business."""
    with suppress(ProvisioningError):
        process.write(stdin)
    process.close_input()


def take_output(
    host: str,
    command: Command,
    read: Callable[[int], bytes],
    most_bytes: int = MOST_OUTPUT_BYTES,
) -> Iterator[bytes]:
    """Yield what a command prints until its end.

    Raises:
        CommandError: It is more than `most_bytes`.
    """
    left = most_bytes
    while piece := read(_PIECE):
        left -= len(piece)
        if left < 0:
            raise make_flooding(host, command, most_bytes)
        yield piece


class Deadline:
    """When a command's time is over; never, if its time is not limited."""

    def __init__(
        self,
        timeout: float | None,
        *,
        grace: float = GRACE_SECONDS,
        silence: float | None = None,
    ) -> None:
        """Begin now.

        Args:
            timeout: Seconds; None for no limit.
            grace: So much later the other side is given up, where it ends the command itself.
            silence: Seconds it may say nothing while it is waited for; None for no limit.
        """
        self.timeout = timeout
        self.silence = silence
        self._grace = grace
        self._start = time.monotonic()

    def bear_silence(self, seconds: float | None) -> None:
        """Let it say nothing for so long, where that is more than it was allowed."""
        longer = seconds is not None and self.silence is not None and seconds > self.silence
        if seconds is None or longer:
            self.silence = seconds

    def remaining(self) -> float | None:
        """Seconds until the other side is given up; at least a little; None for no limit."""
        if self.timeout is None:
            return None
        return max(0.01, self._start + self.timeout + self._grace - time.monotonic())

    def patience(self) -> float | None:
        """Seconds until it is given up if it says nothing from now on; None for no limit."""
        limits = [limit for limit in (self.remaining(), self.silence) if limit is not None]
        return min(limits, default=None)

    def is_recent(self, heard_at: float) -> bool:
        """Whether what it said at a moment of the monotonic clock breaks its silence."""
        return self.silence is not None and time.monotonic() - heard_at < self.silence

    def is_given_up(self) -> bool:
        """Whether nothing more is waited for, even if something still comes."""
        end = self._start + (self.timeout or 0.0) + self._grace
        return self.timeout is not None and time.monotonic() >= end

    def is_over(self) -> bool:
        """Whether the command's own time is over."""
        return self.timeout is not None and time.monotonic() - self._start >= self.timeout

    def ended_it(self, status: int) -> bool:
        """Whether a command with this status was ended because its time was over."""
        return status in _TIMED_OUT and self.is_over()


def make_expired(host: str, command: Command, deadline: Deadline) -> CommandError:
    """Give the error of a command whose time ran out."""
    return CommandError(
        "`{words}` on the host {host} took longer than {seconds} seconds and was ended",
        data="what it had done until then is done",
        next_step="see what keeps {host} busy, then run it again",
        words=command[0],
        host=host,
        seconds=round(deadline.timeout or 0, 1),
    )


def make_silent(host: str, command: Command, seconds: float) -> CommandError:
    """Give the error of a command that says nothing though the line stands."""
    return CommandError(
        "`{words}` on the host {host} said nothing for {seconds} seconds and was ended",
        why="the line stands, but the command was stopped, or waits for a lock or a disk there",
        data="what it had done until then is done",
        next_step="look at {host}: its load, disks and locks; if the command needs so long before"
        " it says a word, give the host more `silence_minutes`, then run it again",
        words=command[0],
        host=host,
        seconds=round(seconds, 1),
    )


def make_flooding(host: str, command: Command, most_bytes: int) -> CommandError:
    """Give the error of a command that prints more than anybody awaits."""
    return CommandError(
        "`{words}` on the host {host} printed more than {mebibytes} MiB and was ended",
        why="so much is never awaited of it; the host may be in bad hands",
        data="what it had done until then is done",
        next_step="run the command on {host} by hand and see what it prints",
        words=command[0],
        host=host,
        mebibytes=most_bytes >> 20,
    )


def make_deaf(host: str, command: Command) -> CommandError:
    """Give the error of a command that no longer reads what it is sent."""
    return CommandError(
        "`{words}` on the host {host} stopped reading before all was sent",
        data="it got a part of its input at most",
        next_step="run it again; if this comes back, look at the host",
        words=command[0],
        host=host,
    )


def read_tail(read: Callable[[int], bytes], on_flood: Callable[[], None]) -> bytes:
    """Read to the end and give the last 64 KiB; what floods us takes no memory, nor for ever.

    Args:
        read: Gives the next bytes.
        on_flood: Called when there are more than `MOST_COMPLAINT_BYTES`; nothing is read then.
    """
    tail, count = bytearray(), 0
    while data := read(_CHUNK):
        tail += data
        count += len(data)
        if len(tail) > 2 * STDERR_BYTES:
            del tail[:-STDERR_BYTES]
        if count > MOST_COMPLAINT_BYTES:
            on_flood()
            break
    return bytes(tail[-STDERR_BYTES:])
