"""Files and folders of a storage root: written once, then read-only, made durable together."""

import ctypes
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from archive.errors import ArchiveError, StorageFullError

FILE_MODE = 0o444
FOLDER_MODE = 0o555
OPEN_FOLDER_MODE = 0o755
PIECE = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE; source: linux/fs.h
_FULL = {errno.ENOSPC, errno.EDQUOT}


class Digests:
    """SHA-512 and SHA-256 of what is fed to it, in one pass."""

    def __init__(self) -> None:
        self._sha512, self._sha256 = hashlib.sha512(), hashlib.sha256()
        self.size = 0

    def update(self, data: bytes) -> None:
        """Take more bytes."""
        self._sha512.update(data)
        self._sha256.update(data)
        self.size += len(data)

    @property
    def sha512(self) -> str:
        """So far."""
        return self._sha512.hexdigest()

    @property
    def sha256(self) -> str:
        """So far."""
        return self._sha256.hexdigest()


def digest_of(source: bytes | Path) -> Digests:
    """Give the digests of bytes, or of a file that is read in pieces."""
    digests = Digests()
    if isinstance(source, bytes):
        digests.update(source)
    else:
        with source.open("rb") as file:
            while data := file.read(PIECE):
                digests.update(data)
    return digests


def write_file(path: str, data: bytes) -> None:
    """Write a new read-only file; the caller makes it durable."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
    finally:
        os.close(handle)


def copy_file(source: BinaryIO, path: str) -> Digests:
    """Copy a stream to a new read-only file; gives the digests of what was written."""
    digests = Digests()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(handle, "wb", buffering=0) as file:
        while data := source.read(PIECE):
            digests.update(data)
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
    return digests


def open_plain(path: Path) -> BinaryIO:
    """Open a plain file for reading; links are not followed, and nothing waits for a pipe.

    Raises:
        OSError: There is none, or it is no plain file.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a plain file", str(path))
    return os.fdopen(handle, "rb", buffering=0)


def read_small(path: Path, limit: int) -> bytes:
    """Give the bytes of a plain file, so many at most and one more.

    Raises:
        OSError: There is none, or it is no plain file, or the disk cannot give it.
    """
    with open_plain(path) as file:
        return read_most(file, limit)


def read_most(file: BinaryIO, limit: int) -> bytes:
    """Give the bytes of a stream, so many at most and one more."""
    pieces, left = [], limit + 1
    while left and (data := file.read(min(left, PIECE))):
        pieces.append(data)
        left -= len(data)
    return b"".join(pieces)


def make_durable(folder: Path) -> None:
    """Make durable whatever was written on the file system of a folder, names included.

    One call for many small files (`syncfs(2)`; since Linux 5.8 it tells of failed writes).

    Raises:
        OSError: The file system says that something was not written.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _libc.syncfs(handle):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(folder))
    finally:
        os.close(handle)


def exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; says whether the file system can do that.

    Raises:
        OSError: It can, and did not.
    """
    paths = (os.fsencode(one), os.fsencode(other))
    if not _libc.renameat2(_HERE, paths[0], _HERE, paths[1], _EXCHANGE):
        return True
    code = ctypes.get_errno()
    if code in {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}:
        return False
    raise OSError(code, os.strerror(code), str(other))


def forget_pages(folder: Path) -> None:
    """Let the kernel forget what it keeps in memory of the files below a folder.

    What is read next comes from the disk. Only what is durable is forgotten; advice to a file that
    cannot be opened is left out, as whoever reads it will be told.
    """
    for place, _folders, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                handle = os.open(f"{place}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(handle)


def remove_tree(folder: Path) -> None:
    """Remove a folder of ours, read-only ones within included; none is fine.

    Whatever else has that name is removed itself: a link is not followed, here or within.
    """
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink(missing_ok=True)
        return
    folder.chmod(OPEN_FOLDER_MODE)
    with os.scandir(folder) as entries:
        inside = [(it.name, it.is_dir(follow_symlinks=False)) for it in entries]
    for name, is_folder in inside:
        if is_folder:
            remove_tree(folder / name)
        else:
            os.unlink(f"{folder}/{name}")  # noqa: PTH108 - millions of them
    folder.rmdir()


@contextmanager
def told_of_storage(place: Path) -> Iterator[None]:
    """Turn what a file system refuses into an error that people understand.

    Raises:
        StorageFullError: No room is left.
        ArchiveError: Anything else.
    """
    try:
        yield
    except OSError as error:
        kind = StorageFullError if error.errno in _FULL else ArchiveError
        raise kind(
            "the archive at {place} could not be written",
            why="{reason}",
            data="what was archived before is untouched; nothing half-written stays",
            next_step="make room or mend the disk, then run the same command again",
            place=place,
            reason=error.strerror or str(error),
        ) from error
