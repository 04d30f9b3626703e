"""Nodes from what the kernel says about a file."""

import grp
import os
import pwd
import stat
from functools import lru_cache

from backup.names import json_text, quote_name
from backup.packs import ID_LENGTH
from backup.reading import Xattrs, read_xattrs
from backup.times import format_nanoseconds
from backup.trees import NODE_TYPES, Node, encode_node, go_mode


@lru_cache(maxsize=1024)
def user_name(uid: int) -> str:
    """Name of a user, or "" where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return ""


@lru_cache(maxsize=1024)
def group_name(gid: int) -> str:
    """Name of a group, or "" where there is none."""
    try:
        return grp.getgrgid(gid).gr_name
    except (KeyError, OverflowError):
        return ""


def encode_file(
    name: bytes, status: os.stat_result, content: bytes, *, size: int, xattrs: Xattrs, atime: bool
) -> str:
    """Write the node of a regular file whose content is known, as `encode_node` would.

    Args:
        name: Raw name.
        status: Its lstat.
        content: Joined ids of its blobs.
        size: Bytes really read.
        xattrs: Extended attributes.
        atime: Whether to keep the access time.
    """
    links = status.st_nlink
    mode = go_mode(status.st_mode)
    if xattrs or atime or links != 1 or not mode or not size or len(content) != ID_LENGTH:
        return encode_node(_file_node(name, status, content, size=size, xattrs=xattrs, atime=atime))
    mtime = format_nanoseconds(status.st_mtime_ns)
    owner = _owner_text(status.st_uid, status.st_gid)
    return (
        f'{{"name":{quote_name(name)},"type":"file","mode":{mode},"mtime":"{mtime}",'
        f'"atime":"{mtime}","ctime":"{format_nanoseconds(status.st_ctime_ns)}",{owner}'
        f'"inode":{status.st_ino},"size":{size},"links":1,"content":["{content.hex()}"]}}'
    )


@lru_cache(maxsize=1024)
def _owner_text(uid: int, gid: int) -> str:
    user, group = user_name(uid), group_name(gid)
    text = f'"uid":{uid},"gid":{gid},'
    if user:
        text += f'"user":{json_text(user)},'
    if group:
        text += f'"group":{json_text(group)},'
    return text


def _file_node(
    name: bytes, status: os.stat_result, content: bytes, *, size: int, xattrs: Xattrs, atime: bool
) -> Node:
    return Node(
        name=name,
        type="file",
        mode=go_mode(status.st_mode),
        mtime=status.st_mtime_ns,
        atime=status.st_atime_ns if atime else status.st_mtime_ns,
        ctime=status.st_ctime_ns,
        uid=status.st_uid,
        gid=status.st_gid,
        user=user_name(status.st_uid),
        group=group_name(status.st_gid),
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
        OSError: Its target or its extended attributes cannot be read.
    """
    kind = stat.S_IFMT(status.st_mode)
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
        user=user_name(status.st_uid),
        group=group_name(status.st_gid),
        inode=status.st_ino,
        device_id=status.st_dev if links > 1 else 0,
        links=links,
        linktarget=os.readlink(path) if kind == stat.S_IFLNK else b"",
        xattrs=read_xattrs(path),
        device=status.st_rdev if is_device else 0,
        subtree=subtree,
    )
