"""Damage in every kind of file: found, named, never restored as if it were right, then healed."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from backup.check.check import CheckRequest, check_repository
from backup.errors import BackupError, ObjectNotFoundError
from backup.format.pack import pack_key
from backup.repair.index import apply_repair_index, plan_repair_index
from backup.repair.packs import apply_repair_packs, plan_repair_packs
from backup.repository.keyring import add_key
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.restorer.restore import RestoreRequest, restore_snapshot
from backup.stores.base import ObjectInfo
from backup.stores.faulty import Effect, Fault, FaultyStore, flip_bit
from backup.stores.memory import MemoryStore
from tests.fault.world import (
    Contents,
    Desk,
    back_up,
    make_world,
    open_part,
    read_back,
    read_source,
)
from tests.restic_oracle import PASSWORD

pytestmark = pytest.mark.slow

KINDS = ("config", "keys", "index", "snapshots", "data")
# Bits of a file that are turned, one at a time; a soak turns one in every few bytes.
_BITS_A_FILE = 7
_SOAK_BITS_A_FILE = 150


def damages(content: bytes, bits: int) -> Iterator[bytes]:
    """Give a file with single bits turned, ends included, then cut, grown, emptied and zeroed."""
    total = 8 * len(content)
    for number in range(bits):
        yield flip_bit(content, number * (total - 1) // (bits - 1))
    yield content[:-1]
    yield content[: len(content) // 2]
    yield content + b"\0"
    yield b""
    yield bytes(len(content))


def files_of(store: MemoryStore, kind: str) -> list[str]:
    return sorted(key for key in store.objects() if key.startswith(f"main/{kind}"))


def store_with_two_keys() -> MemoryStore:
    store = make_world().full.clone()
    add_key(open_part(store, "main"), b"second password")
    return store


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_found_and_named(kind: str) -> None:
    prove_damage_is_found(kind, _BITS_A_FILE)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_damage_anywhere_is_found_and_named(kind: str) -> None:
    prove_damage_is_found(kind, _SOAK_BITS_A_FILE)


def prove_damage_is_found(kind: str, bits: int) -> None:
    store = store_with_two_keys() if kind == "keys" else make_world().full.clone()
    # Opened while all was well, as by a process that has been running for long.
    repository = open_part(store, "main")
    assert check_repository(repository, CheckRequest(read_data="all")).errors == []
    tried = 0
    for key in files_of(store, kind):
        content = store.read(key)
        for damaged in damages(content, bits):
            store.replace(key, damaged)
            result = check_repository(repository, CheckRequest(read_data="all"))
            name = key.removeprefix("main/")
            named = [finding for finding in result.errors if finding.concerned == name]
            assert named, f"{name}: {[str(error) for error in result.errors]}"
            assert all(finding.next_step for finding in result.errors)
            tried += 1
        store.replace(key, content)
    assert tried >= bits
    assert check_repository(repository, CheckRequest(read_data="all")).errors == []


@pytest.mark.parametrize("kind", ["config", "keys"])
def test_a_repository_whose_door_is_damaged_is_not_opened(kind: str) -> None:
    store = make_world().full.clone()
    (key,) = files_of(store, kind)
    content = store.read(key)
    opened = 0
    for damaged in damages(content, _BITS_A_FILE):
        store.replace(key, damaged)
        try:
            repository = open_part(store, "main")
        except BackupError:
            continue
        # A key file says things that open nothing, e.g. when it was made.
        opened += 1
        assert kind == "keys"
        assert read_back(repository, repository.load_snapshots()[0])
    assert opened < _BITS_A_FILE


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("kind", ["data", "index", "snapshots"])
def test_restore_gives_right_bytes_or_none(kind: str, tmp_path: Path) -> None:
    world = make_world()
    store = world.full.clone()
    expected = read_source(world.source)
    refused = 0
    for key in files_of(store, kind):
        content = store.read(key)
        for number, damaged in enumerate(damages(content, 4)):
            store.replace(key, damaged)
            target = tmp_path / f"{key.rpartition('/')[2][:8]}-{number}"
            refused += restore_and_compare(open_part(store, "main"), expected, target)
        store.replace(key, content)
    assert refused > 0
    assert restore_and_compare(open_part(store, "main"), expected, tmp_path / "whole") == 0


def restore_and_compare(repository: Repository, expected: Contents, target: Path) -> int:
    """Restore the newest snapshot; what is there must be right. Gives 1 if it told of a loss."""
    try:
        snapshot = repository.load_snapshots()[-1]
        request = RestoreRequest(os.fsencode(target), subfolder=b"/data", workers=1)
        result = restore_snapshot(repository, snapshot.tree, request)
    except BackupError:
        return 1
    restored = read_source(target)
    for path, content in restored.items():
        assert expected[path] == content, f"{path!r} was restored with wrong bytes"
    assert restored == expected or not result.is_complete
    return 0 if result.is_complete else 1


@pytest.mark.parametrize("effect", [Effect.FLIP_BIT, Effect.SHORT_READ])
def test_a_read_that_goes_wrong_once_harms_no_restore(effect: Effect, tmp_path: Path) -> None:
    world = make_world()
    expected = read_source(world.source)
    base = open_part(world.full.clone(), "main")
    counted = FaultyStore(world.full.clone())
    restore_and_compare(open_part(counted, "main"), expected, tmp_path / "counted")
    reads = [at for at, call in enumerate(counted.calls, 1) if call.method == "read"]
    assert len(reads) > 5
    for at in reads:
        faulty = FaultyStore(world.full.clone(), [Fault(effect, at=at, position=77 * at)])
        try:
            repository = open_part(faulty, "main")
        except BackupError:
            continue  # the config or the key; nothing was read or written
        restore_and_compare(repository, expected, tmp_path / str(at))
    assert base.load_snapshots()


# Damaged, then repaired, then backed up ---------------------------------------------------------


@pytest.mark.parametrize("with_cache", [True, False])
def test_after_repair_a_backup_refers_to_nothing_dead(with_cache: bool, tmp_path: Path) -> None:
    """Whatever pack goes: the next backup of the same, unchanged source is whole again."""
    world = make_world()
    healed = 0
    for key in files_of(world.full, "data"):
        store = world.full.clone()
        store.delete(key)
        heal(store, world.cache if with_cache else tmp_path / key)
        healed += 1
    assert healed == len(files_of(world.full, "data")) > 5


def test_after_a_pack_with_a_damaged_header_a_backup_refers_to_nothing_dead(tmp_path: Path) -> None:
    world = make_world()
    for key in files_of(world.full, "data"):
        store = world.full.clone()
        content = store.read(key)
        # A longer file does not fit the index any more, so its header is looked at, and is none.
        store.replace(key, content + b"\0" * 40)
        heal(store, tmp_path / key)


def test_after_a_flipped_bit_in_a_pack_a_backup_refers_to_nothing_dead(tmp_path: Path) -> None:
    """A damaged blob in a pack with a sound header: the index alone cannot tell."""
    world = make_world()
    for key in files_of(world.full, "data"):
        store = world.full.clone()
        content = bytearray(store.read(key))
        content[20] ^= 1
        store.replace(key, bytes(content))
        repository = open_part(store, "main")
        damaged = check_repository(repository, CheckRequest(read_data="all")).damaged_packs
        assert len(damaged) == 1
        heal(store, tmp_path / key, packs=damaged)


def heal(store: MemoryStore, cache: Path, packs: Sequence[bytes] = ()) -> None:
    """Repair, back up, and prove that the new snapshot is whole, for restic too."""
    world = make_world()
    repository = Desk(world, store, cache).open()
    with hold_lock(repository, exclusive=True) as lock:
        if packs:
            apply_repair_packs(repository, plan_repair_packs(repository, packs), lock)
        else:
            apply_repair_index(repository, plan_repair_index(repository), lock)
    result = back_up(Desk(world, store, cache).open(), world.source)
    assert result.outcome == "ok"
    repository = open_part(store, "main")
    snapshot = next(it for it in repository.load_snapshots() if it.id == result.snapshot_id)
    assert read_back(repository, snapshot) == read_source(world.source)
    # Old snapshots may miss what was lost; then check says so. No pack is missing for the index.
    findings = check_repository(repository, CheckRequest(read_data="all")).errors
    assert not [finding for finding in findings if finding.concerned.startswith("data/")]


def test_blobs_that_lie_twice_survive_the_loss_of_one_pack(tmp_path: Path) -> None:
    """Two backups at once may store the same blobs; then one pack of the two may go."""
    world = make_world()
    store = world.grown.clone()
    other = world.grown.clone()
    back_up(Desk(world, store, tmp_path / "one").open(), world.source)
    result = back_up(Desk(world, other, tmp_path / "two").open(), world.source)
    doubles = [key for key in other.objects().keys() - store.objects().keys() if "/data/" in key]
    for key in other.objects().keys() - store.objects().keys():
        store.write(key, other.read(key))
    assert doubles
    for key in doubles:
        damaged = store.clone()
        damaged.replace(key, bytes(len(store.read(key))))
        repository = open_part(damaged, "main")
        snapshot = next(it for it in repository.load_snapshots() if it.id == result.snapshot_id)
        assert read_back(repository, snapshot) == read_source(world.source)


def test_names_of_findings_are_keys_of_the_store() -> None:
    store = make_world().full.clone()
    repository = open_part(store, "main")
    (pack_id, *_) = repository.load_index().pack_ids
    store.delete(f"main/{pack_key(pack_id)}")
    (finding,) = [
        it for it in check_repository(repository).errors if it.concerned == pack_key(pack_id)
    ]
    assert finding.code == "pack_missing"
    with pytest.raises(ObjectNotFoundError):
        repository.store.read(finding.concerned)
    assert Repository.open(repository.store, PASSWORD.encode()).id == repository.id


class Beside:
    """A store where another process backs up just after we listed the index for the first time."""

    def __init__(self, store: MemoryStore, act: Callable[[], object]) -> None:
        self._store = store
        self._act = act
        self.has_acted = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        listed = self._store.list(prefix)
        if prefix == "main/index" and not self.has_acted:
            self.has_acted = True
            self._act()
        return listed


def test_the_cache_does_not_outlive_an_index_file_that_came_meanwhile(tmp_path: Path) -> None:
    """What we found stored already may be known from a file that was not there when we began."""
    world = make_world()
    store = world.grown.clone()
    beside = Beside(store, lambda: back_up(open_part(store, "main"), world.source))
    back_up(Desk(world, beside, tmp_path).open(), world.source)
    assert beside.has_acted
    # Both snapshots are forgotten, and a prune was killed when it had removed that index file; the
    # next one took its packs for leftovers.
    for key in store.objects().keys() - world.grown.objects().keys():
        store.delete(key)
    result = back_up(Desk(world, store, tmp_path).open(), world.source)
    repository = open_part(store, "main")
    snapshot = next(it for it in repository.load_snapshots() if it.id == result.snapshot_id)
    assert read_back(repository, snapshot) == read_source(world.source)
