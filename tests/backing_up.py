"""Backups of folders for tests, and what came of them."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from backup.archiver.create import create_snapshot
from backup.archiver.request import BackupRequest, BackupResult, Mount, find_parent
from backup.clock import SystemClock
from backup.format.crypto import generate_master_key
from backup.format.pack import BlobType
from backup.format.tree import Node
from backup.format.tree_decoding import decode_tree
from backup.progress import SILENT, Progress, SilentProgress
from backup.repository.locks import hold_lock
from backup.repository.repository import Config, Repository
from backup.sources.source import FolderSource
from backup.stores.base import Store
from backup.stores.memory import MemoryStore

_POLYNOMIAL = 0x3D8DCC0C2C005D


@dataclass
class ShiftedClock(SystemClock):
    """The machine's clock, put forward or back; time that is slept passes at once.

    Attributes:
        shift: How far the wall clock is off.
        passed: How much more time has passed.
    """

    shift: timedelta = timedelta(0)
    passed: timedelta = timedelta(0)
    naps: list[timedelta] = field(default_factory=list)

    def now(self) -> datetime:
        return super().now() + self.shift + self.passed

    def monotonic(self) -> float:
        return super().monotonic() + self.passed.total_seconds()

    def sleep(self, duration: timedelta) -> None:
        self.naps.append(duration)
        self.passed += duration


class CallingProgress(SilentProgress):
    """Calls back whenever bytes were read: the moment to change a file under the reader."""

    def __init__(self, called: Callable[[int], None]) -> None:
        self._called = called
        self.total = 0

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        del items
        self.total += amount
        self._called(self.total)


def make_repository(
    store: Store | None = None, *, cache_dir: Path | None = None, trusting: bool = True
) -> Repository:
    """Make an opened repository without spending scrypt's half second.

    Args:
        store: Where; in memory unless given.
        cache_dir: Of the scan cache.
        trusting: Put the clock an hour forward, so that files of this very second are trusted.
    """
    clock = ShiftedClock(shift=timedelta(hours=1 if trusting else 0))
    return Repository(
        store or MemoryStore(),
        Config(2, "cd" * 32, _POLYNOMIAL),
        key=generate_master_key(),
        key_id="",
        clock=clock,
        cache_dir=cache_dir,
    )


def back_up(
    repository: Repository,
    source: Path | bytes,
    *,
    progress: Progress = SILENT,
    is_excluded: Callable[[bytes, os.stat_result], bool] | None = None,
    **changes: Any,
) -> BackupResult:
    """Back one folder up as ``/site``, compared with the newest snapshot, in this process alone."""
    mount = Mount(b"/site", FolderSource(os.fsencode(source), is_excluded=is_excluded))
    return back_up_mounts(repository, [mount], progress=progress, **changes)


def back_up_mounts(
    repository: Repository, mounts: list[Mount], *, progress: Progress = SILENT, **changes: Any
) -> BackupResult:
    """Back several sources up, compared with the newest snapshot, in this process alone."""
    now = repository.clock.now()
    parent = find_parent(repository.load_snapshots(), hostname="cong", paths=["/site"], before=now)
    fields = {"hostname": "cong", "paths": ("/site",), "time": now, "parent": parent, "workers": 0}
    request = BackupRequest(mounts=mounts, **{**fields, **changes})
    with hold_lock(repository) as lock:
        return create_snapshot(repository, request, lock=lock, progress=progress)


@dataclass(frozen=True)
class Entry:
    """One entry of a snapshot, and what a file holds."""

    node: Node
    data: bytes


def read_back(repository: Repository, result: BackupResult) -> dict[bytes, Entry]:
    """Read everything of a snapshot: path to entry; fails where a blob is missing or wrong."""
    index = repository.load_index()
    found: dict[bytes, Entry] = {}
    waiting = [(b"", result.tree_id)]
    while waiting:
        above, tree_id = waiting.pop()
        tree = repository.load_blob(index, tree_id, expected=BlobType.TREE)
        for node in decode_tree(tree):
            path = above + b"/" + node.name
            data = b"".join(
                repository.load_blob(index, blob_id, expected=BlobType.DATA)
                for blob_id in node.content_ids()
            )
            found[path] = Entry(node, data)
            if node.subtree is not None:
                waiting.append((path, node.subtree))
    return found
