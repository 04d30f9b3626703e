"""SFTP for reading whole folders: what a store does not need of it, many requests at once.

Source: draft-ietf-secsh-filexfer-02. Requests of one round are all sent before the first answer is
taken, and answers are taken in the order of the requests.
"""

import errno
import os
import stat
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from backup.sources.remote.bounds import MOST_FOLDER_BYTES, ensure_target, shorten
from backup.sources.remote.frames import ROW_BYTES, make_status
from backup.stores.sftp.protocol import (
    ABSENT,
    CLOSE,
    DENIED,
    END,
    FOR_READING,
    FSTAT,
    HANDLE,
    NAME,
    OPEN,
    OPENDIR,
    READDIR,
    STATUS,
    Attributes,
    Garbled,
    SftpLine,
    SftpStatusError,
    check_done,
    read_names,
    read_text,
    status_of,
    text,
)

LSTAT, REALPATH, READLINK = 7, 16, 19
_SECOND = 1_000_000_000
_ERRNOS = {ABSENT: errno.ENOENT, DENIED: errno.EACCES}
_SHRUNK = "it is shorter than it was said to be"
Rows = list[tuple[bytes, Attributes]]


class RefusedError(OSError):
    """The server answered, and the answer is no; the line is sound."""


class SmallFile(NamedTuple):
    """A file that was read in one piece.

    Attributes:
        before: What it was when it was opened.
        data: Its bytes; fewer or more than it has where `is_whole` is false.
        after: What lay at its path when it was read: SFTP follows a link that took its place.
        is_whole: Whether these are all of its bytes.
    """

    before: os.stat_result
    data: bytes
    after: os.stat_result
    is_whole: bool


