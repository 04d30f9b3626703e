"""Reading packs back, whole: their hash, their header, and every blob in them.

Worker processes do it where the store can be opened by another process, this process elsewhere.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple, Self

from backup.bounds import read_bounded
from backup.checking.findings import Finding, found
from backup.checking.sound_packs import SoundPacks
from backup.crypto import Envelope, MasterKey
from backup.errors import BackupError, DamagedError, StoreError
from backup.frames import Decompressor
from backup.packs import PackedBlob, decode_header, read_header
from backup.processes import Channel, Message, Pool, Worker, worker_count
from backup.repository import Repository, open_blob, pack_key
from backup.stores.base import Buffer, Store
from backup.stores.recipes import recipe_of, store_from_recipe

# Enough work for a worker at a time that the pipe costs nothing, little enough to share it fairly.
_BATCH_BYTES = 16 << 20
_BATCHES_AHEAD = 3
# Several processes read packs at once, from near stores; so each holds little, and what it holds
# stays in the processor's cache. This process alone reads from far ones; there, requests count.
_WINDOW_BYTES = 4 << 20
_WHOLE_PACKS = 1 << 32
# What one damaged pack says of its blobs; a pack of zeros would else fill the screen.
_MOST_BLOBS_NAMED = 20
_TARGET = "backup.checking.pack_reading:serve"

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
