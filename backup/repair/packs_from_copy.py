"""Repairing packs with blobs from another repository that holds the same content under its own key.

Crash-safe order, under the exclusive lock on the damaged repository:

1. Fetch every blob that is lost here: read there, authenticated, decoded, hashed, sealed under our
   key; the new packs are durable (`backup.repository.repack`).
2. Write an index file about them: durable.
3. Repair the packs of which nothing is lost any more (`backup.repair.packs`); the others stay.

Killed after any step, nothing that was there is gone; run it again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from backup.format.index_file import join_packs
from backup.format.pack import BlobType, PackedBlob
from backup.progress import SILENT, Progress
from backup.repair.packs import RepairPacksPlan, apply_repair_packs
from backup.repository.locks import Lock
from backup.repository.repack import Route, transfer_here
from backup.repository.repack_workers import Move
from backup.repository.repository import Repository

BlobKey = tuple[bytes, BlobType]


def repair_from_copy(
    repository: Repository,
    other: Repository,
    plan: RepairPacksPlan,
    lock: Lock,
    progress: Progress = SILENT,
) -> list[bytes]:
    """Fetch what is lost, and remove the packs that are whole again without their damaged file.

    Args:
        repository: Where packs are damaged.
        other: Holds the blobs; the caller holds a shared lock on it.
        plan: What is left of the damaged packs.
        lock: The exclusive lock on `repository` that is held.
        progress: Told of every stage.

    Returns:
        Ids of the packs that were repaired.

    Raises:
        DamagedError: An index file of the other repository is damaged.
        RepositoryLockedError: Our lock is gone, or another one came beside it.
        StoreError: A store failed; run it again.
    """
    lost = {(blob.id, blob.type) for verdict in plan.bad for blob in verdict.lost}
    found = _fetch(repository, other, lost, lock)
    whole = tuple(
        replace(verdict, lost=())
        for verdict in plan.bad
        if all((blob.id, blob.type) in found for blob in verdict.lost)
    )
    if whole:
        apply_repair_packs(repository, replace(plan, verdicts=whole), lock, progress)
    return [verdict.id for verdict in whole]


def _fetch(
    repository: Repository, other: Repository, wanted: set[BlobKey], lock: Lock
) -> set[BlobKey]:
    """Store blobs of the other repository here, durable and indexed; gives the sound ones."""
    moves = list(_find_moves(other, wanted))
    route = Route(
        other.store, other.key, repository.store, repository.key, None, repository.pack_size
    )
    packs, failures = transfer_here(route, moves)
    lock.ensure_held()
    if packs:
        repository.write_file("index", join_packs(packs))
    return {
        (blob.id, blob.type)
        for number, move in enumerate(moves)
        for place, blob in enumerate(move.blobs)
        if (number, place) not in failures
    }


def _find_moves(other: Repository, wanted: Iterable[BlobKey]) -> Iterator[Move]:
    """Give one place of each wanted blob that the other repository knows, by pack."""
    index = other.load_index()
    packs: dict[bytes, list[PackedBlob]] = {}
    for blob_id, blob_type in sorted(wanted):
        for place in index.find_all(blob_id):
            if place.blob.type == blob_type:
                packs.setdefault(place.pack, []).append(place.blob)
                break
    for pack, blobs in packs.items():
        yield Move(pack, blobs)
