"""Files that are not whole yet: how they are named, held, and removed when their restore is dead.

Whoever writes such a file holds a lock (``flock``) on it as long as it has this name. The system
lets go of the lock when the process ends, however it ends; so a file that can be locked is a
leftover. What cannot be locked (a link, a device, a further name of a whole file, a file system
without locks) is one when it has not changed for some hours.
"""

import errno
import fcntl
import os
import re
import secrets
import stat
import time
from collections.abc import Iterable
from contextlib import suppress

_NAME = re.compile(rb"\.giucong-[0-9a-f]{16}\.partial")
_CREATE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DEAD_AFTER_SECONDS = 6 * 3600.0


def temporary_name() -> bytes:
    """Make up a name for an entry that is not whole yet."""
    return b".giucong-%s.partial" % secrets.token_hex(8).encode()


def is_temporary_name(name: bytes) -> bool:
    """Tell whether a name has exactly the form of `temporary_name`."""
    return _NAME.fullmatch(name) is not None


def create_partial(folder: int, mode: int) -> tuple[bytes, int]:
    """Make an empty file and hold it; closing its descriptor lets go of it.

    Args:
        folder: Descriptor of the folder.
        mode: Permission bits.

    Returns:
        Its name, and a descriptor for writing.

    Raises:
        OSError: The folder cannot be written.
    """
    while True:
        name = temporary_name()
        descriptor = os.open(name, _CREATE, mode, dir_fd=folder)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return name, descriptor
        os.close(descriptor)  # another restore took it for a leftover before it was held


def remove_leftovers(folder: int, names: Iterable[bytes]) -> frozenset[bytes]:
    """Remove what dead restores have left in an open folder.

    Args:
        folder: Descriptor of the folder.
        names: What stands in it; other names than temporary ones are passed over.

    Returns:
        Names that were removed.
    """
    return frozenset(name for name in names if is_temporary_name(name) and _remove(folder, name))


def _remove(folder: int, name: bytes) -> bool:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            return False  # never one of ours
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
            return _remove_unless_held(folder, name, status)
        return _remove_if_old(folder, name, status)
    except OSError:
        return False  # somebody else's, or gone meanwhile: nothing depends on it


def _remove_unless_held(folder: int, name: bytes, status: os.stat_result) -> bool:
    descriptor = os.open(name, _LOOK, dir_fd=folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno == errno.EWOULDBLOCK:
            return False
        return _remove_if_old(folder, name, status)
    else:
        os.unlink(name, dir_fd=folder)
        return True
    finally:
        os.close(descriptor)


def _remove_if_old(folder: int, name: bytes, status: os.stat_result) -> bool:
    if time.time() - status.st_ctime < _DEAD_AFTER_SECONDS:
        return False
    os.unlink(name, dir_fd=folder)
    return True
