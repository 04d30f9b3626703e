"""Streams that become one file: stdin, and what a command prints."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, cast

from backup.errors import SourceError, UsageError
from backup.sources.files import Reader


@contextmanager
def open_stdin() -> Iterator[Reader]:
    """Read this process's stdin to its end."""
    yield cast("Reader", standard_input())


def standard_input() -> BinaryIO:
    """Give this process's stdin.

    Raises:
        UsageError: It was closed before we were started, as with ``<&-``.
    """
    if sys.stdin is None:
        raise UsageError(
            "stdin is closed, so nothing can be read from it",
            data="nothing was stored",
            next_step="pipe the data in, e.g. pg_dump portal | python -m backup backup --stdin",
        )
    return sys.stdin.buffer


@contextmanager
def open_command(command: Sequence[str]) -> Iterator[Reader]:
    """Read what a command prints; its exit status decides whether that was all.

    Raises:
        SourceError: It cannot be started, or ends with another status than 0.
    """
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    except OSError as error:
        raise SourceError(
            "cannot start the command {command}",
            why="{reason}",
            data="no snapshot was made",
            next_step="check its name and path",
            command=command[0],
            reason=error.strerror or type(error).__name__,
        ) from error
    try:
        yield cast("Reader", process.stdout)
    except BaseException:
        process.kill()
        raise
    finally:
        if process.stdout is not None:
            process.stdout.close()
        status = process.wait()
    if status != 0:
        raise SourceError(
            "the command {command} failed",
            why="it ended by signal {signal}" if status < 0 else "it ended with status {status}",
            data="no snapshot was made; what it printed may not be whole",
            next_step="run it by hand to see why",
            command=command[0],
            status=status,
            signal=-status,
        )
