"""Writing a snapshot's trees anew with some entries changed or left out.

What stays is written again as the very text it was, fields that nobody here knows included; a
folder in which nothing changed keeps its tree, and is not stored again.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import msgspec

from backup.archiver.parent import Fields, read_fields
from backup.archiver.run_writer import RunWriter
from backup.errors import DamagedError
from backup.format.names import json_text, unquote_name
from backup.format.pack import BlobType
from backup.format.tree import encode_tree
from backup.repository.repository import Repository


class Entry(NamedTuple):
    """One entry of a folder.

    Attributes:
        path: From the root of the snapshot.
        fields: Those that decide what it holds.
        text: The whole of it as it is written.
    """

    path: bytes
    fields: Fields
    text: str

    def changed(self, **changes: object) -> "Entry":
        """Give it with other fields."""
        text = json_text(json.loads(self.text) | changes)
        return Entry(self.path, read_fields(text), text)


class Edit(Protocol):
    """What is to become of the entries. What it decides depends on paths and entries alone."""

    def edit(self, entries: list[Entry]) -> list[Entry]:
        """Give what one folder holds from now on; its subfolders come later."""
        ...

    def enters(self, path: bytes) -> bool:
        """Whether anything below the folder could change."""
        ...

    def replace_lost(self, path: bytes, error: DamagedError) -> bool:
        """Whether a folder that cannot be read becomes an empty one.

        Raises:
            DamagedError: The snapshot is to be left as it is.
        """
        ...


class LostRootError(DamagedError):
    """Not even the root of the snapshot can be read."""


class NewTree(NamedTuple):
    """What became of a folder.

    Attributes:
        id: Of its tree now.
        files: How many files are gone from it and from all below it.
        bytes: How much their content was.
    """

    id: bytes
    files: int
    bytes: int


@dataclass(slots=True)
class _Visit:
    path: bytes
    tree_id: bytes
    entries: list[Entry]
    is_changed: bool
    files: int = 0
    bytes: int = 0
    waiting: list[int] = field(default_factory=list)


class TreeRewriter:
    """Rewrites trees of one repository. For one thread."""

    def __init__(self, repository: Repository, writer: RunWriter, edit: Edit) -> None:
        """Set up.

        Args:
            repository: Where the trees are.
            writer: Stores new ones; nothing may refer to them before its checkpoint.
            edit: What is to change.
        """
        self._repository = repository
        self._writer = writer
        self._edit = edit
        # What was found out of folders, which most snapshots share; None for no change.
        self._known: dict[bytes, NewTree | None] = {}

    def rewrite(self, root: bytes) -> NewTree:
        """Give the new root tree; its id is that of the old one where nothing changed.

        Raises:
            LostRootError: The root cannot be read, and what it held cannot be guessed.
            DamagedError: A tree cannot be read, and the edit knows no way out.
            StoreError: The store failed.
        """
        # In a loop: folders may be nested deeper than calls can be.
        stack = [self._visit(b"/", root)]
        while True:
            visit = stack[-1]
            if not visit.waiting:
                done = self._close(stack.pop())
                if not stack:
                    return done
                _take(stack[-1], done)
                continue
            entry = visit.entries[visit.waiting[-1]]
            tree_id = _subtree(entry)
            key = _key(entry.path, tree_id)
            if key in self._known:
                _take(visit, self._known[key] or NewTree(tree_id, 0, 0))
            else:
                stack.append(self._visit(entry.path, tree_id))

    def _visit(self, path: bytes, tree_id: bytes) -> _Visit:
        try:
            old = list(self._read(path, tree_id))
        except DamagedError as error:
            if not self._edit.replace_lost(path, error):
                raise
            if path == b"/":
                raise LostRootError("the root folder of the snapshot cannot be read") from error
            return _Visit(path, tree_id, [], is_changed=True)
        entries = self._edit.edit(old)
        visit = _Visit(path, tree_id, entries, is_changed=entries != old)
        if visit.is_changed:
            self._count_gone(visit, old)
        visit.waiting = [
            at
            for at, entry in reversed(list(enumerate(entries)))
            if entry.fields.type == "dir" and self._edit.enters(entry.path)
        ]
        return visit

    def _read(self, path: bytes, tree_id: bytes) -> Iterator[Entry]:
        tree = self._repository.load_blob(self._writer.index, tree_id, expected=BlobType.TREE)
        try:
            rows = _decode(tree).nodes or ()
            for raw in rows:
                text = str(raw, "utf-8")
                fields = read_fields(text)
                name = unquote_name(fields.name)
                yield Entry(path.rstrip(b"/") + b"/" + name, fields, text)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise DamagedError("a tree is not of the known form") from error

    def _count_gone(self, visit: _Visit, old: list[Entry]) -> None:
        kept = {entry.path for entry in visit.entries}
        gone = [entry for entry in old if entry.path not in kept]
        while gone:
            entry = gone.pop()
            if entry.fields.type == "file":
                visit.files += 1
                visit.bytes += entry.fields.size
            elif entry.fields.type == "dir":
                with suppress(DamagedError):  # then nobody knows what was in it
                    gone += self._read(entry.path, _subtree(entry))

    def _close(self, visit: _Visit) -> NewTree:
        key = _key(visit.path, visit.tree_id)
        if not visit.is_changed:
            self._known[key] = None
            return NewTree(visit.tree_id, 0, 0)
        tree_id = self._writer.save_tree(encode_tree([entry.text for entry in visit.entries]))
        done = self._known[key] = NewTree(tree_id, visit.files, visit.bytes)
        return done


class _Tree(msgspec.Struct):
    nodes: list[msgspec.Raw] | None


_decode = msgspec.json.Decoder(_Tree).decode


def _take(above: _Visit, done: NewTree) -> None:
    """Put a subfolder that is done into the folder above it."""
    at = above.waiting.pop()
    above.files += done.files
    above.bytes += done.bytes
    if done.id != _subtree(above.entries[at]):
        above.entries[at] = above.entries[at].changed(subtree=done.id.hex())
        above.is_changed = True


def _key(path: bytes, tree_id: bytes) -> bytes:
    return hashlib.blake2b(tree_id + path, digest_size=16).digest()


def _subtree(entry: Entry) -> bytes:
    """Give the id of a folder's tree; zeros, which no tree has, where it names none."""
    try:
        return bytes.fromhex(entry.fields.subtree or "")[:32].ljust(32, b"\0")
    except ValueError:
        return bytes(32)
