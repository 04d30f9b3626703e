"""Taking apart the frames of `backup.sources.remote.python_tree`."""

import os
import struct

from backup.errors import SourceError
from backup.reading import Xattrs
from backup.sources.hosts import UNTOUCHED
from backup.sources.remote.tree import Extra

# mode, uid, gid, links, inode, device, device it stands for, size; atime, mtime, ctime in ns
_ROW = struct.Struct("<IIIIQQQQqqq")
_SECOND = 1_000_000_000
Row = tuple[int, int, int, int, int, int, int, int, int, int, int]


def make_status(row: Row) -> os.stat_result:
    """Give what lstat gives, from (mode, uid, gid, links, inode, device, rdev, size, times)."""
    mode, uid, gid, links, inode, device, rdev, size, atime, mtime, ctime = row
    return os.stat_result(
        (
            mode, inode, device, links, uid, gid, size,
            atime // _SECOND, mtime // _SECOND, ctime // _SECOND,
            atime / _SECOND, mtime / _SECOND, ctime / _SECOND,
            atime, mtime, ctime, 4096, (size + 511) // 512, rdev,
        )
    )  # fmt: skip


def senseless() -> SourceError:
    """Say that what a host has sent cannot be: it may be in bad hands."""
    return SourceError(
        "what the host sent makes no sense",
        data=UNTOUCHED,
        next_step="run it again; if this comes back, look at the host",
    )


class FrameReader:
    """Reads the values of one frame in their order."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def number(self) -> int:
        """Read a uint32."""
        return int.from_bytes(self._take(4), "little")

    def long(self) -> int:
        """Read a uint64."""
        return int.from_bytes(self._take(8), "little")

    def text(self) -> bytes:
        """Read bytes with their length in front."""
        return self._take(self.number())

    def error(self) -> OSError | None:
        """Read an error; None for none."""
        number, words = self.number(), self.text().decode("utf-8", "replace")
        return OSError(number, words) if number or words else None

    def status(self) -> os.stat_result:
        """Read one row."""
        return make_status(_ROW.unpack(self._take(_ROW.size)))

    def statuses(self, count: int) -> list[os.stat_result]:
        """Read many rows."""
        return [make_status(row) for row in _ROW.iter_unpack(self._take(_ROW.size * count))]

    def xattrs(self) -> Xattrs:
        """Read extended attributes."""
        return tuple(
            (self.text().decode("utf-8", "surrogateescape"), self.text())
            for _ in range(self.number())
        )

    def extra(self) -> Extra:
        """Read what lstat does not say."""
        error, target, xattrs = self.error(), self.text(), self.xattrs()
        return Extra(target, xattrs, error)

    def rest(self) -> bytes:
        """Read all that is left."""
        return self._take(len(self._body) - self._at)

    def _take(self, size: int) -> bytes:
        taken = self._body[self._at : self._at + size]
        if len(taken) != size:
            raise senseless()
        self._at += size
        return taken
