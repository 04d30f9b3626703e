"""SFTP version 3, as far as a store needs it, with many requests on their way at once.

Sources: draft-ietf-secsh-filexfer-02, and OpenSSH's PROTOCOL for the extensions. One `SftpLine`
serves one thread at a time.
"""

import stat
import struct
from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple

import paramiko

INIT, VERSION = 1, 2
OPEN, CLOSE, READ, WRITE, FSTAT = 3, 4, 5, 6, 8
OPENDIR, READDIR, REMOVE, MKDIR, STAT, RENAME = 11, 12, 13, 14, 17, 18
STATUS, HANDLE, DATA, NAME, ATTRS = 101, 102, 103, 104, 105
EXTENDED, EXTENDED_REPLY = 200, 201

DONE, END, ABSENT, DENIED, FAILED, BAD, UNSUPPORTED = 0, 1, 2, 3, 4, 5, 8
FOR_READING, FOR_NEW = 0x01, 0x02 | 0x08 | 0x20  # write, create, exclusively

FSYNC = "fsync@openssh.com"
LIMITS = "limits@openssh.com"
STATVFS = "statvfs@openssh.com"

_HAS_SIZE, _HAS_OWNER, _HAS_MODE, _HAS_TIMES, _HAS_MORE = 1, 2, 4, 8, 1 << 31
_DEFAULT_CHUNK = 32_768
_LARGEST_CHUNK = 255 * 1024
_LONGEST_PACKET = 16 << 20
_AHEAD_BYTES = 8 << 20
_RECEIVE_BYTES = 1 << 18


class SftpStatusError(Exception):
    """The server said that a request failed; `code` is one of the status codes."""

    def __init__(self, code: int, told: str) -> None:
        super().__init__(told or f"status {code}")
        self.code = code


class Garbled(Exception):  # noqa: N818 - not an error of the server's, but of what arrived
    """What arrived is not SFTP, or answers something else."""


class Attributes(NamedTuple):
    """What the server says of a file; None where it says nothing.

    Attributes:
        size: Bytes.
        mode: As in stat.
        changed: Time of its last change, in seconds.
        uid, gid: Numbers of its owner and group.
    """

    size: int | None
    mode: int | None
    changed: int | None
    uid: int | None = None
    gid: int | None = None


class Room(NamedTuple):
    """What the server says of the file system.

    Attributes:
        free_blocks: For us.
        free_files: Further files.
        read_only: Mounted so.
    """

    free_blocks: int
    free_files: int
    read_only: bool


