"""Moving blobs out of packs into new packs: what prune and copy have in common.

Every blob is read, authenticated, decoded and hashed before it goes on; one that fails is reported
and never stored. Its zstd frame is kept as it is. Within one repository the sealed message is
carried over byte for byte: what was proved is what is stored, and sealing the same bytes anew would
add no secrecy. For another key the frame is sealed anew, opened and compared.

Crash-safe order of one worker:

1. Read and prove the blobs of one pack; put them into an open pack, data and trees apart.
2. Write a pack that is full: durable.
3. Report it. Whoever asked indexes what was reported, and only then lets anything refer to it.

Messages in: ``("move", number, pack, [(id, type, offset, length, plaintext length), …])`` and
``("flush",)``. Messages out: ``("pack", …)`` as in `backup.archiver.worker`, ``("moved", number,
bytes, [(position in the list, reason), …])`` with those that failed, and ``("flushed",)``.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from backup.errors import BackupError, DamagedError, ObjectNotFoundError
from backup.format.compression import Compression, Compressor, Decompressor
from backup.format.crypto import Envelope, MasterKey
from backup.format.pack import BlobType, PackedBlob, pack_key
from backup.repository.packer import PackWriter, pack_message
from backup.stores.base import Buffer, Store
from backup.workers.processes import Message

_LARGEST_READ = 8 << 20
# Reading so many bytes for nothing is cheaper than asking the store once more.
_LARGEST_GAP = 256 << 10


class Route(NamedTuple):
    """From where to where.

    Attributes:
        source: Store of the packs that are read.
        source_key: Master key of that repository.
        target: Store of the new packs.
        target_key: Master key of that repository; the same one within a repository.
        compression: How to compress a blob that is stored plain; None leaves data as it is. Trees
            are compressed in any case.
        pack_size: Bytes with which a new pack is full.
    """

    source: Store
    source_key: MasterKey
    target: Store
    target_key: MasterKey
    compression: Compression | None
    pack_size: int


class Span(NamedTuple):
    """Blobs of one pack that are read at one go.

    Attributes:
        start: First byte.
        end: Byte behind the last one.
        blobs: In the order of their offsets.
    """

    start: int
    end: int
    blobs: list[PackedBlob]


def plan_spans(blobs: Iterable[PackedBlob]) -> list[Span]:
    """Join blobs that lie near each other; a span is no longer than 8 MiB unless one blob is."""
    spans: list[Span] = []
    for blob in sorted(blobs, key=lambda it: it.offset):
        end = blob.offset + blob.length
        last = spans[-1] if spans else None
        if (
            last is not None
            and blob.offset - last.end <= _LARGEST_GAP
            and end - last.start <= _LARGEST_READ
        ):
            last.blobs.append(blob)
            spans[-1] = last._replace(end=max(end, last.end))
        else:
            spans.append(Span(blob.offset, end, [blob]))
    return spans


class TransferLoop:
    """Answers messages; see the module's text. For one thread."""

    def __init__(
        self, route: Route, *, send: Callable[[Message], None], background: bool = True
    ) -> None:
        """Set up.

        Args:
            route: From where to where.
            send: Takes the answers, always in the caller's thread.
            background: Write packs in a thread beside the caller.
        """
        self._route = route
        self._send = send
        self._source = Envelope(route.source_key)
        self._target = Envelope(route.target_key)
        self._is_same_key = route.source_key == route.target_key
        self._decompressor = Decompressor()
        self._compressor = Compressor(route.compression or "auto")
        self._writer = PackWriter(
            route.target,
            self._target,
            lambda pack: send(pack_message(pack)),
            background=background,
            pack_size=route.pack_size,
        )

    def handle(self, message: Message) -> None:
        """Do what one message asks, and send the answer."""
        if message[0] == "flush":
            self._writer.flush()
            self._send(("flushed",))
        else:
            self._move(message[1], message[2], message[3])

    def close(self) -> None:
        """End the thread that writes packs; an open pack is dropped."""
        self._writer.close()

    def _move(
        self, number: int, pack: bytes, rows: Sequence[tuple[bytes, int, int, int, int]]
    ) -> None:
        blobs = [PackedBlob(row[0], BlobType(row[1]), *row[2:]) for row in rows]
        places = {blob.offset: place for place, blob in enumerate(blobs)}
        failures = []
        size = 0
        for span in plan_spans(blobs):
            for blob, outcome in self._read(pack, span):
                size += blob.length
                if isinstance(outcome, BackupError):
                    failures.append((places[blob.offset], str(outcome)))
                else:
                    self._store(blob, *outcome)
        self._send(("moved", number, size, failures))

    def _read(
        self, pack: bytes, span: Span
    ) -> Iterator[tuple[PackedBlob, tuple[Buffer, bytes] | BackupError]]:
        """Yield each blob with its sealed message and its frame, or with what is wrong with it."""
        try:
            piece = self._route.source.read(pack_key(pack), span.start, span.end - span.start)
        except ObjectNotFoundError as error:
            yield from ((blob, error) for blob in span.blobs)
            return
        view = memoryview(piece)
        for blob in span.blobs:
            at = blob.offset - span.start
            sealed = view[at : at + blob.length]
            try:
                yield blob, (sealed, self._prove(blob, sealed))
            except DamagedError:
                yield blob, self._read_again(pack, blob)

    def _read_again(self, pack: bytes, blob: PackedBlob) -> tuple[Buffer, bytes] | BackupError:
        """Try once more, for a read can go wrong once."""
        try:
            sealed = self._route.source.read(pack_key(pack), blob.offset, blob.length)
            return sealed, self._prove(blob, sealed)
        except (DamagedError, ObjectNotFoundError) as error:
            return error

    def _prove(self, blob: PackedBlob, sealed: Buffer) -> bytes:
        """Authenticate, decode and hash; gives what was sealed: a frame, or the plain bytes."""
        frame = self._source.open(sealed)
        plain = frame
        if blob.uncompressed_length:
            plain = self._decompressor.decompress(frame, blob.uncompressed_length)
        if hashlib.sha256(plain).digest() != blob.id:
            raise DamagedError("it holds other bytes than its id says")
        return frame

    def _store(self, blob: PackedBlob, sealed: Buffer, frame: bytes) -> None:
        shorter = None if blob.uncompressed_length else self._compress(blob, frame)
        if shorter is not None:
            self._writer.add(blob.id, blob.type, self._seal(shorter), len(frame))
        elif self._is_same_key:
            self._writer.add(blob.id, blob.type, bytes(sealed), blob.uncompressed_length)
        else:
            self._writer.add(blob.id, blob.type, self._seal(frame), blob.uncompressed_length)

    def _compress(self, blob: PackedBlob, plain: bytes) -> bytes | None:
        """Give the proven frame of a blob that was stored plain, where it should have one."""
        if blob.type == BlobType.TREE and plain:
            frame = self._compressor.compress_always(plain)
        elif self._route.compression is not None:
            compressed = self._compressor.compress_data(plain)
            if compressed is None:
                return None
            frame = compressed
        else:
            return None
        if self._decompressor.decompress(frame, len(plain)) != plain:
            raise _faulty_machine(blob)
        return frame

    def _seal(self, frame: bytes) -> bytes:
        sealed = self._target.seal(frame)
        if self._target.open(sealed) != frame:
            raise DamagedError(
                "a sealed blob did not open to what was sealed",
                why="the memory, processor or a library of this machine is faulty",
                data="the blob was not stored; nothing that was stored before is touched",
            )
        return sealed


