"""Backup, then restore, is the identity: over generated trees, and over one of everything."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings

from backup.archiver.create import BackupRequest, Mount, create_snapshot
from backup.repository.repository import Repository
from backup.restorer.restore import RestoreRequest, restore_snapshot
from backup.sources.source import FolderSource
from backup.stores.base import Store
from backup.stores.folder import FolderStore
from backup.stores.memory import MemoryStore
from tests.small_repository import SmallRepository
from tests.trees import (
    Description,
    Entry,
    Kinds,
    build_hostile_tree,
    build_tree,
    describe_tree,
    differences,
    trees,
)

pytestmark = pytest.mark.usefixtures("both_ways")


def _round_trip(store: Store, root: Path, *, workers: int) -> Description:
    """Back up `root`/tree, restore it to `root`/out, and describe what came out.

    Without a lock: nobody else can be there, and taking one costs a fifth of a second.
    """
    repository = SmallRepository(store).repository
    made = create_snapshot(repository, _request(root, workers), lock=None)
    assert made.outcome == "ok"
    return _restore(repository, made.tree_id, root, workers)


def _request(root: Path, workers: int) -> BackupRequest:
    source = FolderSource(os.fsencode(root / "tree"))
    return BackupRequest(
        mounts=[Mount(b"/tree", source)],
        hostname="host",
        paths=("/tree",),
        time=datetime(2026, 11, 24, 1, 3, tzinfo=UTC),
        workers=workers,
    )


def _restore(repository: Repository, tree: bytes, root: Path, workers: int) -> Description:
    request = RestoreRequest(os.fsencode(root / "out"), verify=True, workers=workers)
    result = restore_snapshot(repository, tree, request)
    assert result.failures == ()
    return describe_tree(root / "out" / "tree", with_root=True)


@pytest.mark.slow
@given(tree=trees)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_backup_then_restore_is_the_identity(tree: Mapping[bytes, Entry]) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        build_tree(root / "tree", tree)
        before = describe_tree(root / "tree", with_root=True)

        after = _round_trip(MemoryStore(), root, workers=0)

        assert differences(before, after) == []


@pytest.mark.slow
@given(before=trees, wanted=trees)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_tree_turns_into_the_one_of_the_snapshot(
    before: Mapping[bytes, Entry], wanted: Mapping[bytes, Entry]
) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        build_tree(root / "tree", wanted)
        (root / "out").mkdir()
        build_tree(root / "out" / "tree", before)
        repository = SmallRepository().repository
        made = create_snapshot(repository, _request(root, 0), lock=None)

        request = RestoreRequest(os.fsencode(root / "out"), delete=True, workers=0)
        result = restore_snapshot(repository, made.tree_id, request)

        assert result.failures == ()
        expected = describe_tree(root / "tree", with_root=True)
        assert differences(expected, describe_tree(root / "out" / "tree", with_root=True)) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_one_of_everything_survives(tmp_path: Path, workers: int) -> None:
    build_hostile_tree(tmp_path / "tree", Kinds(sockets=False))
    before = describe_tree(tmp_path / "tree", with_root=True)

    after = _round_trip(FolderStore(tmp_path / "repo"), tmp_path, workers=workers)

    assert differences(before, after) == []
