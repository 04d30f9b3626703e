"""Entries of an old tree beside what lstat says now, without decoding more than needed.

An unchanged file's node is written again as the very text it was, if we would write it just so.
"""

import base64
import os

import msgspec

from backup.errors import DamagedError
from backup.names import is_attribute_name, quote_name, unquote_name
from backup.owners import LOCAL_OWNERS, Owners
from backup.times import parse_nanoseconds
from backup.tree_building import encode_file


class _Attribute(msgspec.Struct, gc=False):
    name: str
    value: str | None = None


class Fields(msgspec.Struct, gc=False):
    """Those fields of a node that tell whether its file has changed."""

    name: str
    type: str = ""
    mtime: str = ""
    atime: str = ""
    ctime: str = ""
    user: str = ""
    group: str = ""
    inode: int = 0
    device_id: int | None = None
    size: int = 0
    links: int = 0
    extended_attributes: list[_Attribute] | None = None
    content: list[str] | None = None
    subtree: str | None = None


class _Tree(msgspec.Struct):
    nodes: list[msgspec.Raw] | None


_decode_tree = msgspec.json.Decoder(_Tree).decode
_decode_fields = msgspec.json.Decoder(Fields).decode


_NAME = '{"name":'
_AFTER_NAME = ',"type":"'
# What could not be decoded: of no type, so that nothing is the same as it.
_ODD = Fields(name="")


def split_tree(tree: bytes, *, is_canonical: bool) -> dict[str, str]:
    """Split a tree into its entries as they are written, by name as `quote_name` writes it.

    Args:
        tree: Its bytes.
        is_canonical: Whether the tree's writer is known to write nodes just as we do.

    Raises:
        DamagedError: It is not a tree as restic and we write them.
    """
    try:
        texts = [str(raw, "utf-8") for raw in _decode_tree(tree).nodes or ()]
        if not is_canonical:
            return {quote_name(unquote_name(_decode_fields(text).name)): text for text in texts}
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DamagedError("a tree is not of the known form") from error
    # In a JSON string every quote has a backslash before it, so the name cannot hold what follows.
    return {text[len(_NAME) : text.find(_AFTER_NAME)]: text for text in texts}


def read_fields(text: str) -> Fields:
    """Decode one entry; one that is not of the known form has no type."""
    try:
        return _decode_fields(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _ODD


def is_same_file(
    text: str,
    name: bytes,
    status: os.stat_result,
    *,
    atime: bool,
    owners: Owners = LOCAL_OWNERS,
) -> str | None:
    """Give the node of a file that has not changed since, or None where it has, or may have.

    Size, both times and the inode must be those of then. The node is written anew: another program
    may have written it in its own way (other zone, device of a file with one name, another order of
    fields).

    Args:
        text: The node as it was.
        name: Of the file.
        status: Its lstat now.
        atime: Whether to write the access time of now.
        owners: Names its owner.
    """
    fields = read_fields(text)
    if (
        fields.type != "file"
        or fields.size != status.st_size
        or fields.inode != status.st_ino
        or fields.content is None
        or parse_nanoseconds(fields.mtime) != status.st_mtime_ns
        or parse_nanoseconds(fields.ctime) != status.st_ctime_ns
        or not all(is_attribute_name(it.name.encode()) for it in fields.extended_attributes or ())
    ):
        return None
    return encode_file(
        name,
        status,
        bytes.fromhex("".join(fields.content)),
        size=status.st_size,
        xattrs=tuple(
            (attribute.name, base64.b64decode(attribute.value or ""))
            for attribute in fields.extended_attributes or ()
        ),
        atime=atime,
        owners=owners,
    )
