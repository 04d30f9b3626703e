"""Repairing packs: what is sound in damaged ones is stored anew, and the packs go.

An index that names a damaged blob keeps the next backup from storing it again, so a damaged pack
has to leave the index, and the store. Crash-safe order, under the exclusive lock:

1. Read every blob that the index or the pack itself names; each that proves sound goes into a new
   pack: durable (`backup.repository.repack`).
2. Write an index file about the new packs: durable.
3. Write the index without the damaged packs, delete the old one (`backup.repair`).
4. Prove that our lock still stands and that no other came beside it; delete the packs.

Killed after any step, what was sound is still there and indexed; run it again.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from backup.errors import DamagedError, ObjectNotFoundError, UsageError
from backup.format.compression import Decompressor
from backup.format.crypto import Envelope
from backup.format.index_file import join_packs
from backup.format.pack import BlobType, PackedBlob, open_blob, pack_key, read_header
from backup.progress import SILENT, Progress
from backup.prune.facts import ensure_alone
from backup.repair.index import apply_repair_index, plan_repair_index
from backup.repository.delete_files import delete_files
from backup.repository.index import Index
from backup.repository.locks import Lock
from backup.repository.repack import Route, transfer_here
from backup.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class PackVerdict:
    """What is left of one pack.

    Attributes:
        id: Of the pack.
        is_sound: Whether it is whole, so that there is nothing to repair.
        salvaged: Blobs that can be read, in file order.
        lost: Blobs that cannot, and of which the index names no copy in another pack.
    """

    id: bytes
    is_sound: bool
    salvaged: tuple[PackedBlob, ...]
    lost: tuple[PackedBlob, ...]


@dataclass(frozen=True, slots=True)
class RepairPacksPlan:
    """What repairing packs would do.

    Attributes:
        verdicts: One for each pack that was named, in the same order.
        stored: Ids of those that the store has.
    """

    verdicts: tuple[PackVerdict, ...]
    stored: frozenset[bytes]

    @property
    def bad(self) -> list[PackVerdict]:
        """The packs that have to go."""
        return [verdict for verdict in self.verdicts if not verdict.is_sound]


def plan_repair_packs(
    repository: Repository, pack_ids: Sequence[bytes], progress: Progress = SILENT
) -> RepairPacksPlan:
    """Read packs blob by blob; changes nothing.

    Args:
        repository: Where they lie.
        pack_ids: Which packs.
        progress: Told of each pack.

    Raises:
        UsageError: A pack is neither in the store nor in the index.
        DamagedError: An index file is damaged.
        StoreError: The store failed; nothing is taken for lost because of that.
    """
    index = repository.load_index()
    stored = repository.list_packs()
    named = {pack_id: blobs for pack_id, blobs in index.blobs_by_pack() if pack_id in pack_ids}
    for pack_id in pack_ids:
        if pack_id not in stored and pack_id not in named:
            raise _unknown_pack(repository, pack_id)
    judge = _Judge(repository)
    verdicts = []
    progress.start("read packs", len(pack_ids), "packs")
    for pack_id in pack_ids:
        verdicts.append(judge.judge(pack_id, named.get(pack_id, ())))
        progress.advance()
    progress.finish()
    gone = {verdict.id for verdict in verdicts if not verdict.is_sound}
    safe = {(blob.id, blob.type) for verdict in verdicts for blob in verdict.salvaged}
    return RepairPacksPlan(
        verdicts=tuple(
            replace(verdict, lost=tuple(_without_copy(index, verdict.lost, gone, safe)))
            for verdict in verdicts
        ),
        stored=frozenset(stored.keys() & pack_ids),
    )


def _without_copy(
    index: Index, blobs: Iterable[PackedBlob], gone: set[bytes], safe: set[tuple[bytes, BlobType]]
) -> Iterable[PackedBlob]:
    for blob in blobs:
        places = index.find_all(blob.id)
        elsewhere = any(it.pack not in gone and it.blob.type == blob.type for it in places)
        if not elsewhere and (blob.id, blob.type) not in safe:
            yield blob


def _unknown_pack(repository: Repository, pack_id: bytes) -> UsageError:
    return UsageError(
        "there is no pack {id} in {place}",
        why="neither the store nor the index knows it",
        data="nothing was changed",
        next_step="take the ids from check --read-data, in full",
        id=pack_id.hex(),
        place=repository.store.location,
    )


class _Judge:
    """Says of packs what in them can be read."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._envelope: Envelope = repository.envelope()
        self._decompressor = Decompressor()

    def judge(self, pack_id: bytes, indexed: Sequence[PackedBlob]) -> PackVerdict:
        """Read one pack; `indexed` is what the index says of it."""
        verdict = self._judge_once(pack_id, indexed)
        # A read can go wrong once.
        return verdict if verdict.is_sound else self._judge_once(pack_id, indexed)

    def _judge_once(self, pack_id: bytes, indexed: Sequence[PackedBlob]) -> PackVerdict:
        try:
            pack = self._repository.read_pack(pack_id)
        except ObjectNotFoundError:
            return PackVerdict(pack_id, is_sound=False, salvaged=(), lost=tuple(indexed))
        own = self._read_header(pack)
        blobs = list(dict.fromkeys((*indexed, *(own or ()))))
        bad = {blob for blob in blobs if not self._is_readable(blob, pack)}
        is_named_right = hashlib.sha256(pack).digest() == pack_id
        return PackVerdict(
            pack_id,
            is_sound=is_named_right and own is not None and not bad and len(own) == len(blobs),
            salvaged=tuple(blob for blob in blobs if blob not in bad),
            lost=tuple(blob for blob in blobs if blob in bad),
        )

    def _read_header(self, pack: bytes) -> list[PackedBlob] | None:
        try:
            return read_header(pack, self._envelope)
        except DamagedError:
            return None

    def _is_readable(self, blob: PackedBlob, pack: bytes) -> bool:
        sealed = memoryview(pack)[blob.offset : blob.offset + blob.length]
        try:
            open_blob(blob, sealed, self._envelope, self._decompressor)
        except DamagedError:
            return False
        return True


