"""Nodes from what the kernel says about a file."""

import os
import stat

from backup.format.names import quote_name
from backup.format.pack import ID_LENGTH
from backup.format.times import format_nanoseconds
from backup.format.tree import NODE_TYPES, Node, encode_node, go_mode
from backup.sources.local.owners import LOCAL_OWNERS, Owners
from backup.sources.local.read import Xattrs, read_xattrs


def encode_file(  # noqa: PLR0913 -- everything a node is made of
    name: bytes,
    status: os.stat_result,
    content: bytes,
    *,
    size: int,
    xattrs: Xattrs,
    atime: bool,
    owners: Owners = LOCAL_OWNERS,
) -> str:
    """Write the node of a regular file whose content is known, as `encode_node` would.

    Args:
        name: Raw name.
        status: Its lstat.
        content: Joined ids of its blobs.
        size: Bytes really read.
        xattrs: Extended attributes.
        atime: Whether to keep the access time.
        owners: Names its owner.
    """
    if not xattrs and not atime and size == status.st_size and len(content) == ID_LENGTH:
        head = file_head(quote_name(name), status, owners)
        if head:
            return f'{head}"{content.hex()}"]}}'
    node = _file_node(name, status, content, size=size, xattrs=xattrs, owners=owners)
    return encode_node(node._replace(atime=status.st_atime_ns) if atime else node)


def file_head(quoted: str, status: os.stat_result, owners: Owners = LOCAL_OWNERS) -> str:
    """Write the node of a regular file without attributes, up to the list of its content's ids.

    Empty where it is no common file: it has several names, no bytes, or no permission at all.

    Args:
        quoted: Its name as `quote_name` writes it.
        status: Its lstat.
        owners: Names its owner.
    """
    mode, size = go_mode(status.st_mode), status.st_size
    if status.st_nlink != 1 or not mode or not size:
        return ""
    mtime = format_nanoseconds(status.st_mtime_ns)
    return (
        f'{{"name":{quoted},"type":"file","mode":{mode},"mtime":"{mtime}",'
        f'"atime":"{mtime}","ctime":"{format_nanoseconds(status.st_ctime_ns)}",'
        f"{owners.text(status.st_uid, status.st_gid)}"
        f'"inode":{status.st_ino},"size":{size},"links":1,"content":['
    )


def folder_head(quoted: str, status: os.stat_result, owners: Owners = LOCAL_OWNERS) -> str:
    """Write the node of a folder without attributes, up to its tree's id.

    Args:
        quoted: Its name as `quote_name` writes it.
        status: Its lstat.
        owners: Names its owner.
    """
    mtime = format_nanoseconds(status.st_mtime_ns)
    return (
        f'{{"name":{quoted},"type":"dir","mode":{go_mode(status.st_mode)},'
        f'"mtime":"{mtime}","atime":"{mtime}",'
        f'"ctime":"{format_nanoseconds(status.st_ctime_ns)}",'
        f"{owners.text(status.st_uid, status.st_gid)}"
        f'"inode":{status.st_ino},"content":null,"subtree":"'
    )


def _file_node(
    name: bytes,
    status: os.stat_result,
    content: bytes,
    *,
    size: int,
    xattrs: Xattrs,
    owners: Owners,
) -> Node:
    return Node(
        name=name,
        type="file",
        mode=go_mode(status.st_mode),
        mtime=status.st_mtime_ns,
        atime=status.st_mtime_ns,
        ctime=status.st_ctime_ns,
        uid=status.st_uid,
        gid=status.st_gid,
        user=owners.user_name(status.st_uid),
        group=owners.group_name(status.st_gid),
        inode=status.st_ino,
        device_id=status.st_dev if status.st_nlink > 1 else 0,
        size=size,
        links=status.st_nlink,
        xattrs=xattrs,
        content=content,
    )


def other_node(
    name: bytes, status: os.stat_result, path: bytes, *, subtree: bytes | None, atime: bool
) -> Node:
    """Make the node of anything but a regular file.

    Args:
        name: Raw name.
        status: Its lstat.
        path: A path to it that is short enough for the kernel; not followed.
        subtree: Id of a folder's tree.
        atime: Whether to keep the access time.

    Raises:
        OSError: Its target or its extended attributes cannot be read, or it is of no known type.
    """
    is_link = stat.S_ISLNK(status.st_mode)
    return special_node(
        name,
        status,
        linktarget=os.readlink(path) if is_link else b"",
        xattrs=read_xattrs(path),
        subtree=subtree,
        atime=atime,
    )


def special_node(  # noqa: PLR0913 -- everything a node is made of
    name: bytes,
    status: os.stat_result,
    *,
    linktarget: bytes,
    xattrs: Xattrs,
    subtree: bytes | None,
    atime: bool,
    owners: Owners = LOCAL_OWNERS,
) -> Node:
    """Make the node of anything but a regular file, when all is known of it.

    Args:
        name: Raw name.
        status: Its lstat.
        linktarget: Of a symlink, else empty.
        xattrs: Extended attributes.
        subtree: Id of a folder's tree.
        atime: Whether to keep the access time.
        owners: Names its owner.

    Raises:
        OSError: It is of no known type.
    """
    kind = stat.S_IFMT(status.st_mode)
    if kind not in NODE_TYPES:  # a file system of somebody's own may say anything
        raise OSError(0, "it is of no known type")
    is_device = kind in (stat.S_IFBLK, stat.S_IFCHR)
    # restic counts links of files, symlinks and devices only.
    links = status.st_nlink if is_device or kind == stat.S_IFLNK else 0
    mtime = status.st_mtime_ns
    return Node(
        name=name,
        type=NODE_TYPES[kind],
        mode=go_mode(status.st_mode),
        mtime=mtime,
        atime=status.st_atime_ns if atime else mtime,
        ctime=status.st_ctime_ns,
        uid=status.st_uid,
        gid=status.st_gid,
        user=owners.user_name(status.st_uid),
        group=owners.group_name(status.st_gid),
        inode=status.st_ino,
        device_id=status.st_dev if links > 1 else 0,
        links=links,
        linktarget=linktarget,
        xattrs=xattrs,
        device=status.st_rdev if is_device else 0,
        subtree=subtree,
    )
