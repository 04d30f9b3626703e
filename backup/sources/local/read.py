"""Reading files of this machine as they are: small ones whole, with what is odd about them.

What lies in a folder of this machine: names and what lstat says of each.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import NamedTuple

# Files up to this size are one blob, read by a worker; bigger ones are cut by the parent.
LARGEST_SMALL_FILE = 512 << 10
# One that grew beyond this meanwhile is left to the parent too: it must be cut.
_LARGEST_GROWN = 8 << 20
_OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Anybody may make a file of 16 TiB on ext4, of eight exbibytes on XFS, which costs nothing there.
LARGEST_FILE = 8 << 40
# Of one entry: a thousand ordinary ones. XFS holds 600 MB with one file, and trees hold them whole.
MOST_ATTRIBUTE_BYTES = 1 << 20
# What the kernel takes in one call, its own limit being 4096 bytes.
_LONGEST_PATH = 4000
_ROUNDS = 3
_NO_XATTRS = (errno.ENOTSUP, errno.ENODATA, errno.EPERM, errno.EACCES)

Xattrs = tuple[tuple[str, bytes], ...]


class OddFile(NamedTuple):
    """What is not as expected of a file, apart from its id.

    Attributes:
        error: errno and text, where it could not be read.
        size: Bytes read, where they are not as many as lstat said; -1 otherwise.
        has_grown: It became too big for one blob; nothing was stored.
        xattrs: Extended attributes.
    """

    error: tuple[int, str] | None = None
    size: int = -1
    has_grown: bool = False
    xattrs: Xattrs = ()


def read_files(
    folder: bytes, files: Sequence[tuple[bytes, int]]
) -> Iterable[tuple[bytes, OddFile | None]]:
    """Read small files of one folder; yields (bytes, what is odd) in their order."""
    try:
        descriptor = open_folder(folder)
    except OSError as error:
        text = (error.errno or 0, error.strerror or str(error))
        for _ in files:
            yield b"", OddFile(error=text)
        return
    try:
        for name, size in files:
            yield _read_file(descriptor, name, size)
    finally:
        os.close(descriptor)


def _read_file(folder: int, name: bytes, size: int) -> tuple[bytes, OddFile | None]:
    try:
        descriptor = open_file(folder, name)
    except OSError as error:
        return b"", OddFile(error=(error.errno or 0, error.strerror or str(error)))
    try:
        data = os.read(descriptor, size + 1)
        xattrs = read_xattrs(descriptor)
        if len(data) == size and not xattrs:
            return data, None
        if len(data) != size:
            ensure_regular(descriptor)
            data = _read_until_steady(descriptor)
            if len(data) > _LARGEST_GROWN:
                return b"", OddFile(has_grown=True, xattrs=xattrs)
            return data, OddFile(size=len(data), xattrs=xattrs)
        return data, OddFile(xattrs=xattrs)
    except OSError as error:
        return b"", OddFile(error=(error.errno or 0, error.strerror or str(error)))
    finally:
        os.close(descriptor)


def _read_until_steady(descriptor: int) -> bytes:
    """Read a file whose size is not what it was, until two looks agree or we have tried enough."""
    data = b""
    for _ in range(_ROUNDS):
        before = os.fstat(descriptor)
        data = _read_all(descriptor)
        after = os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
            break
    return data


def _read_all(descriptor: int) -> bytes:
    pieces = []
    at = 0
    while at <= _LARGEST_GROWN:
        piece = os.pread(descriptor, _LARGEST_GROWN + 1 - at, at)
        if not piece:
            break
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)


def open_file(folder: int, name: bytes) -> int:
    """Open a file below an open folder for reading, without following a link or waiting.

    The access time is left alone where we may (owner or root).
    """
    try:
        return os.open(name, _OPEN_FLAGS | os.O_NOATIME, dir_fd=folder)
    except PermissionError:
        return os.open(name, _OPEN_FLAGS, dir_fd=folder)


def ensure_regular(descriptor: int) -> None:
    """Refuse what took a file's place since we looked: a pipe or a device may never end.

    Raises:
        OSError: It is no regular file.
    """
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(0, "it is no regular file any more")


def open_folder(path: bytes) -> int:
    """Open a folder by its path, which may be longer than the kernel's PATH_MAX."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    if len(path) < _LONGEST_PATH:
        return os.open(path, flags | os.O_NOFOLLOW)
    first, *rest = _split_path(path)
    descriptor = os.open(first, flags)
    for piece in rest:
        # As in a short path, only the last name must not be a link.
        last = os.O_NOFOLLOW if piece is rest[-1] else 0
        try:
            deeper = os.open(piece, flags | last, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = deeper
    return descriptor


def _split_path(path: bytes) -> list[bytes]:
    """Cut a path at slashes into pieces that the kernel takes."""
    pieces = []
    while len(path) >= _LONGEST_PATH:
        at = path.rindex(b"/", 0, _LONGEST_PATH)
        pieces.append(path[:at])
        path = path[at + 1 :]
    return [*pieces, path]


def read_xattrs(file: int | bytes) -> Xattrs:
    """Read all extended attributes of an open file or a path (not followed), in kernel order.

    Raises:
        OSError: They cannot be read, though the file system has them, or are too large.
    """
    follow = isinstance(file, int)
    try:
        names = os.listxattr(file, follow_symlinks=follow)
    except OSError as error:
        if error.errno in _NO_XATTRS:
            return ()
        raise
    pairs, total = [], 0
    for name in names:
        with suppress(OSError):  # removed since, or not for us to read (security.*, trusted.*)
            pairs.append((name, os.getxattr(file, name, follow_symlinks=follow)))
            total += len(os.fsencode(name)) + len(pairs[-1][1])
        if total > MOST_ATTRIBUTE_BYTES:
            raise OSError(errno.E2BIG, "its extended attributes are too large")
    return tuple(pairs)


def refuse_size(size: int) -> OSError | None:
    """Give why a file of so many bytes is not saved; None where it is."""
    if size <= LARGEST_FILE:
        return None
    return OSError(errno.EFBIG, "it is larger than any file that is saved")


Listed = tuple[bytes, os.stat_result]


def list_folder(descriptor: int, failed: Callable[[bytes, OSError], None]) -> list[Listed]:
    """List an open folder, ascending by raw name; what is gone before it is looked at is left out.

    Args:
        descriptor: Of the folder.
        failed: Told of each entry that cannot be looked at, and of the folder itself as b"".
    """
    found: list[Listed] = []
    encode = os.fsencode
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                try:
                    found.append((encode(entry.name), entry.stat(follow_symlinks=False)))
                except FileNotFoundError:
                    continue
                except OSError as error:  # a dead network mount, say
                    failed(encode(entry.name), error)
    except OSError as error:
        failed(b"", error)
    found.sort(key=itemgetter(0))
    return found
