"""Big files of this machine, read and cut by the workers, window by window.

A worker opens the file, reads one window, cuts it, and tells at once where the last certain chunk
ends: there another worker begins the next window while the first one still hashes and stores. A
window never mixes two files: each is opened by name, and refused unless it is the inode that was
listed.

A hole is not read: chunks of zeros, all alike, stand for as much of it as one answer tells. Anybody
may make a file of terabytes that takes no room.
"""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from backup.archiver.stream_buffers import Parts
from backup.direct_io import new_room
from backup.sources.local.read import Xattrs, ensure_regular, open_file, open_folder, read_xattrs

if TYPE_CHECKING:  # the cutter costs a process that has no big file to cut some memory
    from backup.archiver.chunker import Chunker
    from backup.sources.remote.bounds import Holes

# Twice the largest chunk: at least the first cut is certain.
WINDOW = 16 << 20
_CERTAIN = WINDOW // 2
# As many as half a tebibyte has: their ids are 2 MiB.
MOST_ALIKE = 1 << 16
END = -1
"""Where the next window begins when there is none."""


class BigFile(NamedTuple):
    """Which file is meant.

    Attributes:
        folder: Path of its folder.
        name: Its name there.
        device: Number of its device, from lstat.
        inode: Its inode there.
    """

    folder: bytes
    name: bytes
    device: int
    inode: int


class ReplacedError(Exception):
    """Another file has this name now."""


class WindowReader:
    """A worker's side: reads and cuts windows into one buffer of its own."""

    def __init__(self, polynomial: int) -> None:
        """Set up; memory is taken when the first window is read."""
        self._polynomial = polynomial

    @cached_property
    def _chunker(self) -> "Chunker":
        from backup.archiver.chunker import Chunker

        return Chunker(self._polynomial)

    @cached_property
    def _buffer(self) -> memoryview:
        return new_room(WINDOW)

    @cached_property
    def _zeros(self) -> memoryview:
        """The chunk that is cut where nothing but zeros follows; room that nobody writes in."""
        room = new_room(_CERTAIN)
        _start, end = next(self._chunker.cut(room, last=True))
        return room[:end]

    def read(self, file: BigFile, offset: int) -> tuple[list[memoryview], int, Xattrs]:
        """Read the window at `offset`.

        Returns:
            Its chunks, which the next call overwrites, of a hole the same one over and over; where
            the next window begins, or `END`; and the file's extended attributes.

        Raises:
            ReplacedError: Another file has this name now.
            OSError: It cannot be read.
        """
        descriptor = _open(file)
        try:
            xattrs = read_xattrs(descriptor) if offset == 0 else ()
            hole = _measure_hole(descriptor, offset)
            if hole > WINDOW:  # so that the last chunk of zeros is a certain one
                alike = min((hole - _CERTAIN) // len(self._zeros), MOST_ALIKE)
                return [self._zeros] * alike, offset + alike * len(self._zeros), xattrs
            length = _fill(descriptor, self._buffer, offset)
        finally:
            os.close(descriptor)
        is_last = length < WINDOW
        cuts = list(self._chunker.cut(self._buffer[:length], last=is_last))
        following = END if is_last else offset + cuts[-1][1]
        return [self._buffer[start:end] for start, end in cuts], following, xattrs


def _open(file: BigFile) -> int:
    folder = open_folder(file.folder)
    try:
        descriptor = open_file(folder, file.name)
    finally:
        os.close(folder)
    try:
        _ensure_same(descriptor, file)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _ensure_same(descriptor: int, file: BigFile) -> None:
    status = os.fstat(descriptor)
    if (status.st_dev, status.st_ino) != (file.device, file.inode):
        raise ReplacedError
    ensure_regular(descriptor)


def _measure_hole(descriptor: int, offset: int) -> int:
    """Give how many bytes from an offset on are a hole; 0 where the file system does not tell."""
    status = os.fstat(descriptor)
    if status.st_blocks * 512 >= status.st_size:
        return 0
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA) - offset
    except OSError as error:
        return max(status.st_size - offset, 0) if error.errno == errno.ENXIO else 0


def _fill(descriptor: int, view: memoryview, offset: int) -> int:
    """Read until the buffer is full or the file ends; gives how much was read."""
    length = 0
    while length < len(view):
        count = os.preadv(descriptor, [view[length:]], offset + length)
        if not count:
            break
        length += count
    return length


class WindowedFile:
    """The parent's side: one file, of which one window at a time is uncut.

    Attributes:
        file: Which.
        failed: Called instead of `done`, with None where another file took the name.
    """

    def __init__(
        self,
        file: BigFile,
        *,
        advance: Callable[[int], None],
        done: Callable[[bytes, int, Xattrs], None],
        failed: Callable[[OSError | None], None],
    ) -> None:
        """Set up.

        Args:
            file: Which.
            advance: Told of each stretch of bytes that was read and cut.
            done: Gets the joined ids, the length and the attributes once everything is answered.
            failed: See above.
        """
        self.file = file
        self.failed = failed
        self._advance = advance
        self._xattrs: Xattrs = ()
        self._parts = Parts(lambda ids, size: done(ids, size, self._xattrs))

    def take_cut(
        self, offset: int, length: int, following: int, xattrs: Xattrs, *, is_hole: bool
    ) -> int:
        """Hear that the window at `offset` was cut; gives the place for its ids."""
        if offset == 0:
            self._xattrs = xattrs
        place = self._parts.expect(length)
        self._advance(0 if is_hole else length)
        if following == END:
            self._parts.close()
        return place

    def take_ids(self, place: int, ids: bytes) -> None:
        """Take the ids of a window's chunks."""
        self._parts.arrive(place, ids)


@dataclass(slots=True)
class _Window:
    reading: WindowedFile
    offset: int
    place: int = -1


class Windows:
    """The windows that are under way."""

    def __init__(self, submit: Callable[[tuple[object, ...]], int], holes: "Holes | None") -> None:
        """Set up; `submit` hands over a message, with its number put in second place, however busy.

        It gives that number and takes in no answers: new windows are asked for while one is taken.
        A file whose holes are larger than what `holes` has left fails; None: all are taken.
        """
        self._submit = submit
        self._holes = holes
        self._under_way: dict[int, _Window] = {}

    def __len__(self) -> int:
        return len(self._under_way)

    def __contains__(self, number: int) -> bool:
        return number in self._under_way

    def begin(self, reading: WindowedFile, offset: int = 0) -> None:
        """Hand over a file's window at an offset."""
        number = self._submit(("window", tuple(reading.file), offset))
        self._under_way[number] = _Window(reading, offset)

    def take(self, message: tuple[Any, ...]) -> None:
        """Take a worker's message about a window; see `backup.archiver.worker`."""
        kind, number, *rest = message
        window = self._under_way[number]
        if kind == "cut":
            length, following, xattrs, is_hole = rest
            window.place = window.reading.take_cut(
                window.offset, length, following, xattrs, is_hole=is_hole
            )
            refusal = self._holes.take(length) if is_hole and self._holes else None
            if refusal is not None:
                window.reading.failed(refusal)
            elif following != END:
                self.begin(window.reading, following)
            return
        del self._under_way[number]
        if kind == "unread":
            window.reading.failed(None if rest[0] is None else OSError(*rest[0]))
        else:
            window.reading.take_ids(window.place, rest[0])
