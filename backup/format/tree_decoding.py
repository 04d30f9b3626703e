"""Reading trees: the entries of one folder from its JSON (restic: "Trees and Data").

Fields that some writers leave out have the meaning restic gives them; unknown ones are ignored.
An entry whose owner, mode, time or attributes cannot be does not cost its content, nor the entries
beside it.
Entries become structs on their way, not dictionaries, which takes half the time
(docs/decisions/0014-msgspec-for-indexes-and-trees.md).
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec

from backup.errors import DamagedError, UnsupportedFormatError
from backup.format.names import (
    is_attribute_name,
    unquote_name,
)
from backup.format.pack import ID_LENGTH
from backup.format.times import parse_nanoseconds
from backup.format.tree import GO_DIR, LARGEST_OWNER, NODE_TYPES, Node

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
# Given an entry's name and type, whether it is worth making a node of.
Wanted = Callable[[bytes, str], bool]


def decode_tree(
    tree: bytes, on_bad: OnBad | None = None, wanted: Wanted | None = None
) -> list[Node]:
    """Read a tree; nodes in its own order, which restic keeps ascending by name.

    Args:
        tree: Its bytes.
        on_bad: Told of each entry that cannot be what it says; None to bear none.
        wanted: Asked of each entry; of those it says no to most are left out, unless some entry is
            bad. None to want all.

    Raises:
        DamagedError: The bytes are not a tree of the known form.
    """
    try:
        entries = _decode(tree).nodes or ()
        if wanted is not None:  # a node costs several times what it takes to leave it out
            entries = [it for it in entries if wanted(unquote_name(it.name), it.type)]
        return [_node_of(entry) for entry in entries]
    except _ODD as error:
        if on_bad is not None:
            return list(_decode_apart(tree, on_bad))
        raise DamagedError("a tree is not of the known form", why="{cause}", cause=error) from error


def may_hold(tree: bytes, literals: Sequence[bytes]) -> bool:
    """Whether a tree may have a folder, or a name in which one of some bytes stand.

    A quick look at what is written, which mostly spares reading the entries; where anything is
    written with a backslash the answer is yes.
    """
    return b'"dir"' in tree or b"\\" in tree or any(it in tree for it in literals)


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
