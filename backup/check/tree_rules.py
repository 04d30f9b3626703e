"""What must hold inside one tree, and what its files must add up to."""

import json
import re
from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np

from backup.check.findings import Finding, found
from backup.errors import DamagedError
from backup.format.crypto import OVERHEAD
from backup.format.names import is_attribute_name, unquote_name
from backup.format.pack import ID_LENGTH, BlobType
from backup.format.tree import LARGEST_OWNER, NODE_TYPES
from backup.repository.index import Index
from backup.repository.tree_walk import Mentions

_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)"
)  # no zone, or a small z: restic loses the whole folder
_TYPES = frozenset(NODE_TYPES.values())
_LARGEST_SIZE = (1 << 63) - 1
_LARGEST_NUMBER = (1 << 64) - 1
_LARGEST = {  # as restic reads them; it loses the whole folder over one that does not fit
    **dict.fromkeys(("mode", "uid", "gid"), LARGEST_OWNER),
    **dict.fromkeys(("inode", "device_id", "size", "links", "device"), _LARGEST_NUMBER),
}
_NULL_ID = "0" * (2 * ID_LENGTH)


class TreeFacts:
    """One tree, looked through node by node; no node is kept, so huge folders need little memory.

    Attributes:
        findings: What is wrong in it.
        subtrees: Joined ids of its folders' trees.
        content: Joined ids of its files' blobs.
        names: Of its files that are not empty; the next two belong to these.
        counts: How many blobs each has.
        sizes: How many bytes each has.
    """

    def __init__(self, tree_id: bytes) -> None:
        self.findings: list[Finding] = []
        self.subtrees = bytearray()
        self.content = bytearray()
        self.names: list[str] = []
        self.counts = array("q")
        self.sizes = array("q")
        self._concerned = f"tree {tree_id.hex()}"
        self._previous = b""

    def report(self, code: str, **params: object) -> None:
        """Note a problem of this tree."""
        self.findings.append(found(code, self._concerned, **params))

    def note(self, fields: dict[str, Any]) -> object:
        """Look at one JSON object: the tree, a node, or something inside a node."""
        if "type" not in fields:
            if "nodes" in fields:
                return fields
            name = fields.get("name")
            if isinstance(name, str) and "value" in fields:
                self._note_attribute(name)
            return None
        if "name" in fields:
            self._note_name(fields["name"])
            self._note_kind(fields)
        return None

    def _note_attribute(self, name: str) -> None:
        if not is_attribute_name(name.encode("utf-8", "surrogatepass")):
            self.report("attribute_impossible", name=name)

    def _note_numbers(self, fields: dict[str, Any]) -> None:
        for key, largest in _LARGEST.items():
            number = fields.get(key, 0)
            if not isinstance(number, int) or not 0 <= number <= largest:
                self.report("number_impossible", name=fields["name"], field=key, number=number)

    def _note_name(self, text: str) -> None:
        try:
            name = unquote_name(text)
        except DamagedError as error:
            self.report("name_impossible", cause=error)
            return
        if name <= self._previous:
            code = "names_duplicated" if name == self._previous else "names_unsorted"
            self.report(code, name=text)
        self._previous = name

    def _note_kind(self, fields: dict[str, Any]) -> None:
        match = _TIME.fullmatch
        mtime, atime = fields.get("mtime", ""), fields.get("atime", "")
        if not (
            match(mtime) and (atime == mtime or match(atime)) and match(fields.get("ctime", ""))
        ):
            self.report("time_invalid", name=fields["name"])
        self._note_numbers(fields)
        kind = fields["type"]
        if kind == "file":
            self._note_file(fields)
        elif kind == "dir":
            subtree = fields.get("subtree")
            if not subtree or subtree == _NULL_ID:
                self.report("subtree_null", name=fields["name"])
            else:
                self.subtrees += _decode_ids([subtree])
        elif kind == "symlink" and "\0" in fields.get("linktarget", ""):
            self.report("target_impossible", name=fields["name"])
        elif kind not in _TYPES:
            self.report("type_unknown", name=fields["name"], type=kind)

    def _note_file(self, fields: dict[str, Any]) -> None:
        content = fields.get("content")
        size = fields.get("size", 0)
        if content is None or _NULL_ID in content:
            self.report("content_null", name=fields["name"])
        elif content:
            self.content += _decode_ids(content)
            self.names.append(fields["name"])
            self.counts.append(len(content))
            is_size = isinstance(size, int) and 0 <= size <= _LARGEST_SIZE
            self.sizes.append(size if is_size else -1)
        elif size:
            self.report("size_wrong", name=fields["name"], size=size, stored=0)


