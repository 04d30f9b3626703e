"""A folder of a host that gives SFTP and no shell.

SFTP version 3 tells size, mode, owner's numbers and whole seconds: neither inode nor change time.
A file counts as unchanged if size and time are. What cannot be kept is told: see `SftpTree.lost`.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from backup.sources.host_errors import translated
from backup.sources.local.owners import NamedOwners
from backup.sources.local.read import Xattrs, refuse_size
from backup.sources.remote.busybox_tree import ATTRIBUTES
from backup.sources.remote.command_stream import failed
from backup.sources.remote.python_tree import ensure_names, not_there
from backup.sources.remote.sftp_client import (
    ReadingLine,
    RefusedError,
    Rows,
    SmallFile,
    to_error,
    to_status,
)
from backup.sources.remote.tree import (
    Extra,
    Listed,
    ListedFolder,
    Pause,
    Root,
    Take,
    Unlisted,
    Wanted,
)
from backup.stores.sftp.protocol import Garbled, SftpStatusError
from provisioning.ssh.errors import FAILURES, make_cut
from provisioning.ssh.host import SshHost

LOST = (
    ATTRIBUTES,
    "names of owners",
    "hard links: each name is a file of its own",
    "fractions of seconds",
    "a change that keeps size and time is not seen",
    "mounted file systems are not told apart",
)
_DEVICE = "SFTP does not tell which device it is"
_CLOCK_MAY_BE_BEHIND = 300 * 1_000_000_000
_FOLDERS_AT_ONCE = 16
_FILES_AT_ONCE = 32
_PAUSE_ENTRIES = 50_000


@contextmanager
def open_sftp_tree(host: SshHost, path: bytes) -> Iterator["SftpTree"]:
    """Open a folder through the SFTP subsystem.

    Args:
        host: Where; its account needs no shell.
        path: Absolute.

    Raises:
        SourceError: The host does not answer, offers no SFTP, or the path is not there.
    """
    with translated(), host.open_subsystem("sftp") as channel:
        with _answering(host):
            line = ReadingLine(channel)
        yield SftpTree(host, line, path)


@contextmanager
def _answering(host: SshHost) -> Iterator[None]:
    """Say of a line that breaks, or of answers that make no sense, that reading came to no end."""
    with translated():
        try:
            yield
        except Garbled as error:
            words = f"what it sent makes no sense: {error}".encode()
            raise failed(host.name, words, None) from error
        except FAILURES as error:
            raise make_cut(host.target, error) from error


class SftpTree:
    """See `RemoteTree`."""

    lost = LOST
    clock_offset = -_CLOCK_MAY_BE_BEHIND
    """SFTP tells no time: what changed in the last minutes is not trusted to be unchanged."""

    def __init__(self, host: SshHost, line: ReadingLine, path: bytes) -> None:
        """Look at the path.

        Raises:
            SourceError: It is not there.
        """
        self._host = host
        self._line = line
        self.owners = NamedOwners()
        with _answering(host):
            try:
                self._path = line.real_path(path)
                status = line.look(self._path)
            except SftpStatusError as error:
                raise not_there(host.name, path, to_error(error)) from error
            except RefusedError as error:
                raise not_there(host.name, path, error) from error
        self.root = Root(self._path, status, Extra())
        self._listed: dict[bytes, Rows | OSError] = {}

    def _place(self, relative: bytes) -> bytes:
        return self._path.rstrip(b"/") + b"/" + relative if relative else self._path

    def list_all(self) -> Iterator[Listed]:
        """See `RemoteTree`."""
        waiting = [b""] if stat.S_ISDIR(self.root.status.st_mode) else []
        entries = 0
        while waiting:
            path = waiting.pop()
            rows = self._list(path, waiting)
            if isinstance(rows, OSError):
                yield Unlisted(path, rows)
                continue
            folder = self._make_folder(path, rows)
            yield folder
            below = zip(folder.names, folder.stats, strict=True)
            prefix = path + b"/" if path else b""
            waiting += reversed([prefix + it for it, row in below if stat.S_ISDIR(row.st_mode)])
            entries += len(folder.names)
            if entries >= _PAUSE_ENTRIES:
                entries = 0
                yield Pause()

    def _list(self, path: bytes, waiting: Sequence[bytes]) -> Rows | OSError:
        """List a folder, and with it those that come next."""
        if path not in self._listed:
            ahead = [it for it in reversed(waiting[-_FOLDERS_AT_ONCE:]) if it not in self._listed]
            asked = [path, *ahead[: _FOLDERS_AT_ONCE - 1]]
            with _answering(self._host):
                found = self._line.list_many([self._place(it) for it in asked])
            self._listed |= dict(zip(asked, found, strict=True))
        return self._listed.pop(path)

    def _make_folder(self, path: bytes, rows: Rows) -> ListedFolder:
        entries = sorted((name, told) for name, told in rows if name not in {b".", b".."})
        folder = ListedFolder(path, [], [])
        for name, told in entries:
            try:
                folder.stats.append(to_status(told))
                folder.names.append(name)
            except RefusedError as error:
                folder.errors.append((name, error))
        ensure_names(folder.names, len(folder.names))
        self._add_extras(folder)
        return folder

    def _add_extras(self, folder: ListedFolder) -> None:
        links = []
        for name, status in zip(folder.names, folder.stats, strict=True):
            if stat.S_ISLNK(status.st_mode):
                links.append(name)
            elif stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode):
                folder.extras[name] = Extra(error=OSError(0, _DEVICE))
        prefix = folder.path + b"/" if folder.path else b""
        with _answering(self._host):
            targets = self._line.read_links([self._place(prefix + name) for name in links])
        for name, target in zip(links, targets, strict=True):
            is_told = isinstance(target, bytes)
            folder.extras[name] = Extra(target) if is_told else Extra(error=target)  # type: ignore[arg-type]  # one or the other

    def fetch(self, wanted: Sequence[Wanted], take: Take) -> list[os.stat_result | OSError]:
        """See `RemoteTree`."""
        endings: list[os.stat_result | OSError] = []
        while len(endings) < len(wanted):
            start = len(endings)
            batch = self._small_ones(wanted[start : start + _FILES_AT_ONCE])
            if not batch:
                endings.append(self._stream(start, wanted[start], take))
                continue
            asked = [(self._place(it.path), it.status.st_size) for it in batch]
            with _answering(self._host):
                found = self._line.read_small(asked)
            for number, file in enumerate(found, start):
                endings.append(self._end_small(number, wanted[number], file, take))
        return endings

    def _small_ones(self, wanted: Sequence[Wanted]) -> list[Wanted]:
        """Give those at the beginning that fit into one answer each."""
        small = []
        for it in wanted:
            if it.status.st_size >= self._line.chunk:
                break
            small.append(it)
        return small

    def _end_small(
        self, number: int, wanted: Wanted, file: SmallFile | OSError, take: Take
    ) -> os.stat_result | OSError:
        if isinstance(file, OSError):
            return file
        if not file.is_whole:  # it has changed, or the server is sparing with its answers
            return self._stream(number, wanted, take)
        take(number, _Arriving(self._host, file.before, iter([file.data])))
        return file.after

    def _stream(self, number: int, wanted: Wanted, take: Take) -> os.stat_result | OSError:
        path = self._place(wanted.path)
        with _answering(self._host):
            try:
                handle, before = self._line.open_file(path)
            except RefusedError as error:
                return error
            if (refusal := refuse_size(before.st_size)) is not None:
                self._line.close(handle)
                return refusal
        file = _Arriving(self._host, before, self._line.read_ahead(handle, before.st_size))
        take(number, file)
        with _answering(self._host):
            try:
                after = self._line.close_file(handle, path)
            except RefusedError as error:
                return error
        return file.error if file.error is not None and after == before else after

    def finish(self) -> None:
        """Every answer has come already."""


class _Arriving:
    """See `Arriving`.

    Attributes:
        error: Why not all of it came.
    """

    xattrs: Xattrs = ()

    def __init__(self, host: SshHost, before: os.stat_result, pieces: Iterator[bytes]) -> None:
        self.before = before
        self.error: OSError | None = None
        self._host = host
        self._pieces = pieces
        self._data = memoryview(b"")

    def readinto(self, buffer: memoryview) -> int:
        """See `Arriving`."""
        if not self._data:
            self._data = memoryview(self._next())
        count = min(len(buffer), len(self._data))
        buffer[:count] = self._data[:count]
        self._data = self._data[count:]
        return count

    def _next(self) -> bytes:
        with _answering(self._host):
            try:
                return next(self._pieces, b"")
            except RefusedError as error:
                self.error = error
                return b""
