"""Our repositories in the hands of stock restic, and restic's in ours."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from backup.archiver.create import create_snapshot
from backup.archiver.request import BackupRequest, BackupResult, Mount, find_parent
from backup.format.compression import UNKNOWN_SIZE
from backup.format.pack import BlobType
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.sources.local.read import LARGEST_SMALL_FILE
from backup.sources.source import FolderSource
from backup.stores.folder import FolderStore
from tests.restic_oracle import PASSWORD, OracleRepository, create_oracle_repository
from tests.small_repository import SmallRepository, file_node, id_of, tree_of
from tests.trees import Kinds, build_hostile_tree, describe_tree, differences

pytestmark = pytest.mark.slow

# Neither sockets nor paths beyond PATH_MAX are ever in restic's own snapshots; ours hold the
# latter, and restic checks them, but cannot restore them.
RESTIC_KINDS = Kinds(sockets=False, deep=False)
# restic's restore never links symlinks and devices again, from its own repositories neither.
_NOT_LINKED_BY_RESTIC = ("b'links/dangling", "b'specials/null")


def open_ours(oracle: OracleRepository) -> Repository:
    return Repository.open(FolderStore(oracle.folder), PASSWORD.encode())


def back_up(
    repository: Repository, source: Path, *, hostname: str = "cong", workers: int = 2
) -> BackupResult:
    """Back up as restic would: the whole path, and the folders above as they are."""
    path = str(source)
    now = repository.clock.now()
    parent = find_parent(repository.load_snapshots(), hostname=hostname, paths=[path], before=now)
    request = BackupRequest(
        [Mount(os.fsencode(path), FolderSource(os.fsencode(path)))],
        hostname=hostname,
        paths=(path,),
        time=now,
        parent=parent,
        real_parents=True,
        workers=workers,
    )
    with hold_lock(repository) as lock:
        return create_snapshot(repository, request, lock=lock)


def restored(oracle: OracleRepository, source: Path, target: Path) -> list[str]:
    """Restore the newest snapshot by restic; gives how it differs from what was there."""
    succeed(oracle, "restore", f"latest:{source}", "--target", str(target))
    lines = differences(describe_tree(source), describe_tree(target))
    return [
        line
        for line in lines
        if not (line.startswith(_NOT_LINKED_BY_RESTIC) and ": same_as is None" in line)
    ]


def succeed(oracle: OracleRepository, *words: str) -> str:
    done = oracle.run(*words)
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    return done.stdout.decode()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "site"
    build_hostile_tree(folder, RESTIC_KINDS)
    time.sleep(2.1)  # what changed in the two seconds before a backup is read again by the next one
    return folder


@pytest.fixture(scope="module")
def ours(source: Path, tmp_path_factory: pytest.TempPathFactory) -> OracleRepository:
    oracle = create_oracle_repository(tmp_path_factory.mktemp("repositories") / "ours")
    repository = open_ours(oracle)
    assert back_up(repository, source).outcome == "ok"
    assert back_up(repository, source).outcome == "ok"
    return oracle


@pytest.fixture(scope="module", params=["auto", "off", "max"])
def theirs(
    request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> OracleRepository:
    oracle = create_oracle_repository(tmp_path_factory.mktemp("repositories") / "theirs")
    succeed(oracle, "backup", "--compression", request.param, "--host", "cong", str(source))
    return oracle


# Ours, read by restic -----------------------------------------------------------------------------


def test_restic_finds_every_byte_sound(ours: OracleRepository) -> None:
    assert "no errors were found" in succeed(ours, "check", "--read-data")


def test_restic_restores_what_was_there(
    ours: OracleRepository, source: Path, tmp_path: Path
) -> None:
    assert restored(ours, source, tmp_path / "back") == []


def test_restic_would_write_our_trees_just_so(ours: OracleRepository) -> None:
    """Rewriting refuses a tree that it cannot write again byte for byte."""
    said = succeed(ours, "rewrite", "--exclude", "nothing-has-this-name")
    assert "no snapshots were modified" in said
    assert len(json.loads(succeed(ours, "snapshots", "--json"))) == 2


def test_restic_lists_our_snapshots_files_and_sizes(ours: OracleRepository, source: Path) -> None:
    snapshots = json.loads(succeed(ours, "snapshots", "--json"))
    assert [it["hostname"] for it in snapshots] == ["cong", "cong"]
    assert [it["paths"] for it in snapshots] == [[str(source)]] * 2
    assert snapshots[1]["parent"] == snapshots[0]["id"]
    listed = [json.loads(line) for line in succeed(ours, "ls", "--json", "latest").splitlines()]
    expected = len(describe_tree(source)) + len(source.parts) - 1
    assert sum(1 for each in listed if each["struct_type"] == "node") == expected
    stats = json.loads(succeed(ours, "stats", "--mode", "raw-data", "--json"))
    assert stats["total_blob_count"] == len(open_ours(ours).load_index())


def test_restic_copies_our_snapshots(ours: OracleRepository, tmp_path: Path) -> None:
    second = create_oracle_repository(tmp_path / "second")
    (tmp_path / "password").write_text(PASSWORD)
    copied = second.run(
        "copy", "--from-repo", str(ours.folder), "--from-password-file", str(tmp_path / "password")
    )
    assert copied.returncode == 0, copied.stderr
    succeed(second, "check", "--read-data")
    assert {it.tree for it in open_ours(second).load_snapshots()} == {
        it.tree for it in open_ours(ours).load_snapshots()
    }


def test_restic_prunes_and_extends_what_we_wrote(source: Path, tmp_path: Path) -> None:
    oracle = create_oracle_repository(tmp_path / "repository")
    repository = open_ours(oracle)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_bytes(os.urandom(3 << 20))
    back_up(repository, source)
    back_up(repository, tmp_path / "other", hostname="other")
    (other,) = [it.id for it in repository.load_snapshots() if it.hostname == "other"]
    succeed(oracle, "forget", other)
    succeed(oracle, "prune", "--max-unused", "0")
    succeed(oracle, "check", "--read-data")
    again = json.loads(
        succeed(oracle, "backup", "--host", "cong", "--json", str(source)).splitlines()[-1]
    )
    assert again["files_unmodified"] > 0
    assert again["files_changed"] == again["files_new"] == 0
    assert restored(oracle, source, tmp_path / "back") == []


def test_paths_too_long_for_restic_are_saved_and_pass_its_check(tmp_path: Path) -> None:
    site = tmp_path / "site"
    build_hostile_tree(site, Kinds(sockets=False, deep=True))
    oracle = create_oracle_repository(tmp_path / "repository")
    result = back_up(open_ours(oracle), site, workers=0)
    assert result.outcome == "ok"
    succeed(oracle, "check", "--read-data")
    succeed(oracle, "rewrite", "--exclude", "nothing-has-this-name")
    listed = succeed(oracle, "ls", "--json", "latest").splitlines()
    assert max(len(json.loads(line).get("path", "")) for line in listed) > 4096
    subprocess.run(["rm", "-rf", "--", site], check=True)  # pathlib cannot


# restic's, read and extended by us ----------------------------------------------------------------


def test_we_read_every_blob_of_restic(theirs: OracleRepository) -> None:
    repository = open_ours(theirs)
    index = repository.load_index()
    assert len(index) > 20
    for place in index:
        repository.load_blob(index, place.blob.id, expected=place.blob.type)


def test_restic_leaves_the_size_out_of_small_frames(theirs: OracleRepository) -> None:
    """Only so do we know that such frames were among those read."""
    repository = open_ours(theirs)
    sizes = set()
    for place in repository.load_index():
        if place.blob.uncompressed_length:
            sealed = repository.read_pack(place.pack, place.blob.offset, place.blob.length)
            sizes.add(zstandard.frame_content_size(repository.envelope().open(sealed)))
    assert UNKNOWN_SIZE in sizes
    assert len(sizes) > 1


def test_we_extend_what_restic_wrote_and_read_nothing_again(
    theirs: OracleRepository, source: Path, tmp_path: Path
) -> None:
    result = back_up(open_ours(theirs), source)

    assert result.outcome == "ok"
    assert result.parent_id
    assert result.summary["files_new"] == 0
    # Files younger than two seconds at restic's start are read again, on purpose.
    assert result.summary["data_blobs"] == 0
    succeed(theirs, "check", "--read-data")
    assert restored(theirs, source, tmp_path / "back") == []
    assert "no snapshots were modified" in succeed(theirs, "rewrite", "--exclude", "nothing")


def test_we_extend_what_restic_wrote_in_another_zone(source: Path, tmp_path: Path) -> None:
    """Its trees have other bytes then; the files are the same all the more."""
    oracle = create_oracle_repository(tmp_path / "repository")
    done = oracle.run("backup", "--host", "cong", str(source), timezone="Asia/Ho_Chi_Minh")
    assert done.returncode == 0, done.stderr
    result = back_up(open_ours(oracle), source)
    assert result.summary["files_changed"] == result.summary["data_blobs"] == 0
    succeed(oracle, "check")


def test_packs_that_mix_data_and_trees_are_read_and_extended(tmp_path: Path) -> None:
    """Format version 1 allowed them; restic 0.18 still reads them, and `add_pack` makes one."""
    made = SmallRepository()
    tree = tree_of([file_node(b"file", b"content")])
    made.add_pack([(BlobType.DATA, b"content"), (BlobType.TREE, tree)])
    made.save_index()
    made.save_snapshot(id_of(tree))
    index = made.repository.load_index()
    for place in index:
        made.repository.load_blob(index, place.blob.id, expected=place.blob.type)
    (tmp_path / "file").write_bytes(b"content")
    result = back_up(made.repository, tmp_path, workers=0)
    assert result.summary["data_blobs"] == 0


# The same trees -----------------------------------------------------------------------------------


def test_our_trees_are_those_of_restic_but_for_the_device(source: Path, tmp_path: Path) -> None:
    """We leave `device_id` out where a file has one name: it changes when a disk is mounted anew.

    So no tree with files in it can have the same id; and large files are cut elsewhere.

    Everything else must be equal, byte for byte; restic writes times in the local zone, here UTC.
    """
    oracle = create_oracle_repository(tmp_path / "repository")
    succeed(oracle, "backup", "--host", "other", str(source))
    repository = open_ours(oracle)
    (snapshot,) = repository.load_snapshots()
    theirs = dict(nodes_of(repository, snapshot.tree))
    mine = dict(nodes_of(repository, back_up(repository, source).tree_id))

    assert theirs.keys() == mine.keys()
    site = os.fsdecode(source)
    for path, node in theirs.items():
        if not path.startswith(site):
            continue  # the folders above change while the tests run
        if mine[path].get("links", 0) <= 1:
            assert node.pop("device_id"), path
        for each in (node, mine[path]):
            each.pop("subtree", None)
            if each.get("size", 0) > LARGEST_SMALL_FILE:
                each.pop("content")  # cut elsewhere
        # The order of the fields counts too.
        assert list(mine[path].items()) == list(node.items()), path


def nodes_of(repository: Repository, tree_id: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    index = repository.load_index()
    waiting = [("", tree_id)]
    while waiting:
        above, each = waiting.pop()
        for node in json.loads(repository.load_blob(index, each, expected=BlobType.TREE))["nodes"]:
            path = f"{above}/{node['name']}"
            yield path, node
            if "subtree" in node:
                waiting.append((path, bytes.fromhex(node["subtree"])))


# At once ------------------------------------------------------------------------------------------


def test_restic_and_we_write_at_once(source: Path, tmp_path: Path) -> None:
    oracle = create_oracle_repository(tmp_path / "repository")
    environment = {
        "RESTIC_REPOSITORY": str(oracle.folder),
        "RESTIC_PASSWORD": PASSWORD,
        "PATH": os.environ["PATH"],
        "GOMAXPROCS": "1",
    }
    process = subprocess.Popen(
        ["restic", "--no-cache", "backup", "--limit-upload", "20000", "--host", "b", str(source)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    repository = open_ours(oracle)
    results = [back_up(repository, source) for _ in range(2)]
    _, words = process.communicate(timeout=60)

    assert process.returncode == 0, words
    assert [result.outcome for result in results] == ["ok", "ok"]
    assert len(repository.load_snapshots()) == 3
    assert repository.list_files("locks") == []
    succeed(oracle, "check", "--read-data")
    succeed(oracle, "prune", "--max-unused", "0")
    succeed(oracle, "check", "--read-data")
