"""Finding things in snapshots: entries by patterns and times, blobs and trees by their ids."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from backup.errors import BackupError
from backup.format.pack import BlobType
from backup.format.snapshot import Snapshot
from backup.patterns.patterns import Patterns
from backup.repository.index import Index
from backup.snapshots.walk import Entry, TreeReader, walk

_ID_DIGITS = 64


class PackNotFoundError(BackupError):
    """No pack of the index begins with such an id."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries to find.

    Attributes:
        patterns: Each on its own: one that fits is enough.
        oldest: Modification time in nanoseconds from which on an entry counts; None for any.
        newest: Modification time up to which it counts; None for any.
    """

    patterns: Sequence[Patterns]
    oldest: int | None = None
    newest: int | None = None

    def matches(self, entry: Entry) -> bool:
        """Say whether an entry is one of those wanted."""
        mtime = entry.node.mtime
        if self.oldest is not None and mtime < self.oldest:
            return False
        if self.newest is not None and mtime > self.newest:
            return False
        return any(patterns.match(entry.path) for patterns in self.patterns)

    def may_match_below(self, entry: Entry) -> bool:
        """Say whether a folder may hold something wanted."""
        return any(
            patterns.match(entry.path) or patterns.child_match(entry.path)
            for patterns in self.patterns
        )


def find_entries(reader: TreeReader, snapshot: Snapshot, query: Query) -> Iterator[Entry]:
    """Yield what a snapshot has of the wanted, in the order of paths.

    Raises:
        DamagedError: A tree cannot be read.
        StoreError: The store failed.
    """
    for entry in walk(reader, snapshot.tree, enters=query.may_match_below):
        if query.matches(entry):
            yield entry


class FoundObject(NamedTuple):
    """One place where a blob or tree is used.

    Attributes:
        type: What it is.
        id: 32 bytes.
        path: The file or folder it belongs to.
        parent: Tree that the file stands in; empty for trees.
    """

    type: BlobType
    id: bytes
    path: bytes
    parent: bytes


@dataclass(slots=True)
class WantedIds:
    """Ids to look for, given whole or by their beginnings.

    Attributes:
        blobs: Hexadecimal, of data blobs.
        trees: Hexadecimal, of trees.
    """

    blobs: set[str] = field(default_factory=set)
    trees: set[str] = field(default_factory=set)

    def has_blob(self, blob_id: bytes) -> bool:
        """Whether a data blob is wanted."""
        return _is_wanted(blob_id.hex(), self.blobs)

    def has_tree(self, tree_id: bytes) -> bool:
        """Whether a tree is wanted."""
        return _is_wanted(tree_id.hex(), self.trees)


def _is_wanted(file_id: str, wanted: set[str]) -> bool:
    if file_id in wanted:
        return True
    return any(len(it) < _ID_DIGITS and file_id.startswith(it) for it in wanted)


def want_packs(index: Index, prefixes: Sequence[str]) -> WantedIds:
    """Want everything that some packs hold.

    Raises:
        PackNotFoundError: One of them is not in the index.
    """
    wanted = WantedIds()
    left = {prefix.lower() for prefix in prefixes}
    for pack_id, blobs in index.blobs_by_pack():
        name = pack_id.hex()
        fitting = {prefix for prefix in prefixes if name.startswith(prefix.lower())}
        left -= {prefix.lower() for prefix in fitting}
        for blob in blobs if fitting else ():
            ids = wanted.trees if blob.type is BlobType.TREE else wanted.blobs
            ids.add(blob.id.hex())
    if left:
        raise PackNotFoundError(
            "no pack in the index has the id {packs}",
            data="nothing was changed",
            next_step="check the id; a pack that no index names cannot be looked into",
            packs=" or ".join(sorted(left)),
        )
    return wanted


def find_objects(
    reader: TreeReader, snapshot: Snapshot, wanted: WantedIds
) -> Iterator[FoundObject]:
    """Yield where a snapshot uses wanted blobs and trees, in the order of paths.

    Raises:
        DamagedError: A tree cannot be read.
        StoreError: The store failed.
    """
    if wanted.has_tree(snapshot.tree):
        yield FoundObject(BlobType.TREE, snapshot.tree, b"/", b"")
    for path, node, parent in walk(reader, snapshot.tree):
        if node.subtree is not None and wanted.has_tree(node.subtree):
            yield FoundObject(BlobType.TREE, node.subtree, path, b"")
        if wanted.blobs:
            for blob_id in node.content_ids():
                if wanted.has_blob(blob_id):
                    yield FoundObject(BlobType.DATA, blob_id, path, parent)


def describe_places(index: Index, found: FoundObject) -> list[str]:
    """Say in which packs an object lies, as restic does."""
    lines = []
    for place in index.find_all(found.id):
        if place.blob.type is found.type:
            pack, blob = place.pack.hex(), place.blob
            lines.append(f"Object belongs to pack {pack}")
            lines.append(
                f" ... Pack {pack[:8]}: <Blob ({blob.type.word}) {blob.id.hex()[:8]}, "
                f"offset {blob.offset}, length {blob.length}, "
                f"uncompressed length {blob.uncompressed_length}>"
            )
    return lines
