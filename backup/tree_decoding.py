"""Reading trees: the entries of one folder from its JSON (restic: "Trees and Data").

Fields that some writers leave out have the meaning restic gives them; unknown ones are ignored.
Entries become structs on their way, not dictionaries, which takes half the time
(docs/decisions/0014-msgspec-for-indexes-and-trees.md).
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from backup.errors import DamagedError, UnsupportedFormatError
from backup.names import unquote_name
from backup.packs import ID_LENGTH
from backup.times import parse_nanoseconds
from backup.trees import NODE_TYPES, Node

_TYPES = frozenset(NODE_TYPES.values())


class _Attribute(msgspec.Struct, gc=False):
    name: str
    value: str | None = None


class _Entry(msgspec.Struct, gc=False):
    """One entry as it is written; see `backup.trees.Node`."""

    name: str
    type: str
    mtime: str
    atime: str | None = None
    ctime: str | None = None
    mode: int = 0
    uid: int = 0
    gid: int = 0
    user: str = ""
    group: str = ""
    inode: int = 0
    device_id: int = 0
    size: int = 0
    links: int = 0
    linktarget: str = ""
    linktarget_raw: str | None = None
    extended_attributes: list[_Attribute] | None = None
    generic_attributes: Mapping[str, Any] | None = None
    device: int = 0
    content: list[str] | None = None
    subtree: str | None = None


class _Tree(msgspec.Struct):
    nodes: list[_Entry] | None


_decode = msgspec.json.Decoder(_Tree).decode


def decode_tree(tree: bytes) -> list[Node]:
    """Read a tree; nodes in its own order, which restic keeps ascending by name.

    Raises:
        DamagedError: The bytes are not a tree of the known form.
    """
    try:
        return [_node_of(entry) for entry in _decode(tree).nodes or ()]
    except (msgspec.MsgspecError, ValueError, UnsupportedFormatError) as error:
        raise DamagedError("a tree is not of the known form", why="{cause}", cause=error) from error


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
    return attribute.name, base64.b64decode(attribute.value or "", validate=True)


def _decode_ids(ids: Sequence[str]) -> bytes:
    joined = bytes.fromhex("".join(ids))
    if len(joined) != ID_LENGTH * len(ids):
        raise DamagedError("a tree holds an id of the wrong length")
    return joined
