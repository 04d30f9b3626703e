"""A folder of a machine that has Python 3.6 or newer, read by `agent`, which we send it.

The command reads the length of its program (9 digits, then a line break), the program, and the
order: one byte, 1 for one file system only, and the path. Numbers are little-endian; a *text* is a
uint32 length and so many bytes; an *error* is a uint32 errno, 0 for none, and a text. All it prints
is frames, a kind (one byte), a length (uint32) and a body:

- ``X`` error: the path cannot be looked at; nothing follows.
- ``O`` clock of the host, uint64 nanoseconds. ``R`` text of the real path, row, extra.
- ``u``, ``g``: uint32 and name of a user or group, before the first entry that has it.
- ``F`` text of the path, count, text of the names with zeros between, a row each; then counted
  extras (place, extra) of what is no regular file, and counted errors (text of the name, error).
- ``E`` text of the path, error: a folder that cannot be listed. ``P``: a pause. ``Z``: all listed.
- ``B``: the end, which must come.

At a pause and after the end of the listing it reads requests: a count and that many pairs of texts,
a path and hashes; a count of 0 lets it go on. For each file it prints ``N`` error, or ``W`` row,
attributes and all bytes of a small file that did not change meanwhile, or ``H`` row and attributes,
then bytes, then ``T`` error and row of what the file is now. Bytes come as ``D`` data, ``S`` uint64
length of a hole, ``K`` uint64 offset and uint32 length of a block whose hash was in the request
(BLAKE2b-128 of each 256 KiB of an earlier content, joined).

An *extra* is error, text of a link's target, attributes. *Attributes* are counted pairs of texts.
"""

import os
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from backup.errors import SourceError
from backup.sources.host_errors import translated
from backup.sources.local.owners import NamedOwners
from backup.sources.local.read import Xattrs, refuse_size
from backup.sources.remote.bounds import MOST_OWNERS, Holes, senseless
from backup.sources.remote.command_stream import Line
from backup.sources.remote.frames import ROW_BYTES, FrameReader
from backup.sources.remote.known_blocks import BLOCK, EarlierContent
from backup.sources.remote.tree import (
    DoubtfulError,
    Extra,
    Listed,
    ListedFolder,
    Pause,
    Root,
    Take,
    Unlisted,
    Wanted,
)
from provisioning.hosts import Command, Host

_BOOT = b"import sys;exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))"
PYTHON: Command = (b"python3", b"-I", b"-c", _BOOT)
_PROGRAM = Path(__file__).with_name("agent.py")
_NUMBER = struct.Struct("<I")
_PIECE = 1 << 20  # as in `agent`: so much of a file without a size
_LONGEST_OWNER = 256


@contextmanager
def open_python_tree(
    host: Host,
    path: bytes,
    *,
    one_file_system: bool,
    command: Command = PYTHON,
    timeout: float | None = None,
) -> Iterator["PythonTree"]:
    """Open a folder by the program that we send.

    Args:
        host: Where.
        path: Absolute.
        one_file_system: Whether to leave alone what is mounted below.
        command: Python there, reading its program from stdin as `PYTHON` does.
        timeout: Seconds it may take in all.

    Raises:
        SourceError: It cannot be started, or the path is not there.
    """
    program = _PROGRAM.read_bytes()
    order = (b"\1" if one_file_system else b"\0") + _text(path)
    with translated(), host.start(command, timeout=timeout) as process:
        line = Line(host.name, process)
        line.write(b"%d\n" % len(program) + program + order)
        yield PythonTree(line, path)


def _text(raw: bytes) -> bytes:
    return _NUMBER.pack(len(raw)) + raw


