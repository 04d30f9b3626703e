"""Taking apart the frames of `backup.sources.remote.python_tree`."""

import os
import struct

from backup.sources.local.read import Xattrs
from backup.sources.remote.bounds import ensure_target, make_xattrs, senseless, shorten
from backup.sources.remote.tree import Extra

# mode, uid, gid, links, inode, device, device it stands for, size; atime, mtime, ctime in ns
_ROW = struct.Struct("<IIIIQQQQqqq")
ROW_BYTES = _ROW.size
_SECOND = 1_000_000_000
_LATEST = (1 << 63) - 1
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


def check_row(row: Row) -> os.stat_result:
    """Give what lstat gives, from numbers that came as text; moments beyond 2262 become that.

    Raises:
        SourceError: One is not what the kernel's own field could hold.
    """
    *numbers, atime, mtime, ctime = row
    times = (max(-_LATEST, min(it, _LATEST)) for it in (atime, mtime, ctime))
    try:
        return make_status(_ROW.unpack(_ROW.pack(*numbers, *times)))
    except struct.error as error:
        raise senseless() from error


class FrameReader:
    """Reads the values of one frame in their order."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self._body) - self._at

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
        return OSError(number, shorten(words)) if number or words else None

    def status(self) -> os.stat_result:
        """Read one row."""
        return make_status(_ROW.unpack(self._take(_ROW.size)))

    def statuses(self, count: int) -> list[os.stat_result]:
        """Read many rows."""
        return [make_status(row) for row in _ROW.iter_unpack(self._take(_ROW.size * count))]

    def xattrs(self) -> Xattrs:
        """Read extended attributes."""
        return make_xattrs((self.text(), self.text()) for _ in range(self.number()))

    def extra(self) -> Extra:
        """Read what lstat does not say."""
        error, target, xattrs = self.error(), ensure_target(self.text()), self.xattrs()
        return Extra(target, xattrs, error)

    def rest(self) -> bytes:
        """Read all that is left."""
        return self._take(self.left)

    def _take(self, size: int) -> bytes:
        taken = self._body[self._at : self._at + size]
        if len(taken) != size:
            raise senseless()
        self._at += size
        return taken
