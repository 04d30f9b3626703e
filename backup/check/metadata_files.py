"""Everything around the packs: config, keys, locks, snapshots, index files."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from backup.check.findings import Finding, found
from backup.errors import (
    BackupError,
    DamagedError,
    ObjectNotFoundError,
    StoreError,
    UnsupportedFormatError,
)
from backup.format.bounds import read_bounded
from backup.format.key_file import parse_key_file
from backup.format.snapshot import Snapshot
from backup.progress import Progress
from backup.repository.index import Index, IndexBuilder
from backup.repository.locks import list_locks
from backup.repository.repository import FileKind, Repository

_INDEX_ATTEMPTS = 5
_FAILURES = (DamagedError, UnsupportedFormatError, StoreError)


def check_config(repository: Repository) -> Iterator[Finding]:
    """Read the config again, which was whole when the repository was opened."""
    try:
        text = repository.envelope().open(read_bounded(repository.store, "config"))
        if json.loads(text)["id"] != repository.id:
            yield found("config_damaged", "config", cause="it is of another repository")
    except (BackupError, ValueError) as error:
        yield found("config_damaged", "config", cause=error)


def check_keys(repository: Repository) -> Iterator[Finding]:
    """Read every key file: its bytes must match its name, and be of the known form."""
    for key_id in repository.list_files("keys"):
        key = f"keys/{key_id}"
        try:
            text = read_bounded(repository.store, key)
            if hashlib.sha256(text).hexdigest() != key_id:
                yield found("key_damaged", key, cause="its bytes do not match its name")
            else:
                parse_key_file(text)
        except ObjectNotFoundError:
            continue  # removed since it was listed
        except _FAILURES as error:
            yield found("key_damaged", key, cause=error)


def check_locks(repository: Repository) -> Iterator[Finding]:
    """Read every lock; whose it is does not matter here."""
    for lock in list_locks(repository):
        if not lock.is_readable:
            yield found("lock_unreadable", f"locks/{lock.id}")


class SnapshotsRead(NamedTuple):
    """The snapshots of a repository.

    Attributes:
        snapshots: Those that could be read, in no order.
        findings: One for each that could not.
    """

    snapshots: list[Snapshot]
    findings: list[Finding]


def read_snapshots(repository: Repository, progress: Progress) -> SnapshotsRead:
    """Read every snapshot that is there now."""
    read = SnapshotsRead([], [])
    ids = repository.list_files("snapshots")
    progress.start("load snapshots", len(ids), "snapshots")
    for snapshot_id in ids:
        try:
            snapshot = repository.load_snapshot(snapshot_id)
            _prove_tree_id(snapshot)
            read.snapshots.append(snapshot)
        except ObjectNotFoundError:
            pass  # forgotten since it was listed
        except _FAILURES as error:
            read.findings.append(_damaged("snapshots", snapshot_id, error))
        progress.advance()
    progress.finish()
    return read


def _prove_tree_id(snapshot: Snapshot) -> None:
    if len(snapshot.tree) != hashlib.sha256().digest_size:
        raise UnsupportedFormatError("its tree's id has the wrong length")


@dataclass(frozen=True, slots=True)
class IndexRead:
    """The index of a repository.

    Attributes:
        index: Everything in those index files that could be read.
        damaged: Ids of those that could not.
        findings: One for each of them.
    """

    index: Index
    damaged: frozenset[str]
    findings: list[Finding]


def read_index(repository: Repository, progress: Progress) -> IndexRead:
    """Read every index file, leaving out damaged ones.

    Raises:
        DamagedError: Listed files vanish again and again.
        StoreError: The store failed at the listing.
    """
    for _ in range(_INDEX_ATTEMPTS):
        try:
            return _read_index_once(repository, progress)
        except ObjectNotFoundError:  # a prune beside us replaced a file; list again
            progress.finish()
    raise DamagedError(
        "the index of {place} cannot be read whole",
        why="listed index files keep vanishing",
        place=repository.store.location,
    )


def _read_index_once(repository: Repository, progress: Progress) -> IndexRead:
    findings: list[Finding] = []
    damaged: set[str] = set()
    ids = repository.list_files("index")
    progress.start("load index", len(ids), "index files")
    builder = IndexBuilder()
    for file_id in ids:
        try:
            builder.add_file(file_id, repository.read_file("index", file_id))
        except ObjectNotFoundError:
            raise
        except _FAILURES as error:
            findings.append(_damaged("index", file_id, error))
            damaged.add(file_id)
        progress.advance()
    if damaged:
        # Some of a damaged file may be in the builder already; nothing of it is to be believed.
        builder = IndexBuilder()
        for file_id in ids:
            if file_id not in damaged:
                builder.add_file(file_id, repository.read_file("index", file_id))
    progress.finish()
    return IndexRead(builder.build(), frozenset(damaged), findings)


def _damaged(kind: FileKind, file_id: str, error: BackupError) -> Finding:
    code = "snapshot_damaged" if kind == "snapshots" else "index_damaged"
    cause = error
    if error.why:
        cause = BackupError(error.why)
        cause.params = error.params
    return found(code, f"{kind}/{file_id}", cause=cause)
