"""What a tree refers to: the ids in it, without the files' names and attributes."""

import json
import re
from typing import Any, NamedTuple

from backup.errors import DamagedError
from backup.format.pack import ID_LENGTH


class References(NamedTuple):
    """What one tree refers to.

    Attributes:
        content: Joined ids of the data blobs of all its files, repetitions included.
        subtrees: Joined ids of the trees of all its folders.
    """

    content: bytes
    subtrees: bytes


def references_of(tree: bytes) -> References:
    """Read only the ids out of a tree; about 1 ms for a thousand files.

    Raises:
        DamagedError: The bytes are not a tree of the known form.
    """
    return _find_references(tree) or _decode_references(tree)


_REFERENCES = re.compile(
    rb'"content":(?:null|\[([^\]]*)\])(?:,"subtree":"([0-9a-f]{64})")?',
)
# White space between or escapes within the words we look for; our trees and restic's have neither.
_ODD = (b'" :', b"\t", b"\r", b"\\u00")
_HEX = 2 * ID_LENGTH
_HEX_AND_QUOTES = _HEX + 2


def _find_references(tree: bytes) -> References | None:
    """Search for ids without decoding; None unless every one was surely found.

    In a JSON string every quote has a backslash before it, so no file name looks like a field.
    """
    if not tree.startswith(b'{"nodes":[') or tree.find(b"\n") != len(tree) - 1:
        return None
    if any(sign in tree for sign in _ODD):
        return None
    found = _REFERENCES.findall(tree)
    quoted = b"".join([ids + b"," for ids, _ in found if ids]).replace(b",", b"")
    content = quoted.replace(b'"', b"")
    subtrees = b"".join([subtree for _, subtree in found])
    is_sure = (
        tree.count(b'"type":') == tree.count(b'"content":') == len(found)
        and tree.count(b'"subtree":') * _HEX == len(subtrees)
        and len(content) * _HEX_AND_QUOTES == len(quoted) * _HEX
        and len(content) % _HEX == 0
    )
    try:
        ids = bytes.fromhex(content.decode()), bytes.fromhex(subtrees.decode())
    except ValueError:
        return None
    return References(*ids) if is_sure else None


def _decode_references(tree: bytes) -> References:
    content: list[str] = []
    subtrees: list[str] = []

    def note(fields: dict[str, Any]) -> object:
        if "nodes" in fields and "type" not in fields:
            return fields
        # Keeping the ids alone, and not every node, bounds the memory of a huge folder.
        if ids := fields.get("content"):
            content.extend(ids)
        if subtree := fields.get("subtree"):
            subtrees.append(subtree)
        return None

    try:
        root = json.loads(tree, object_hook=note)
        if not isinstance(root, dict) or not isinstance(root["nodes"], list | None):
            raise DamagedError("a tree is not of the known form")
        return References(_join(content), _join(subtrees))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise DamagedError("a tree is not of the known form", why="{cause}", cause=error) from error


def _join(ids: list[str]) -> bytes:
    joined = bytes.fromhex("".join(ids))
    if len(joined) != ID_LENGTH * len(ids):
        raise DamagedError("a tree holds an id of the wrong length")
    return joined