def transfer_here(
    route: Route, moves: Iterable[tuple[bytes, Sequence[PackedBlob]]]
) -> tuple[list[str], dict[tuple[int, int], str]]:
    """Move blobs of a few packs in this thread.

    Args:
        route: From where to where.
        moves: Id of each pack, and which of its blobs.

    Returns:
        The entries of the new packs, all durable, in an index file; and why a blob failed, by the
        place of its pack and its own place therein.

    Raises:
        StoreError: A store failed.
    """
    answers: list[Message] = []
    loop = TransferLoop(route, send=answers.append, background=False)
    try:
        for number, (pack, blobs) in enumerate(moves):
            rows = [(blob.id, int(blob.type), *blob[2:]) for blob in blobs]
            loop.handle(("move", number, pack, rows))
        loop.handle(("flush",))
    finally:
        loop.close()
    failures = {
        (message[1], place): reason
        for message in answers
        if message[0] == "moved"
        for place, reason in message[3]
    }
    return [message[2] for message in answers if message[0] == "pack"], failures


def _faulty_machine(blob: PackedBlob) -> DamagedError:
    return DamagedError(
        "blob {id} did not decode to what was encoded",
        why="the memory, processor or a library of this machine is faulty",
        data="the blob was not stored; nothing that was stored before is touched",
        next_step="run the command again; if this comes back, test the memory",
        id=blob.id.hex()[:8],
    )