class SftpLine:
    """A conversation on a channel whose subsystem has been started."""

    def __init__(self, channel: paramiko.Channel) -> None:
        """Agree on the version and learn the extensions.

        Raises:
            SSHException, OSError, EOFError, Garbled: The line broke, or it is no such server.
        """
        self._channel = channel
        self._number = self._answered = 0
        self._arrived = bytearray()
        self.chunk = _DEFAULT_CHUNK
        self._channel.sendall(struct.pack(">IBI", 5, INIT, 3))
        kind, body = self._receive()
        if kind != VERSION or len(body) < 4:  # noqa: PLR2004 - a version is four bytes
            raise Garbled("no SFTP server")
        self.extensions = _read_extensions(body)
        if LIMITS in self.extensions:
            self.chunk = self._read_limits()

    def open(self, path: bytes, flags: int, mode: int | None = None) -> bytes:
        """Open a file; gives its handle."""
        attributes = struct.pack(">I", 0) if mode is None else struct.pack(">II", _HAS_MODE, mode)
        return self._handle(OPEN, text(path) + struct.pack(">I", flags) + attributes)

    def close(self, handle: bytes) -> None:
        """Close a handle."""
        self._done(CLOSE, text(handle))

    def stat(self, path: bytes) -> Attributes:
        """Look at a path, following links."""
        return self._attributes(self._send(STAT, text(path)))

    def remove(self, path: bytes) -> None:
        """Remove a file."""
        self._done(REMOVE, text(path))

    def make_folder(self, path: bytes, mode: int) -> None:
        """Make a folder."""
        self._done(MKDIR, text(path) + struct.pack(">II", _HAS_MODE, mode))

    def write_all(self, handle: bytes, data: memoryview, *, sync: bool) -> Attributes:
        """Write from the start; all requests are on their way before the first answer is needed.

        Returns:
            What the server then says of the file.
        """
        waiting: list[int] = []
        most = max(1, _AHEAD_BYTES // self.chunk)
        for at in range(0, len(data), self.chunk):
            part = data[at : at + self.chunk]
            head = text(handle) + struct.pack(">QI", at, len(part))
            waiting.append(self._send(WRITE, head, part))
            if len(waiting) >= most:
                self._expect_done(waiting.pop(0))
        for number in waiting:
            self._expect_done(number)
        if sync:
            self._done(EXTENDED, text(FSYNC.encode()) + text(handle))
        return self._attributes(self._send(FSTAT, text(handle)))

    def publish(self, handle: bytes, old: bytes, new: bytes, *, sync: bool) -> None:
        """Give a file its name, never over another, and make the name durable; close it.

        A file whose name cannot be made durable is withdrawn.
        """
        renamed = self._send(RENAME, text(old) + text(new))
        synced = self._send(EXTENDED, text(FSYNC.encode()) + text(handle)) if sync else None
        closed = self._send(CLOSE, text(handle))
        (first, *others) = [
            self._take(number) for number in (renamed, synced, closed) if number is not None
        ]
        check_done(*first)
        try:
            for kind, body in others:
                check_done(kind, body)
        except SftpStatusError:
            self.remove(new)
            raise

    def read_range(self, path: bytes, offset: int, length: int | None) -> tuple[Attributes, bytes]:
        """Read a range, to the end with None; gives what the file is, too."""
        handle = self.open(path, FOR_READING)
        try:
            looked = self._send(FSTAT, text(handle))
            ahead = self.chunk if length is None else length
            asked = self._ask(handle, offset, ahead)
            attributes = self._attributes(looked)
            if not stat.S_ISREG(attributes.mode or stat.S_IFREG):
                raise SftpStatusError(ABSENT, "no regular file")
            data = self._collect(handle, asked)
            there = max(0, (attributes.size or 0) - offset)
            wanted = there if length is None else min(length, there)
            while len(data) < wanted:
                asked = self._ask(handle, offset + len(data), wanted - len(data))
                more = self._collect(handle, asked)
                if not more:
                    break
                data += more
            return attributes, bytes(data[:wanted])
        finally:
            self.close(handle)

    def list_folder(self, path: bytes) -> Generator[tuple[bytes, Attributes]]:
        """Yield name and attributes of all that is in a folder."""
        handle = self._handle(OPENDIR, text(path))
        try:
            while True:
                kind, body = self._take(self._send(READDIR, text(handle)))
                if kind == STATUS:
                    if status_of(body)[0] != END:
                        check_done(kind, body)
                    return
                names = list(read_names(kind, body))
                if not names:  # such answers might never end
                    raise Garbled("a listing without names")
                yield from names
        finally:
            self.close(handle)

    def room(self, path: bytes) -> Room | None:
        """Say how much room there is; None where the server does not tell."""
        if STATVFS not in self.extensions:
            return None
        kind, body = self._take(self._send(EXTENDED, text(STATVFS.encode()) + text(path)))
        if kind != EXTENDED_REPLY or len(body) < 88:  # noqa: PLR2004 - eleven numbers of 64 bits
            return None
        numbers = struct.unpack_from(">11Q", body)
        return Room(numbers[4], numbers[7], bool(numbers[9] & 1))

    def _ask(self, handle: bytes, offset: int, length: int) -> list[tuple[int, int, int]]:
        """Send what reads the next bytes, up to a limit; gives (number, offset, length) of each."""
        asked = []
        end = offset + min(length, _AHEAD_BYTES)
        for at in range(offset, end, self.chunk):
            size = min(self.chunk, end - at)
            head = text(handle) + struct.pack(">QI", at, size)
            asked.append((self._send(READ, head), at, size))
        return asked

    def _collect(self, handle: bytes, asked: Sequence[tuple[int, int, int]]) -> bytearray:
        """Take the answers in order, to the first that ends the file."""
        parts = [self._take_data(number, size) for number, _at, size in asked]
        data = bytearray()
        for part, (_number, at, size) in zip(parts, asked, strict=True):
            data += part
            done = len(part)
            while 0 < done < size:  # a server may send less than was asked for
                head = text(handle) + struct.pack(">QI", at + done, size - done)
                more = self._take_data(self._send(READ, head), size - done)
                if not more:
                    return data
                data += more
                done += len(more)
            if not part:
                return data
        return data

    def _take_data(self, number: int, most: int) -> bytes:
        kind, body = self._take(number)
        if kind == DATA:
            data = bytes(read_text(body, 0)[0])
            if len(data) > most:
                raise Garbled("more data than was asked for")
            return data
        if kind == STATUS and status_of(body)[0] == END:
            return b""
        check_done(kind, body)
        raise Garbled("an answer without data")

    def _read_limits(self) -> int:
        kind, body = self._take(self._send(EXTENDED, text(LIMITS.encode())))
        if kind != EXTENDED_REPLY or len(body) < 32:  # noqa: PLR2004 - four numbers of 64 bits
            return _DEFAULT_CHUNK
        _packet, most_read, most_written, _handles = struct.unpack_from(">4Q", body)
        most = min(most_read or _DEFAULT_CHUNK, most_written or _DEFAULT_CHUNK, _LARGEST_CHUNK)
        return max(most, 4096)

    def _handle(self, kind: int, body: bytes) -> bytes:
        kind, body = self._take(self._send(kind, body))
        if kind != HANDLE:
            check_done(kind, body)
            raise Garbled("an answer without a handle")
        return bytes(read_text(body, 0)[0])

    def _attributes(self, number: int) -> Attributes:
        kind, body = self._take(number)
        if kind != ATTRS:
            check_done(kind, body)
            raise Garbled("an answer without attributes")
        return _read_attributes(body, 0)[0]

    def _done(self, kind: int, body: bytes) -> None:
        self._expect_done(self._send(kind, body))

    def _expect_done(self, number: int) -> None:
        check_done(*self._take(number))

    def _send(self, kind: int, body: bytes, data: memoryview | None = None) -> int:
        self._number += 1
        length = 5 + len(body) + (len(data) if data is not None else 0)
        self._channel.sendall(struct.pack(">IBI", length, kind, self._number) + body)
        if data is not None:
            self._channel.sendall(data)  # type: ignore[arg-type]  # copies nothing
        return self._number

    def _take(self, number: int) -> tuple[int, bytes]:
        """Take the answer to a request; OpenSSH gives them in the order of the requests.

        Answers to earlier requests, which nobody waits for since one of them failed, are passed by;
        each comes once, so what comes is always later than what came.
        """
        while True:
            kind, body = self._receive()
            told = int.from_bytes(body[:4], "big")
            if not self._answered < told <= number:
                raise Garbled("an answer to something else")
            self._answered = told
            if told == number:
                return kind, body[4:]

    def _receive(self) -> tuple[int, bytes]:
        self._fill(4)
        length = int.from_bytes(self._arrived[:4], "big")
        if not 1 <= length <= _LONGEST_PACKET:
            raise Garbled("no SFTP packet")
        self._fill(4 + length)
        kind, body = self._arrived[4], bytes(memoryview(self._arrived)[5 : 4 + length])
        del self._arrived[: 4 + length]
        return kind, body

    def _fill(self, size: int) -> None:
        while len(self._arrived) < size:
            data = self._channel.recv(_RECEIVE_BYTES)
            if not data:
                raise EOFError
            self._arrived += data


def text(raw: bytes) -> bytes:
    """Write a length in front."""
    return struct.pack(">I", len(raw)) + raw


def read_text(body: bytes, at: int) -> tuple[bytes, int]:
    """Read what `text` wrote; gives where the next begins. Raises Garbled where it is cut."""
    size = int.from_bytes(body[at : at + 4], "big")
    end = at + 4 + size
    if end > len(body):
        raise Garbled("a text that does not end")
    return body[at + 4 : end], end


def status_of(body: bytes) -> tuple[int, str]:
    """Read code and words of a STATUS."""
    told = read_text(body, 4)[0] if len(body) >= 8 else b""  # noqa: PLR2004 - code and length
    return int.from_bytes(body[:4], "big"), told.decode("utf-8", "replace")


def check_done(kind: int, body: bytes) -> None:
    """Raise SftpStatusError unless it says that all went well."""
    if kind != STATUS:
        raise Garbled("an answer without a status")
    code, told = status_of(body)
    if code != DONE:
        raise SftpStatusError(code, told)


def _read_attributes(body: bytes, at: int) -> tuple[Attributes, int]:
    size = mode = changed = uid = gid = None
    try:
        (flags,) = struct.unpack_from(">I", body, at)
        at += 4
        if flags & _HAS_SIZE:
            (size,) = struct.unpack_from(">Q", body, at)
            at += 8
        if flags & _HAS_OWNER:
            uid, gid = struct.unpack_from(">II", body, at)
            at += 8
        if flags & _HAS_MODE:
            (mode,) = struct.unpack_from(">I", body, at)
            at += 4
        if flags & _HAS_TIMES:
            _accessed, changed = struct.unpack_from(">II", body, at)
            at += 8
        if flags & _HAS_MORE:
            (count,) = struct.unpack_from(">I", body, at)
            at += 4
            for _ in range(2 * count):
                _more, at = read_text(body, at)
    except struct.error as error:
        raise Garbled("attributes that do not end") from error
    return Attributes(size, mode, changed, uid, gid), at


def read_names(kind: int, body: bytes) -> Iterator[tuple[bytes, Attributes]]:
    """Yield name and attributes of each entry of a NAME."""
    if kind != NAME:
        raise Garbled("an answer without names")
    at = 4
    for _ in range(int.from_bytes(body[:4], "big")):
        name, at = read_text(body, at)
        _long, at = read_text(body, at)
        attributes, at = _read_attributes(body, at)
        yield name, attributes


def _read_extensions(body: bytes) -> frozenset[str]:
    names, at = set(), 4
    while at < len(body):
        name, at = read_text(body, at)
        _version, at = read_text(body, at)
        names.add(name.decode("utf-8", "replace"))
    return frozenset(names)
