from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from backup.check.check import CheckRequest, check_repository
from backup.check.findings import Severity
from backup.copies.copy import CopiedSnapshot, CopyRequest, copy_snapshots, find_copy
from backup.errors import BackupError, DamagedError, RepositoryLockedError
from backup.format.pack import BlobType, pack_key
from backup.format.snapshot import Snapshot
from backup.repository.locks import hold_lock, remove_locks
from backup.repository.repository import Repository
from backup.stores.base import Store
from backup.stores.faulty import Effect, Fault, FaultyStore, Stopped
from tests.instant_clock import InstantClock
from tests.small_repository import SmallRepository, file_node, folder_node, id_of, tree_of

DATA, TREE = BlobType
HERE = CopyRequest(workers=0)

ONE = Snapshot(
    id="1" * 64,
    time=datetime(2026, 11, 24, tzinfo=UTC),
    tree=bytes(32),
    paths=("/b", "/a"),
    hostname="h",
    tags=("x", "y"),
    parent="9" * 64,
)


@pytest.mark.parametrize(
    ("changes", "is_copy"),
    [
        ({"original": ONE.id, "id": "2" * 64}, True),
        ({}, True),
        ({"original": ONE.id, "paths": ("/a", "/b"), "tags": ("y", "x"), "parent": ""}, True),
        ({"original": "3" * 64, "id": "2" * 64}, False),
        ({"original": ONE.id, "tags": ("x",)}, False),
        ({"original": ONE.id, "tree": b"t" * 32}, False),
        ({"original": ONE.id, "hostname": "g"}, False),
        ({"original": ONE.id, "excludes": ("*.tmp",)}, False),
    ],
)
def test_a_copy_is_known_by_its_first_id_and_content(
    changes: dict[str, Any], is_copy: bool
) -> None:
    other = replace(ONE, **changes)

    assert (find_copy(ONE, [other]) is other) is is_copy


def test_a_copy_of_a_copy_is_known_too() -> None:
    first = replace(ONE, id="2" * 64, original="0" * 64)
    second = replace(ONE, id="3" * 64, original="0" * 64)

    assert find_copy(first, [second]) is second


def opened(made: SmallRepository, store: Store | None = None) -> Repository:
    return Repository(
        store or made.memory,
        made.repository.config,
        key=made.repository.key,
        key_id="",
        clock=InstantClock(),
    )


def make_source() -> SmallRepository:
    made = SmallRepository()
    below = tree_of([file_node(b"deep", b"deep text" * 9), file_node(b"empty")])
    one = tree_of([file_node(b"a", b"first", b"second"), folder_node(b"d", id_of(below))])
    two = tree_of([file_node(b"a", b"second"), file_node(b"n", b"new")])
    made.add_pack([(DATA, b"first"), (DATA, b"second"), (DATA, b"not wanted")])
    made.add_pack([(DATA, b"deep text" * 9), (DATA, b"new")], compress=False)
    made.add_pack([(TREE, below), (TREE, one), (TREE, two)])
    made.save_index()
    made.save_snapshot(id_of(one))
    made.save_snapshot(id_of(two))
    return made


def copy(source: Repository, target: Repository) -> list[CopiedSnapshot]:
    with hold_lock(target) as lock:
        snapshots = source.load_snapshots()
        return list(copy_snapshots(source, target, snapshots, lock=lock, request=HERE))


def errors(repository: Repository) -> list[str]:
    result = check_repository(repository, CheckRequest(read_data="all"))
    return [it.code for it in result.findings if it.severity is Severity.ERROR]


def test_everything_needed_and_nothing_else_is_copied() -> None:
    source, target = make_source(), SmallRepository()
    copies = copy(opened(source), opened(target))

    assert [it.is_new for it in copies] == [True, True]
    assert errors(opened(target)) == []
    index = opened(target).load_index()
    wanted = {it.blob.id for it in source.repository.load_index()} - {id_of(b"not wanted")}
    assert {it.blob.id for it in index} == wanted
    assert len(index) == len(wanted)
    assert source.repository.key != target.repository.key


def test_the_second_time_nothing_is_written() -> None:
    source, target = make_source(), SmallRepository()
    first = copy(opened(source), opened(target))
    before = target.memory.objects()
    second = copy(opened(source), opened(target))

    assert [(it.copy_id, it.is_new) for it in second] == [(it.copy_id, False) for it in first]
    assert target.memory.objects() == before


def test_no_snapshot_is_written_where_the_source_is_damaged() -> None:
    source, target = make_source(), SmallRepository()
    place = source.repository.load_index().find(id_of(b"first"))
    assert place is not None
    content = bytearray(source.memory.read(pack_key(place.pack)))
    content[place.blob.offset + 20] ^= 1
    source.memory.replace(pack_key(place.pack), bytes(content))

    with pytest.raises(DamagedError, match="cannot be read"):
        copy(opened(source), opened(target))
    assert target.repository.list_files("snapshots") == []


def test_no_snapshot_is_written_where_the_source_lacks_something() -> None:
    source, target = make_source(), SmallRepository()
    source.save_snapshot(id_of(b"no such tree"))

    with pytest.raises(DamagedError, match="cannot be read"):
        copy(opened(source), opened(target))
    assert target.repository.list_files("snapshots") == []


def test_no_snapshot_is_written_without_the_lock() -> None:
    source, target = make_source(), SmallRepository()
    repository = opened(target)
    with hold_lock(repository) as lock:
        remove_locks(repository, all_locks=True)
        snapshots = source.repository.load_snapshots()
        with pytest.raises(RepositoryLockedError):
            list(copy_snapshots(source.repository, repository, snapshots, lock=lock, request=HERE))
    assert repository.list_files("snapshots") == repository.list_files("index") == []


@pytest.mark.parametrize("effect", [Effect.STOP_BEFORE, Effect.FAIL_AFTER])
def test_a_stop_at_any_call_harms_nothing_and_the_next_run_heals(effect: Effect) -> None:
    source = make_source()
    made = SmallRepository()
    counting = FaultyStore(made.memory)
    copy(opened(source), opened(made, counting))
    for number in range(1, len(counting.calls) + 1):
        target = SmallRepository()
        target.save_files({b"old": b"here before"})
        store = FaultyStore(target.memory, [Fault(effect, at=number)])
        _copy_and_survive(source, opened(target, store))
        survivor = opened(target)
        assert errors(survivor) == [], number
        remove_locks(survivor, all_locks=True)
        copy(opened(source), survivor)
        assert errors(survivor) == [], number
        assert len(survivor.load_snapshots()) == 3, number


def _copy_and_survive(source: SmallRepository, target: Repository) -> None:
    try:
        copy(opened(source), target)
    except (Stopped, BackupError):
        return
