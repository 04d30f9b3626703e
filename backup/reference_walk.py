"""The walk over trees that only wants to know what they refer to, here or in worker processes."""

from collections.abc import Iterator

from backup.errors import DamagedError
from backup.index import Index
from backup.packs import PackedBlob
from backup.references import References, references_of
from backup.repository import Repository
from backup.tree_readers import Answer, TreeReaders
from backup.tree_walk import LARGEST_SPAN, TreeWalk

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
