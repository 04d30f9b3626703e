"""Which blobs are used: everything that the trees of some snapshots refer to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backup.errors import DamagedError
from backup.index import Index
from backup.packs import BlobType
from backup.reference_walk import ReferenceWalk
from backup.repository import Repository
from backup.tree_readers import TreeReaders
from backup.tree_walk import BadTree, Mentions, MissingBlob

_LOOK_UP_AT_ONCE = 32_768


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
    readers: TreeReaders | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> UsedBlobs:
    """Walk all trees of some snapshots, each once, and mark what they need.

    Args:
        repository: Where they lie.
        index: An index read after the snapshots were listed.
        roots: Of each snapshot the id of its root tree and its own id, 32 bytes each.
        readers: Worker processes that read trees; None to read them here.
        progress: Called now and then with the number of trees read so far.
    """
    walk = ReferenceWalk(repository, index, readers)
    content = Mentions(index, BlobType.DATA)
    marks = np.zeros(len(index), dtype=np.bool_)
    unreadable = []
    trees = 0
    for tree_id, snapshot_id in roots:
        walk.want(tree_id, snapshot_id)
    for tree_id, references in walk.references():
        trees += 1
        if isinstance(references, DamagedError):
            unreadable.append(BadTree(tree_id, b"", references, is_recovered=False))
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
