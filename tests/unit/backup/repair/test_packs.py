import pytest

from backup.check.check import CheckRequest, CheckResult, check_repository
from backup.errors import RepositoryLockedError, StoreError, UsageError
from backup.format.pack import BlobType, FinishedPack, pack_key
from backup.repair.packs import RepairPacksPlan, apply_repair_packs, plan_repair_packs
from backup.repository.locks import hold_lock
from backup.stores.faulty import Effect, Fault, FaultyStore, Stopped
from backup.stores.memory import MemoryStore
from tests.instant_clock import InstantClock
from tests.small_repository import SmallRepository, id_of


def make() -> tuple[SmallRepository, FinishedPack]:
    """A sound snapshot, and a pack of three blobs beside it."""
    made = SmallRepository()
    made.repository.clock = InstantClock()
    made.save_files({b"a": b"one", b"b": b"two"})
    pack = made.add_pack([(BlobType.DATA, text) for text in (b"left", b"middle", b"right")])
    made.save_index(pack.id)
    return made, pack


def flip(made: SmallRepository, pack: FinishedPack, at: int) -> None:
    content = bytearray(made.memory.read(pack_key(pack.id)))
    content[at] ^= 1
    made.memory.replace(pack_key(pack.id), bytes(content))


def repair(made: SmallRepository, *packs: bytes) -> RepairPacksPlan:
    plan = plan_repair_packs(made.repository, packs)
    with hold_lock(made.repository, exclusive=True) as lock:
        apply_repair_packs(made.repository, plan, lock)
    return plan


def check(made: SmallRepository) -> CheckResult:
    return check_repository(made.repository, CheckRequest(read_data="all"))


def holds(made: SmallRepository, *texts: bytes) -> list[bool]:
    index = made.repository.load_index()
    return [index.find(id_of(text)) is not None for text in texts]


def test_a_sound_pack_stays() -> None:
    made, pack = make()
    before = made.memory.objects()

    plan = repair(made, pack.id)

    assert plan.bad == []
    assert made.memory.objects() == before


def test_a_damaged_blob_leaves_the_index_and_the_others_stay() -> None:
    made, pack = make()
    flip(made, pack, pack.blobs[1].offset + 20)
    assert "blob_damaged" in {finding.code for finding in check(made).errors}

    plan = repair(made, pack.id)

    assert [blob.id for blob in plan.bad[0].lost] == [id_of(b"middle")]
    assert holds(made, b"left", b"middle", b"right", b"one") == [True, False, True, True]
    assert pack.id not in made.repository.list_packs()
    assert check(made).findings == ()


def test_a_damaged_header_costs_no_blob() -> None:
    made, pack = make()
    flip(made, pack, -10)

    plan = repair(made, pack.id)

    assert plan.bad[0].lost == ()
    assert holds(made, b"left", b"middle", b"right") == [True, True, True]
    assert check(made).findings == ()


def test_what_the_index_does_not_name_is_taken_from_the_packs_own_header() -> None:
    made, pack = make()
    for file_id in made.repository.list_files("index"):
        made.memory.delete(f"index/{file_id}")
    made.packs.pop(pack.id)
    made.save_index()
    flip(made, pack, pack.blobs[0].offset)

    repair(made, pack.id)

    assert holds(made, b"left", b"middle", b"right") == [False, True, True]


def test_a_blob_with_a_sound_copy_elsewhere_is_not_lost() -> None:
    made, pack = make()
    copy = made.add_pack([(BlobType.DATA, b"middle")])
    made.save_index(copy.id)
    flip(made, pack, pack.blobs[1].offset)

    plan = repair(made, pack.id)

    assert plan.bad[0].lost == ()
    assert holds(made, b"middle") == [True]


def test_copies_that_are_damaged_in_both_packs_are_lost() -> None:
    made, pack = make()
    copy = made.add_pack([(BlobType.DATA, b"middle"), (BlobType.DATA, b"more")])
    made.save_index(copy.id)
    flip(made, pack, pack.blobs[1].offset)
    flip(made, copy, copy.blobs[0].offset)

    plan = repair(made, pack.id, copy.id)

    assert [len(verdict.lost) for verdict in plan.verdicts] == [1, 1]
    assert holds(made, b"left", b"middle", b"more") == [True, False, True]
    assert check(made).findings == ()


def test_a_pack_that_is_gone_leaves_the_index() -> None:
    made, pack = make()
    made.memory.delete(pack_key(pack.id))

    plan = repair(made, pack.id)

    assert len(plan.bad[0].lost) == 3
    assert holds(made, b"left", b"one") == [False, True]


def test_a_pack_nobody_knows_is_refused() -> None:
    made, _ = make()
    with pytest.raises(UsageError):
        plan_repair_packs(made.repository, [b"x" * 32])


def test_a_store_that_does_not_answer_makes_nothing_lost() -> None:
    made, pack = make()
    silent = Fault(Effect.FAIL_BEFORE, method="read", prefix=pack_key(pack.id), times=None)
    made.repository.store = FaultyStore(made.memory, [silent])

    with pytest.raises(StoreError):
        plan_repair_packs(made.repository, [pack.id])


def test_without_our_lock_nothing_is_deleted() -> None:
    made, pack = make()
    flip(made, pack, pack.blobs[1].offset)
    plan = plan_repair_packs(made.repository, [pack.id])
    before = made.memory.objects()

    with hold_lock(made.repository, exclusive=True) as lock:
        made.memory.delete(f"locks/{lock.file_id}")
        with pytest.raises(RepositoryLockedError):
            apply_repair_packs(made.repository, plan, lock)

    assert made.memory.objects() == before


@pytest.mark.slow
@pytest.mark.parametrize("effect", [Effect.STOP_BEFORE, Effect.STOP_AFTER])
def test_stopped_at_any_step_nothing_sound_is_lost(effect: Effect) -> None:
    made, pack = make()
    flip(made, pack, pack.blobs[1].offset)
    files = made.memory.objects()
    made.repository.store = recorder = FaultyStore(MemoryStore(files))
    repair(made, pack.id)

    for step in range(1, len(recorder.calls) + 1):
        made.memory = MemoryStore(files)
        made.repository.store = FaultyStore(made.memory, [Fault(effect, at=step)])
        with pytest.raises(Stopped):
            repair(made, pack.id)
        made.repository.store = made.memory
        for key in [info.key for info in made.memory.list("locks")]:
            made.memory.delete(key)

        assert holds(made, b"left", b"right", b"one") == [True, True, True]
        assert made.repository.load_blob(
            made.repository.load_index(), id_of(b"right"), expected=BlobType.DATA
        )

        if pack.id in made.repository.list_packs():
            repair(made, pack.id)
        assert check(made).errors == []  # blobs may lie twice
