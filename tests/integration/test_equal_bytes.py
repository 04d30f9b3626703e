"""A file that holds the very bytes of a tree needs a blob of its own."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup.archiver.create import BackupRequest, Mount, create_snapshot
from backup.check.check import CheckRequest, check_repository
from backup.format.tree import EMPTY_TREE
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.sources.source import FolderSource
from backup.stores.memory import MemoryStore


def back_up(repository: Repository, folder: Path) -> None:
    path = bytes(folder)
    request = BackupRequest(
        mounts=[Mount(b"/x", FolderSource(path))],
        hostname="x",
        paths=("/x",),
        time=datetime.now(UTC),
        workers=0,
    )
    with hold_lock(repository) as lock:
        create_snapshot(repository, request, lock=lock)


@pytest.mark.parametrize("first", ["file", "folder"])
def test_a_file_with_the_bytes_of_a_tree_and_that_tree_are_both_stored(
    tmp_path: Path, first: str
) -> None:
    repository = Repository.init(MemoryStore(), b"secret")
    source = tmp_path / "source"
    source.mkdir()
    steps: dict[str, Callable[[], object]] = {
        "file": lambda: (source / "a").write_bytes(EMPTY_TREE),
        "folder": (source / "b").mkdir,
    }
    steps.pop(first)()
    back_up(repository, source)
    next(iter(steps.values()))()
    back_up(repository, source)

    result = check_repository(repository, CheckRequest(read_data="all"))

    assert [finding.code for finding in result.findings if finding.severity == "error"] == []