def apply_repair_packs(
    repository: Repository, plan: RepairPacksPlan, lock: Lock, progress: Progress = SILENT
) -> int:
    """Store anew what is sound in bad packs, and remove them.

    Args:
        repository: Whose packs.
        plan: What to do.
        lock: The exclusive lock that is held.
        progress: Told of every stage.

    Returns:
        How many packs were removed from the index or the store.

    Raises:
        DamagedError: A blob that could be read when the plan was made cannot be any more.
        RepositoryLockedError: Our lock is gone, or another one came beside it.
        StoreError: The store failed; run it again.
    """
    bad = plan.bad
    if not bad:
        return 0
    lock.ensure_held()
    if new_packs := _salvage(repository, bad):
        lock.ensure_held()
        repository.write_file("index", join_packs(new_packs))
    gone = frozenset(verdict.id for verdict in bad)
    repair = plan_repair_index(repository, without=gone, progress=progress)
    apply_repair_index(repository, repair, lock, progress)
    ensure_alone(repository, lock)
    keys = [pack_key(pack_id) for pack_id in sorted(gone & plan.stored)]
    for _, error in delete_files(repository.store, keys, ensure_allowed=lock.ensure_held):
        if error is not None:
            raise error
    return len(bad)


def _salvage(repository: Repository, bad: Sequence[PackVerdict]) -> list[str]:
    """Store the sound blobs of bad packs in new ones; gives the entries of these, durable."""
    store, key = repository.store, repository.key
    route = Route(store, key, store, key, None, repository.pack_size)
    packs, failures = transfer_here(route, ((verdict.id, verdict.salvaged) for verdict in bad))
    if failures:
        raise DamagedError(
            "a blob that could be read a moment ago cannot be any more",
            why="{reason}",
            data="nothing was deleted",
            next_step="run the command again; if this comes back, test the disk",
            reason=next(iter(failures.values())),
        )
    return packs
