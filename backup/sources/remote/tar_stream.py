"""A tar archive as it comes from another machine, whose word on any length is not taken.

Python's own reader keeps whatever a header announces, and some versions can be held up for hours by
what stands in it; so the little that is needed is read here, each length held against a bound.
Read are ustar, pax headers and sparse files as GNU tar writes them (POSIX pax; GNU tar's manual,
"Storing Sparse Files", version 1.0), and the long names of BusyBox; several archives may follow
one another.
"""

import errno
import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backup.sources.local.read import MOST_ATTRIBUTE_BYTES, Xattrs, refuse_size
from backup.sources.remote.bounds import MOST_ENTRY_BYTES, Holes, make_xattrs, senseless
from backup.sources.remote.command_stream import Line

_BLOCK = 512
_ZERO_BLOCK = bytes(_BLOCK)
_LONGEST_HEADER = 1 << 30
"""No file on Linux has so many attributes; a longer header is none."""

_LONGEST_MAP = 16 << 20
_MOST_DIGITS = 19
_FILES = frozenset({b"0", b"\0", b"7"})
_WITHOUT_DATA = frozenset({b"1", b"2", b"3", b"4", b"5", b"6"})
_PAX, _PAX_FOR_ALL, _LONG_NAME, _LONG_TARGET = b"x", b"g", b"L", b"K"
_HEADERS = frozenset({_PAX, _PAX_FOR_ALL, _LONG_NAME, _LONG_TARGET})
_XATTR = b"SCHILY.xattr."
_RECORD = re.compile(rb"(\d{1,10}) ")
_Records = Mapping[bytes, bytes]


class Content:
    """The bytes of one entry, read before the next entry is asked for."""

    def __init__(self, line: Line, stored: int) -> None:
        """Take it as it is stored; nothing is read yet."""
        self._line = line
        self._stored = stored
        self._padding = -stored % _BLOCK
        # Where its bytes lie: offset and length in turns, ascending. What is between is a hole.
        self._pieces = array("q", (0, stored))
        self._number = self._at = 0
        self.size = stored

    def read_map(self, size: int) -> None:
        """Read where the bytes of a sparse file lie; `size` is its own size.

        Raises:
            SourceError: They cannot lie there.
        """
        numbers = self._read_numbers()
        self._pieces, self.size = array("q"), size
        end = 0
        for _ in range(next(numbers)):
            offset, length = next(numbers), next(numbers)
            if not end <= offset <= offset + length <= size:
                raise senseless()
            self._pieces.extend((offset, length))
            end = offset + length
        if sum(self._pieces[1::2]) != self._stored:
            raise senseless()

    def _read_numbers(self) -> Iterator[int]:
        rest = b""
        for _ in range(0, _LONGEST_MAP, _BLOCK):
            if self._stored < _BLOCK or len(rest) > _MOST_DIGITS:
                break
            self._stored -= _BLOCK
            *rows, rest = (rest + self._line.read_exactly(_BLOCK)).split(b"\n")
            yield from map(_decimal, rows)
        raise senseless()

    @property
    def holes(self) -> int:
        """How many of its bytes are holes."""
        return self.size - self._stored

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer as far as bytes are there; 0 at the end."""
        while self._number < len(self._pieces):
            start, length = self._pieces[self._number : self._number + 2]
            if self._at < start:
                return self._fill(buffer, start)
            if self._at < start + length:
                count = self._line.readinto(buffer[: start + length - self._at])
                self._at += count
                self._stored -= count
                return count
            self._number += 2
        return self._fill(buffer, self.size)

    def _fill(self, buffer: memoryview, end: int) -> int:
        count = min(len(buffer), end - self._at)
        buffer[:count] = bytes(count)
        self._at += count
        return count

    def pass_over(self) -> None:
        """Read away what was not read."""
        self._line.pass_over(self._stored + self._padding)


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of the archive.

    Attributes:
        path: As tar was given it; empty for the folder where it began.
        is_file: Whether it is a regular file.
        xattrs: Its extended attributes.
        content: Its bytes.
        refusal: Why content and attributes are not taken; None where they are.
    """

    path: bytes
    is_file: bool
    xattrs: Xattrs
    content: Content
    refusal: OSError | None