class PythonTree:
    """See `RemoteTree`."""

    lost: tuple[str, ...] = ()

    def __init__(self, line: Line, path: bytes) -> None:
        """Read what comes before the listing.

        Raises:
            SourceError: The path is not there.
        """
        self._line = line
        self.owners = NamedOwners()
        self.clock_offset = 0
        self._holes = Holes()
        self.root = self._read_root(path)

    def _read_root(self, path: bytes) -> Root:
        while True:
            kind, body = self._line.read_frame()
            if kind == b"X":
                error = FrameReader(body).error()
                raise not_there(self._line.host, path, error)
            if kind == b"O":
                self.clock_offset = FrameReader(body).long() - time.time_ns()
            elif kind == b"R":
                reader = FrameReader(body)
                return Root(reader.text(), reader.status(), reader.extra())
            else:
                self._take_owner(kind, body)

    def _take_owner(self, kind: bytes, body: bytes) -> None:
        names = {b"u": self.owners.users, b"g": self.owners.groups}.get(kind)
        if names is None:
            raise self._line.failed("what it sent makes no sense")
        reader = FrameReader(body)
        number = reader.number()
        names[number] = reader.rest()[:_LONGEST_OWNER].decode("utf-8", "replace")
        if len(names) > MOST_OWNERS:
            raise senseless()

    def list_all(self) -> Iterator[Listed]:
        """See `RemoteTree`."""
        while True:
            kind, body = self._line.read_frame()
            if kind == b"F":
                yield _parse_folder(FrameReader(body))
            elif kind == b"E":
                reader = FrameReader(body)
                path = reader.text()
                yield Unlisted(path, reader.error() or OSError(0, "it cannot be listed"))
            elif kind == b"P":
                yield Pause()
                self._line.write(_NUMBER.pack(0))
            elif kind == b"Z":
                return
            else:
                self._take_owner(kind, body)

    def fetch(self, wanted: Sequence[Wanted], take: Take) -> list[os.stat_result | OSError]:
        """See `RemoteTree`."""
        if not wanted:
            return []
        request = [_text(it.path) + _text(_hashes_of(it)) for it in wanted]
        self._line.write(_NUMBER.pack(len(wanted)) + b"".join(request))
        return [self._fetch_one(number, it.earlier, take) for number, it in enumerate(wanted)]

    def _fetch_one(
        self, number: int, earlier: EarlierContent | None, take: Take
    ) -> os.stat_result | OSError:
        kind, body = self._line.read_frame()
        reader = FrameReader(body)
        if kind == b"N":
            return reader.error() or OSError(0, "it cannot be read")
        if kind == b"W":
            whole = _Arriving(self._line, reader.status(), reader.xattrs(), self._holes)
            whole.fill(reader.rest())
            take(number, whole)
            return whole.before
        if kind != b"H":
            raise self._line.failed("what it sent makes no sense")
        file = _Arriving(self._line, reader.status(), reader.xattrs(), self._holes, earlier)
        refusal = refuse_size(file.before.st_size)
        if refusal is None:
            take(number, file)
        ending = file.ending()
        return refusal or ending

    def finish(self) -> None:
        """See `RemoteTree`."""
        self._line.write(_NUMBER.pack(0))
        kind, _ = self._line.read_frame()
        if kind != b"B":
            raise self._line.failed("it did not say that all was told")
        self._line.close_input()
        self._line.finish()


