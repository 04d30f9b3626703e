"""The seam to a host: run a command there, stream what it reads and prints.

Bytes throughout: file names on a host need not be text. A command is a list of words, never a line
of shell; who needs a shell passes ``[b"sh", b"-c", script, …]``.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

Command = Sequence[bytes]

MOST_OUTPUT_BYTES = 32 << 20
"""So much a command that is run to its end may print, unless its caller awaits more."""

_GATE_STATUS = 126
_GATE_WORDS = b"giucong gate: refused"  # as `provisioning.gate.gate` says it


class Completed(NamedTuple):
    """How a command ended.

    Attributes:
        status: Exit status 0–255; negative: the number of the signal that ended it.
        stdout: What it printed; empty where that was streamed.
        stderr: The last 64 KiB of what it said on stderr.
    """

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def is_refused_by_gate(self) -> bool:
        """Whether the account there may not run this command: `provisioning.gate` stood before."""
        return self.status == _GATE_STATUS and _GATE_WORDS in self.stderr


class HostProcess(Protocol):
    """A running command whose streams are in our hands."""

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes of its stdout (all with -1); empty at its end.

        Raises:
            HostUnavailableError: The line was cut.
            CommandError: Its time ran out, or it says nothing.
        """
        ...

    def bear_silence(self, seconds: float | None) -> None:
        """Let it say nothing for so long while it is waited for, where that is more than usual.

        Args:
            seconds: None for as long as it takes.
        """
        ...

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write all of `data` to its stdin.

        Raises:
            HostUnavailableError: The line was cut.
            CommandError: It no longer reads, or its time ran out.
        """
        ...

    def close_input(self) -> None:
        """End its stdin."""
        ...

    def finish(self) -> Completed:
        """Read away what is left of stdout, wait for the end; `stdout` is empty.

        Raises:
            HostUnavailableError: The line was cut, so nobody knows how it ended.
            CommandError: Its time ran out, or more than `MOST_OUTPUT_BYTES` were left.
        """
        ...


class Host(Protocol):
    """One machine. Methods may be called from several threads."""

    @property
    def name(self) -> str:
        """Its name, for people."""
        ...

    def run(
        self,
        command: Command,
        *,
        stdin: bytes = b"",
        timeout: float = 60,
        most_bytes: int = MOST_OUTPUT_BYTES,
    ) -> Completed:
        """Run a command to its end, whatever its status.

        Args:
            command: Program and arguments.
            stdin: All it gets to read.
            timeout: Seconds it may take; after that it is ended *there*, too.
            most_bytes: It may print so much; a host in bad hands would fill our memory.

        Raises:
            HostUnavailableError: The host did not answer or the line was cut.
            HostRefusedError, HostKeyError: It was not entered.
            CommandError: Its time ran out, or it printed too much.
        """
        ...

    def start(
        self, command: Command, *, timeout: float | None = None
    ) -> AbstractContextManager[HostProcess]:
        """Start a command whose streams the caller reads and writes.

        Leaving the context ends the command if it still runs, there too.

        Args:
            command: Program and arguments.
            timeout: Seconds it may take in all; None for no limit.

        Raises:
            HostUnavailableError, HostRefusedError, HostKeyError, CommandError: As for `run`.
        """
        ...
