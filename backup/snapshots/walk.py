"""Walking the trees of a snapshot: every entry with its path, folders before what they hold."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

from backup.errors import BackupError, DamagedError
from backup.format.pack import BlobType
from backup.format.tree import Node
from backup.format.tree_decoding import decode_tree, raise_lost
from backup.repository.repository import Repository

if TYPE_CHECKING:  # numpy behind it costs a tenth of a second
    from backup.repository.index import Index

_MOST_NODES_KEPT = 50_000


class Entry(NamedTuple):
    """One entry of a folder, with its place.

    Attributes:
        path: From the root of the walk, with a slash in front.
        node: What the tree says of it.
        parent: Id of the tree it stands in.
    """

    path: bytes
    node: Node
    parent: bytes


class PathNotFoundError(BackupError):
    """A snapshot holds no such path, or it is of another type than asked for."""


class Trees(Protocol):
    """Gives trees."""

    def load(self, tree_id: bytes) -> list[Node]:
        """Give the nodes of one tree, in their order.

        Raises:
            DamagedError: It cannot be read.
            StoreError: The store failed.
        """
        ...


class TreeReader:
    """Reads trees of one repository, and keeps those met last, since snapshots share them."""

    def __init__(self, repository: Repository, index: Index) -> None:
        self.repository = repository
        self.index = index
        self._kept: OrderedDict[bytes, list[Node]] = OrderedDict()
        self._count = 0

    def load(self, tree_id: bytes) -> list[Node]:
        """Read one tree; its nodes in their order.

        Raises:
            DamagedError: It cannot be read.
            StoreError: The store failed.
        """
        nodes = self._kept.pop(tree_id, None)
        if nodes is None:
            blob = self.repository.load_blob(self.index, tree_id, expected=BlobType.TREE)
            nodes = decode_tree(blob, raise_lost)
            self._count += len(nodes) + 1
        self._kept[tree_id] = nodes
        while self._count > _MOST_NODES_KEPT and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._count -= len(dropped) + 1
        return nodes


def walk(
    reader: Trees,
    tree_id: bytes,
    *,
    below: bytes = b"",
    enters: Callable[[Entry], bool] = lambda _entry: True,
) -> Iterator[Entry]:
    """Yield every entry below a tree, each folder before what it holds, ordered by raw name.

    Args:
        reader: Reads the trees.
        tree_id: Where to begin.
        below: Path of that tree, without a slash at its end.
        enters: Whether to look into a folder; asked after the folder itself was yielded.

    Raises:
        DamagedError: A tree cannot be read.
        StoreError: The store failed.
    """
    pending = [_entries(reader, tree_id, below)]
    while pending:
        for entry in pending[-1]:
            yield entry
            if entry.node.subtree is not None and enters(entry):
                pending.append(_entries(reader, entry.node.subtree, entry.path))
                break
        else:
            pending.pop()


def _entries(reader: Trees, tree_id: bytes, below: bytes) -> Iterator[Entry]:
    for node in reader.load(tree_id):
        yield Entry(below + b"/" + node.name, node, tree_id)


def find_entry(reader: Trees, tree_id: bytes, path: bytes) -> Entry | None:
    """Find what lies at a path below a tree; None for the tree itself.

    Args:
        reader: Reads the trees.
        tree_id: Where to begin.
        path: With or without slashes around it.

    Raises:
        PathNotFoundError: Nothing lies there, or it leads through something that is no folder.
        DamagedError: A tree cannot be read.
    """
    found: Entry | None = None
    below = b""
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    asked = b"/" + b"/".join(parts)
    for part in parts:
        subtree = tree_id if found is None else found.node.subtree
        if subtree is None:
            raise _not_a_folder(below)
        node = next((node for node in reader.load(subtree) if node.name == part), None)
        below += b"/" + part
        if node is None:
            raise PathNotFoundError(
                "there is nothing at {path} in the snapshot",
                why="" if below == asked else "{below} is not there either",
                data="nothing was changed",
                next_step="run ls with that snapshot to see what it holds",
                path=asked.decode("utf-8", "backslashreplace"),
                below=below.decode("utf-8", "backslashreplace"),
            )
        found = Entry(below, node, subtree)
    return found


def find_folder(reader: Trees, tree_id: bytes, path: bytes) -> bytes:
    """Find the tree of the folder at a path below a tree.

    Raises:
        PathNotFoundError: There is none.
        DamagedError: A tree cannot be read.
    """
    found = find_entry(reader, tree_id, path)
    if found is None:
        return tree_id
    if found.node.type != "dir":
        raise _not_a_folder(found.path)
    if found.node.subtree is None:
        raise DamagedError(
            "the folder {path} has no tree", path=found.path.decode("utf-8", "backslashreplace")
        )
    return found.node.subtree


def _not_a_folder(path: bytes) -> PathNotFoundError:
    return PathNotFoundError(
        "{path} in the snapshot is not a folder",
        data="nothing was changed",
        next_step="name a folder, or use dump for a single file",
        path=path.decode("utf-8", "backslashreplace"),
    )
