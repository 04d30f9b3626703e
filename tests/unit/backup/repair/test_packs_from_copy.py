"""Damaged packs are repaired with blobs of a repository that has another key."""

from backup.check.check import CheckRequest, check_repository
from backup.format.pack import BlobType, FinishedPack
from backup.repair.packs import plan_repair_packs
from backup.repair.packs_from_copy import repair_from_copy
from backup.repository.locks import hold_lock
from tests.small_repository import SmallRepository, id_of
from tests.unit.backup.repair.test_packs import check, flip, holds, make


def a_copy(*texts: bytes) -> tuple[SmallRepository, FinishedPack]:
    """Another repository, with a key of its own, that holds these blobs."""
    other = SmallRepository()
    pack = other.add_pack([(BlobType.DATA, text) for text in texts])
    other.save_index(pack.id)
    return other, pack


def repair(made: SmallRepository, other: SmallRepository, *packs: bytes) -> list[bytes]:
    plan = plan_repair_packs(made.repository, packs)
    with hold_lock(made.repository, exclusive=True) as lock:
        return repair_from_copy(made.repository, other.repository, plan, lock)


def test_what_is_lost_comes_back_by_id_and_the_damaged_pack_goes() -> None:
    made, pack = make()
    other, _pack = a_copy(b"other", b"middle")
    flip(made, pack, pack.blobs[1].offset + 20)

    assert other.repository.key != made.repository.key
    assert repair(made, other, pack.id) == [pack.id]
    assert holds(made, b"left", b"middle", b"right", b"one") == [True] * 4
    assert holds(made, b"other") == [False]
    assert pack.id not in made.repository.list_packs()
    assert check(made).findings == ()


def test_a_pack_that_is_gone_comes_back_from_its_copies() -> None:
    made, pack = make()
    other, _pack = a_copy(b"left", b"middle", b"right")
    made.memory.delete(f"data/{pack.id.hex()[:2]}/{pack.id.hex()}")

    assert repair(made, other, pack.id) == [pack.id]
    assert holds(made, b"left", b"middle", b"right") == [True] * 3
    assert check_repository(made.repository, CheckRequest(read_data="all")).findings == ()


def test_nothing_is_dropped_while_the_copy_lacks_something_or_is_damaged_itself() -> None:
    made, pack = make()
    flip(made, pack, pack.blobs[0].offset + 20)
    flip(made, pack, pack.blobs[1].offset + 20)
    few, _pack = a_copy(b"left")
    bad, damaged = a_copy(b"left", b"middle")
    flip(bad, damaged, damaged.blobs[1].offset + 20)

    for other in (few, bad):
        assert repair(made, other, pack.id) == []
        assert pack.id in made.repository.list_packs()
        index = made.repository.load_index()
        assert {it.pack for it in index.find_all(id_of(b"middle"))} == {pack.id}
    both, _pack = a_copy(b"middle")
    assert repair(made, both, pack.id) == [pack.id]
    assert holds(made, b"left", b"middle", b"right") == [True] * 3
    assert check(made).findings == ()