def read_tar(line: Line, holes: Holes) -> Iterator[Member]:
    """Yield what arrives, in order.

    Args:
        line: What tar prints.
        holes: How many zeros may still be made of holes.

    Raises:
        SourceError: It is no archive, or it ends too early.
    """
    long_name = b""
    records: _Records | None = {}
    while block := _read_block(line):
        if block == _ZERO_BLOCK:
            continue
        kind, size = block[156:157], _check_header(block)
        if kind not in _HEADERS:
            content = Content(line, _stored_size(kind, size, records or {}))
            yield _make_member(block, content, long_name, records, holes)
            content.pass_over()
            long_name, records = b"", {}
            continue
        header = _read_header(line, size)
        if kind == _PAX:
            records = None if header is None else _parse_records(header)
        elif kind == _LONG_NAME:
            long_name = (header or b"").rstrip(b"\0")


def _read_block(line: Line) -> bytes:
    """Read one block; empty at the end."""
    block = line.read(_BLOCK)
    return block + line.read_exactly(_BLOCK - len(block)) if block else b""


def _check_header(block: bytes) -> int:
    """Give the size in a header whose sum is right."""
    if sum(block) - sum(block[148:156]) + 8 * ord(" ") != _octal(block[148:156]):
        raise senseless()
    return _octal(block[124:136])


def _octal(field: bytes) -> int:
    """Read a number of a header: octal digits, or bytes where it is too large for them."""
    if field[0] == 0x80:  # noqa: PLR2004 -- GNU tar's mark of a number in bytes
        return _bounded(int.from_bytes(field[1:], "big"))
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):
        raise senseless()
    return int(digits or b"0", 8)


def _decimal(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > _MOST_DIGITS:
        raise senseless()
    return _bounded(int(digits))


def _bounded(number: int) -> int:
    if number >= 1 << 63:
        raise senseless()
    return number


def _read_header(line: Line, size: int) -> bytes | None:
    """Read what a header holds; None where it holds too much, which is passed over."""
    if size > _LONGEST_HEADER:
        raise senseless()
    padding = -size % _BLOCK
    if size > MOST_ENTRY_BYTES:
        line.pass_over(size + padding)
        return None
    content = line.read_exactly(size)
    line.pass_over(padding)
    return content


def _parse_records(content: bytes) -> _Records:
    """Take a pax header apart; later records replace earlier ones of their name."""
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(content):
        match = _RECORD.match(content, at)
        end = at + int(match[1]) if match else 0
        if match is None or not match.end() < end <= len(content) or content[end - 1] != ord("\n"):
            raise senseless()
        key, _, value = content[match.end() : end - 1].partition(b"=")
        records[key] = value
        at = end
    return records


def _stored_size(kind: bytes, size: int, records: _Records) -> int:
    if kind in _WITHOUT_DATA:
        return 0
    return _decimal(records[b"size"]) if b"size" in records else size


def _make_member(
    block: bytes, content: Content, long_name: bytes, records: _Records | None, holes: Holes
) -> Member:
    is_file = block[156:157] in _FILES
    found = records or {}
    if is_file and found.get(b"GNU.sparse.major") == b"1":
        content.read_map(_decimal(found.get(b"GNU.sparse.realsize", b"")))
    path = found.get(b"GNU.sparse.name") or found.get(b"path") or long_name or _name_of(block)
    path = path.removeprefix(b"./").rstrip(b"/")
    pairs = [(_plain(key), it) for key, it in found.items() if key.startswith(_XATTR)]
    refusal = _refuse(content, holes) if is_file else None
    if records is None or sum(len(name) + len(it) for name, it in pairs) > MOST_ATTRIBUTE_BYTES:
        pairs, refusal = [], OSError(errno.E2BIG, "its extended attributes are too large")
    return Member(b"" if path == b"." else path, is_file, make_xattrs(pairs), content, refusal)


def _refuse(content: Content, holes: Holes) -> OSError | None:
    return refuse_size(content.size) or holes.take(content.holes)


def _name_of(block: bytes) -> bytes:
    name, prefix = block[:100].rstrip(b"\0"), block[345:500].rstrip(b"\0")
    has_prefix = block[257:263] == b"ustar\0" and prefix
    return prefix + b"/" + name if has_prefix else name


def _plain(key: bytes) -> bytes:
    return key[len(_XATTR) :].replace(b"%3D", b"=").replace(b"%25", b"%")
