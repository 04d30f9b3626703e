"""Entries of an old tree beside what lstat says now, without decoding more than needed.

An unchanged file's node is written again as the very text it was, if we would write it just so.
"""

import base64
import json
import os
from typing import Any

from backup.errors import DamagedError
from backup.names import unquote_name
from backup.times import format_nanoseconds, parse_nanoseconds
from backup.tree_building import encode_file, group_name, user_name

_HEAD = '{"nodes":['
_decode_at = json.JSONDecoder().raw_decode


def split_tree(tree: bytes) -> dict[bytes, tuple[dict[str, Any], str]]:
    """Split a tree into its entries: raw name to (fields, the entry as it is written).

    Raises:
        DamagedError: It is not a tree as restic and we write them.
    """
    rows: dict[bytes, tuple[dict[str, Any], str]] = {}
    try:
        text = tree.decode()
        at = len(_HEAD)
        if not text.startswith(_HEAD):
            raise DamagedError("a tree is not of the known form")
        while text[at] != "]":
            fields, end = _decode_at(text, at)
            rows[unquote_name(fields["name"])] = (fields, text[at:end])
            at = end + (text[end] == ",")
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DamagedError("a tree is not of the known form") from error
    return rows


def is_same_file(
    fields: dict[str, Any],
    text: str,
    name: bytes,
    status: os.stat_result,
    *,
    atime: bool,
    is_canonical: bool,
) -> str | None:
    """Give the node of a file that has not changed since, or None where it has, or may have.

    Size, both times and the inode must be those of then. The text is given back as it was where we
    would write the same; a node that another program wrote in its own way (other zone, device of a
    file with one name, another order of fields) is written anew.

    Args:
        fields: The node as it was.
        text: The same as it is written in the tree.
        name: Of the file.
        status: Its lstat now.
        atime: Whether to write the access time of now.
        is_canonical: Whether the tree's writer is known to write nodes just as we do.
    """
    if (
        fields.get("type") != "file"
        or fields.get("size", 0) != status.st_size
        or fields.get("inode", 0) != status.st_ino
        or not isinstance(fields.get("content"), list)
    ):
        return None
    mtime, ctime = format_nanoseconds(status.st_mtime_ns), format_nanoseconds(status.st_ctime_ns)
    if (
        is_canonical
        and not atime
        and fields.get("mtime") == fields.get("atime") == mtime
        and fields.get("ctime") == ctime
        and "device_id" not in fields
        and fields.get("links") == status.st_nlink == 1
        and fields.get("user", "") == user_name(status.st_uid)
        and fields.get("group", "") == group_name(status.st_gid)
    ):
        return text
    if (
        parse_nanoseconds(fields["mtime"]) != status.st_mtime_ns
        or parse_nanoseconds(fields["ctime"]) != status.st_ctime_ns
    ):
        return None
    return encode_file(
        name,
        status,
        bytes.fromhex("".join(fields["content"])),
        size=status.st_size,
        xattrs=tuple(
            (row["name"], base64.b64decode(row["value"] or ""))
            for row in fields.get("extended_attributes") or ()
        ),
        atime=atime,
    )
