"""The walk over trees that only wants to know what they refer to, here or in worker processes.

Which blobs are used: everything that the trees of some snapshots refer to.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backup.errors import DamagedError
from backup.format.pack import BlobType, PackedBlob
from backup.format.tree_references import References, references_of
from backup.repository.index import Index
from backup.repository.repository import Repository
from backup.repository.tree_readers import Answer, TreeReaders
from backup.repository.tree_walk import LARGEST_SPAN, BadTree, Mentions, MissingBlob, TreeWalk

_BATCH = 256
Outcome = References | DamagedError


class ReferenceWalk(TreeWalk):
    """Yields what each tree that was asked for refers to, each once."""

    def __init__(self, repository: Repository, index: Index, readers: TreeReaders | None) -> None:
        super().__init__(repository, index)
        self._readers = readers

    def references(self) -> Iterator[tuple[bytes, Outcome]]:
        """Yield (id, references), or the error where a tree is not of the known form.

        Whoever goes through it calls `want` with the subtrees before taking the next.
        """
        if self._readers is None:
            return ((tree_id, _look(tree)) for tree_id, tree in self)
        return self._ask(self._readers)

    def _ask(self, readers: TreeReaders) -> Iterator[tuple[bytes, Outcome]]:
        under_way: dict[int, tuple[int, list[PackedBlob]]] = {}
        self._queue_mentioned()
        while self._waiting or under_way:
            while self._waiting and not readers.is_busy:
                pack, blobs = self._take_batch()
                number = readers.submit(self._index.pack_ids[pack], self._span(pack), blobs)
                under_way[number] = pack, blobs
            for number, answers in readers.poll():
                pack, blobs = under_way.pop(number)
                for blob, answer in zip(blobs, answers, strict=True):
                    outcome = self._judge(pack, blob, answer)
                    if outcome is not None:
                        yield blob.id, outcome
            self._queue_mentioned()

    def _take_batch(self) -> tuple[int, list[PackedBlob]]:
        """Take trees of the pack with most waiting ones."""
        pack = max(self._waiting, key=lambda number: len(self._waiting[number]))
        blobs = self._waiting.pop(pack)
        if len(blobs) > _BATCH:
            self._waiting[pack] = blobs[_BATCH:]
        return pack, blobs[:_BATCH]

    def _span(self, pack: int) -> tuple[int, int]:
        """Give the part of the pack that holds all its trees; none where that is too big.

        Without it a worker reads none of them, and each is read by itself here.
        """
        start, end = int(self._starts[pack]), int(self._ends[pack])
        return (start, end) if end - start <= LARGEST_SPAN else (0, 0)

    def _judge(self, pack: int, blob: PackedBlob, answer: Answer) -> Outcome | None:
        if answer is not None:
            return answer
        tree = self._load(pack, blob, 0, memoryview(b""))  # reads it again, and notes what fails
        return None if tree is None else _look(tree)


def _look(tree: bytes) -> Outcome:
    try:
        return references_of(tree)
    except DamagedError as error:
        return error


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
