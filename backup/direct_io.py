"""Writing past the page cache, where the file system can.

It is faster for big contents, and leaves the machine's cache to those who use the files in it.
Direct writes go in whole blocks, from memory that is aligned like the file.
"""

import errno
import fcntl
import mmap
import os
from collections.abc import Sequence
from contextlib import suppress

# 4 KiB suits every disk and page size we meet.
BLOCK = 4096
_MEBIBYTE = 1 << 20


def write_directly(descriptor: int, view: memoryview, offset: int) -> int:
    """Write whole blocks as far as that works; gives how many bytes were written.

    Args:
        descriptor: An open file.
        view: What to write, in page-aligned memory.
        offset: Where in the file; a multiple of `BLOCK`.

    Raises:
        OSError: The disk is full, or another failure of the file system.
    """
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    end = len(view) // BLOCK * BLOCK
    done = 0
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_DIRECT)
        while done < end:
            done += os.pwrite(descriptor, view[done:end], offset + done)
            if done % BLOCK:
                break
    except OSError as error:
        # The file system knows no direct writes, or the memory is not aligned.
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags)
    return done


def new_room(size: int) -> memoryview:
    """Give zeroed, page-aligned memory; it goes back to the system with the last view of it."""
    room = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without huge pages; with them, it faults in a few steps
        room.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(room)


class DirectWriter:
    """Writes contents that lie in pieces anywhere in memory. For one thread.

    It owns memory of the size of the largest content so far.
    """

    def __init__(self) -> None:
        self._room = memoryview(b"")

    def write(self, descriptor: int, pieces: Sequence[bytes], offset: int) -> None:
        """Write pieces one behind the other.

        Only whole blocks go directly: others may be writing what lies before and behind.

        Raises:
            OSError: The file system said no, e.g. for want of room.
        """
        lead = offset % BLOCK  # as in the file, so in memory
        end = lead + sum(map(len, pieces))
        if end == lead:
            return
        room = self._make_room(end)
        at = lead
        for piece in pieces:
            room[at : at + len(piece)] = piece
            at += len(piece)
        base = offset - lead
        first = BLOCK if lead else 0
        if first < end:
            done = first + write_directly(descriptor, room[first:end], base + first)
        else:
            first = done = end
        write_whole(descriptor, room[lead:first], offset)
        write_whole(descriptor, room[done:end], base + done)

    def _make_room(self, size: int) -> memoryview:
        if len(self._room) < size:
            rounded = -(-size // _MEBIBYTE) * _MEBIBYTE
            self._room = new_room(rounded)
        return self._room


def write_whole(descriptor: int, content: bytes | memoryview, offset: int) -> None:
    """Write all of `content` at `offset`, however little the system takes at a time.

    Raises:
        OSError: The file system said no, e.g. for want of room.
    """
    written = 0
    while written < len(content):
        written += os.pwrite(descriptor, memoryview(content)[written:], offset + written)
