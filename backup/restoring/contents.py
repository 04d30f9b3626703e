"""Putting bytes into files, with holes if asked, and comparing the bytes that are there."""

import hashlib
import os
import stat
from collections.abc import Sequence

from backup.direct import write_whole
from backup.restoring.orders import PIECE_ID, Piece
from backup.restoring.reading import plain_length

_BLOCK = 4096
_ZERO_BLOCK = bytes(_BLOCK)
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def write_with_holes(descriptor: int, content: bytes, offset: int) -> None:
    """Write all of `content` but the blocks of zeros; the caller sets the file's length.

    Blocks are aligned to the file, which must hold nothing there yet.
    """
    first = -offset % _BLOCK
    if _ZERO_BLOCK not in content:
        write_whole(descriptor, content, offset)
        return
    start = 0
    for at in range(first, len(content) - _BLOCK + 1, _BLOCK):
        if content[at : at + _BLOCK] == _ZERO_BLOCK:
            if start < at:
                write_whole(descriptor, content[start:at], offset + start)
            start = at + _BLOCK
    if start < len(content):
        write_whole(descriptor, content[start:], offset + start)


def open_for_reading(folder: int, name: bytes) -> int:
    """Open a file to compare it; where that is allowed, its access time stays as it is."""
    try:
        return os.open(name, _READ_FLAGS | os.O_NOATIME, dir_fd=folder)
    except PermissionError:
        return os.open(name, _READ_FLAGS, dir_fd=folder)


def holds(descriptor: int, size: int, pieces: Sequence[Piece]) -> bool:
    """Whether an open file is regular and has just the content of `pieces`, by their hashes."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size != size:
        return False
    offset = 0
    for piece in pieces:
        length = plain_length(piece)
        content = os.pread(descriptor, length, offset)
        while 0 < len(content) < length:
            more = os.pread(descriptor, length - len(content), offset + len(content))
            if not more:
                return False
            content += more
        if hashlib.sha256(content).digest() != piece[PIECE_ID]:
            return False
        offset += length
    return offset == size
