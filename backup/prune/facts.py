"""Gathering facts that can be trusted: listings that agree, and what the snapshots need.

What to prune, and how far to go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from backup.errors import BackupError, DamagedError, RepositoryLockedError, UnsupportedFormatError
from backup.format.pack import TARGET_SIZE
from backup.progress import Progress
from backup.quantities import UnusedLimit
from backup.repository.index import Index
from backup.repository.locks import SECOND_LOOK_AFTER, Lock, LockInfo, list_locks
from backup.repository.repository import FileKind, Repository
from backup.repository.tree_readers import TreeReaders
from backup.repository.used_blobs import UsedBlobs, find_used

NOTHING_DELETED = "nothing was deleted"
_LISTINGS = 5
_LOOKS = 5


def list_steadily(repository: Repository, kind: FileKind) -> list[str]:
    """List files until two listings in a row agree: one may be cut short, or a file just born."""
    before = repository.list_files(kind)
    for _ in range(_LISTINGS):
        again = repository.list_files(kind)
        if again == before:
            return again
        before = again
    raise BackupError(
        "the listing of {kind} in {place} does not settle",
        why="{times} listings in a row differ from each other",
        data=NOTHING_DELETED,
        next_step="look whether something writes there all the time, then try again",
        kind=kind,
        place=repository.store.location,
        times=_LISTINGS + 1,
    )


def ensure_alone(repository: Repository, lock: Lock) -> None:
    """Prove that no lock stands beside our exclusive one; the last look before deleting.

    Somebody whose lock took long to be written may have looked before ours was there. They will see
    ours and withdraw; while they have not, nothing is deleted.

    Raises:
        RepositoryLockedError: Another lock stays.
    """
    lock.ensure_held()
    others: list[LockInfo] = []
    for attempt in range(_LOOKS):
        if attempt:
            repository.clock.sleep(SECOND_LOOK_AFTER)
        ours = {lock.file_id}
        found = list_locks(repository)
        ours.add(lock.file_id)  # a refresh may have replaced it meanwhile
        others = [other for other in found if other.id not in ours]
        if not others:
            return
    raise RepositoryLockedError(
        "another lock appeared beside our exclusive one on {place}",
        why="{holder}",
        data=NOTHING_DELETED,
        next_step="wait until that process is done, then run the command again",
        place=repository.store.location,
        holder=others[0].tell_holder(repository.clock.now()),
    )


class Reading(NamedTuple):
    """How trees are read.

    Attributes:
        readers: Worker processes; None to read them here.
        progress: Told of the trees.
    """

    readers: TreeReaders | None
    progress: Progress


def find_needs(
    repository: Repository, index: Index, snapshot_ids: Sequence[str], reading: Reading
) -> UsedBlobs:
    """Walk snapshots; refuse to go on where anything they need cannot be told."""
    roots = [_root_of(repository, snapshot_id) for snapshot_id in snapshot_ids]
    progress = reading.progress
    progress.start("find used data", None, "trees")
    seen = 0

    def advance(trees: int) -> None:
        nonlocal seen
        progress.advance(trees - seen)
        seen = trees

    used = find_used(repository, index, roots, readers=reading.readers, progress=advance)
    progress.finish()
    if used.unreadable:
        tree = used.unreadable[0]
        raise DamagedError(
            "{count} trees cannot be read, so what lies below them may be needed; first: {id}",
            why="{reason}",
            data=NOTHING_DELETED,
            next_step="run check to see what is damaged",
            count=len(used.unreadable),
            id=tree.id.hex()[:8],
            reason=str(tree.error),
        )
    if used.missing:
        blob = used.missing[0]
        raise DamagedError(
            "{count} blobs that snapshots need are not in the index; first: {kind} blob {id}",
            why="wanted by {wanted_by}",
            data=NOTHING_DELETED,
            next_step="run repair index, then check",
            count=len(used.missing),
            kind=blob.type.word,
            id=blob.id.hex()[:8],
            wanted_by=blob.wanted_by.hex()[:8],
        )
    return used


def _root_of(repository: Repository, snapshot_id: str) -> tuple[bytes, bytes]:
    try:
        snapshot = repository.load_snapshot(snapshot_id)
    except (DamagedError, UnsupportedFormatError) as error:
        raise DamagedError(
            "snapshot {id} cannot be read, so nobody can say what it needs",
            why="{reason}",
            data=NOTHING_DELETED,
            next_step="restore its file from a copy, or forget {id}, then prune again",
            id=snapshot_id[:8],
            reason=str(error),
        ) from error
    return snapshot.tree, bytes.fromhex(snapshot_id)


DEFAULT_UNUSED = UnusedLimit(percent=Fraction(5))
SMALL_SHARE = Fraction(8, 10)


@dataclass(frozen=True, slots=True)
class PruneRequest:
    """What to prune, and how far to go; the names and defaults are restic's.

    Attributes:
        max_unused: How much unused data may stay inside packs of data.
        max_repack_bytes: Stop before more than this is repacked; None for no limit.
        repack_small: Join packs below 80 % of the usual size, where there are ten or more.
        repack_smaller_than: Join packs below so many bytes instead; 0 for that share.
        repack_uncompressed: Compress data blobs that are stored plain.
        repack_cacheable_only: Repack packs of trees only.
        allow_empty: Go on where there is no snapshot at all, and so remove all data.
        workers: Processes; None for as many as suit, 0 for this thread alone, deletes included.
    """

    max_unused: UnusedLimit = DEFAULT_UNUSED
    max_repack_bytes: int | None = None
    repack_small: bool = False
    repack_smaller_than: int = 0
    repack_uncompressed: bool = False
    repack_cacheable_only: bool = False
    allow_empty: bool = False
    workers: int | None = None

    @property
    def small_limit(self) -> int:
        """Below how many bytes a pack without unused data is joined with others; 0 for never."""
        if self.repack_smaller_than:
            return self.repack_smaller_than
        return int(TARGET_SIZE * SMALL_SHARE) if self.repack_small else 0