class _Arriving:
    """See `Arriving`."""

    def __init__(
        self,
        line: Line,
        before: os.stat_result,
        xattrs: Xattrs,
        holes: Holes,
        earlier: EarlierContent | None = None,
    ) -> None:
        self.before = before
        self.xattrs = xattrs
        self._holes = holes
        self._refusal: OSError | None = None
        self._earlier = earlier
        self._reached = 0
        self._is_doubtful = False
        self._line = line
        self._data = memoryview(b"")
        self._zeros = self._coming = 0
        self._ending: os.stat_result | OSError | None = None

    def fill(self, data: bytes) -> None:
        """Take all of it at once; it did not change meanwhile."""
        if len(data) != self.before.st_size:
            raise senseless()
        self._data, self._ending = memoryview(data), self.before

    def readinto(self, buffer: memoryview) -> int:
        """See `Arriving`."""
        while not self._data and not self._zeros and not self._coming:
            if self._ending is not None:
                return 0
            self._read_frame()
        if self._zeros:
            count = min(len(buffer), self._zeros)
            buffer[:count] = bytes(count)
            self._zeros -= count
            return count
        if self._coming:
            count = self._line.readinto(buffer[: self._coming])
            self._coming -= count
            return count
        count = min(len(buffer), len(self._data))
        buffer[:count] = self._data[:count]
        self._data = self._data[count:]
        return count

    def _read_frame(self) -> None:
        self._pass_over()
        kind, length = self._line.read_head()
        if kind == b"D":
            self._coming = length
            self._claim(length)
            return
        reader = FrameReader(self._line.read_exactly(length))
        if kind == b"S":
            self._take_hole(reader.long())
        elif kind == b"K":
            self._take_known(reader.long(), reader.number())
        elif kind == b"T":
            self._ending = reader.error() or reader.status()
        else:
            raise self._line.failed("what it sent makes no sense")

    def _claim(self, length: int) -> None:
        """Hold what is announced against the file's own size."""
        self._reached += length
        if self._reached > (self.before.st_size or _PIECE):
            raise senseless()

    def _take_hole(self, size: int) -> None:
        self._claim(size)
        self._refusal = self._refusal or self._holes.take(size)
        self._zeros = 0 if self._refusal else size

    def _pass_over(self) -> None:
        """Read away what was not read of a frame."""
        self._line.pass_over(self._coming)
        self._coming = self._zeros = 0

    def _take_known(self, offset: int, length: int) -> None:
        """Put in a block that did not travel; what is in doubt is filled with zeros and told."""
        fits = self._earlier is not None and offset == self._reached and 0 < length <= BLOCK
        if not fits:
            raise self._line.failed("what it sent makes no sense")
        data = self._earlier.block(offset, length) if self._earlier is not None else None
        self._is_doubtful = self._is_doubtful or data is None
        self._data = memoryview(bytes(length) if data is None else data)
        self._claim(length)

    def ending(self) -> os.stat_result | OSError:
        """What the file is after it was read; what was not read of it is passed over."""
        while self._ending is None:
            self._read_frame()
        return DoubtfulError() if self._is_doubtful else self._refusal or self._ending


def _hashes_of(wanted: Wanted) -> bytes:
    return wanted.earlier.hashes() if wanted.earlier is not None else b""


def _parse_folder(reader: FrameReader) -> ListedFolder:
    path = reader.text()
    count = reader.number()
    joined = reader.text()
    if joined.count(b"\0") != max(0, count - 1) or reader.left < count * ROW_BYTES:
        raise senseless()  # before it fills our memory
    names = joined.split(b"\0") if count else []
    ensure_names(names, count)
    stats = reader.statuses(count)
    extras: dict[bytes, Extra] = {}
    for _ in range(reader.number()):
        place = reader.number()
        if place >= count:
            raise senseless()
        extras[names[place]] = reader.extra()
    errors = []
    for _ in range(reader.number()):
        name = reader.text()
        errors.append((name, reader.error() or OSError(0, "it cannot be looked at")))
    return ListedFolder(path, names, stats, extras, errors)


def ensure_names(names: list[bytes], count: int) -> None:
    """Refuse names that no folder can hold, or out of order: a host may be in bad hands.

    Raises:
        SourceError: They are not such names.
    """
    is_odd = len(names) != count or any(
        b"/" in it or b"\0" in it or it in {b"", b".", b".."} for it in names
    )
    if is_odd or any(it >= after for it, after in pairwise(names)):
        raise senseless()


def not_there(host: str, path: bytes, error: OSError | None) -> SourceError:
    """Say that a path is not there, or not for us to look at."""
    return SourceError(
        "{path} on the host {host} cannot be read",
        why="{reason}",
        data="no snapshot was made; earlier ones are untouched",
        next_step="is a disk not mounted there? Else correct the path",
        path=path.decode("utf-8", "backslashreplace"),
        host=host,
        reason=(error.strerror if error else None) or "it is not there",
    )
