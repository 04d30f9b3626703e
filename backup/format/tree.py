"""Trees: one folder's entries as canonical JSON (restic: "Trees and Data").

A tree's id is the hash of these very bytes, so they must be the ones restic would write: compact,
fields in a fixed order, nodes strictly ascending by raw name, one newline at the end. They are read
in `backup.format.tree_decoding`.
"""

import base64
import stat
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from backup.format.names import (
    json_text,
    quote_name,
    replace_invalid,
)
from backup.format.pack import ID_LENGTH
from backup.format.times import format_nanoseconds

# Go's FileMode bits, which differ from st_mode's.
GO_DIR = 1 << 31
GO_SYMLINK = 1 << 27
GO_DEVICE = 1 << 26
GO_FIFO = 1 << 25
GO_SOCKET = 1 << 24
GO_SETUID = 1 << 23
GO_SETGID = 1 << 22
GO_CHARDEV = 1 << 21
GO_STICKY = 1 << 20
_GO_TYPES = {
    stat.S_IFREG: 0,
    stat.S_IFDIR: GO_DIR,
    stat.S_IFLNK: GO_SYMLINK,
    stat.S_IFBLK: GO_DEVICE,
    stat.S_IFCHR: GO_DEVICE | GO_CHARDEV,
    stat.S_IFIFO: GO_FIFO,
    stat.S_IFSOCK: GO_SOCKET,
}
NODE_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "symlink",
    stat.S_IFBLK: "dev",
    stat.S_IFCHR: "chardev",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}
LARGEST_OWNER = (1 << 32) - 1
EMPTY_TREE = b'{"nodes":[]}\n'


class Node(NamedTuple):
    """One entry of a folder.

    Attributes:
        name: Raw name.
        type: file, dir, symlink, dev, chardev, fifo or socket.
        mode: Go's FileMode bits.
        mtime: Nanoseconds since the epoch, as the other two.
        atime: The same as mtime unless access times were asked for.
        ctime: Change time of the inode.
        uid: Owner.
        gid: Group.
        user: Owner's name, or empty.
        group: Group's name, or empty.
        inode: Inode number.
        device_id: st_dev; only for entries with several links.
        size: Bytes; files only.
        links: st_nlink; not for folders.
        linktarget: Raw target of a symlink.
        xattrs: (name, value) pairs in the kernel's order, ACLs among them.
        device: st_rdev of a device.
        content: Joined ids of the data blobs of a file; None for everything else.
        subtree: Id of a folder's tree.
        generic: Vendor attributes, kept as they are.
    """

    name: bytes
    type: str
    mode: int
    mtime: int
    atime: int
    ctime: int
    uid: int
    gid: int
    user: str = ""
    group: str = ""
    inode: int = 0
    device_id: int = 0
    size: int = 0
    links: int = 0
    linktarget: bytes = b""
    xattrs: tuple[tuple[str, bytes], ...] = ()
    device: int = 0
    content: bytes | None = None
    subtree: bytes | None = None
    generic: Mapping[str, Any] | None = None

    def content_ids(self) -> list[bytes]:
        """Ids of the data blobs, in the file's order."""
        joined = self.content or b""
        return [joined[at : at + ID_LENGTH] for at in range(0, len(joined), ID_LENGTH)]


@lru_cache(maxsize=4096)
def go_mode(st_mode: int) -> int:
    """Turn st_mode into Go's FileMode."""
    mode = stat.S_IMODE(st_mode) & 0o777 | _GO_TYPES[stat.S_IFMT(st_mode)]
    for unix_bit, go_bit in (
        (stat.S_ISUID, GO_SETUID),
        (stat.S_ISGID, GO_SETGID),
        (stat.S_ISVTX, GO_STICKY),
    ):
        if st_mode & unix_bit:
            mode |= go_bit
    return mode


def unix_permissions(mode: int) -> int:
    """Give the permission bits of Go's FileMode as chmod takes them, setuid and sticky included."""
    permissions = mode & 0o777
    for unix_bit, go_bit in (
        (stat.S_ISUID, GO_SETUID),
        (stat.S_ISGID, GO_SETGID),
        (stat.S_ISVTX, GO_STICKY),
    ):
        if mode & go_bit:
            permissions |= unix_bit
    return permissions


def encode_node(node: Node) -> str:
    """Write one node; fields in restic's order, empty optional ones left out."""
    parts = [f'{{"name":{quote_name(node.name)},"type":"{node.type}"']
    if node.mode:
        parts.append(f'"mode":{node.mode}')
    mtime = format_nanoseconds(node.mtime)
    atime = mtime if node.atime == node.mtime else format_nanoseconds(node.atime)
    parts.append(
        f'"mtime":"{mtime}","atime":"{atime}","ctime":"{format_nanoseconds(node.ctime)}",'
        f'"uid":{node.uid},"gid":{node.gid}'
    )
    if node.user:
        parts.append(f'"user":{_name_text(node.user)}')
    if node.group:
        parts.append(f'"group":{_name_text(node.group)}')
    for key, number in (
        ("inode", node.inode),
        ("device_id", node.device_id),
        ("size", node.size),
        ("links", node.links),
    ):
        if number:
            parts.append(f'"{key}":{number}')
    if node.linktarget or node.xattrs or node.generic or node.device:
        parts += _encode_rare_fields(node)
    parts.append(f'"content":{_encode_content(node.content)}')
    if node.subtree is not None:
        parts.append(f'"subtree":"{node.subtree.hex()}"')
    return ",".join(parts) + "}"


@lru_cache(maxsize=1024)
def _name_text(name: str) -> str:
    return json_text(name)


def _encode_rare_fields(node: Node) -> list[str]:
    parts = []
    if node.linktarget:
        parts.append(f'"linktarget":{replace_invalid(node.linktarget)}')
        if not _is_utf8(node.linktarget):
            parts.append(f'"linktarget_raw":"{base64.b64encode(node.linktarget).decode()}"')
    if node.xattrs:
        rows = ",".join(
            f'{{"name":{_xattr_name(name)},"value":"{base64.b64encode(value).decode()}"}}'
            for name, value in node.xattrs
        )
        parts.append(f'"extended_attributes":[{rows}]')
    if node.generic:
        generic = dict(sorted(node.generic.items()))
        parts.append(f'"generic_attributes":{json_text(generic)}')
    if node.device:
        parts.append(f'"device":{node.device}')
    return parts


def _xattr_name(name: str) -> str:
    return replace_invalid(name.encode("utf-8", "surrogateescape"))


def _encode_content(content: bytes | None) -> str:
    if content is None:
        return "null"
    if len(content) == ID_LENGTH:
        return f'["{content.hex()}"]'
    if not content:
        return "[]"
    joined = '","'.join(
        content[at : at + ID_LENGTH].hex() for at in range(0, len(content), ID_LENGTH)
    )
    return f'["{joined}"]'


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def encode_tree(encoded_nodes: Iterable[str]) -> bytes:
    """Join encoded nodes, which must be strictly ascending by raw name, to a tree's bytes."""
    return f'{{"nodes":[{",".join(encoded_nodes)}]}}\n'.encode()
