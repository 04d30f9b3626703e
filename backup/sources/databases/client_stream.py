"""A client's output, all at once or as a stream: whole, or refused."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from backup.errors import SourceError
from backup.sources.databases.connection import Connection, cut_off
from backup.sources.host_errors import translated
from provisioning.errors import CommandError
from provisioning.hosts import Command, Completed, HostProcess

_TAIL_BYTES = 4096
_READ_BYTES = 1 << 16  # what a pipe holds; asking for more only makes a larger buffer each time

COUNT_SECONDS = 6 * 3600.0
"""So long a client may take over the rows of one table without a word."""

Explain = Callable[[Connection, Completed], SourceError]
"""Says why a client failed."""


class DumpReader:
    """Reads what a client prints, and remembers how it ended.

    Attributes:
        size_bytes: Read so far.
        tail: The last bytes read.
    """

    def __init__(self, process: HostProcess) -> None:
        self._process = process
        self.size_bytes = 0
        self.tail = b""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer as far as bytes are there; 0 at the end."""
        data = self._process.read(min(len(buffer), _READ_BYTES))
        size = len(data)
        buffer[:size] = data
        self.size_bytes += size
        self.tail = data[-_TAIL_BYTES:] if size >= _TAIL_BYTES else self._lengthen(data)
        return size

    def _lengthen(self, data: bytes) -> bytes:
        return (self.tail + data)[-_TAIL_BYTES:]


def send(process: HostProcess, data: bytes) -> None:
    """Write to a client; one that has ended already tells why when its output is read."""
    with suppress(CommandError):
        process.write(data)


def run_client(
    connection: Connection,
    command: Command,
    *,
    stdin: bytes,
    explain: Explain,
    timeout: float = 60,
) -> bytes:
    """Run a client to its end and give what it printed.

    Args:
        connection: The way to the database.
        command: The client.
        stdin: All it gets to read: secrets first.
        explain: Says why it failed.
        timeout: Seconds it may take.

    Raises:
        SourceError: The client failed, or the line was cut.
    """
    with translated():
        ended = connection.host.run(command, stdin=stdin, timeout=timeout)
    if ended.status != 0:
        raise explain(connection, ended)
    return ended.stdout


@contextmanager
def open_dump(
    connection: Connection,
    command: Command,
    *,
    stdin: bytes,
    end: re.Pattern[bytes],
    explain: Explain,
) -> Iterator[DumpReader]:
    """Start a client and give what it prints; its status and last line tell if that is whole.

    Args:
        connection: The way to the database.
        command: The client.
        stdin: What it gets to read first: secrets.
        end: How the last 4 KiB of a whole dump end.
        explain: Says why it failed.

    Raises:
        SourceError: The client failed, the line was cut, or the end is missing.
    """
    with translated(), connection.host.start(command) as process:
        send(process, stdin)
        process.close_input()
        reader = DumpReader(process)
        yield reader
        ended = process.finish()
        if ended.status != 0:
            raise explain(connection, ended)
        if end.search(reader.tail) is None:
            raise cut_off(connection, reader.size_bytes)
