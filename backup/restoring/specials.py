"""Entries without content: symlinks, devices, FIFOs and sockets; and more names for one inode."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from backup.errors import DamagedError
from backup.restoring.metadata import apply_to_name, metadata_of
from backup.restoring.partial import temporary_name
from backup.trees import Node

_TYPES = {
    "dev": stat.S_IFBLK,
    "chardev": stat.S_IFCHR,
    "fifo": stat.S_IFIFO,
    "socket": stat.S_IFSOCK,
}


def make_special(folder: int, node: Node, *, replaces: bool) -> tuple[str, ...]:
    """Make one entry with its metadata; it gets its name last where it replaces another.

    Returns:
        Names of attributes that cannot be had here.

    Raises:
        OSError: The system said no, e.g. to a device made by a user.
        DamagedError: The node cannot be what it says.
    """
    with _placed(folder, node.name, replaces=replaces) as name:
        if node.type == "symlink":
            if not node.linktarget or b"\0" in node.linktarget:
                raise DamagedError("the symlink's entry has an impossible target")
            os.symlink(node.linktarget, name, dir_fd=folder)
        else:
            os.mknod(name, _TYPES[node.type] | 0o600, node.device, dir_fd=folder)
        return apply_to_name(folder, name, metadata_of(node))


def make_link(
    first_folder: int, first_name: bytes, folder: int, name: bytes, *, replaces: bool
) -> None:
    """Give an entry a second name, in place of whatever has it now.

    Raises:
        OSError: The system said no.
    """
    with _placed(folder, name, replaces=replaces) as place:
        os.link(
            first_name,
            place,
            src_dir_fd=first_folder,
            dst_dir_fd=folder,
            follow_symlinks=False,
        )


@contextmanager
def _placed(folder: int, name: bytes, *, replaces: bool) -> Iterator[bytes]:
    """Give the name to make an entry under; afterwards it has its own, or is gone again."""
    if not replaces:
        yield name
        return
    temporary = temporary_name()
    try:
        yield temporary
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
