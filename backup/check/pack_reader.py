"""Reading packs back, whole: their hash, their header, and every blob in them.

Worker processes do it where the store can be opened by another process, this process elsewhere.

The fast proof that a pack is sound; says yes or no, and nothing about what is wrong.

Nearly every pack is sound, and a pack may hold many thousand small blobs, so this path is made for
speed: the Poly1305 keys of all blobs come from one call, and one AES context is set to the nonce of
each blob instead of being built anew (3 of 9 µs a blob). What `Envelope.open` promises holds here
too: the tag is proven before anything is decrypted.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import NamedTuple, Self

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from backup.check.findings import Finding, found
from backup.errors import BackupError, DamagedError, StoreError
from backup.format.bounds import read_bounded
from backup.format.compression import UNKNOWN_SIZE, Decompressor
from backup.format.crypto import IV_LENGTH, OVERHEAD, TAG_LENGTH, Envelope, MasterKey
from backup.format.pack import (
    PackedBlob,
    decode_header,
    header_length,
    open_blob,
    pack_key,
    read_header,
)
from backup.repository.repository import Repository
from backup.stores.base import Buffer, Store
from backup.stores.reopen import recipe_of, store_from_recipe
from backup.workers.processes import Channel, Message, Pool, Worker, worker_count

_LENGTH_FIELD = 4
_ZERO_IV = bytes(IV_LENGTH)

ReadRange = Callable[[int, int], bytes]


class SoundPacks:
    """Tells sound packs from others. Not for use by two threads at once."""

    def __init__(self, key: MasterKey, *, window_bytes: int) -> None:
        """Take the key.

        Args:
            key: The repository's.
            window_bytes: How much of a pack to hold at a time; a larger blob is held whole.
        """
        self._window_bytes = window_bytes
        self._envelope = Envelope(key)
        self._mac_r = key.mac_r
        self._nonces = Cipher(algorithms.AES(key.mac_k), modes.ECB()).encryptor()  # noqa: S305 -- one block per IV, as the format asks
        self._decryptor = Cipher(algorithms.AES(key.encrypt), modes.CTR(_ZERO_IV)).decryptor()
        self._zstd = zstandard.ZstdDecompressor()

    def is_sound(self, pack_id: bytes, header: bytes, read: ReadRange) -> bool:
        """Whether a pack is what its name and the index say, every blob included.

        Args:
            pack_id: SHA-256 that its bytes should have.
            header: The plaintext header that it should have.
            read: Reads bytes of it: from an offset so many. It is asked once for each byte, in
                order, and at the end for one more, which must not be there.
        """
        digest = hashlib.sha256()
        try:
            groups = list(_group(decode_header(header), self._window_bytes))
            for number, group in enumerate(groups, 1):
                start, end = group[0].offset, group[-1].offset + group[-1].length
                is_last = number == len(groups)
                rest = len(header) + OVERHEAD + _LENGTH_FIELD if is_last else 0
                piece = memoryview(read(start, end - start + rest + is_last))
                digest.update(piece)
                if not self._are_sound(piece[: end - start], group):
                    return False
                if is_last and not self._is_end(piece[end - start :], header):
                    return False
        except (DamagedError, InvalidSignature, zstandard.ZstdError):
            return False
        return bool(groups) and digest.digest() == pack_id

    def _is_end(self, end: memoryview, header: bytes) -> bool:
        sealed = end[:-_LENGTH_FIELD]
        return header_length(end) == len(sealed) and self._envelope.open(sealed) == header

    def _are_sound(self, piece: memoryview, blobs: list[PackedBlob]) -> bool:
        """Prove blobs that follow each other and fill `piece`."""
        first = blobs[0].offset
        if blobs[-1].offset + blobs[-1].length - first != len(piece):
            return False
        if min(blob.length for blob in blobs) < OVERHEAD:
            return False
        ivs = b"".join([piece[blob.offset - first :][:IV_LENGTH] for blob in blobs])
        nonces = self._nonces.update(ivs)
        mac_r, verify_tag, sha256 = self._mac_r, Poly1305.verify_tag, hashlib.sha256
        reset, decrypt = self._decryptor.reset_nonce, self._decryptor.update
        decompress, frame_size = self._zstd.decompress, zstandard.frame_content_size
        at = 0
        for blob_id, _, offset, length, plain_length in blobs:
            tag_at = offset - first + length - TAG_LENGTH
            ciphertext = piece[offset - first + IV_LENGTH : tag_at]
            tag = bytes(piece[tag_at : tag_at + TAG_LENGTH])
            verify_tag(mac_r + nonces[at : at + IV_LENGTH], ciphertext, tag)
            iv = ivs[at : at + IV_LENGTH]
            at += IV_LENGTH
            reset(iv)
            plaintext = decrypt(ciphertext)
            if plain_length:
                if frame_size(plaintext) not in {UNKNOWN_SIZE, plain_length}:
                    return False
                plaintext = decompress(plaintext, max_output_size=plain_length)
                if len(plaintext) != plain_length:
                    return False
            if sha256(plaintext).digest() != blob_id or iv == _ZERO_IV:
                return False
        return True


def _group(blobs: list[PackedBlob], most_bytes: int) -> Iterator[list[PackedBlob]]:
    """Cut a pack's blobs into runs of at most so many bytes, or of one larger blob."""
    start = 0
    for at in range(1, len(blobs)):
        if blobs[at].offset + blobs[at].length - blobs[start].offset > most_bytes:
            yield blobs[start:at]
            start = at
    if blobs:
        yield blobs[start:]


