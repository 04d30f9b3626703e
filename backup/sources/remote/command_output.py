"""What a command on a host prints, as one file: the configuration of a switch, an export."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backup.errors import SourceError
from backup.sources.host_errors import translated
from backup.sources.remote.command_stream import Line, failed
from backup.sources.source import Reader
from provisioning.hosts import Command, Host


class _Counting:
    """Passes on what is read, and counts it."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.bytes = 0

    def readinto(self, buffer: memoryview) -> int:
        data = self._line.read(len(buffer))
        buffer[: len(data)] = data
        self.bytes += len(data)
        return len(data)


@contextmanager
def open_command_output(
    host: Host,
    command: Command,
    *,
    on_size: Callable[[int], None] = lambda _size: None,
    timeout: float | None = None,
) -> Iterator[Reader]:
    """Read what a command prints; its exit status decides, and nothing at all is no backup.

    Args:
        host: Where.
        command: Program and arguments; no shell takes part.
        on_size: Told at the end how many bytes it was.
        timeout: Seconds it may take.

    Raises:
        SourceError: It cannot be run, failed, or printed nothing.
    """
    with translated(), host.start(command, timeout=timeout) as process:
        process.close_input()
        line = Line(host.name, process)
        reader = _Counting(line)
        yield reader
        status, words = line.end()
    if status != 0:
        raise failed(host.name, words, status)
    if not reader.bytes:
        raise SourceError(
            "the command {command} on the host {host} printed nothing",
            why="it ended well all the same; an empty file is no backup",
            data="no snapshot was made; earlier ones are untouched",
            next_step="run it by hand there to see why",
            command=b" ".join(command).decode("utf-8", "backslashreplace"),
            host=host.name,
        )
    on_size(reader.bytes)
