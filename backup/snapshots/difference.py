"""The differences between two snapshots: which entries, and how much of the repository."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from backup.errors import DamagedError
from backup.format.pack import ID_LENGTH, BlobType
from backup.format.tree import Node
from backup.snapshots.walk import TreeReader

# A blob by its type and id; a tree and a file may share an id.
_Blob = tuple[BlobType, bytes]


@dataclass(slots=True)
class Side:
    """What only one of the two has.

    Attributes:
        files: Files.
        dirs: Folders.
        others: Links, devices and the like.
        data_blobs: Pieces of files.
        tree_blobs: Folder listings.
        bytes: Plaintext size of these blobs.
    """

    files: int = 0
    dirs: int = 0
    others: int = 0
    data_blobs: int = 0
    tree_blobs: int = 0
    bytes: int = 0

    def count(self, node: Node) -> None:
        """Count one entry by its type."""
        if node.type == "file":
            self.files += 1
        elif node.type == "dir":
            self.dirs += 1
        else:
            self.others += 1


@dataclass(slots=True)
class Difference:
    """The figures.

    Attributes:
        changed_files: Files with other content.
        added: What only the second has.
        removed: What only the first has.
        errors: Trees that could not be read; what lies below is not compared.
    """

    changed_files: int = 0
    added: Side = field(default_factory=Side)
    removed: Side = field(default_factory=Side)
    errors: list[DamagedError] = field(default_factory=list)


def compare_trees(
    reader: TreeReader,
    before: bytes,
    after: bytes,
    report: Callable[[bytes, str], None],
    *,
    metadata: bool = False,
) -> Difference:
    """Compare two trees.

    Args:
        reader: Reads the trees.
        before: Id of the first.
        after: Id of the second.
        report: Told of each difference in the order of paths: the path, with a slash at its end
            for folders, and restic's marks: ``+`` added, ``-`` removed, ``M`` other content, ``T``
            other type, ``U`` other metadata, ``M?`` other content though all metadata is the same.
        metadata: Whether ``U`` is reported.
    """
    return _Comparison(reader, report, metadata=metadata).run(before, after)


class _Comparison:
    def __init__(
        self, reader: TreeReader, report: Callable[[bytes, str], None], *, metadata: bool
    ) -> None:
        self._reader = reader
        self._report = report
        self._metadata = metadata
        self._result = Difference()
        self._before: set[_Blob] = set()
        self._after: set[_Blob] = set()
        self._shared: set[_Blob] = set()

    def run(self, before: bytes, after: bytes) -> Difference:
        if before != after:
            self._before.add((BlobType.TREE, before))
            self._after.add((BlobType.TREE, after))
            self._compare(b"/", before, after)
            both = (self._before & self._after) | self._shared
            self._count_blobs(self._before - both, self._result.removed)
            self._count_blobs(self._after - both, self._result.added)
        return self._result

    def _load(self, tree_id: bytes) -> list[Node]:
        try:
            return self._reader.load(tree_id)
        except DamagedError as error:
            self._result.errors.append(error)
            return []

    def _compare(self, folder: bytes, before: bytes, after: bytes) -> None:
        for old, new in _pair(self._load(before), self._load(after)):
            if old is not None:
                self._before.update(_blobs(old))
            if new is not None:
                self._after.update(_blobs(new))
            if old is not None and new is not None:
                self._compare_nodes(folder, old, new)
            elif old is not None:
                self._report_all(folder, old, "-")
            elif new is not None:
                self._report_all(folder, new, "+")

    def _compare_nodes(self, folder: bytes, old: Node, new: Node) -> None:
        path = _path(folder, new)
        mark = self._mark(old, new)
        if mark:
            self._report(path, mark)
        if old.type == new.type == "dir":
            if old.subtree == new.subtree:
                self._collect(old, self._shared)
            elif old.subtree is not None and new.subtree is not None:
                self._compare(path, old.subtree, new.subtree)
        else:
            self._report_below(_path(folder, old), old, "-")
            self._report_below(path, new, "+")

    def _mark(self, old: Node, new: Node) -> str:
        mark = "T" if old.type != new.type else ""
        if old.type == new.type == "file" and old.content != new.content:
            self._result.changed_files += 1
            same = old._replace(content=b"") == new._replace(content=b"")
            return "M?" if same else "M"
        if self._metadata and old != new:
            mark += "U"
        return mark

    def _report_all(self, folder: bytes, node: Node, mark: str) -> None:
        """Report an entry that only one side has, and everything below."""
        path = _path(folder, node)
        self._report(path, mark)
        (self._result.added if mark == "+" else self._result.removed).count(node)
        self._report_below(path, node, mark)

    def _report_below(self, path: bytes, node: Node, mark: str) -> None:
        if node.subtree is None:
            return
        blobs = self._after if mark == "+" else self._before
        for child in self._load(node.subtree):
            blobs.update(_blobs(child))
            self._report_all(path, child, mark)

    def _collect(self, node: Node, blobs: set[_Blob]) -> None:
        """Gather the blobs of a folder that both share, so that none of them counts as new."""
        pending = [node]
        while pending:
            node = pending.pop()
            fresh = [blob for blob in _blobs(node) if blob not in blobs]
            blobs.update(fresh)
            if node.subtree is not None and fresh:
                pending += self._load(node.subtree)

    def _count_blobs(self, blobs: set[_Blob], side: Side) -> None:
        for blob_type, blob_id in blobs:
            if blob_type is BlobType.DATA:
                side.data_blobs += 1
            else:
                side.tree_blobs += 1
            places = [it.blob for it in self._reader.index.find_all(blob_id)]
            sizes = [it.plaintext_length for it in places if it.type is blob_type]
            side.bytes += sizes[0] if sizes else 0


def _pair(before: list[Node], after: list[Node]) -> Iterator[tuple[Node | None, Node | None]]:
    """Pair the entries of two folders by name, in the order of names."""
    old = {node.name: node for node in before}
    new = {node.name: node for node in after}
    for name in sorted(old.keys() | new.keys()):
        yield old.get(name), new.get(name)


def _path(folder: bytes, node: Node) -> bytes:
    return folder + node.name + (b"/" if node.type == "dir" else b"")


def _blobs(node: Node) -> list[_Blob]:
    if node.subtree is not None:
        return [(BlobType.TREE, node.subtree)]
    content = node.content or b""
    return [
        (BlobType.DATA, content[at : at + ID_LENGTH]) for at in range(0, len(content), ID_LENGTH)
    ]
