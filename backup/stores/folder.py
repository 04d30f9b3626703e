"""A store in a folder of this machine, or of anything that is mounted here.

Crash-safe order of a write. A process killed or power lost after any step leaves no object or a
whole one, never a part:

1. Make the folders on the way that are missing, for their owner alone (0700).
2. Create a temporary file in the object's own folder, read-only from birth (0400) and under a
   hidden name, which no key can have and `list` passes over.
3. Write every byte, then compare the file's length with the length of the data.
4. fsync the file.
5. Link it to its own name, which fails if that name is taken; drop the temporary name.
6. fsync the folder.
7. fsync the parents of folders that this process meets for the first time, whoever made them.
   This comes last because step 4 has usually made them durable on the way, so it costs nothing.

If 6 or 7 fail, the object is withdrawn, so that nobody takes it for a durable one.
A delete removes the name and then does step 6.

Step 5 links because Python has no `renameat2(RENAME_NOREPLACE)` and a plain rename replaces. A file
system without hard links (FAT, some network mounts) gets "is the name free?" and then a rename; two
processes that write one key at the same instant could replace each other there, and only there.
"""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from backup.errors import (
    ObjectExistsError,
    ObjectNotFoundError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
)
from backup.stores.base import Buffer, ObjectInfo, ensure_listable, validate_key
from backup.stores.durable_write import (
    TEMPORARY_PREFIX,
    parent,
    publish,
    settle,
    sync_folder,
    temporary_file,
)

_TEMPORARY_MAX_AGE = timedelta(days=1)

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_IMPOSSIBLE = frozenset(
    {errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EFBIG, errno.EINVAL}
)

_CANNOT_LIST = "cannot list {key!r} in {location}"
_CANNOT_READ = "cannot read {key} in {location}"
_CANNOT_WRITE = "cannot write {key} to {location}"
_CANNOT_DELETE = "cannot delete {key} in {location}"


