"""Who moves blobs: worker processes, or this thread where little is moved or stores are not shared.

A `Mover` takes moves, gathers the packs that became durable, and writes index files about them.

Crash-safe order:

1. Packs become durable (`backup.repository.repack`).
2. When 50 000 blobs are not indexed yet, and at the end: prove that our lock still stands, then
   write an index file about durable packs.

Killed in between, some packs are in no index; the next prune takes them for leftovers.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from backup.errors import BackupError, DamagedError
from backup.format.compression import Compression
from backup.format.crypto import MasterKey
from backup.format.index_file import join_packs
from backup.format.pack import BlobType, PackedBlob
from backup.progress import Progress
from backup.repository.index import MOST_BLOBS_A_FILE, Index
from backup.repository.repack import Route, TransferLoop
from backup.repository.repository import Repository
from backup.stores.reopen import recipe_of, store_from_recipe
from backup.workers.dispatch import Crew
from backup.workers.processes import Channel, Message, Pool, worker_count

# Starting workers costs about as much as moving so many bytes.
_WORTH_WORKERS = 48 << 20


class Move(NamedTuple):
    """Blobs to be moved out of one pack.

    Attributes:
        pack: Id of the pack.
        blobs: Which of its blobs.
    """

    pack: bytes
    blobs: list[PackedBlob]


class Moved(NamedTuple):
    """What came of it.

    Attributes:
        packs: How many new packs there are; all are durable and indexed.
        blobs: How many blobs they hold.
        size: Bytes that were read.
        index_files: Ids of the new index files.
    """

    packs: int
    blobs: int
    size: int
    index_files: tuple[str, ...]


class _Executor(Protocol):
    def submit(self, message: Message) -> Iterable[Message]: ...
    def flush(self) -> Iterator[Message]: ...
    def close(self) -> None: ...


class _Here:
    """Moves in this thread."""

    def __init__(self, route: Route, *, background: bool) -> None:
        self._answers: deque[Message] = deque()
        self._loop = TransferLoop(route, send=self._answers.append, background=background)

    def submit(self, message: Message) -> Iterable[Message]:
        self._loop.handle(message)
        return self._take()

    def _take(self) -> Iterator[Message]:
        while self._answers:
            yield self._answers.popleft()

    def flush(self) -> Iterator[Message]:
        self._loop.handle(("flush",))
        return self._take()

    def close(self) -> None:
        self._loop.close()


class _Elsewhere:
    """Moves in worker processes."""

    def __init__(self, setup: Message, width: int) -> None:
        self._crew = Crew(Pool("backup.repository.repack_workers:serve", setup, width=width))

    def submit(self, message: Message) -> Iterable[Message]:
        answers: list[Message] = []
        while self._crew.is_busy:
            answers += self._crew.poll(None)
        self._crew.submit(message)
        answers += self._crew.poll(0.0)
        return answers

    def flush(self) -> Iterator[Message]:
        return self._crew.flush()

    def close(self) -> None:
        self._crew.kill()


def serve(setup: Message, channel: Channel) -> None:
    """Run the moving loop in a worker process."""
    route = Route(
        store_from_recipe(setup["source"]),
        MasterKey(*setup["source_key"]),
        store_from_recipe(setup["target"]),
        MasterKey(*setup["target_key"]),
        setup["compression"],
        setup["pack_size"],
    )
    loop = TransferLoop(route, send=channel.send)
    while (message := channel.receive()) is not None:
        try:
            loop.handle(message)
        except MemoryError as error:
            raise BackupError("a worker process ran out of memory") from error
    loop.close()


def _make_executor(route: Route, *, size: int, workers: int | None) -> _Executor:
    width = worker_count() if workers is None else workers
    source = recipe_of(route.source, share=width) if width else None
    target = recipe_of(route.target, share=width) if width else None
    if source is None or target is None or (workers is None and size < _WORTH_WORKERS):
        return _Here(route, background=workers != 0)
    setup: dict[str, Any] = {
        "source": source,
        "source_key": tuple(route.source_key),
        "target": target,
        "target_key": tuple(route.target_key),
        "compression": route.compression,
        "pack_size": route.pack_size,
    }
    return _Elsewhere(setup, width)


class Mover:
    """Moves blobs from one repository's packs into new packs. For one thread."""

    def __init__(
        self,
        source: Repository,
        index: Index,
        target: Repository,
        *,
        executor: _Executor,
        ensure_allowed: Callable[[], None],
        progress: Progress,
    ) -> None:
        self._source = source
        self._index = index
        self._target = target
        self._executor = executor
        self._ensure_allowed = ensure_allowed
        self._progress = progress
        self._under_way: dict[int, Move] = {}
        self._tried: dict[tuple[bytes, BlobType], set[bytes]] = {}
        self._again: deque[Move] = deque()
        self._number = 0
        self._unindexed: list[str] = []
        self._unindexed_blobs = 0
        self._index_files: list[str] = []
        self._packs = self._blobs = self._size = 0

    def move(self, moves: Iterable[Move]) -> Moved:
        """Move, wait until everything is durable and indexed, and say what came of it.

        Raises:
            DamagedError: No place of a blob holds the right bytes.
            StoreError: A store failed.
            RepositoryLockedError: Our lock is gone.
        """
        for move in moves:
            self._submit(move)
        self._take(self._executor.flush())
        while self._again:
            self._submit(self._again.popleft())
            if not self._again:
                self._take(self._executor.flush())
        self._write_index()
        return Moved(self._packs, self._blobs, self._size, tuple(self._index_files))

    def _submit(self, move: Move) -> None:
        self._number += 1
        self._under_way[self._number] = move
        rows = [
            (blob.id, int(blob.type), blob.offset, blob.length, blob.uncompressed_length)
            for blob in move.blobs
        ]
        self._take(self._executor.submit(("move", self._number, move.pack, rows)))

    def _take(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if message[0] == "pack":
                self._note_pack(message[1], message[2])
            elif message[0] == "moved":
                move = self._under_way.pop(message[1])
                self._size += message[2]
                self._progress.advance(message[2])
                for place, reason in message[3]:
                    self._try_elsewhere(move.pack, move.blobs[place], reason)

    def _try_elsewhere(self, pack: bytes, blob: PackedBlob, reason: str) -> None:
        tried = self._tried.setdefault((blob.id, blob.type), set())
        tried.add(pack)
        for place in self._index.find_all(blob.id):
            if place.blob.type == blob.type and place.pack not in tried:
                self._again.append(Move(place.pack, [place.blob]))
                return
        raise DamagedError(
            "{kind} blob {id} in pack {pack} cannot be read, and a snapshot needs it",
            why="{reason}",
            data="nothing was deleted; what was stored so far is kept",
            next_step="run check --read-data to see what else is damaged",
            kind=blob.type.word,
            id=blob.id.hex()[:8],
            pack=pack.hex()[:8],
            reason=reason,
        )

    def _note_pack(self, blobs: int, entry: str) -> None:
        self._unindexed.append(entry)
        self._unindexed_blobs += blobs
        self._packs += 1
        self._blobs += blobs
        if self._unindexed_blobs >= MOST_BLOBS_A_FILE:
            self._write_index()

    def _write_index(self) -> None:
        if self._unindexed:
            self._ensure_allowed()
            file_id = self._target.write_file("index", join_packs(self._unindexed))
            self._index_files.append(file_id)
            self._unindexed, self._unindexed_blobs = [], 0


@contextmanager
def open_mover(  # noqa: PLR0913 -- two repositories, and how to go about it
    source: Repository,
    index: Index,
    target: Repository,
    *,
    size: int,
    compression: Compression | None = None,
    workers: int | None = None,
    ensure_allowed: Callable[[], None],
    progress: Progress,
) -> Iterator[Mover]:
    """Start whoever moves, and end it when the block ends.

    Args:
        source: The repository that is read.
        index: Its index.
        target: The repository that is written to; may be the same one.
        size: About how many bytes will be moved; decides whether workers are worth their start.
        compression: How to compress data blobs that are stored plain; None leaves them.
        workers: Processes; None for as many as suit, 0 for this thread alone.
        ensure_allowed: Called before an index file is written; raises where our lock is gone.
        progress: Told of the bytes moved.
    """
    route = Route(source.store, source.key, target.store, target.key, compression, target.pack_size)
    executor = _make_executor(route, size=size, workers=workers)
    try:
        yield Mover(
            source,
            index,
            target,
            executor=executor,
            ensure_allowed=ensure_allowed,
            progress=progress,
        )
    finally:
        executor.close()
