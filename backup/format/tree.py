"""Reading trees: the entries of one folder from its JSON (restic: "Trees and Data").

Fields that some writers leave out have the meaning restic gives them; unknown ones are ignored.
An entry whose owner, mode, time or attributes cannot be does not cost its content, nor the entries
beside it.
Entries become structs on their way, not dictionaries, which takes half the time
(docs/decisions/0014-msgspec-for-indexes-and-trees.md).

Trees: one folder's entries as canonical JSON (restic: "Trees and Data").

A tree's id is the hash of these very bytes, so they must be the ones restic would write: compact,
fields in a fixed order, nodes strictly ascending by raw name, one newline at the end. They are read
in `backup.format.tree`.
"""

import base64
import json
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

import msgspec

from backup.errors import DamagedError, UnsupportedFormatError
from backup.format.names import (
    is_attribute_name,
    json_text,
    quote_name,
    replace_invalid,
    unquote_name,
)
from backup.format.pack import ID_LENGTH
from backup.format.times import format_nanoseconds, parse_nanoseconds

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


_TYPES = frozenset(NODE_TYPES.values())
_EPOCH = "1970-01-01T00:00:00Z"
_PRIVATE = 0o600
# As restic holds them; and numbers beyond these are nobody's. It reads no entry of a folder with
# one that does not fit.
_Owner = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_OWNER)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
_Inode = Annotated[int, msgspec.Meta(ge=0)]


class _Attribute(msgspec.Struct, gc=False):
    name: str
    value: str | None = None


class _Entry(msgspec.Struct, gc=False):
    """One entry as it is written; see `backup.format.tree.Node`."""

    name: str
    type: str
    mtime: str
    atime: str | None = None
    ctime: str | None = None
    mode: _Owner = 0
    uid: _Owner = 0
    gid: _Owner = 0
    user: str = ""
    group: str = ""
    inode: _Inode = 0
    device_id: _Inode = 0
    size: _Number = 0
    links: _Number = 0
    linktarget: str = ""
    linktarget_raw: str | None = None
    extended_attributes: list[_Attribute] | None = None
    generic_attributes: Mapping[str, Any] | None = None
    device: _Number = 0
    content: list[str] | None = None
    subtree: str | None = None


class _Bare(msgspec.Struct, gc=False):
    """What of an entry is its content."""

    name: str
    type: str
    size: _Number = 0
    linktarget: str = ""
    linktarget_raw: str | None = None
    content: list[str] | None = None
    subtree: str | None = None


class _Named(msgspec.Struct, gc=False):
    name: str


class _Tree(msgspec.Struct):
    nodes: list[_Entry] | None


class _RawTree(msgspec.Struct):
    nodes: list[msgspec.Raw] | None


_decode = msgspec.json.Decoder(_Tree).decode
_decode_raw = msgspec.json.Decoder(_RawTree).decode
_decode_entry = msgspec.json.Decoder(_Entry).decode
_decode_bare = msgspec.json.Decoder(_Bare).decode
_decode_named = msgspec.json.Decoder(_Named).decode
_ODD = (msgspec.MsgspecError, ValueError, RecursionError, UnsupportedFormatError, DamagedError)

# Given the name of an entry, empty where it has none that can be, what is wrong, and whether the
# entry is lost: else its content is given all the same, private and without anything else.
OnBad = Callable[[bytes, DamagedError, bool], None]


def decode_tree(tree: bytes, on_bad: OnBad | None = None) -> list[Node]:
    """Read a tree; nodes in its own order, which restic keeps ascending by name.

    Args:
        tree: Its bytes.
        on_bad: Told of each entry that cannot be what it says; None to bear none.

    Raises:
        DamagedError: The bytes are not a tree of the known form.
    """
    try:
        return [_node_of(entry) for entry in _decode(tree).nodes or ()]
    except _ODD as error:
        if on_bad is not None:
            return list(_decode_apart(tree, on_bad))
        raise DamagedError("a tree is not of the known form", why="{cause}", cause=error) from error


