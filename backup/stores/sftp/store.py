"""A store in a folder of an SFTP server.

Crash-safe order of a write:

1. Make the folders on the way that are missing, for the account alone (0700).
2. Create a temporary file in the object's own folder, read-only from birth (0400) and under a
   hidden name, which no key can have and `list` passes over.
3. Write every byte, many requests at a time.
4. fsync the file (`fsync@openssh.com`), then compare its length with that of the data.
5. Rename it to its own name. SFTP's plain rename fails if the name is taken: OpenSSH links and
   unlinks. (`posix-rename@openssh.com` would replace what is there, and is not used.)
6. fsync the file once more: on a journaling file system that makes its name durable, too.

A server without the fsync extension gets no 4 and 6; `durability` then says "not confirmed", and
after a crash of the server `check` tells what is missing.

A delete is not made durable: SFTP has no fsync of a folder. A journaling file system keeps the
order of deletes and writes, so a crash of the server may undo the last deletes, and no others.
"""

import contextlib
import posixpath
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Literal

from backup.errors import (
    ObjectExistsError,
    ObjectNotFoundError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
)
from backup.stores.base import Buffer, ObjectInfo, ensure_listable, validate_key
from backup.stores.durable_write import TEMPORARY_PREFIX
from backup.stores.sftp.connections import SftpLines
from backup.stores.sftp.errors import translated
from backup.stores.sftp.protocol import (
    ABSENT,
    FAILED,
    FOR_NEW,
    FSYNC,
    Attributes,
    SftpLine,
    SftpStatusError,
)
from backup.stores.sftp.settings import SftpSettings

_CANNOT_LIST = "cannot list {key} in {place}"
_CANNOT_READ = "cannot read {key} from {place}"
_CANNOT_WRITE = "cannot write {key} to {place}"
_CANNOT_DELETE = "cannot delete {key} from {place}"
_TEMPORARY_MAX_AGE = timedelta(days=1)