class TreeInspector:
    """Looks through trees, one after the other. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._facts = TreeFacts(b"")
        # A decoder is made once: for small trees that costs more than decoding.
        self._decode = json.JSONDecoder(object_hook=self._note).decode

    def _note(self, fields: dict[str, Any]) -> object:
        return self._facts.note(fields)

    def inspect(self, tree_id: bytes, tree: bytes) -> TreeFacts:
        """Look through one tree; what is wrong in it stands in the result's findings."""
        self._facts = facts = TreeFacts(tree_id)
        try:
            root = self._decode(tree.decode())
            if not isinstance(root, dict) or not isinstance(root["nodes"], list | None):
                facts.report("tree_malformed", cause="it is no list of nodes")
        except (
            KeyError,
            TypeError,
            ValueError,
            OverflowError,
            RecursionError,
            DamagedError,
        ) as error:
            facts.report("tree_malformed", cause=error)
        return facts


def _decode_ids(ids: list[str]) -> bytes:
    joined = bytes.fromhex("".join(ids))
    if len(joined) != ID_LENGTH * len(ids):
        raise DamagedError("a tree holds an id of the wrong length")
    return joined


class ContentRules:
    """Compares the sizes of files with those of their blobs, for many trees at once.

    Attributes:
        marks: For each index entry, whether it is a data blob that some file needs.
    """

    def __init__(self, index: Index) -> None:
        self.mentions = Mentions(index, BlobType.DATA)
        self.marks = np.zeros(len(index), dtype=np.bool_)
        self._index = index
        self._forget()

    def __len__(self) -> int:
        return len(self.mentions)

    def _forget(self) -> None:
        self._trees: list[tuple[bytes, int]] = []
        self._names: list[str] = []
        self._counts = array("q")
        self._sizes = array("q")

    def add(self, tree_id: bytes, facts: TreeFacts) -> None:
        """Note the files of one tree."""
        if not facts.names:
            return
        self.mentions.add(bytes(facts.content), tree_id)
        self._names += facts.names
        self._counts.extend(facts.counts)
        self._sizes.extend(facts.sizes)
        self._trees.append((tree_id, len(self._names)))

    def settle(self) -> Iterator[Finding]:
        """Look up what was noted and yield what does not add up."""
        positions = self.mentions.look_up()
        if not len(positions):
            return
        self.marks[positions[positions >= 0]] = True
        lengths = np.full(len(positions), 0, dtype=np.int64)
        there = positions >= 0
        chosen = positions[there]
        plain = self._index.plain_sizes()[chosen].astype(np.int64)
        sealed = self._index.sizes()[chosen].astype(np.int64)
        lengths[there] = np.where(plain > 0, plain, sealed - OVERHEAD)
        starts = np.concatenate(([0], np.cumsum(self._counts)[:-1]))
        stored = np.add.reduceat(lengths, starts)
        whole = np.logical_and.reduceat(there, starts)
        for at in np.flatnonzero(whole & (stored != np.array(self._sizes))):
            yield found(
                "size_wrong",
                f"tree {self._tree_of(int(at)).hex()}",
                name=self._names[at],
                size=self._sizes[at],
                stored=int(stored[at]),
            )
        self._forget()

    def _tree_of(self, file_number: int) -> bytes:
        return next(tree_id for tree_id, end in self._trees if file_number < end)