# Enough work for a worker at a time that the pipe costs nothing, little enough to share it fairly.
_BATCH_BYTES = 16 << 20
_BATCHES_AHEAD = 3
# Several processes read packs at once, from near stores; so each holds little, and what it holds
# stays in the processor's cache. This process alone reads from far ones; there, requests count.
_WINDOW_BYTES = 4 << 20
_WHOLE_PACKS = 1 << 32
# What one damaged pack says of its blobs; a pack of zeros would else fill the screen.
_MOST_BLOBS_NAMED = 20
_TARGET = "backup.check.pack_reader:serve"

# A code of `KINDS` and its params.
Problem = tuple[str, dict[str, str | int]]


class PackJob(NamedTuple):
    """One pack to read.

    Attributes:
        id: Of the pack.
        header: The plaintext header that it should have by the index.
        size: Its bytes in the store, to share the work out evenly.
    """

    id: bytes
    header: bytes
    size: int


class PackReport(NamedTuple):
    """What reading one pack has shown.

    Attributes:
        id: Of the pack.
        size: How many bytes were read; 0 where it could not be.
        findings: What is wrong with it; empty for a sound one.
    """

    id: bytes
    size: int
    findings: tuple[Finding, ...]


class PackVerifier:
    """Proves packs against their names and the index."""

    def __init__(self, store: Store, key: MasterKey, *, window_bytes: int) -> None:
        """Take the store and the key; `window_bytes` as for `SoundPacks`."""
        self._store = store
        self._envelope = Envelope(key)
        self._decompressor = Decompressor()
        self._sound = SoundPacks(key, window_bytes=window_bytes)

    def verify(self, pack_id: bytes, header: bytes) -> tuple[int, list[Problem]]:
        """Read one pack, twice if need be, since a read can go wrong once.

        Returns:
            The bytes read and what is wrong.
        """
        size, problems = self._verify_once(pack_id, header)
        return self._verify_once(pack_id, header) if problems else (size, problems)

    def _verify_once(self, pack_id: bytes, header: bytes) -> tuple[int, list[Problem]]:
        key = pack_key(pack_id)
        size = 0

        def read(offset: int, length: int) -> bytes:
            nonlocal size
            piece = self._store.read(key, offset, length)
            size += len(piece)
            return piece

        try:
            if self._sound.is_sound(pack_id, header, read):
                return size, []
            pack = read_bounded(self._store, key)
        except (DamagedError, StoreError) as error:
            return 0, [("pack_unreadable", {"cause": _cause(error)})]
        return len(pack), self._explain(pack_id, pack, header)

    def _explain(self, pack_id: bytes, pack: bytes, header: bytes) -> list[Problem]:
        problems: list[Problem] = []
        if hashlib.sha256(pack).digest() != pack_id:
            problems.append(("pack_wrong_hash", {"size": len(pack)}))
        blobs = decode_header(header)
        try:
            if read_header(pack, self._envelope) != blobs:
                problems.append(("pack_header_differs", {}))
        except DamagedError as error:
            problems.append(("pack_header_damaged", {"cause": _cause(error)}))
        problems += self._damaged_blobs(pack, blobs)
        return problems

    def _damaged_blobs(self, pack: Buffer, blobs: list[PackedBlob]) -> Iterator[Problem]:
        view = memoryview(pack)
        named = 0
        for blob in blobs:
            try:
                sealed = view[blob.offset : blob.offset + blob.length]
                open_blob(blob, sealed, self._envelope, self._decompressor)
            except DamagedError as error:
                named += 1
                if named > _MOST_BLOBS_NAMED:
                    return
                kind = blob.type.word
                yield (
                    "blob_damaged",
                    {"type": kind, "id": blob.id.hex(), "cause": _cause(error)},
                )


