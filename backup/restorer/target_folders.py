"""Folders below the target, reached one name at a time and never through a symbolic link.

A hostile snapshot or a target that somebody has prepared may hold links that lead out of it. Every
folder is therefore opened from the one above it by its single name and with ``O_NOFOLLOW``, which
also lifts the limit on the length of paths.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from backup.errors import BackupError

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_OPEN = 128


class Folders:
    """Open folders below a root. A path is relative, ``/`` between its names; empty: the root.

    Attributes:
        root: Descriptor of the root.
    """

    def __init__(self, root: int) -> None:
        """Take the descriptor of the root, which stays the caller's to close."""
        self.root = root
        self._open: dict[bytes, int] = {}

    def open(self, path: bytes) -> int:
        """Give a descriptor, good until the next call.

        Raises:
            OSError: A part of the path is missing, or no folder (a link is none).
        """
        if not path:
            return self.root
        descriptor = self._open.get(path)
        return self._walk(path) if descriptor is None else descriptor

    def _walk(self, path: bytes) -> int:
        known, descriptor = self._deepest_known(path)
        while len(known) < len(path):
            start = len(known) + 1 if known else 0
            end = path.find(b"/", start)
            end = len(path) if end < 0 else end
            descriptor = os.open(path[start:end], _FLAGS, dir_fd=descriptor)
            known = path[:end]
            self._keep(known, descriptor)
        return descriptor

    def _deepest_known(self, path: bytes) -> tuple[bytes, int]:
        end = len(path)
        while (end := path.rfind(b"/", 0, end)) > 0:
            descriptor = self._open.get(path[:end])
            if descriptor is not None:
                return path[:end], descriptor
        return b"", self.root

    def _keep(self, path: bytes, descriptor: int) -> None:
        if len(self._open) >= _MOST_OPEN:
            oldest = next(iter(self._open))
            os.close(self._open.pop(oldest))
        self._open[path] = descriptor

    def close(self) -> None:
        """Close all but the root."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()


def identity_of(folder: int) -> tuple[int, int]:
    """Give device and inode of an open folder."""
    status = os.fstat(folder)
    return status.st_dev, status.st_ino


def open_same(path: bytes, identity: tuple[int, int]) -> int:
    """Open a folder that another process has open, by its path; the caller closes it.

    Raises:
        OSError: It is not there any more, or another one is.
    """
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    if identity_of(folder) != identity:
        os.close(folder)
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
    return folder


def refuse_planted(path: bytes, folder: int) -> None:
    """Refuse a folder that was reached through one of somebody else's in a folder for everybody.

    As Linux has it for links and files (fs.protected_symlinks, fs.protected_regular): in a folder
    like /tmp whoever is first has a name, and would get what is written under it.

    Args:
        path: By which it was opened.
        folder: Its descriptor.

    Raises:
        OSError: It was, or another folder is there now.
    """
    real = os.path.realpath(path)
    above = os.stat(b"/")
    for end in [at for at, byte in enumerate(real + b"/") if byte == ord("/")][1:]:
        here = os.stat(real[:end])
        is_shared = above.st_mode & stat.S_ISVTX and above.st_mode & 0o022
        if is_shared and here.st_uid not in {0, os.geteuid()}:
            raise OSError(errno.EPERM, "somebody else made it in a folder that is for everybody")
        above = here
    if (above.st_dev, above.st_ino) != identity_of(folder):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))


def cannot_restore_into(target: bytes, error: OSError) -> BackupError:
    """Make the error for a target that cannot be opened."""
    return BackupError(
        "cannot restore into {path}",
        why="{cause}",
        data="nothing was changed",
        next_step="choose a folder that can be written",
        path=target.decode("utf-8", "backslashreplace"),
        cause=error.strerror or str(error),
    )


def split_path(path: bytes) -> tuple[bytes, bytes]:
    """Split a relative path into its folder and its last name."""
    folder, _, name = path.rpartition(b"/")
    return folder, name


def join_path(folder: bytes, name: bytes) -> bytes:
    """Give the relative path of an entry."""
    return folder + b"/" + name if folder else name


def lstat_entry(folder: int, name: bytes) -> os.stat_result | None:
    """Look at an entry without following it; None if it is not there."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def list_names(folder: int) -> list[bytes]:
    """List an open folder."""
    return [os.fsencode(name) for name in os.listdir(folder)]


def remove_entry(folder: int, name: bytes) -> None:
    """Remove an entry with all that is below it; links are removed, not followed.

    Raises:
        OSError: Something could not be removed.
    """
    existing = lstat_entry(folder, name)
    if existing is None:
        return
    if not stat.S_ISDIR(existing.st_mode):
        os.unlink(name, dir_fd=folder)
        return
    with _opened(name, folder) as root:
        _empty_folder(root)
    os.rmdir(name, dir_fd=folder)


@contextmanager
def _opened(name: bytes, folder: int) -> Iterator[int]:
    descriptor = os.open(name, _FLAGS, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _empty_folder(root: int) -> None:
    """Remove everything in an open folder, however deep: one descriptor at a time is open."""
    folders = Folders(root)
    try:
        waiting = [b""]
        while waiting:
            path = waiting[-1]
            below = _remove_files(folders.open(path))
            if below:
                waiting += [join_path(path, name) for name in below]
                continue
            waiting.pop()
            if path:
                parent, name = split_path(path)
                os.rmdir(name, dir_fd=folders.open(parent))
    finally:
        folders.close()


def _remove_files(folder: int) -> list[bytes]:
    """Remove all that is no folder, and give the names of the folders left."""
    below = []
    for name in list_names(folder):
        existing = lstat_entry(folder, name)
        if existing is not None and stat.S_ISDIR(existing.st_mode):
            below.append(name)
        elif existing is not None:
            os.unlink(name, dir_fd=folder)
    return below
