"""Sources of a backup: a file or folder of this machine, a stream, or text made on the spot.

Streams that become one file: stdin, and what a command prints.
"""

import io
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

from backup.errors import SourceError, UsageError

# Given a path and its lstat, whether to leave it out, with everything below.
IsExcluded = Callable[[bytes, os.stat_result], bool]
# Given a folder's path, an open descriptor of it and its names, which of them to keep.
FilterNames = Callable[[bytes, int, list[bytes]], list[bytes]]


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A file, folder or anything else a path can name.

    Attributes:
        path: Absolute or relative to the working folder.
        is_excluded: Leaves out what it says yes to; None for nothing.
        keeps_excluded_folders: Save a folder that is left out as an empty one, with owner and mode:
            programs that write into it seldom make it. restic leaves it out as well.
        filter_names: Looks at a whole folder at once (CACHEDIR.TAG and the like); None to keep all.
        one_file_system: Keep mount points, but not what is mounted there.
        also_enter: Paths of mount points below that are entered all the same.
        is_mount_point: Whether the path itself is a mount point to be kept as an empty folder.
        with_atime: Store access times; they change trees all the time.
        options_key: Changes whenever the above decide otherwise; part of the scan cache's key.
    """

    path: bytes
    is_excluded: IsExcluded | None = None
    keeps_excluded_folders: bool = False
    filter_names: FilterNames | None = None
    one_file_system: bool = False
    also_enter: frozenset[bytes] = frozenset()
    is_mount_point: bool = False
    with_atime: bool = False
    options_key: str = ""

    def select(
        self, path: bytes, descriptor: int, found: list[tuple[bytes, os.stat_result]]
    ) -> list[tuple[bytes, os.stat_result]]:
        """Choose what is saved of a folder's entries.

        Args:
            path: The folder's.
            descriptor: Of it, open.
            found: Its entries: raw name, lstat.
        """
        found = [pair for pair in found if not stat.S_ISSOCK(pair[1].st_mode)]
        if self.filter_names is not None:
            names = [name for name, _ in found]
            kept = set(self.filter_names(path, descriptor, names))
            found = [pair for pair in found if pair[0] in kept]
        if self.is_excluded is not None:
            excluded, start = self.is_excluded, path if path.endswith(b"/") else path + b"/"
            keeps = self.keeps_excluded_folders
            found = [
                it
                for it in found
                if (keeps and stat.S_ISDIR(it[1].st_mode)) or not excluded(start + it[0], it[1])
            ]
        return found

    @property
    def enters_all(self) -> bool:
        """Whether every subfolder is looked into, so that none need be asked about."""
        return not self.one_file_system and not self.keeps_excluded_folders

    def enters(self, path: bytes, status: os.stat_result, above: int) -> bool:
        """Whether a subfolder is looked into; one that is not is saved empty.

        Args:
            path: Its path.
            status: Its lstat.
            above: The device that the folder above it lies on.
        """
        if self.one_file_system and status.st_dev != above and path not in self.also_enter:
            return False
        excluded = self.is_excluded if self.keeps_excluded_folders else None
        return excluded is None or not excluded(path, status)


class Reader(Protocol):
    """What a stream gives its bytes through."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill the buffer as far as bytes are there; 0 at the end."""
        ...


@dataclass(frozen=True, slots=True)
class StreamSource:
    """A stream that becomes one file.

    Attributes:
        open_reader: Gives the reader; leaving its context raises `SourceError` where the stream
            was not whole, e.g. because a command failed. Then there is no snapshot.
        mode: Permission bits of the file.
    """

    open_reader: Callable[[], AbstractContextManager[Reader]]
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class TextSource:
    """A file whose bytes are made after all earlier sources were read, e.g. a manifest.

    Attributes:
        make: Makes them.
        mode: Permission bits of the file.
    """

    make: Callable[[], bytes]
    mode: int = 0o644

    @contextmanager
    def open_reader(self) -> Iterator[Reader]:
        """Make the bytes, and give them to be read."""
        yield io.BytesIO(self.make())


Source = FolderSource | StreamSource | TextSource


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
