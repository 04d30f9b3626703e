"""Entries of an old tree beside what lstat says now, without decoding more than needed.

An unchanged file's node is written again as the very text it was, if we would write it just so.
"""

import base64
import os
from typing import NamedTuple

import msgspec

from backup.errors import DamagedError
from backup.names import unquote_name
from backup.owners import LOCAL_OWNERS, Owners
from backup.times import format_nanoseconds, parse_nanoseconds
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


class Row(NamedTuple):
    """One entry of an old tree.

    Attributes:
        fields: What it says.
        text: The entry as it is written.
    """

    fields: Fields
    text: str


class _Tree(msgspec.Struct):
    nodes: list[msgspec.Raw] | None


_decode_tree = msgspec.json.Decoder(_Tree).decode
_decode_fields = msgspec.json.Decoder(Fields).decode


def split_tree(tree: bytes) -> dict[bytes, Row]:
    """Split a tree into its entries by raw name.

    Raises:
        DamagedError: It is not a tree as restic and we write them.
    """
    rows: dict[bytes, Row] = {}
    try:
        for raw in _decode_tree(tree).nodes or ():
            fields = _decode_fields(raw)
            rows[unquote_name(fields.name)] = Row(fields, str(raw, "utf-8"))
    except (msgspec.MsgspecError, ValueError) as error:
        raise DamagedError("a tree is not of the known form") from error
    return rows


def is_same_file(
    row: Row,
    name: bytes,
    status: os.stat_result,
    *,
    atime: bool,
    is_canonical: bool,
    owners: Owners = LOCAL_OWNERS,
) -> str | None:
    """Give the node of a file that has not changed since, or None where it has, or may have.

    Size, both times and the inode must be those of then. The text is given back as it was where we
    would write the same; a node that another program wrote in its own way (other zone, device of a
    file with one name, another order of fields) is written anew.

    Args:
        row: The node as it was.
        name: Of the file.
        status: Its lstat now.
        atime: Whether to write the access time of now.
        is_canonical: Whether the tree's writer is known to write nodes just as we do.
        owners: Names its owner.
    """
    fields = row.fields
    if (
        fields.type != "file"
        or fields.size != status.st_size
        or fields.inode != status.st_ino
        or fields.content is None
    ):
        return None
    mtime, ctime = format_nanoseconds(status.st_mtime_ns), format_nanoseconds(status.st_ctime_ns)
    if (
        is_canonical
        and not atime
        and fields.mtime == fields.atime == mtime
        and fields.ctime == ctime
        and fields.device_id is None
        and fields.links == status.st_nlink == 1
        and fields.user == owners.user_name(status.st_uid)
        and fields.group == owners.group_name(status.st_gid)
    ):
        return row.text
    if (
        parse_nanoseconds(fields.mtime) != status.st_mtime_ns
        or parse_nanoseconds(fields.ctime) != status.st_ctime_ns
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
