"""Check and repair against repositories made by stock restic and by us."""

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup.archiver.create import BackupRequest, Mount, create_snapshot
from backup.check.check import CheckRequest, CheckResult, check_repository
from backup.errors import BackupError
from backup.repair.index import apply_repair_index, plan_repair_index
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.sources.source import FolderSource
from backup.stores.base import Store
from backup.stores.folder import FolderStore
from backup.stores.memory import MemoryStore
from tests.restic_oracle import PASSWORD, OracleRepository, create_oracle_repository

pytestmark = pytest.mark.slow  # stock restic takes part in every test

READ_ALL = CheckRequest(read_data="all")
NAMES = (b"a", b"B", b"t\xc3\xaan t\xe1\xba\xadp", b"new\nline", b"bad\xff", b'quo"te\\', b"<&>")


def fill(folder: Path) -> None:
    """Make a little of everything: tiny, empty, big, hostile names, links, nested folders."""
    chance = random.Random(7)
    for name in NAMES:
        below = folder / os.fsdecode(name + b".d")
        below.mkdir()
        for number, size in enumerate((0, 1, 13, 200, 5000, 700_000)):
            content = chance.randbytes(size // 2) + b"text " * (size // 10 + size % 2)
            (below / os.fsdecode(name + b"%d" % number)).write_bytes(content)
    (folder / "link").symlink_to("a")
    os.mkfifo(folder / "pipe")
    (folder / "hard").hardlink_to(folder / "a.d" / "a3")
    (folder / "empty").mkdir()


@pytest.fixture(scope="module")
def made_by_restic(tmp_path_factory: pytest.TempPathFactory) -> OracleRepository:
    data = tmp_path_factory.mktemp("data")
    fill(data)
    oracle = create_oracle_repository(tmp_path_factory.mktemp("repositories") / "restic")
    assert oracle.run("backup", str(data)).returncode == 0
    (data / "later").write_bytes(b"later")
    assert oracle.run("backup", "--compression", "off", str(data)).returncode == 0
    assert oracle.run("tag", "--add", "kept", "latest").returncode == 0
    return oracle


@pytest.fixture(scope="module")
def made_by_us(tmp_path_factory: pytest.TempPathFactory) -> OracleRepository:
    data = tmp_path_factory.mktemp("data")
    fill(data)
    oracle = create_oracle_repository(tmp_path_factory.mktemp("repositories") / "ours")
    back_up(open_folder(oracle), data)
    return oracle


@pytest.fixture(params=["made_by_restic", "made_by_us"])
def oracle(request: pytest.FixtureRequest) -> OracleRepository:
    made: OracleRepository = request.getfixturevalue(request.param)
    return made


def open_folder(oracle: OracleRepository) -> Repository:
    return Repository.open(FolderStore(oracle.folder), PASSWORD.encode())


def back_up(repository: Repository, data: Path) -> None:
    request = BackupRequest(
        mounts=(Mount(b"/site", FolderSource(os.fsencode(data))),),
        hostname="site",
        paths=("/site",),
        time=datetime(2026, 11, 24, 1, 3, tzinfo=UTC),
        workers=0,
    )
    with hold_lock(repository) as lock:
        assert create_snapshot(repository, request, lock=lock).outcome == "ok"


def load(oracle: OracleRepository) -> MemoryStore:
    """Take the repository into memory, where a test may spoil it."""
    return MemoryStore(
        {
            str(path.relative_to(oracle.folder)): path.read_bytes()
            for path in oracle.folder.rglob("*")
            if path.is_file()
        }
    )


def check(store: Store, request: CheckRequest = READ_ALL) -> CheckResult:
    return check_repository(Repository.open(store, PASSWORD.encode()), request)


def test_a_sound_repository_has_no_findings(oracle: OracleRepository) -> None:
    result = check(FolderStore(oracle.folder))

    assert result.findings == ()
    assert result.is_every_pack_verified
    assert result.counts.used_blobs == result.counts.blobs
    assert oracle.run("check", "--read-data").returncode == 0


def test_worker_processes_find_a_flipped_bit(oracle: OracleRepository, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    objects = load(oracle).objects()
    key = min(key for key in objects if key.startswith("data/"))
    for name, content in objects.items():
        store.write(name, spoil(content, 999) if name == key else content)

    result = check(store, CheckRequest(read_data="all", workers=2))

    assert {
        finding.concerned for finding in result.errors if finding.code != "tree_unreadable"
    } == {key}
    assert "pack_wrong_hash" in {finding.code for finding in result.errors}
    assert len(result.verified_packs) == result.counts.packs - 1


def spoil(content: bytes, position: int) -> bytes:
    spoilt = bytearray(content)
    spoilt[position % len(content)] ^= 1 << position % 8
    return bytes(spoilt)


def positions(length: int) -> Iterator[int]:
    """Both ends, where frames and headers lie, and some places between."""
    yield from (0, 17, length - 1, length - 5, length - 40)
    chance = random.Random(length)
    yield from (chance.randrange(length) for _ in range(5))


@pytest.mark.parametrize("folder", ["index", "snapshots", "data", "locks"])
def test_a_flipped_bit_anywhere_is_found_and_the_file_named(
    oracle: OracleRepository, folder: str
) -> None:
    store = load(oracle)
    repository = Repository.open(store, PASSWORD.encode())
    repository.write_file("locks", b'{"time":"2026-11-24T00:00:00Z","exclusive":false}')
    for key, content in store.objects().items():
        if not key.startswith(folder + "/"):
            continue
        for position in positions(len(content)):
            spoilt = store.clone()
            spoilt.replace(key, spoil(content, position))
            repository.store = spoilt

            result = check_repository(repository, READ_ALL)

            assert key in {finding.concerned for finding in result.errors}, position


@pytest.mark.parametrize("folder", ["keys", "config"])
def test_a_flipped_bit_in_the_way_in_stops_or_is_named(
    oracle: OracleRepository, folder: str
) -> None:
    store = load(oracle)
    repository = Repository.open(store, PASSWORD.encode())
    for key, content in store.objects().items():
        if not key.startswith(folder):
            continue
        for position in positions(len(content)):
            spoilt = store.clone()
            spoilt.replace(key, spoil(content, position))
            repository.store = spoilt

            assert key in {finding.concerned for finding in check_repository(repository).errors}
            try:
                reopened = check(spoilt)
            except BackupError:
                continue
            assert key in {finding.concerned for finding in reopened.errors}


def first_pack(store: MemoryStore) -> str:
    """Give the key of a pack of data, whose loss leaves the trees readable."""
    index = Repository.open(store, PASSWORD.encode()).load_index()
    pack = next(pack for pack, blobs in index.blobs_by_pack() if not any(b.type for b in blobs))
    return f"data/{pack.hex()[:2]}/{pack.hex()}"


@pytest.mark.parametrize("loss", ["missing", "truncated", "longer"])
def test_a_lost_pack_is_named_without_reading_data(oracle: OracleRepository, loss: str) -> None:
    store = load(oracle)
    key = first_pack(store)
    content = store.read(key)
    store.delete(key)
    if loss != "missing":
        store.write(key, content[:-1] if loss == "truncated" else content + b"\0")

    (finding,) = check(store, CheckRequest()).findings

    assert finding.concerned == key
    assert finding.code == ("pack_missing" if loss == "missing" else "pack_wrong_size")


def test_a_truncated_index_is_named(oracle: OracleRepository) -> None:
    store = load(oracle)
    key = next(key for key in store.objects() if key.startswith("index/"))
    store.replace(key, store.read(key)[:-7])

    assert ("index_damaged", key) in {
        (finding.code, finding.concerned) for finding in check(store).errors
    }


def test_an_index_file_that_is_gone_is_rebuilt_as_restic_likes_it(
    oracle: OracleRepository, tmp_path: Path
) -> None:
    copy = copy_to(oracle, tmp_path)
    for path in (copy.folder / "index").iterdir():
        path.unlink()
    repository = open_folder(copy)

    with hold_lock(repository, exclusive=True) as lock:
        apply_repair_index(repository, plan_repair_index(repository), lock)

    assert check_repository(repository, READ_ALL).findings == ()
    assert copy.run("check", "--read-data").returncode == 0


@pytest.mark.parametrize("loss", ["missing", "truncated"])
def test_damaged_then_repaired_then_backed_up_nothing_is_missing(tmp_path: Path, loss: str) -> None:
    """The next backup may not refer to what is gone, although the folder is unchanged."""
    data = tmp_path / "data"
    data.mkdir()
    fill(data)
    oracle = create_oracle_repository(tmp_path / "repository")
    store = FolderStore(oracle.folder)
    cache = tmp_path / "cache"
    repository = Repository.open(store, PASSWORD.encode(), cache_dir=cache)
    back_up(repository, data)
    back_up(repository, data)
    key = first_pack(load(oracle))
    content = store.read(key)
    store.delete(key)
    if loss == "truncated":
        store.write(key, content[:-1])
    with hold_lock(repository, exclusive=True) as lock:
        plan = plan_repair_index(repository)
        apply_repair_index(repository, plan, lock)

    repository = Repository.open(store, PASSWORD.encode(), cache_dir=cache)
    back_up(repository, data)
    for snapshot in repository.load_snapshots()[:2]:
        store.delete(f"snapshots/{snapshot.id}")

    assert len(plan.missing) == (loss == "missing")
    assert [found.code for found in check(store).errors] == []
    assert oracle.run("check", "--read-data").returncode == 0


def test_a_running_backup_beside_a_check_is_only_a_hint(oracle: OracleRepository) -> None:
    store = load(oracle)
    repository = Repository.open(store, PASSWORD.encode())
    with hold_lock(repository):
        store.write(f"data/ab/{'ab' * 32}", b"a pack that is not indexed yet")

        result = check_repository(repository)

    assert [(found.code, found.severity) for found in result.findings] == [
        ("pack_unindexed", "hint")
    ]


def copy_to(oracle: OracleRepository, folder: Path) -> OracleRepository:
    copy = create_oracle_repository(folder / "copy")
    for path in copy.folder.rglob("*"):
        if path.is_file():
            path.unlink()
    for key, content in load(oracle).objects().items():
        (copy.folder / key).write_bytes(content)
    return OracleRepository(copy.folder, oracle.master_key)
