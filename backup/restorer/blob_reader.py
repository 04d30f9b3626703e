"""Reading blobs for a restore: few reads, each piece authenticated, decoded and hashed.

Workers load this module, so it knows no index: numpy behind one takes each a tenth of a second.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from backup.errors import BackupError, DamagedError, StoreError
from backup.format.compression import Decompressor
from backup.format.crypto import OVERHEAD, Envelope, MasterKey
from backup.restorer.orders import Piece
from backup.stores.base import Store

if TYPE_CHECKING:  # costs a hundredth of a second, and a folder needs no threads
    from concurrent.futures import ThreadPoolExecutor

# A gap of this many bytes between two pieces is read and thrown away rather than read around.
_GAP = 64 << 10
_LONGEST_READ = 8 << 20
# From a far store, any usual pack at one go.
_LONGEST_FAR_READ = 20 << 20
_LEAST_TOGETHER = 2


class BlobReader(Protocol):
    """Gives the content of pieces."""

    def read(
        self, pieces: Sequence[Piece], packs: Mapping[int, str]
    ) -> Mapping[Piece, bytes | BackupError]:
        """Give each piece's content, or why there is none."""
        ...


class _Span(NamedTuple):
    """A run of bytes of one pack.

    Attributes:
        pack: Its number.
        start: First byte.
        end: Behind the last byte.
        pieces: What is wanted of it, ascending.
    """

    pack: int
    start: int
    end: int
    pieces: list[Piece]


def plan_spans(pieces: Sequence[Piece], *, longest: int = _LONGEST_READ) -> Iterator[_Span]:
    """Join pieces to runs that are read at once; each piece once, packs and offsets ascending.

    Args:
        pieces: What is wanted.
        longest: No run has more bytes, unless a single piece does.
    """
    span: _Span | None = None
    for piece in sorted(set(pieces)):
        pack, offset, length, _, _ = piece
        end = offset + length
        if (
            span is not None
            and span.pack == pack
            and offset <= span.end + _GAP
            and end - span.start <= longest
        ):
            span.pieces.append(piece)
            span = span._replace(end=max(end, span.end))
            continue
        if span is not None:
            yield span
        span = _Span(pack, offset, end, [piece])
    if span is not None:
        yield span


class PackReader:
    """Reads pieces from the packs where the index says they lie. For one thread."""

    def __init__(
        self, store: Store, key: MasterKey, *, at_once: int = 1, proves: bool = True
    ) -> None:
        """Set up.

        Args:
            store: Where the packs are.
            key: The master key.
            at_once: How many reads may be on their way; what comes first is opened meanwhile.
            proves: Whether to hash what is read; else whoever gets it does.
        """
        self._proves = proves
        self._store = store
        self._at_once = at_once
        self._longest = _LONGEST_READ if at_once < _LEAST_TOGETHER else _LONGEST_FAR_READ
        self._threads: ThreadPoolExecutor | None = None
        self._envelope = Envelope(key)
        self._decompressor = Decompressor()

    def read(
        self, pieces: Sequence[Piece], packs: Mapping[int, str]
    ) -> Mapping[Piece, bytes | BackupError]:
        """See `BlobReader.read`."""
        found: dict[Piece, bytes | BackupError] = {}
        spans = list(plan_spans(pieces, longest=self._longest))
        for span, stored in zip(spans, self._fetch_all(spans, packs), strict=True):
            if isinstance(stored, BackupError):
                found.update(dict.fromkeys(span.pieces, stored))
            else:
                self._open_span(span, memoryview(stored), found)
        return found

    def _fetch_all(
        self, spans: Sequence[_Span], packs: Mapping[int, str]
    ) -> Iterator[bytes | BackupError]:
        keys = [packs[span.pack] for span in spans]
        if self._at_once < _LEAST_TOGETHER or len(spans) < _LEAST_TOGETHER:
            return map(self._fetch, spans, keys)
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            self._threads = ThreadPoolExecutor(self._at_once, "reading")
        return self._threads.map(self._fetch, spans, keys)

    def _fetch(self, span: _Span, key: str) -> bytes | BackupError:
        try:
            return self._store.read(key, span.start, span.end - span.start)
        except BackupError as error:
            return error

    def _open_span(
        self, span: _Span, stored: memoryview, found: dict[Piece, bytes | BackupError]
    ) -> None:
        for piece in span.pieces:
            start = piece[1] - span.start
            found[piece] = self._open(piece, stored[start : start + piece[2]])

    def _open(self, piece: Piece, sealed: memoryview) -> bytes | BackupError:
        _, _, _, length, blob_id = piece
        try:
            content = self._envelope.open(sealed)
            if length:
                content = self._decompressor.decompress(content, length)
        except DamagedError as error:
            return error
        return prove(content, blob_id) if self._proves else content


class CarefulReader:
    """Reads pieces one by one, the slow way."""

    def __init__(self, load: Callable[[bytes], bytes]) -> None:
        """Set up.

        Args:
            load: Gives the content of a blob by its id.
        """
        self._load = load

    def read(
        self, pieces: Sequence[Piece], packs: Mapping[int, str]
    ) -> Mapping[Piece, bytes | BackupError]:
        """See `BlobReader.read`."""
        del packs
        found: dict[Piece, bytes | BackupError] = {}
        for piece in pieces:
            _, _, _, _, blob_id = piece
            try:
                found[piece] = self._load(blob_id)
            except (DamagedError, StoreError) as error:
                found[piece] = error
        return found


def prove(content: bytes, blob_id: bytes) -> bytes | DamagedError:
    """Give the content if it is the blob's."""
    if hashlib.sha256(content).digest() == blob_id:
        return content
    return DamagedError("data blob {id} holds other bytes than its id says", id=blob_id.hex()[:8])


def plain_length(piece: Piece) -> int:
    """Length of a piece's content in bytes."""
    return piece[3] or piece[2] - OVERHEAD
