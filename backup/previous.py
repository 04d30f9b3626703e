"""The previous snapshot's trees, loaded folder by folder where something changed."""

from backup.errors import DamagedError, StoreError
from backup.packs import BlobType
from backup.repository import Repository
from backup.trees import Node, decode_tree
from backup.writer import RunWriter


class PreviousFolder:
    """One folder as it was in the previous snapshot, or the absence of one.

    Loads its tree when first asked for. A tree that is missing or damaged counts as absent: its
    files are then read again, which heals the repository.

    Attributes:
        trusted_before: Nanoseconds since the epoch; entries changed later are read again.
    """

    __slots__ = ("_name", "_nodes", "_parent", "_repository", "_root", "_writer", "trusted_before")

    def __init__(
        self,
        repository: Repository,
        writer: RunWriter,
        *,
        root: bytes | None,
        trusted_before: int,
    ) -> None:
        """Start at a root tree; None where there is no previous snapshot."""
        self._repository = repository
        self._writer = writer
        self._root = root
        self._parent: PreviousFolder | None = None
        self._name = b""
        self._nodes: dict[bytes, Node] | None = None
        self.trusted_before = trusted_before

    def below(self, name: bytes) -> "PreviousFolder":
        """Give the subfolder `name`, without loading anything."""
        child = PreviousFolder(
            self._repository, self._writer, root=None, trusted_before=self.trusted_before
        )
        child._parent = self
        child._name = name
        return child

    @property
    def tree_id(self) -> bytes | None:
        """Id of its tree, or None where there was none; loads the folders above."""
        if self._parent is None or self._root is not None:
            return self._root
        node = self._parent.find(self._name)
        if node is not None and node.type == "dir":
            self._root = node.subtree
        return self._root

    def load(self) -> None:
        """Load its tree and keep it until `forget`."""
        if self._nodes is not None:
            return
        tree_id = self.tree_id
        self._nodes = {}
        if tree_id is None:
            return
        try:
            tree = self._repository.load_blob(self._writer.index, tree_id, expected=BlobType.TREE)
            self._nodes = {node.name: node for node in decode_tree(tree)}
        except (DamagedError, StoreError):
            self._root = None

    def find(self, name: bytes) -> Node | None:
        """Give the entry `name` as it was."""
        if self._nodes is None:
            self.load()
        return self._nodes.get(name) if self._nodes else None

    def forget(self) -> None:
        """Let go of the loaded tree; it would be loaded again if asked for."""
        self._nodes = None
