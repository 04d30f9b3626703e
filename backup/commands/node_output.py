"""How one entry of a snapshot is printed, in text and in JSON, as restic does it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from backup.commands.output import Output, decode_path, format_size
from backup.format.times import format_nanoseconds
from backup.format.tree import Node
from backup.snapshots.walk import Entry

# Go's FileMode.String(): one letter for each bit from 31 down; links are "L", setuid is "u".
_MODE_LETTERS = "dalTLDpSugct?"
_PERMISSIONS = "rwxrwxrwx"
_HIGHEST_BIT = 31
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def format_mode(mode: int) -> str:
    """Write Go's FileMode bits as Go does: ``-rw-r--r--``, ``urwxr-xr-x``, ``dtrwxrwxrwx``."""
    letters = "".join(
        letter for at, letter in enumerate(_MODE_LETTERS) if mode >> (_HIGHEST_BIT - at) & 1
    )
    permissions = "".join(
        letter if mode >> (8 - at) & 1 else "-" for at, letter in enumerate(_PERMISSIONS)
    )
    return (letters or "-") + permissions


def format_local(nanoseconds: int) -> str:
    """Write a node's time in local time, to the second; years that no calendar has stay UTC."""
    try:
        when = (_EPOCH + timedelta(seconds=nanoseconds // 10**9)).astimezone()
    except (OverflowError, ValueError):
        return format_nanoseconds(nanoseconds)[:19].replace("T", " ")
    return f"{when:%Y-%m-%d %H:%M:%S}"


def format_entry(output: Output, entry: Entry, *, long: bool, human: bool) -> str:
    """Write one line: the path, or with `long` mode, owner, size, time and link target too."""
    path = output.path(entry.path)
    if not long:
        return path
    node = entry.node
    size = format_size(node.size) if human else f"{node.size:6}"
    target = f" -> {output.path(node.linktarget)}" if node.linktarget else ""
    return (
        f"{format_mode(node.mode)} {node.uid:5} {node.gid:5} {size} "
        f"{format_local(node.mtime)} {path}{target}"
    )


def node_message(entry: Entry) -> dict[str, Any]:
    """Give the ``node`` message of ``ls --json``."""
    node = entry.node
    message: dict[str, Any] = {
        "name": decode_path(node.name),
        "type": node.type,
        "path": decode_path(entry.path),
        "uid": node.uid,
        "gid": node.gid,
    }
    if node.type == "file":
        message["size"] = node.size
    if node.mode:
        message["mode"] = node.mode
    message["permissions"] = format_mode(node.mode)
    message |= _times(node)
    if node.inode:
        message["inode"] = node.inode
    return message | {"message_type": "node", "struct_type": "node"}


def match_message(entry: Entry) -> dict[str, Any]:
    """Give one of the ``matches`` of ``find --json``; empty optional fields are left out."""
    node = entry.node
    optional: dict[str, Any] = {
        "user": node.user,
        "group": node.group,
        "inode": node.inode,
        "device_id": node.device_id,
        "size": node.size,
        "links": node.links,
        "linktarget": decode_path(node.linktarget),
    }
    message: dict[str, Any] = {
        "path": decode_path(entry.path),
        "permissions": format_mode(node.mode),
        "type": node.type,
    }
    if node.mode:
        message["mode"] = node.mode
    message |= _times(node) | {"uid": node.uid, "gid": node.gid}
    return message | {name: value for name, value in optional.items() if value}


def _times(node: Node) -> dict[str, str]:
    return {
        "mtime": format_nanoseconds(node.mtime),
        "atime": format_nanoseconds(node.atime),
        "ctime": format_nanoseconds(node.ctime),
    }
