"""Repairing the index: it says again what the packs really hold.

The plan reads; applying it writes, in this order, so that a crash after any step loses nothing:

1. Prove that our exclusive lock still stands; write the new index files, each durable before the
   next.
2. Prove it again, and that no other lock came beside it; delete the old ones. Until the last is
   gone, both are there, and the plan can be made again.

Packs are neither changed nor removed. Blobs that are lost vanish from the index, so that the next
backup stores them again where the source still has them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backup.check.metadata_files import read_index
from backup.errors import BackupError, DamagedError, PlanOutdatedError, StoreError
from backup.format.crypto import Envelope
from backup.format.index_file import encode_index
from backup.format.pack import PackedBlob, header_length, pack_key, read_header
from backup.progress import SILENT, Progress
from backup.prune.facts import ensure_alone
from backup.repository.delete_files import delete_files
from backup.repository.index import MOST_BLOBS_A_FILE, Index
from backup.repository.locks import Lock
from backup.repository.pack_table import PackTable
from backup.repository.repository import Repository

_LENGTH_FIELD = 4
# Long enough for the header of nearly every pack, so that one read does.
_EAGER_TAIL = 64 << 10


class UnreadablePack(NamedTuple):
    """A pack whose header cannot be read.

    Attributes:
        id: Of the pack.
        error: Why.
        is_dropped: Whether the index knows its blobs now, and will not any more.
    """

    id: bytes
    error: BackupError
    is_dropped: bool


@dataclass(frozen=True, slots=True)
class RepairIndexPlan:
    """What repairing the index would do.

    Attributes:
        index_files: Ids of all index files when the plan was made.
        packs: Ids of all packs in the store when it was made.
        damaged_index_files: Ids of those index files that cannot be read.
        kept: Ids of the packs whose entries stay as they are.
        read_again: Packs whose entries are taken from their own headers.
        missing: Ids of packs that the index names and the store does not have.
        unreadable: Packs that stay in the store and out of the index.
        index: The readable index files together.
    """

    index_files: frozenset[str]
    packs: frozenset[bytes]
    damaged_index_files: frozenset[str]
    kept: frozenset[bytes]
    read_again: Mapping[bytes, Sequence[PackedBlob]]
    missing: tuple[bytes, ...]
    unreadable: tuple[UnreadablePack, ...]
    index: Index

    @property
    def is_needed(self) -> bool:
        """Whether the index differs from what the packs hold."""
        lost = any(pack.is_dropped for pack in self.unreadable)
        return bool(self.damaged_index_files or self.read_again or self.missing or lost)


def plan_repair_index(
    repository: Repository,
    *,
    read_all_packs: bool = False,
    without: Collection[bytes] = (),
    progress: Progress = SILENT,
) -> RepairIndexPlan:
    """Find out what is wrong with the index; changes nothing.

    Args:
        repository: Whose index.
        read_all_packs: Whether to read the header of every pack, and not only of those that are
            not in the index or are of another size than it says.
        without: Ids of packs that are taken for missing though they may be there.
        progress: Told about every stage.

    Raises:
        StoreError: The store could not be listed, or did not show a pack that must be read.
    """
    listed = frozenset(repository.list_files("index"))
    read = read_index(repository, progress)
    table = PackTable(read.index)
    listed_packs = repository.list_packs()
    packs = {pack_id: size for pack_id, size in listed_packs.items() if pack_id not in without}
    numbers = {pack_id: number for number, pack_id in enumerate(read.index.pack_ids)}
    intact = frozenset(_intact(read.index, table, packs))
    doubtful = sorted(packs if read_all_packs else packs.keys() - intact)
    kept = set(packs.keys() - doubtful)
    read_again: dict[bytes, Sequence[PackedBlob]] = {}
    unreadable = []
    progress.start("read pack headers", len(doubtful), "packs")
    for pack_id in doubtful:
        number = numbers.get(pack_id)
        blobs = _try_header(repository, pack_id, packs[pack_id])
        if isinstance(blobs, DamagedError):
            unreadable.append(UnreadablePack(pack_id, blobs, is_dropped=number is not None))
        elif isinstance(blobs, StoreError):
            # The store may answer next time; what it did not show is no reason to forget blobs.
            if pack_id in intact:
                kept.add(pack_id)
            elif number is not None:
                raise blobs
            unreadable.append(UnreadablePack(pack_id, blobs, is_dropped=False))
        elif number is not None and table.blobs(number) == blobs:
            kept.add(pack_id)
        else:
            read_again[pack_id] = blobs
        progress.advance()
    progress.finish()
    return RepairIndexPlan(
        index_files=listed,
        packs=frozenset(listed_packs),
        damaged_index_files=read.damaged,
        kept=frozenset(kept),
        read_again=read_again,
        missing=tuple(sorted(numbers.keys() - packs.keys())),
        unreadable=tuple(unreadable),
        index=read.index,
    )


def _try_header(
    repository: Repository, pack_id: bytes, size: int
) -> list[PackedBlob] | DamagedError | StoreError:
    try:
        return read_pack_header(repository, pack_id, size)
    except (DamagedError, StoreError) as error:
        return error


def _intact(index: Index, table: PackTable, packs: Mapping[bytes, int]) -> Iterator[bytes]:
    uneven = set(table.uneven().tolist())
    for number, (pack_id, size) in enumerate(zip(index.pack_ids, table.sizes(), strict=True)):
        if packs.get(pack_id) == size and number not in uneven:
            yield pack_id


def read_pack_header(repository: Repository, pack_id: bytes, size: int) -> list[PackedBlob]:
    """Read what a pack says of itself, with one or two range reads; tried twice.

    Args:
        repository: Where it lies.
        pack_id: Of the pack.
        size: Its bytes in the store.

    Raises:
        DamagedError: The header cannot be read, or does not fit the pack's size.
        StoreError: The store failed.
    """
    envelope = repository.envelope()
    try:
        return _read_header_once(repository, pack_id, size, envelope)
    except DamagedError:
        return _read_header_once(repository, pack_id, size, envelope)


def _read_header_once(
    repository: Repository, pack_id: bytes, size: int, envelope: Envelope
) -> list[PackedBlob]:
    start = max(0, size - _EAGER_TAIL)
    tail = repository.read_pack(pack_id, start)
    needed = header_length(tail) + _LENGTH_FIELD
    if len(tail) < needed <= size:
        tail = repository.read_pack(pack_id, size - needed)
    blobs = read_header(tail, envelope)
    end = blobs[-1].offset + blobs[-1].length if blobs else 0
    if end + needed != size:
        raise DamagedError(
            "a pack of {size} bytes should have {expected} by its own header",
            size=size,
            expected=end + needed,
        )
    return blobs


def apply_repair_index(
    repository: Repository, plan: RepairIndexPlan, lock: Lock, progress: Progress = SILENT
) -> list[str]:
    """Write the index that the plan describes.

    Args:
        repository: Whose index.
        plan: What to write.
        lock: The exclusive lock that is held.
        progress: Told about both stages.

    Returns:
        Ids of the new index files; none if nothing had to be done.

    Raises:
        PlanOutdatedError: The index or the packs have changed since the plan was made.
        RepositoryLockedError: Our lock is gone, or another one came beside it.
        StoreError: The store failed; the old index files are there unless the new ones all are.
    """
    if not plan.is_needed:
        return []
    _refuse_outdated(repository, plan)
    lock.ensure_held()
    progress.start("save index", None, "index files")
    written = []
    for packs in _index_files(plan):
        written.append(repository.write_file("index", encode_index(packs)))
        progress.advance()
    progress.finish()
    progress.start("delete old index", len(plan.index_files), "index files")
    ensure_alone(repository, lock)
    keys = [f"index/{file_id}" for file_id in sorted(plan.index_files - set(written))]
    for _, error in delete_files(repository.store, keys, ensure_allowed=lock.ensure_held):
        if error is not None:
            raise error
        progress.advance()
    progress.finish()
    return written


def _refuse_outdated(repository: Repository, plan: RepairIndexPlan) -> None:
    if (
        frozenset(repository.list_files("index")) != plan.index_files
        or frozenset(repository.list_packs()) != plan.packs
    ):
        raise PlanOutdatedError(
            "the repository at {place} has changed since the repair was planned",
            data="nothing was changed",
            next_step="run repair index again",
            place=repository.store.location,
        )


def _index_files(plan: RepairIndexPlan) -> Iterator[dict[bytes, Sequence[PackedBlob]]]:
    """Yield the content of each new index file; a pack is never split between two."""
    group: dict[bytes, Sequence[PackedBlob]] = {}
    count = 0
    for pack_id, blobs in _entries(plan):
        if group and count + len(blobs) > MOST_BLOBS_A_FILE:
            yield group
            group, count = {}, 0
        group[pack_id] = blobs
        count += len(blobs)
    if group:
        yield group


def _entries(plan: RepairIndexPlan) -> Iterator[tuple[bytes, Sequence[PackedBlob]]]:
    for pack_id, blobs in plan.index.blobs_by_pack():
        if pack_id in plan.kept:
            yield pack_id, blobs
    yield from plan.read_again.items()


def describe_unreadable(pack: UnreadablePack) -> str:
    """Say in one English line which pack cannot be read, and why."""
    return f"{pack_key(pack.id)}: {pack.error}"