class FolderStore:
    """Objects are files below one folder; a key is a relative path.

    May be pickled, e.g. for a worker process. Symbolic links are followed: who may put one into the
    folder may change everything in it anyway.
    """

    def __init__(self, path: str | Path) -> None:
        """Take the folder `path`; the first write creates it if it is missing."""
        self._root = "/" + str(Path(path).absolute()).lstrip("/")
        self._settled = {"/"}

    def __reduce__(self) -> tuple[type["FolderStore"], tuple[str]]:
        return FolderStore, (self._root,)

    @property
    def location(self) -> str:
        """The absolute path of the folder."""
        return self._root

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `Store.list`. Leaves out what vanishes meanwhile and files whose name is no key."""
        if prefix:
            validate_key(prefix)
        return self._walk(prefix)

    def size(self, key: str) -> int:
        """See `Store.size`."""
        try:
            status = os.stat(self._path(key))
        except OSError as error:
            raise self._translate(error, _CANNOT_READ, key) from error
        if not stat.S_ISREG(status.st_mode):
            raise self._not_found(key)
        return status.st_size

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `Store.read`."""
        try:
            descriptor = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise self._not_found(key)
                there = max(0, status.st_size - offset)
                wanted = there if length is None else min(length, there)
                return _read_range(descriptor, offset, wanted)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._translate(error, _CANNOT_READ, key) from error

    def write(self, key: str, data: Buffer) -> None:
        """See `Store.write`; the order of its steps is in this module's docstring."""
        path = self._path(key)
        folder = parent(path)
        try:
            unsettled = self._make_folders(folder)
            with temporary_file(folder, data) as temporary:
                publish(temporary, path)
            settle(path, unsettled)
            self._settled.update(unsettled)
        except FileExistsError as error:
            raise ObjectExistsError(
                "{key} is already in {location}",
                why="objects are written once",
                data="the stored object was left as it was",
                key=key,
                location=self.location,
            ) from error
        except FileNotFoundError as error:
            # A folder that was there a moment ago is gone; the next attempt makes it again.
            self._settled = {"/"}
            raise self._unavailable(error, _CANNOT_WRITE, key) from error
        except OSError as error:
            raise self._translate_write(error, key) from error

    def delete(self, key: str) -> None:
        """See `Store.delete`. With many keys use threads: the disk then syncs several at once."""
        path = self._path(key)
        try:
            try:
                Path(path).unlink()
            finally:
                # Even if the name is gone: an earlier attempt may have failed just here.
                sync_folder(parent(path))
        except OSError as error:
            raise self._translate(error, _CANNOT_DELETE, key) from error

    def sweep(
        self,
        *,
        older_than: timedelta = _TEMPORARY_MAX_AGE,
        now: Callable[[], float] = time.time,
    ) -> int:
        """Remove temporary files of writers that died, and give their number.

        A living writer is done with its file in moments, so age tells them apart. Should a jump of
        the clock make a living one look old, its write fails as unavailable and can be repeated.

        Args:
            older_than: Files changed more lately than this stay.
            now: Seconds since the epoch.
        """
        latest = now() - older_than.total_seconds()
        return sum(
            _remove_if_older(Path(folder, name), latest)
            for folder, _, names in os.walk(self._root)
            for name in names
            if name.startswith(TEMPORARY_PREFIX)
        )

    def _path(self, key: str) -> str:
        return f"{self._root}/{validate_key(key)}"

    def _walk(self, prefix: str) -> Iterator[ObjectInfo]:
        waiting = [prefix]
        count = 0
        while waiting:
            folder = waiting.pop()
            try:
                entries = _list_folder(f"{self._root}/{folder}")
            except OSError as error:
                raise self._translate(error, _CANNOT_LIST, folder) from error
            count += len(entries)
            ensure_listable(count, self._root)
            for name, size in entries:
                key = f"{folder}/{name}" if folder else name
                if size is None:
                    waiting.append(key)
                else:
                    yield ObjectInfo(key, size)

    def _make_folders(self, folder: str) -> tuple[str, ...]:
        """Make what is missing down to `folder`.

        Returns:
            The folders whose own entry may not be durable yet, deepest first.
        """
        unsettled = []
        while folder not in self._settled:
            if len(folder) < len(self._root) and Path(folder).is_dir():
                break
            unsettled.append(folder)
            folder = parent(folder)
        for missing in reversed(unsettled):
            with contextlib.suppress(FileExistsError):
                Path(missing).mkdir(mode=0o700)
        return tuple(unsettled)

    def _translate(self, error: OSError, what: str, key: str) -> StoreError:
        if error.errno in _ABSENT:
            return self._not_found(key)
        if error.errno in _FORBIDDEN | _IMPOSSIBLE:
            return self._refused(error, what, key)
        return self._unavailable(error, what, key)

    def _translate_write(self, error: OSError, key: str) -> StoreError:
        if error.errno in _FULL:
            return StoreFullError(
                "no room is left in {location}",
                why="{key} could not be written; free on that disk: {free}, or the quota is used"
                " up",
                data="what was stored before is as it was; what this run had stored already takes"
                " room until a prune removes it",
                next_step="free some room or enlarge the disk, then run the same command again",
                key=key,
                location=self.location,
                free=_tell_free(self._root),
            )
        if error.errno in _FORBIDDEN | _IMPOSSIBLE:
            return self._refused(error, _CANNOT_WRITE, key)
        return self._unavailable(error, _CANNOT_WRITE, key)

    def _not_found(self, key: str) -> ObjectNotFoundError:
        return ObjectNotFoundError("{key} is not in {location}", key=key, location=self.location)

    def _refused(self, error: OSError, what: str, key: str) -> StoreError:
        next_step = ""
        if error.errno in _FORBIDDEN:
            next_step = "check who owns {location} and whether it is mounted read-only"
        kind = StoreReadOnlyError if error.errno == errno.EROFS else StoreError
        return kind(
            what,
            why="{reason}",
            next_step=next_step,
            key=key,
            location=self.location,
            reason=os.strerror(error.errno or 0),
        )

    def _unavailable(self, error: OSError, what: str, key: str) -> StoreUnavailableError:
        return StoreUnavailableError(
            what,
            why="{reason}",
            next_step="check the disk or the mount below {location}, then try again",
            key=key,
            location=self.location,
            reason=error.strerror or str(error),
        )


def _tell_free(path: str) -> str:
    """Give how much room the file system has for us; a dash where it does not say."""
    try:
        room = os.statvfs(path)
    except OSError:
        return "–"
    return f"{room.f_bavail * room.f_frsize >> 20} MiB"


def _list_folder(path: str) -> list[tuple[str, int | None]]:
    """Give (name, size in bytes, or None for a folder) of all entries that a key may name.

    The folder is read to its end first, so that a caller may delete what it is given.
    """
    try:
        with os.scandir(path) as entries:
            named = [entry for entry in entries if _is_key_part(entry.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    found: list[tuple[str, int | None]] = []
    for entry in named:
        with contextlib.suppress(FileNotFoundError):
            if entry.is_dir():
                found.append((entry.name, None))
            elif entry.is_file():
                found.append((entry.name, entry.stat().st_size))
    return found


def _is_key_part(name: str) -> bool:
    try:
        validate_key(name)
    except StoreError:
        return False
    return True


def _read_range(descriptor: int, offset: int, length: int) -> bytes:
    """Read until all is there or the file ends; one call, and no copy, in all but odd cases."""
    data = os.pread(descriptor, length, offset)
    while len(data) < length:
        more = os.pread(descriptor, length - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


def _remove_if_older(path: Path, latest: float) -> bool:
    """Remove a file last changed before `latest`, in seconds since the epoch."""
    with contextlib.suppress(FileNotFoundError):
        if path.lstat().st_mtime < latest:
            path.unlink()
            return True
    return False