def raise_lost(_name: bytes, error: DamagedError, is_lost: bool) -> None:
    """Bear an entry whose content is known, and no other."""
    if is_lost:
        raise error


def _decode_apart(tree: bytes, on_bad: OnBad) -> Iterator[Node]:
    """Read a tree entry by entry."""
    for raw in _split(tree):
        try:
            node: Node | None = _node_of(_decode_entry(raw))
        except _ODD as error:
            node = _salvage(raw)
            told = DamagedError("its entry cannot be what it says: {cause}", cause=error)
            on_bad(_name_of(raw), told, node is None)
        if node is not None:
            yield node


def _split(tree: bytes) -> list[msgspec.Raw]:
    try:
        return _decode_raw(tree).nodes or []
    except (msgspec.MsgspecError, RecursionError):
        pass  # also over half a character in one name, which the library's own reader bears
    try:
        nodes = json.loads(tree)["nodes"] or []
        return [msgspec.Raw(json.dumps(node).encode()) for node in nodes]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise DamagedError("a tree is not of the known form", why="{cause}", cause=error) from error


def _salvage(raw: msgspec.Raw) -> Node | None:
    """Give a file, folder or link whose content is known, private to its owner; else None."""
    try:
        it = _decode_bare(raw)
        if it.type not in {"file", "dir", "symlink"}:
            return None
        return _node_of(
            _Entry(
                it.name,
                it.type,
                _EPOCH,
                mode=_PRIVATE | (GO_DIR | 0o100 if it.type == "dir" else 0),
                size=it.size,
                linktarget=it.linktarget,
                linktarget_raw=it.linktarget_raw,
                content=it.content,
                subtree=it.subtree,
            )
        )
    except _ODD:
        return None


def _name_of(raw: msgspec.Raw) -> bytes:
    try:
        return unquote_name(_decode_named(raw).name)
    except _ODD:
        return b""


def _node_of(entry: _Entry) -> Node:
    if entry.type not in _TYPES:
        raise DamagedError("a tree holds an entry of the unknown type {type!r}", type=entry.type)
    mtime, atime, ctime = entry.mtime, entry.atime, entry.ctime
    when = parse_nanoseconds(mtime)
    attributes, content, subtree = entry.extended_attributes, entry.content, entry.subtree
    return Node(  # by place: this is done for every file, and names cost a third more
        unquote_name(entry.name),
        entry.type,
        entry.mode,
        when,
        when if atime is None or atime == mtime else parse_nanoseconds(atime),
        when if ctime is None or ctime == mtime else parse_nanoseconds(ctime),
        entry.uid,
        entry.gid,
        entry.user,
        entry.group,
        entry.inode,
        entry.device_id,
        entry.size,
        entry.links,
        _decode_target(entry),
        tuple([_decode_attribute(it) for it in attributes]) if attributes else (),
        entry.device,
        None if content is None else _decode_ids(content),
        None if subtree is None else _decode_ids((subtree,)),
        entry.generic_attributes,
    )


def _decode_target(entry: _Entry) -> bytes:
    if entry.linktarget_raw is not None:
        return base64.b64decode(entry.linktarget_raw, validate=True)
    return entry.linktarget.encode()


def _decode_attribute(attribute: _Attribute) -> tuple[str, bytes]:
    if not is_attribute_name(attribute.name.encode()):
        raise DamagedError("an extended attribute has the impossible name {name!r}",
                           name=attribute.name)  # fmt: skip
    return attribute.name, base64.b64decode(attribute.value or "", validate=True)


def _decode_ids(ids: Sequence[str]) -> bytes:
    joined = bytes.fromhex("".join(ids))
    if len(joined) != ID_LENGTH * len(ids):
        raise DamagedError("a tree holds an id of the wrong length")
    return joined
