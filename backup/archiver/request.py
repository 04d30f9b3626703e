"""What a backup is asked for, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backup.archiver.parent import STRICT, Leniency
from backup.archiver.walk_state import ItemError
from backup.format.compression import Compression
from backup.format.snapshot import Snapshot, text_as_stored
from backup.sources.remote.open import RemoteSource
from backup.sources.source import Source


@dataclass(frozen=True, slots=True)
class Mount:
    """One source and its place in the snapshot.

    Attributes:
        at: Absolute path in the snapshot.
        source: What is put there.
    """

    at: bytes
    source: Source | RemoteSource


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """What to back up, and how.

    Attributes:
        mounts: Sources in the order in which they are read; places must not nest.
        hostname: Whose files they are.
        paths: What the snapshot says it holds, absolute; retention groups by them.
        time: The snapshot's own time, aware, in the organisation's offset.
        tags: Labels.
        excludes: Patterns, only noted in the snapshot.
        parent: Id of the snapshot to compare with; None for the newest of this host and paths.
        force: Read everything again.
        leniency: What need not be as it was for a file's content to be taken over unread.
        compression: auto, off or max.
        skip_if_unchanged: Write no snapshot where the tree is that of the previous one.
        dry_run: Write nothing at all.
        real_parents: Take the folders above the mounts from the file system, as restic does;
            otherwise they are plain folders without a date.
        most_hole_bytes: Of all files of this machine; one that has more fails by itself. None: no
            bound.
        workers: Processes; None for as many as there are cores, 0 for this one alone.
    """

    mounts: Sequence[Mount]
    hostname: str
    paths: tuple[str, ...]
    time: datetime
    tags: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    parent: Snapshot | None = None
    force: bool = False
    leniency: Leniency = STRICT
    compression: Compression = "auto"
    skip_if_unchanged: bool = False
    dry_run: bool = False
    real_parents: bool = False
    most_hole_bytes: int | None = None
    workers: int | None = None


@dataclass(frozen=True, slots=True)
class MountReport:
    """How one source was read.

    Attributes:
        at: Its place.
        started_at: When, aware UTC.
        ended_at: Until when.
        bytes: Its content in bytes.
        files: Its regular files.
        errors: How many entries are missing.
    """

    at: bytes
    started_at: datetime
    ended_at: datetime
    bytes: int
    files: int
    errors: int


@dataclass(frozen=True, slots=True)
class BackupResult:
    """What became of it.

    Attributes:
        snapshot_id: Hexadecimal id; None where none was written.
        tree_id: Id of the root tree.
        outcome: ok, or incomplete where something could not be read.
        errors: What is missing.
        summary: restic's counters, as stored in the snapshot.
        parent_id: What was compared with, or "".
        mounts: One report a mount, in their order.
    """

    snapshot_id: str | None
    tree_id: bytes
    outcome: Literal["ok", "incomplete"]
    errors: tuple[ItemError, ...]
    summary: Mapping[str, object]
    parent_id: str
    mounts: tuple[MountReport, ...]


def find_parent(
    snapshots: Sequence[Snapshot], *, hostname: str, paths: Sequence[str], before: datetime
) -> Snapshot | None:
    """Choose what to compare with: the newest snapshot of this host and these very paths."""
    wanted = sorted(map(text_as_stored, paths))
    fitting = [
        snapshot
        for snapshot in snapshots
        if snapshot.hostname == hostname
        and sorted(snapshot.paths) == wanted
        and snapshot.time <= before
    ]
    return max(fitting, key=lambda snapshot: snapshot.time, default=None)