class SftpStore:
    """Objects are files below one folder; a key is a relative path."""

    def __init__(self, settings: SftpSettings) -> None:
        """Take the folder; the first call connects, and the first write makes the folder."""
        self.settings = settings
        self._lines = SftpLines(settings)
        self._root = settings.path.encode("utf-8", "surrogateescape")

    @property
    def location(self) -> str:
        """The store's URL."""
        return self.settings.place

    @property
    def durability(self) -> Literal["confirmed", "not confirmed"]:
        """Whether the server says that bytes are on its disk before a write counts as done.

        Raises:
            StoreError: It was not reached.
        """
        with self._translated(_CANNOT_READ, ""), self._lines.take() as line:
            return "confirmed" if FSYNC in line.extensions else "not confirmed"

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `Store.list`. Leaves out what vanishes meanwhile and files whose name is no key."""
        if prefix:
            validate_key(prefix)
        return self._walk(prefix)

    def size(self, key: str) -> int:
        """See `Store.size`."""
        path = self._path(key)
        with self._translated(_CANNOT_READ, key), self._lines.take() as line:
            attributes = line.stat(path)
        if not stat.S_ISREG(attributes.mode or 0):
            raise self._not_found(key)
        return attributes.size or 0

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `Store.read`."""
        path = self._path(key)
        with self._translated(_CANNOT_READ, key), self._lines.take() as line:
            return line.read_range(path, offset, length)[1]

    def write(self, key: str, data: Buffer) -> None:
        """See `Store.write`; the order of its steps is in this module's docstring."""
        path = self._path(key)
        view = memoryview(data).cast("B")
        with self._translated(_CANNOT_WRITE, key), self._lines.take() as line:
            temporary = posixpath.dirname(path) + self._temporary_name()
            handle = self._create(line, temporary)
            try:
                self._fill(line, handle, view, key)
                self._publish(line, handle, temporary, path, key)
            except (StoreError, SftpStatusError):
                with contextlib.suppress(SftpStatusError):
                    line.close(handle)
                with contextlib.suppress(SftpStatusError):
                    line.remove(temporary)
                raise

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        path = self._path(key)
        with self._translated(_CANNOT_DELETE, key), self._lines.take() as line:
            try:
                line.remove(path)
            except SftpStatusError as error:
                if error.code == FAILED and not _is_file(line, path):
                    raise self._not_found(key) from error
                raise

    def sweep(
        self,
        older_than: timedelta = _TEMPORARY_MAX_AGE,
        *,
        now: Callable[[], float] = time.time,
    ) -> int:
        """Remove temporary files of writers that died, and give their number.

        Args:
            older_than: Files changed more lately than this stay.
            now: Seconds since the epoch, as the server's clock has it.
        """
        latest, removed = now() - older_than.total_seconds(), 0
        waiting = [self._root]
        with self._translated(_CANNOT_DELETE, ""), self._lines.take() as line:
            while waiting:
                folder = waiting.pop()
                for name, attributes in _entries(line, folder, self.location):
                    path = folder + b"/" + name
                    if stat.S_ISDIR(attributes.mode or 0):
                        waiting.append(path)
                    elif name.startswith(TEMPORARY_PREFIX.encode()):
                        old = attributes.changed is not None and attributes.changed < latest
                        removed += old and _remove(line, path)
        return removed

    def close(self) -> None:
        """Close the connections; the store may be used again."""
        self._lines.close()

    def _create(self, line: SftpLine, temporary: bytes) -> bytes:
        try:
            return line.open(temporary, FOR_NEW, 0o400)
        except SftpStatusError as error:
            if error.code != ABSENT:
                raise
        self._make_folders(line, posixpath.dirname(temporary))
        return line.open(temporary, FOR_NEW, 0o400)

    def _make_folders(self, line: SftpLine, folder: bytes) -> None:
        missing = []
        while folder not in {b"", b"/", b"."} and not _is_there(line, folder):
            missing.append(folder)
            folder = posixpath.dirname(folder)
        for path in reversed(missing):
            try:
                line.make_folder(path, 0o700)
            except SftpStatusError:
                if not _is_there(line, path):  # else another writer was faster
                    raise

    def _fill(self, line: SftpLine, handle: bytes, view: memoryview, key: str) -> None:
        try:
            written = line.write_all(handle, view, sync=FSYNC in line.extensions)
        except SftpStatusError as error:
            if error.code == FAILED:
                self._refuse_without_room(line, key)
            raise
        if written.size != len(view):
            raise SftpStatusError(FAILED, "it keeps another number of bytes than were sent")

    def _refuse_without_room(self, line: SftpLine, key: str) -> None:
        """Say it if a write failed because there is no room: the server itself says "Failure"."""
        room = line.room(self._root)
        if room is None:
            return
        if room.read_only:
            raise StoreReadOnlyError(
                _CANNOT_WRITE,
                why="the server's file system is mounted read-only",
                data="what was stored before is untouched",
                next_step="look at the disk of the server",
                key=key,
                place=self.location,
            )
        if not room.free_blocks or not room.free_files:
            raise StoreFullError(
                "no room is left in {place}",
                why="{key} could not be written; the server says that nothing is free there",
                data="what was stored before is as it was; what this run had stored already takes"
                " room until a prune removes it",
                next_step="free some room there, then run the same command again",
                key=key,
                place=self.location,
            )

    def _publish(
        self, line: SftpLine, handle: bytes, temporary: bytes, path: bytes, key: str
    ) -> None:
        try:
            line.publish(handle, temporary, path, sync=FSYNC in line.extensions)
        except SftpStatusError as error:
            if not _is_there(line, path):
                raise
            raise ObjectExistsError(
                "{key} is already in {location}",
                why="objects are written once",
                data="the stored object was left as it was",
                key=key,
                location=self.location,
            ) from error

    def _walk(self, prefix: str) -> Iterator[ObjectInfo]:
        waiting = [prefix]
        count = 0
        while waiting:
            folder = waiting.pop()
            path = self._root + (b"/" + folder.encode() if folder else b"")
            with self._translated(_CANNOT_LIST, folder), self._lines.take() as line:
                entries = _entries(line, path, self.location)
            count += len(entries)
            ensure_listable(count, self.location)
            for name, attributes in filter(lambda it: _is_key_part(it[0]), entries):
                key = f"{folder}/{name.decode()}" if folder else name.decode()
                if stat.S_ISDIR(attributes.mode or 0):
                    waiting.append(key)
                elif stat.S_ISREG(attributes.mode or 0):
                    yield ObjectInfo(key, attributes.size or 0)

    def _path(self, key: str) -> bytes:
        return self._root + b"/" + validate_key(key).encode()

    @staticmethod
    def _temporary_name() -> bytes:
        return f"/{TEMPORARY_PREFIX}{secrets.token_hex(8)}".encode()

    def _not_found(self, key: str) -> ObjectNotFoundError:
        return ObjectNotFoundError("{key} is not in {place}", key=key, place=self.location)

    def _translated(self, what: str, key: str) -> contextlib.AbstractContextManager[None]:
        return translated(what, key=key or "/", settings=self.settings)


def _entries(line: SftpLine, path: bytes, location: str) -> list[tuple[bytes, Attributes]]:
    """Give what a folder holds; nothing if it is none."""
    found = []
    try:
        with contextlib.closing(line.list_folder(path)) as entries:
            for seen, entry in enumerate(entries):
                ensure_listable(seen, location)
                found.append(entry)
    except SftpStatusError as error:
        if error.code == ABSENT:
            return []
        raise
    return [it for it in found if it[0] not in {b".", b".."}]


def _is_key_part(name: bytes) -> bool:
    try:
        validate_key(name.decode("ascii"))
    except (StoreError, UnicodeDecodeError):
        return False
    return b"/" not in name


def _is_there(line: SftpLine, path: bytes) -> bool:
    try:
        line.stat(path)
    except SftpStatusError as error:
        if error.code == ABSENT:
            return False
        raise
    return True


def _is_file(line: SftpLine, path: bytes) -> bool:
    try:
        return stat.S_ISREG(line.stat(path).mode or 0)
    except SftpStatusError:
        return False


def _remove(line: SftpLine, path: bytes) -> bool:
    try:
        line.remove(path)
    except SftpStatusError:
        return False
    return True
