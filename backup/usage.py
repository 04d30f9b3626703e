"""Which blobs are used: everything that the trees of some snapshots refer to."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from backup.errors import DamagedError
from backup.index import Index
from backup.packs import ID_LENGTH, BlobType
from backup.repository import Repository
from backup.tree_walk import BadTree, Mentions, MissingBlob, TreeWalk

_LOOK_UP_AT_ONCE = 32_768


class References(NamedTuple):
    """What one tree refers to.

    Attributes:
        content: Joined ids of the data blobs of all its files, repetitions included.
        subtrees: Joined ids of the trees of all its folders.
    """

    content: bytes
    subtrees: bytes


@dataclass(frozen=True, slots=True)
class UsedBlobs:
    """The blobs that some snapshots need.

    Only where `missing` and `unreadable` are both empty is an unmarked blob surely unused.

    Attributes:
        marks: One for each index entry. Of a blob stored twice, the first entry of its type only.
        missing: Blobs that are referred to and not in the index; each once a place.
        unreadable: Trees that could not be read; nothing below them is marked.
        trees: How many trees were read.
    """

    marks: npt.NDArray[np.bool_]
    missing: tuple[MissingBlob, ...]
    unreadable: tuple[BadTree, ...]
    trees: int


def find_used(
    repository: Repository,
    index: Index,
    roots: Iterable[tuple[bytes, bytes]],
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> UsedBlobs:
    """Walk all trees of some snapshots, each once, and mark what they need.

    Args:
        repository: Where they lie.
        index: An index read after the snapshots were listed.
        roots: Of each snapshot the id of its root tree and its own id, 32 bytes each.
        progress: Called now and then with the number of trees read so far.
    """
    walk = TreeWalk(repository, index)
    content = Mentions(index, BlobType.DATA)
    marks = np.zeros(len(index), dtype=np.bool_)
    unreadable = []
    trees = 0
    for tree_id, snapshot_id in roots:
        walk.want(tree_id, snapshot_id)
    for tree_id, tree in walk:
        trees += 1
        try:
            references = references_of(tree)
        except DamagedError as error:
            unreadable.append(BadTree(tree_id, b"", error, is_recovered=False))
            continue
        walk.want(references.subtrees, tree_id)
        content.add(references.content, tree_id)
        if len(content) >= _LOOK_UP_AT_ONCE:
            _mark(marks, content.look_up())
            progress(trees)
    _mark(marks, content.look_up())
    progress(trees)
    unreadable += [bad for bad in walk.bad if not bad.is_recovered]
    missing = (*walk.missing, *content.missing)
    return UsedBlobs(marks | walk.seen, missing, tuple(unreadable), trees)


def _mark(marks: npt.NDArray[np.bool_], positions: npt.NDArray[np.int64]) -> None:
    marks[positions[positions >= 0]] = True


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
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError("a tree is not of the known form", why="{cause}", cause=error) from error


def _join(ids: list[str]) -> bytes:
    joined = bytes.fromhex("".join(ids))
    if len(joined) != ID_LENGTH * len(ids):
        raise DamagedError("a tree holds an id of the wrong length")
    return joined
