"""One run's writing: hands data to the executor, keeps trees, writes the index.

Crash-safe order of a checkpoint:

1. Wait for everything handed over, flush data and tree packs: all are durable.
2. Write an index file about them: durable.

Only after a checkpoint may anything refer to what was stored: the snapshot
(`backup.archiver.create`) and the local scan cache. A run that is killed loses at most what came
after its last checkpoint.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from backup.archiver.big_files import BigFile, WindowedFile, Windows
from backup.archiver.known_blobs import LocalClaims
from backup.archiver.stream_buffers import ChunkRing, Parts, group_pieces
from backup.format.compression import Compression
from backup.format.index_file import encode_pack, join_packs, seconds_until_index
from backup.format.pack import BlobType
from backup.repository.repository import Repository
from backup.sources.local.read import Xattrs
from backup.sources.remote.bounds import Holes
from backup.stores.reopen import transfers_at_once

if TYPE_CHECKING:  # these cost much to import, and an unchanged tree needs none of them
    from backup.archiver.blob_saver import BlobStorer, Totals
    from backup.archiver.chunker import Chunker
    from backup.archiver.workers import Executor, Seats
    from backup.repository.index import Index
    from backup.repository.packer import StoredPack

MOST_BLOBS_UNINDEXED = 50_000
CHECKPOINT_SECONDS = 120.0
# Over a line that may be cut for good, what no index file names is sent again: 10 s are 25 MB at
# 20 Mbit/s.
NETWORK_INDEX_SECONDS = 10.0
_GROUP_BYTES = 4 << 20
# How long an interrupted run waits for workers that are still writing.
_SALVAGE_SECONDS = 30.0
_DATA = BlobType.DATA  # an enumeration looks its members up slowly
ReadInto = Callable[[memoryview], int]
# Joined ids, and what is odd: see `backup.archiver.worker`.
Answered = Callable[[bytes, dict[int, tuple[Any, ...]]], None]


class RunWriter:
    """Writes what one run finds. For one thread."""

    def __init__(  # noqa: PLR0913 -- its seams, all needed
        self,
        repository: Repository,
        *,
        width: int,
        compression: Compression = "auto",
        dry_run: bool = False,
        before_index: Callable[[], None] = lambda: None,
        seats: "Seats | None" = None,
        holes: Holes | None = None,
    ) -> None:
        """Set up; nothing is started or read before it is needed.

        Args:
            repository: Where to.
            width: Worker processes; 0 to work in this thread.
            compression: As asked.
            dry_run: Do everything but write.
            before_index: Called before each index file; raises where our lock is gone.
            seats: Workers that have been started already, `width` of them.
            holes: What holes of big files of this machine may take; None: no matter how much.
        """
        self._seats = seats
        self._before_index = before_index
        self._repository = repository
        self._width = width
        self._compression = compression
        self._dry_run = dry_run
        self._waiting: dict[int, Answered] = {}
        self._windows = Windows(self._hand_over, holes)
        self._number = 0
        self._executor: Executor | None = None
        self._dismissed: Executor | None = None
        self._unindexed: list[str] = []
        self._unindexed_blobs = 0
        self._flushed: list[tuple[int, int, int]] = []
        self.index_files: list[str] = []
        self._began_at = repository.clock.monotonic()
        self._checkpointed_at = self._indexed_at = self._began_at
        is_far = transfers_at_once(repository.store) > 1
        self._index_seconds = NETWORK_INDEX_SECONDS if is_far else CHECKPOINT_SECONDS
        self._ring: ChunkRing | None = None

    @cached_property
    def index(self) -> "Index":
        """What the repository held when this was first asked for."""
        return self._repository.load_index()

    def holds_data(self, blob_ids: Iterable[bytes]) -> bool:
        """Whether the repository has every one of these data blobs."""
        holds = self.index.holds
        return all(holds(blob_id, _DATA) for blob_id in blob_ids)

    @property
    def is_idle(self) -> bool:
        """Whether workers wait for something to do."""
        return not self._waiting and not self._windows

    def start_early(self) -> None:
        """Start the workers, if that has not happened, so that they are ready when needed."""
        self._start()

    @property
    def index_read(self) -> frozenset[str]:
        """Ids of the index files that were read; none before the index was needed."""
        return self.index.file_ids if "index" in self.__dict__ else frozenset()

    # Trees -------------------------------------------------------------------------------------

    @cached_property
    def _trees(self) -> "BlobStorer":
        from backup.archiver.blob_saver import BlobStorer

        return BlobStorer(
            self._repository.store,
            self._repository.key,
            BlobType.TREE,
            compression=self._compression,
            known=self.index.of_type(BlobType.TREE),
            claims=LocalClaims(),
            on_pack=self._note_tree_pack,
            background=self._width > 0,
            dry_run=self._dry_run,
            pack_size=self._repository.pack_size,
        )

    def save_tree(self, tree: bytes) -> bytes:
        """Store a tree unless it is known; gives its id."""
        tree_id = hashlib.sha256(tree).digest()
        self._trees.store([(tree_id, tree)])
        return tree_id

    def _note_tree_pack(self, pack: "StoredPack") -> None:
        self._note_pack(len(pack.blobs), encode_pack(pack.id, pack.blobs))

    # Data --------------------------------------------------------------------------------------

    def submit_files(
        self, folders: Sequence[tuple[bytes, Sequence[tuple[bytes, int]]]], answered: Answered
    ) -> None:
        """Have small files read and stored.

        Args:
            folders: (path, [(name, size)]) of each folder concerned.
            answered: Told of the result, perhaps much later.
        """
        self._submit(("files", folders), answered)

    def _submit(self, message: tuple[object, ...], answered: Answered) -> None:
        self._await_turn()
        self._waiting[self._hand_over(message)] = answered
        self.pump(wait=False)

    def _await_turn(self) -> None:
        executor = self._start()
        while executor.is_busy:
            self.pump(wait=True)

    def _start(self) -> "Executor":
        if self._executor is None:
            from backup.archiver.workers import make_executor

            self._executor = make_executor(
                self._repository,
                lambda: self.index,
                width=self._width,
                compression=self._compression,
                dry_run=self._dry_run,
                seats=self._seats,
            )
            self._ring = ChunkRing(self._executor.slots, lambda: self.pump(wait=True))
        return self._executor

    @cached_property
    def _chunker(self) -> "Chunker":
        from backup.archiver.chunker import Chunker

        return Chunker(self._repository.config.polynomial)

    def store_file(
        self,
        file: BigFile,
        done: Callable[[bytes, int, Xattrs], None],
        failed: Callable[[OSError | None], None],
        *,
        advance: Callable[[int], None],
    ) -> None:
        """Have workers read, cut and store a big file of this machine.

        Args:
            file: Which.
            done: Called with the joined ids, in order, the length and the attributes, later.
            failed: Called instead where it cannot be read; with None where another file has its
                name now.
            advance: Told of each stretch that was read.
        """
        self._await_turn()
        self._windows.begin(WindowedFile(file, advance=advance, done=done, failed=failed))
        self.pump(wait=False)

    def _hand_over(self, message: tuple[object, ...]) -> int:
        """Hand over a message however busy everybody is; gives its number."""
        self._number += 1
        kind, *content = message
        self._start().submit((kind, self._number, *content))
        return self._number

    def store_stream(self, read_into: ReadInto, done: Callable[[bytes, int], None]) -> None:
        """Cut what `read_into` gives until it gives 0, and have the chunks stored.

        Args:
            read_into: Fills a buffer as far as it can, gives the number of bytes.
            done: Called with the joined ids, in order, and the total length, once all chunks are
                on their way into packs; perhaps before this returns, perhaps later.
        """
        self._start()
        assert self._ring is not None  # noqa: S101 -- set by _start
        ring, parts = self._ring, Parts(done)
        ring.make_room()
        begin, at_end = ring.filled, False
        while not at_end:
            view = ring.view
            while ring.filled < len(view) and not at_end:
                count = read_into(view[ring.filled :])
                ring.filled += count
                at_end = count == 0
            uncut = self._submit_chunks(ring, begin, parts, last=at_end)
            if not at_end:
                ring.advance(bytes(view[uncut : ring.filled]))
                begin = 0
        parts.close()

    def store_blobs(self, blobs: Sequence[bytes], answered: Callable[[bytes], None]) -> None:
        """Store each of these as one blob of data, together at most half a buffer.

        Args:
            blobs: Contents, none empty.
            answered: Told their joined ids, perhaps much later.
        """
        self._start()
        assert self._ring is not None  # noqa: S101 -- set by _start
        ring = self._ring
        if len(ring.view) - ring.filled < sum(map(len, blobs)):
            ring.advance(b"")
        pieces = []
        for blob in blobs:
            begin, end = ring.filled, ring.filled + len(blob)
            ring.view[begin:end] = blob
            ring.filled = end
            pieces.append((begin, end))
        release = ring.use()

        def stored(ids: bytes, _: object) -> None:
            release()
            answered(ids)

        self._submit(("chunks", ring.current, pieces), stored)

    def _submit_chunks(self, ring: ChunkRing, begin: int, parts: Parts, *, last: bool) -> int:
        """Cut from `begin` and hand over what is certain; gives where the uncertain rest begins."""
        cuts = self._chunker.cut(ring.view[begin : ring.filled], last=last)
        pieces = [(begin + start, begin + end) for start, end in cuts]
        for group in group_pieces(pieces, _GROUP_BYTES):
            place = parts.expect(group[-1][1] - group[0][0])
            release = ring.use()

            def answered(
                ids: bytes, _: object, place: int = place, release: Callable[[], None] = release
            ) -> None:
                release()
                parts.arrive(place, ids)

            self._submit(("chunks", ring.current, group), answered)
        return pieces[-1][1] if pieces else begin

    # Answers -----------------------------------------------------------------------------------

    def pump(self, *, wait: bool) -> None:
        """Take in answers; with `wait`, wait for some, but no longer than until an index is due."""
        if self._executor is not None:
            self._take(self._executor.poll(self._index_in() if wait else 0.0))
        if self._index_in() == 0.0:
            self._write_index()

    def _take(self, messages: Iterable[tuple[Any, ...]]) -> None:
        for message in messages:
            kind = message[0]
            if kind == "pack":
                self._note_pack(message[1], message[2])
            elif kind == "flushed":
                self._flushed.append(message[1:])
            elif message[1] in self._windows:
                self._windows.take(message)
            else:
                self._waiting.pop(message[1])(message[2], message[3] if kind == "files" else {})

    def _note_pack(self, blobs: int, entry: str) -> None:
        self._unindexed.append(entry)
        self._unindexed_blobs += blobs
        if self._unindexed_blobs >= MOST_BLOBS_UNINDEXED or self._index_in() == 0.0:
            self._write_index()

    def _index_in(self) -> float | None:
        """Seconds until what is durable has waited long enough; None where nothing waits.

        Packs from several workers arrive together, and then none for a while: those behind the
        first must not wait for the next one to arrive.
        """
        if not self._unindexed:
            return None
        return seconds_until_index(
            self._repository.clock.monotonic(),
            began_at=self._began_at,
            indexed_at=self._indexed_at,
            interval=self._index_seconds,
        )

    def _write_index(self) -> None:
        if self._unindexed and not self._dry_run:
            self._before_index()
            file_id = self._repository.write_file("index", join_packs(self._unindexed))
            self.index_files.append(file_id)
        self._unindexed, self._unindexed_blobs = [], 0
        self._indexed_at = self._repository.clock.monotonic()

    def drain(self) -> None:
        """Wait until everything handed over has been answered."""
        while not self.is_idle:
            self.pump(wait=True)

    @property
    def is_checkpoint_due(self) -> bool:
        """Whether so much time has passed that what was stored should be indexed."""
        return self._repository.clock.monotonic() - self._checkpointed_at > CHECKPOINT_SECONDS

    def checkpoint(self) -> None:
        """Make everything stored so far durable and indexed; see the module's text."""
        self.drain()
        if self._executor is not None:
            self._flushed = []
            self._executor.begin_flush()
        if "_trees" in self.__dict__:  # while the workers flush
            self._trees.flush()
        while self._executor is not None and not self._executor.is_done:
            self.pump(wait=True)
        self._write_index()
        self._checkpointed_at = self._repository.clock.monotonic()

    def dismiss_workers(self) -> None:
        """Let the workers go after the last checkpoint, while the caller has things left to do."""
        if self._executor is not None:
            self._executor.dismiss()
            self._dismissed, self._executor = self._executor, None

    def salvage(self) -> bool:
        """Index what is durable after an interruption, which may have come at any moment.

        Answers are not passed on any more: whoever waits for them may be in the middle of
        something. True where all that was answered before is durable and indexed now.
        """
        flushed = 0
        try:
            if self._executor is not None:
                for message in self._executor.salvage(_SALVAGE_SECONDS):
                    flushed += message[0] == "flushed"
                    if message[0] == "pack":
                        self._take([message])
            if "_trees" in self.__dict__:
                self._trees.flush()
        finally:
            self._write_index()
        return self._executor is None or flushed == self._executor.parts

    def totals(self) -> "tuple[Totals, Totals]":
        """Give what was new as of the last checkpoint: data, trees."""
        from backup.archiver.blob_saver import Totals

        data = Totals(*map(sum, zip(*(self._flushed or [(0, 0, 0)]), strict=True)))
        trees = self._trees.totals if "_trees" in self.__dict__ else Totals(0, 0, 0)
        return data, trees

    def close(self) -> None:
        """End the workers; what was not checkpointed is dropped."""
        for executor in (self._executor, self._dismissed):
            if executor is not None:
                executor.close()
        if "_trees" in self.__dict__:
            self._trees.close()
