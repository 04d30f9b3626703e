"""Worker processes that read trees and give back what they refer to.

A walk over many trees spends its time on opening, decoding, hashing and searching them; what is
asked for next follows from the answers, but there are mostly many to ask for at once.

Messages in: ``(number, pack, start, end, [(id, offset, length, plaintext length), …])``: trees of
one pack, and the part of it that holds all its trees. Messages out: ``(number, [(content, subtrees)
or None, …])``, None for a tree that could not be read or is not of the known form; the caller looks
into that by itself.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from backup.errors import BackupError, DamagedError, StoreError
from backup.format.compression import Decompressor
from backup.format.crypto import Envelope, MasterKey
from backup.format.pack import BlobType, PackedBlob, open_blob, pack_key
from backup.format.tree_references import References, references_of
from backup.stores.base import Store
from backup.stores.reopen import recipe_of, store_from_recipe
from backup.workers.processes import Channel, Message, Pool, Worker, worker_count

if TYPE_CHECKING:
    from backup.repository.repository import Repository

# An index of so many bytes, some 45 000 blobs, is worth the start of workers.
_WORTH_WORKERS = 2 << 20
_MOST_UNDER_WAY = 2
_SPANS_KEPT = 2

Answer = References | None


class TreeReaders:
    """The workers, and what each has to do."""

    def __init__(self, setup: Message, width: int) -> None:
        self._pool = Pool("backup.repository.tree_readers:serve", setup, width=width)
        self._under_way = dict.fromkeys(self._pool.workers, 0)
        self._number = 0

    @property
    def is_busy(self) -> bool:
        """Whether every worker has enough to do."""
        return min(self._under_way.values()) >= _MOST_UNDER_WAY

    def submit(self, pack: bytes, span: tuple[int, int], trees: Sequence[PackedBlob]) -> int:
        """Have trees of one pack read; gives the number under which the answer comes."""
        worker = min(self._under_way, key=self._under_way.__getitem__)
        self._under_way[worker] += 1
        self._number += 1
        rows = [(it.id, it.offset, it.length, it.uncompressed_length) for it in trees]
        worker.send((self._number, pack, *span, rows))
        return self._number

    def poll(self) -> Iterator[tuple[int, list[Answer]]]:
        """Wait for answers, and yield them: number, and one answer a tree in their order."""
        for worker, (number, answers) in self._pool.poll():
            self._count(worker)
            yield number, [None if it is None else References(*it) for it in answers]

    def _count(self, worker: Worker) -> None:
        self._under_way[worker] -= 1

    def close(self) -> None:
        """End the workers."""
        self._pool.kill()


@contextmanager
def open_tree_readers(
    repository: "Repository", *, workers: int | None
) -> Iterator[TreeReaders | None]:
    """Start workers, and end them when the block ends; None where they are not worth it.

    Args:
        repository: What they read.
        workers: How many; None for as many as suit, if the index is big enough; 0 for none.
    """
    width = worker_count() if workers is None else workers
    recipe = recipe_of(repository.store, share=width) if width else None
    if recipe is None or (workers is None and not _is_big(repository)):
        yield None
        return
    readers = TreeReaders({"store": recipe, "key": tuple(repository.key)}, width)
    try:
        yield readers
    finally:
        readers.close()


def _is_big(repository: "Repository") -> bool:
    return sum(info.size for info in repository.store.list("index")) >= _WORTH_WORKERS


def serve(setup: Message, channel: Channel) -> None:
    """Read trees in a worker process."""
    reader = _Reader(store_from_recipe(setup["store"]), MasterKey(*setup["key"]))
    while (message := channel.receive()) is not None:
        number, pack, start, end, rows = message
        try:
            answers = reader.read(pack, start, end, rows)
        except MemoryError as error:
            raise BackupError("a worker process ran out of memory") from error
        channel.send((number, [answer and tuple(answer) for answer in answers]))


class _Reader:
    def __init__(self, store: Store, key: MasterKey) -> None:
        self._store = store
        self._envelope = Envelope(key)
        self._decompressor = Decompressor()
        self._spans: OrderedDict[tuple[bytes, int, int], memoryview] = OrderedDict()

    def read(
        self, pack: bytes, start: int, end: int, rows: Sequence[tuple[bytes, int, int, int]]
    ) -> list[Answer]:
        try:
            piece = self._read_span(pack, start, end)
        except StoreError:
            return [None] * len(rows)
        answers = []
        for tree_id, offset, length, plain_length in rows:
            blob = PackedBlob(tree_id, BlobType.TREE, offset, length, plain_length)
            answers.append(self._look(blob, piece[offset - start : offset - start + length]))
        return answers

    def _read_span(self, pack: bytes, start: int, end: int) -> memoryview:
        place = (pack, start, end)
        piece = self._spans.pop(place, None)
        if piece is None:
            piece = memoryview(self._store.read(pack_key(pack), start, end - start))
        self._spans[place] = piece
        if len(self._spans) > _SPANS_KEPT:
            self._spans.popitem(last=False)
        return piece

    def _look(self, blob: PackedBlob, sealed: memoryview) -> Answer:
        try:
            return references_of(open_blob(blob, sealed, self._envelope, self._decompressor))
        except DamagedError:
            return None