def _cause(error: BackupError) -> str:
    reasons = [str(error)]
    if error.why:
        reasons.append(error.why.format(**error.params))
    return ": ".join(reasons)


class PackReading:
    """Reads packs while its owner does something else, as long as it calls `pump` now and then."""

    def __init__(self, repository: Repository, *, width: int | None = None) -> None:
        """Start the workers; they warm up while the owner finds out what to read.

        Args:
            repository: Whose packs.
            width: How many workers; None for what suits the machine.
        """
        width = width or worker_count()
        recipe = recipe_of(repository.store, share=width)
        self._verifier = PackVerifier(repository.store, repository.key, window_bytes=_WHOLE_PACKS)
        setup = (tuple(repository.key), recipe)
        self._pool = None if recipe is None else Pool(_TARGET, setup, width=width)
        self._jobs: Iterator[PackJob] = iter(())
        self._busy: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.kill() if any(self._busy.values()) else self._pool.close()

    def start(self, jobs: Iterator[PackJob]) -> None:
        """Say which packs to read."""
        self._jobs = jobs
        if self._pool:
            for _ in range(_BATCHES_AHEAD):
                for worker in self._pool.workers:
                    self._hand_out(worker)

    def pump(self) -> list[PackReport]:
        """Give what is done so far, and keep the workers busy; never waits."""
        return self._collect(0) if self._pool else []

    def finish(self) -> Iterator[PackReport]:
        """Yield the rest as it gets done, until all is read."""
        if not self._pool:
            for job in self._jobs:
                yield _report(job.id, *self._verifier.verify(job.id, job.header))
        while any(self._busy.values()):
            yield from self._collect(None)

    def _collect(self, timeout: float | None) -> list[PackReport]:
        assert self._pool  # noqa: S101 -- both callers have looked
        reports = []
        for worker, results in self._pool.poll(timeout):
            self._busy[worker.fileno()] -= 1
            self._hand_out(worker)
            reports += [_report(*result) for result in results]
        return reports

    def _hand_out(self, worker: Worker) -> None:
        batch = []
        size = 0
        while size < _BATCH_BYTES and (job := next(self._jobs, None)):
            batch.append((job.id, job.header))
            size += job.size
        if batch:
            worker.send(batch)
            self._busy[worker.fileno()] = self._busy.get(worker.fileno(), 0) + 1


def _report(pack_id: bytes, size: int, problems: list[Problem]) -> PackReport:
    key = pack_key(pack_id)
    return PackReport(pack_id, size, tuple(found(code, key, **params) for code, params in problems))


def serve(setup: Message, channel: Channel) -> None:
    """Read packs in a worker process.

    Args:
        setup: The master key's parts and the store's recipe.
        channel: Brings lists of (pack id, header), takes lists of (pack id, size, problems).
    """
    key, recipe = setup
    verifier = PackVerifier(store_from_recipe(recipe), MasterKey(*key), window_bytes=_WINDOW_BYTES)
    while (batch := channel.receive()) is not None:
        channel.send([(pack_id, *verifier.verify(pack_id, header)) for pack_id, header in batch])