class ReadingLine(SftpLine):
    """A conversation that reads folders. For one thread."""

    def real_path(self, path: bytes) -> bytes:
        """Give a path without links in it, as far as the server follows them."""
        return self._one_name(self._send(REALPATH, text(path)))

    def look(self, path: bytes) -> os.stat_result:
        """Look at a path itself, not at what a link in its place points to."""
        return to_status(self._attributes(self._send(LSTAT, text(path))))

    def read_links(self, paths: Sequence[bytes]) -> list[bytes | OSError]:
        """Give the targets of links, or why one cannot be read."""
        asked = [self._send(READLINK, text(path)) for path in paths]
        found: list[bytes | OSError] = []
        for number in asked:
            try:
                found.append(ensure_target(self._one_name(number)))
            except SftpStatusError as error:
                found.append(to_error(error))
        return found

    def list_many(self, paths: Sequence[bytes]) -> list[Rows | OSError]:
        """List folders; gives for each its entries in no order, or why it cannot be listed."""
        handles = self._handles(OPENDIR, [text(path) for path in paths])
        found: list[Rows | OSError] = [[] if isinstance(it, bytes) else it for it in handles]
        open_ones = {at: it for at, it in enumerate(handles) if isinstance(it, bytes)}
        reading, left = dict(open_ones), MOST_FOLDER_BYTES
        while reading:
            asked = [(at, self._send(READDIR, text(it))) for at, it in reading.items()]
            for at, number in asked:
                more = self._names_or_end(number)
                rows = found[at]
                if isinstance(more, list) and isinstance(rows, list):
                    rows += more
                    left -= sum(len(name) + ROW_BYTES for name, _ in more)
                    if left < 0:
                        raise Garbled("a folder without end")
                    continue
                del reading[at]
                if isinstance(more, OSError):
                    found[at] = more
        self._close_all(list(open_ones.values()))
        return found

    def read_small(self, files: Sequence[tuple[bytes, int]]) -> list[SmallFile | OSError]:
        """Read files of at most `chunk` bytes, given with the sizes they should have."""
        bodies = [text(path) + struct.pack(">II", FOR_READING, 0) for path, _ in files]
        handles = self._handles(OPEN, bodies)
        asked = []
        for (path, size), handle in zip(files, handles, strict=True):
            if isinstance(handle, OSError):
                continue
            before = self._send(FSTAT, text(handle))
            ((read, _, _),) = self._ask(handle, 0, min(size + 1, self.chunk))
            asked.append((before, read, self._send(LSTAT, text(path))))
        found: list[SmallFile | OSError] = []
        for handle in handles:
            if isinstance(handle, OSError):
                found.append(handle)
            else:
                found.append(self._take_small(*asked.pop(0)))
        self._close_all([it for it in handles if isinstance(it, bytes)])
        return found

    def open_file(self, path: bytes) -> tuple[bytes, os.stat_result]:
        """Open a file; gives its handle and what it is.

        Raises:
            RefusedError: It cannot be opened, or is no regular file any more.
        """
        try:
            handle = self.open(path, FOR_READING)
        except SftpStatusError as error:
            raise to_error(error) from error
        try:
            return handle, ensure_regular(to_status(self._look_at_open(handle)))
        except RefusedError:
            self.close(handle)
            raise

    def close_file(self, handle: bytes, path: bytes) -> os.stat_result:
        """Close a file that was read; gives what lies at its path now.

        Raises:
            RefusedError: Nothing does, or no regular file: SFTP follows a link.
        """
        self.close(handle)
        try:
            return ensure_regular(self.look(path))
        except SftpStatusError as error:
            raise to_error(error) from error

    def _look_at_open(self, handle: bytes) -> Attributes:
        return self._attributes(self._send(FSTAT, text(handle)))

    def read_ahead(self, handle: bytes, size: int) -> Iterator[bytes]:
        """Yield so many bytes of an open file, some megabytes at a time.

        Raises:
            RefusedError: There are fewer.
        """
        at = 0
        while at < size:
            try:
                data = bytes(self._collect(handle, self._ask(handle, at, size - at)))
            except SftpStatusError as error:
                raise to_error(error) from error
            if not data:
                raise RefusedError(0, _SHRUNK)
            at += len(data)
            yield data

    def _handles(self, kind: int, bodies: Sequence[bytes]) -> list[bytes | OSError]:
        asked = [self._send(kind, body) for body in bodies]
        found: list[bytes | OSError] = []
        for number in asked:
            kind, body = self._take(number)
            if kind == HANDLE:
                found.append(read_text(body, 0)[0])
                continue
            try:
                check_done(kind, body)
            except SftpStatusError as error:
                found.append(to_error(error))
                continue
            raise Garbled("an answer without a handle")
        return found

    def _take_small(self, before: int, read: int, after: int) -> SmallFile | OSError:
        """Take three answers, all of them whatever the first one says."""
        refused: OSError | None = None
        taken: list[Attributes] = []
        data = b""
        for number in (before, read, after):
            try:
                if number == read:
                    data = self._take_data(number, self.chunk)
                else:
                    taken.append(self._attributes(number))
            except SftpStatusError as error:
                refused = refused or to_error(error)
        if refused is not None:
            return refused
        try:
            first, last = (ensure_regular(to_status(it)) for it in taken)
        except RefusedError as error:
            return error
        return SmallFile(first, data, last, len(data) == first.st_size)

    def _names_or_end(self, number: int) -> Rows | OSError | None:
        kind, body = self._take(number)
        if kind == NAME:
            return list(read_names(kind, body))
        if kind == STATUS and status_of(body)[0] == END:
            return None
        try:
            check_done(kind, body)
        except SftpStatusError as error:
            return to_error(error)
        raise Garbled("an answer without names")

    def _one_name(self, number: int) -> bytes:
        kind, body = self._take(number)
        if kind != NAME:
            check_done(kind, body)
        names = [name for name, _ in read_names(kind, body)]
        if len(names) != 1:
            raise Garbled("not one name")
        return names[0]

    def _close_all(self, handles: Sequence[bytes]) -> None:
        for number in [self._send(CLOSE, text(it)) for it in handles]:
            self._take(number)


def to_status(told: Attributes) -> os.stat_result:
    """Give as lstat what SFTP tells: no inode, device or links; the change time is the file's own.

    Raises:
        RefusedError: The server does not say what it is, or when it changed.
    """
    if told.mode is None or told.changed is None or not stat.S_IFMT(told.mode):
        raise RefusedError(0, "the server does not say what it is")
    moment = told.changed * _SECOND
    row = (told.mode, told.uid or 0, told.gid or 0, 1, 0, 0, 0, told.size or 0)
    return make_status((*row, moment, moment, moment))


def to_error(error: SftpStatusError) -> RefusedError:
    """Give what the server said as the error that the system would have given."""
    number = _ERRNOS.get(error.code, 0)
    return RefusedError(number, os.strerror(number) if number else shorten(str(error)))


def ensure_regular(status: os.stat_result) -> os.stat_result:
    """Refuse what took a file's place since we looked."""
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError(0, "it is no regular file any more")
    return status
