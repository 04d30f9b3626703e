"""Steps of writing a file so that it is whole and durable under its name, or not there at all.

Their order, and why, is told in `backup.stores.folder`:

1. `temporary_file`: a hidden file in the same folder, written to the last byte and fsynced.
2. `publish`: its own name, never replacing another file.
3. `settle`: the fsync of the folder, and of what leads to it; or the file is withdrawn.
"""

import contextlib
import errno
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

from backup.direct_io import write_directly
from backup.stores.base import Buffer

TEMPORARY_PREFIX = ".giucong-tmp-"

_NO_HARD_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_NO_FOLDER_FSYNC = frozenset({errno.EINVAL, errno.EOPNOTSUPP})

_LEAST_DIRECT = 1 << 20

_renaming = threading.Lock()


@contextlib.contextmanager
def temporary_file(folder: str, data: Buffer) -> Iterator[str]:
    """Give the path of a durable file with `data`; its temporary name is gone afterwards."""
    path = f"{folder}/{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o400)
    try:
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        yield path
    finally:
        with contextlib.suppress(OSError):
            Path(path).unlink()


def write_all(descriptor: int, data: Buffer) -> None:
    """Write every byte, without copying any, however little the system takes at a time.

    Big data in page-aligned memory goes to the disk directly where the file system can: it would
    only push the sites' own files out of the machine's page cache, at some cost.

    Raises:
        OSError: EIO if the file then has another length; else as the system says.
    """
    view = memoryview(data).cast("B")
    done = write_directly(descriptor, view, 0) if len(view) >= _LEAST_DIRECT else 0
    if done:
        os.lseek(descriptor, done, os.SEEK_SET)
    while done < len(view):
        done += os.write(descriptor, view[done:])
    if os.fstat(descriptor).st_size != len(view):
        raise OSError(errno.EIO, "the file has not the length that was written")


def publish(temporary: str, path: str) -> None:
    """Give a durable file its own name.

    Raises:
        FileExistsError: The name is taken.
        OSError: The file system failed.
    """
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        rename_if_free(temporary, path)


def rename_if_free(temporary: str, path: str) -> None:
    """Rename where there are no hard links; safe against other threads, not other processes."""
    with _renaming:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        Path(temporary).rename(path)


def settle(path: str, unsettled: tuple[str, ...]) -> None:
    """Make the name `path`, and those of the folders on the way, durable; or withdraw the file."""
    try:
        sync_folder(parent(path))
        for folder in unsettled:
            # A store may lie in a folder that its owner may pass through but not open.
            with contextlib.suppress(PermissionError):
                sync_folder(parent(folder))
    except OSError:
        with contextlib.suppress(OSError):
            Path(path).unlink()
        raise


def sync_folder(path: str) -> None:
    """Make the names in one folder durable, where the file system knows how."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_FSYNC:
            raise
    finally:
        os.close(descriptor)


def parent(path: str) -> str:
    """Give the folder of an absolute path."""
    return path.rpartition("/")[0] or "/"
