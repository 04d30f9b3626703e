"""Owner, permissions, extended attributes and times of what was restored.

Order: owner first (it clears setuid and capabilities), then attributes (a file that becomes
read-only takes none from its owner), then permissions (their group bits are the mask of an access
list, and agree with it), times last. Owners are set by root alone; others give a group they are in,
and leave setuid and setgid off what is not its owner's: it would run as somebody else.

Entries without content: symlinks, devices, FIFOs and sockets; and more names for one inode.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from backup.errors import DamagedError
from backup.format.tree import Node, unix_permissions
from backup.restorer.partial_files import temporary_name

SPECIAL_BITS = 0o7000
# Attributes that programs or parent folders put on new files, and that the snapshot decides about.
_DECIDED = ("user.", "trusted.", "system.posix_acl_", "security.capability")
DEFAULT_ACL = "system.posix_acl_default"


class Metadata(NamedTuple):
    """What is set on an entry; a plain tuple, so that it travels between processes.

    Attributes:
        mode: Permission bits as chmod takes them.
        uid: Owner.
        gid: Group.
        atime: Nanoseconds since the epoch.
        mtime: Nanoseconds since the epoch.
        xattrs: (name, value) pairs in the order they are set.
    """

    mode: int
    uid: int
    gid: int
    atime: int
    mtime: int
    xattrs: tuple[tuple[str, bytes], ...]

    @property
    def needs_care(self) -> bool:
        """Whether more than owner and times must be set after the entry was made."""
        return bool(self.xattrs) or self.mode & SPECIAL_BITS != 0


def metadata_of(node: Node) -> Metadata:
    """Give a node's metadata."""
    mode = node.mode
    permissions = mode if 0 <= mode <= 0o777 else unix_permissions(mode)  # noqa: PLR2004 -- rwxrwxrwx
    return Metadata(permissions, node.uid, node.gid, node.atime, node.mtime, node.xattrs)


def without_rights(metadata: Metadata) -> Metadata:
    """Leave out what would lend a file's rights to who runs it."""
    return metadata._replace(
        mode=metadata.mode & ~(stat.S_ISUID | stat.S_ISGID),
        xattrs=tuple(it for it in metadata.xattrs if not it[0].startswith("security.")),
    )


def is_root() -> bool:
    """Whether owners can be set."""
    return os.geteuid() == 0


def apply_to_descriptor(
    descriptor: int, metadata: Metadata, *, exact: bool = False
) -> tuple[str, ...]:
    """Set everything on an open file or folder.

    Args:
        descriptor: Of the file or folder.
        metadata: What to set.
        exact: Also take away attributes that are not in `metadata`, which an entry that was there
            before, or a parent with a default access list, may have left.

    Returns:
        Names of attributes that this file system, or a user other than root, cannot have.
        No attribute is worth the content of its file, nor the rest of a restore.
    """
    status = os.fstat(descriptor)
    if status.st_uid != metadata.uid or status.st_gid != metadata.gid:
        _give(descriptor, status, metadata)
        status = os.fstat(descriptor)
    refused: tuple[str, ...] = ()
    if metadata.xattrs or exact:
        refused = _apply_xattrs(descriptor, metadata.xattrs, exact=exact)
        status = os.fstat(descriptor)
    mode = mode_for(status, metadata)
    if stat.S_IMODE(status.st_mode) != mode:
        os.fchmod(descriptor, mode)
    os.utime(descriptor, ns=(metadata.atime, metadata.mtime))
    return refused


def apply_to_name(folder: int, name: bytes, metadata: Metadata) -> tuple[str, ...]:
    """Set everything on a symlink, device, FIFO or socket, which must not be opened.

    Gives the same as `apply_to_descriptor`.
    """
    if is_root():
        os.chown(name, metadata.uid, metadata.gid, dir_fd=folder, follow_symlinks=False)
    else:
        with suppress(OSError):
            os.chown(name, -1, metadata.gid, dir_fd=folder, follow_symlinks=False)
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        refused: tuple[str, ...] = ()
        itself = f"/proc/self/fd/{handle}"  # the kernel's own way to the entry, links not followed
        if metadata.xattrs:
            refused = _apply_xattrs(itself, metadata.xattrs, exact=False)
        status = os.fstat(handle)
        is_link = stat.S_ISLNK(status.st_mode)  # whose permissions mean nothing
        mode = mode_for(status, metadata)
        if not is_link and stat.S_IMODE(status.st_mode) != mode:
            os.chmod(itself, mode)
    finally:
        os.close(handle)
    os.utime(name, ns=(metadata.atime, metadata.mtime), dir_fd=folder, follow_symlinks=False)
    return refused


def _give(descriptor: int, status: os.stat_result, metadata: Metadata) -> None:
    if is_root():
        os.fchown(descriptor, metadata.uid, metadata.gid)
    elif status.st_gid != metadata.gid:
        with suppress(OSError):
            os.fchown(descriptor, -1, metadata.gid)


def mode_for(status: os.stat_result, metadata: Metadata) -> int:
    """Give the permissions an entry may have: no setuid or setgid under another owner; pure."""
    mode = metadata.mode
    if status.st_uid != metadata.uid:
        mode &= ~(stat.S_ISUID | stat.S_ISGID)
    if status.st_gid != metadata.gid:
        mode &= ~stat.S_ISGID
    return mode


def _apply_xattrs(
    where: int | str, xattrs: tuple[tuple[str, bytes], ...], *, exact: bool
) -> tuple[str, ...]:
    if exact:
        _remove_unexpected(where, frozenset(name for name, _ in xattrs))
    refused = []
    for name, value in xattrs:
        try:
            os.setxattr(where, os.fsencode(name), value)
        except (OSError, ValueError):  # also too large for it: ext4 then says that it is full
            refused.append(name)
    return tuple(refused)


def _remove_unexpected(where: int | str, expected: frozenset[str]) -> None:
    with suppress(OSError):  # a file system without attributes has none to remove
        for name in os.listxattr(where):
            if name.startswith(_DECIDED) and name not in expected:
                os.removexattr(where, name)


def hands_down_access(folder: int) -> bool:
    """Whether new entries in an open folder inherit an access list from it."""
    try:
        os.getxattr(folder, DEFAULT_ACL)
    except OSError:
        return False
    return True


_TYPES = {
    "dev": stat.S_IFBLK,
    "chardev": stat.S_IFCHR,
    "fifo": stat.S_IFIFO,
    "socket": stat.S_IFSOCK,
}


def make_special(
    folder: int, node: Node, *, replaces: bool, no_devices: bool = False
) -> tuple[str, ...]:
    """Make one entry with its metadata; it gets its name last where it replaces another.

    Args:
        folder: Descriptor of the folder that it goes into.
        node: The entry.
        replaces: Whether something has its name.
        no_devices: Whether a device is refused, as to everybody but root.

    Returns:
        Names of attributes that cannot be had here.

    Raises:
        OSError: The system said no, e.g. to a device made by a user.
        DamagedError: The node cannot be what it says.
    """
    if no_devices and node.type in {"dev", "chardev"}:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
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
