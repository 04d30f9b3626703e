"""Going through a snapshot's trees, one folder at a time, in the order a restore needs.

A folder's own entries come before those of the folders in it; a folder is left when all that is
below it has been met. Only the nodes of one folder, and the subfolders still to come, are held.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from backup.errors import BackupError, DamagedError, UsageError
from backup.format.tree import Node
from backup.format.tree_decoding import Wanted, decode_tree, may_hold
from backup.restorer.content import Content, ContentGoneError
from backup.restorer.request import RestoreRequest
from backup.restorer.target_folders import join_path


@dataclass(slots=True)
class Visit:
    """One folder of the snapshot on the way.

    Attributes:
        path: Relative to what is restored; empty for the root.
        node: Its entry in the folder above; None for the root.
        is_chosen: Whether the folder itself was asked for, not only things in it.
        above: The folder it is in; None for the root.
        names: All names in it, chosen or not.
        is_broken: Whether its tree cannot be read whole, so that some names are unknown.
        entries: Chosen entries that are no folders.
        below: Subfolders to go into, the next one last.
    """

    path: bytes
    node: Node | None
    is_chosen: bool
    above: "Visit | None"
    names: frozenset[bytes] = frozenset()
    is_broken: bool = False
    entries: list[Node] = field(default_factory=list)
    below: list[tuple[Node, bool]] = field(default_factory=list)


OnError = Callable[[bytes, BackupError], None]


class Walk:
    """Goes through the trees of one snapshot."""

    def __init__(self, content: Content, request: RestoreRequest, on_error: OnError) -> None:
        self._content = content
        self._request = request
        self._on_error = on_error
        self._literals = request.literals

    def find_subfolder(self, tree_id: bytes) -> bytes:
        """Give the tree of the subfolder that was asked for.

        Raises:
            UsageError: The snapshot has no such folder.
        """
        for name in filter(None, self._request.subfolder.split(b"/")):
            tree = self._content.load_tree(tree_id)
            nodes = decode_tree(tree, lambda _name, _error, _is_lost: None)
            found = [node for node in nodes if node.name == name and node.subtree]
            if not found or found[0].subtree is None:
                raise UsageError(
                    "the snapshot has no folder {path}",
                    why="{name} is missing, or no folder",
                    data="nothing was written",
                    next_step="look with: ls SNAPSHOT",
                    path=self._request.subfolder.decode("utf-8", "backslashreplace"),
                    name=name.decode("utf-8", "backslashreplace"),
                )
            tree_id = found[0].subtree
        return tree_id

    def folders(self, root: bytes) -> Iterator[tuple[Visit, bool]]:
        """Yield each folder twice: (visit, False) when it is entered, (visit, True) when left.

        Folders whose tree cannot be read are reported and still left, without entries.
        """
        top = Visit(b"", None, self._request.chooses_everything, None)
        self._fill(top, root)
        yield top, False
        stack = [top]
        while stack:
            visit = stack[-1]
            if not visit.below:
                yield stack.pop(), True
                continue
            node, is_chosen = visit.below.pop()
            inner = Visit(join_path(visit.path, node.name), node, is_chosen, visit)
            if node.subtree is None:
                inner.is_broken = True
                self._on_error(inner.path, DamagedError("the folder's entry names no tree"))
            else:
                self._fill(inner, node.subtree)
            yield inner, False
            stack.append(inner)

    def _fill(self, visit: Visit, tree_id: bytes) -> None:
        def note(name: bytes, error: BackupError, _is_lost: bool) -> None:
            visit.is_broken = True
            path = join_path(visit.path, name) if name else visit.path
            if self._request.chooses(b"/" + path):
                self._on_error(path, error)

        all_names: set[bytes] = set()
        wanted = None if self._request.chooses_everything else self._make_wanted(visit, all_names)
        literals = None if visit.is_chosen else self._literals
        try:
            tree = self._content.load_tree(tree_id)
            may = literals is None or may_hold(tree, literals)
            nodes = decode_tree(tree, note, wanted) if may else []
        except ContentGoneError:
            raise
        except BackupError as error:
            visit.is_broken = True
            self._on_error(visit.path, error)
            return
        names = {node.name for node in nodes}
        if len(names) < len(nodes):
            nodes = self._drop_repeated(visit.path, nodes)
        visit.names = frozenset(names | all_names)
        if self._request.chooses_everything:
            visit.entries = [node for node in nodes if node.type != "dir"]
            visit.below = [(node, True) for node in reversed(nodes) if node.type == "dir"]
        else:
            self._choose(visit, nodes)

    def _make_wanted(self, visit: Visit, all_names: set[bytes]) -> Wanted:
        """Give what says of a folder's entries which are of any use; it notes all their names."""
        request, start = self._request, b"/" + visit.path + b"/" if visit.path else b"/"

        def wanted(name: bytes, kind: str) -> bool:
            all_names.add(name)
            path = start + name
            return request.chooses(path) or (kind == "dir" and request.may_choose_below(path))

        return wanted

    def _choose(self, visit: Visit, nodes: list[Node]) -> None:
        request = self._request
        for node in nodes:
            path = b"/" + join_path(visit.path, node.name)
            is_chosen = request.chooses(path)
            if node.type != "dir":
                if is_chosen:
                    visit.entries.append(node)
            elif is_chosen or request.may_choose_below(path):
                visit.below.append((node, is_chosen))
        visit.below.reverse()

    def _drop_repeated(self, path: bytes, nodes: list[Node]) -> list[Node]:
        kept: dict[bytes, Node] = {}
        for node in nodes:
            if node.name in kept:
                error = DamagedError("the folder's tree has two entries of this name")
                self._on_error(join_path(path, node.name), error)
            else:
                kept[node.name] = node
        return list(kept.values())


def content_digest(node: Node) -> bytes:
    """Condense what an entry holds, so that two names of one inode can be told to be one."""
    parts = (node.content or b"", node.linktarget, str(node.device).encode())
    return hashlib.sha256(b"\0".join(parts)).digest()[:16]
