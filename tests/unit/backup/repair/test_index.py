import pytest

from backup.check.check import CheckRequest, check_repository
from backup.errors import PlanOutdatedError, RepositoryLockedError
from backup.format.pack import BlobType, FinishedPack, pack_key
from backup.repair.index import RepairIndexPlan, apply_repair_index, plan_repair_index
from backup.repository.locks import hold_lock
from backup.stores.faulty import Effect, Fault, FaultyStore, Stopped
from backup.stores.memory import MemoryStore
from tests.instant_clock import InstantClock
from tests.small_repository import SmallRepository, id_of


def two_packs() -> tuple[SmallRepository, FinishedPack, FinishedPack]:
    made = SmallRepository()
    made.save_files({b"a": b"one", b"b": b"two"})
    first = made.add_pack([(BlobType.DATA, b"first")])
    second = made.add_pack([(BlobType.DATA, b"second"), (BlobType.DATA, b"third")])
    made.save_index(first.id, second.id)
    return made, first, second


def repair(made: SmallRepository, *, read_all_packs: bool = False) -> list[str]:
    plan = plan_repair_index(made.repository, read_all_packs=read_all_packs)
    return apply(made, plan)


def apply(made: SmallRepository, plan: RepairIndexPlan) -> list[str]:
    made.repository.clock = InstantClock()
    with hold_lock(made.repository, exclusive=True) as lock:
        return apply_repair_index(made.repository, plan, lock)


@pytest.mark.parametrize("read_all_packs", [False, True])
def test_a_sound_index_is_left_alone(read_all_packs: bool) -> None:
    made, _, _ = two_packs()
    before = made.memory.objects()

    assert repair(made, read_all_packs=read_all_packs) == []
    assert made.memory.objects() == before


def test_an_unindexed_pack_is_found_again() -> None:
    made, _, _ = two_packs()
    for file_id in made.repository.list_files("index"):
        made.memory.delete(f"index/{file_id}")

    written = repair(made)

    assert made.repository.list_files("index") == written
    assert len(made.repository.load_index().pack_ids) == len(made.packs)
    assert check_repository(made.repository, CheckRequest(read_data="all")).findings == ()


def test_a_damaged_index_file_is_replaced() -> None:
    made, _, _ = two_packs()
    damaged = made.repository.list_files("index")[0]
    made.memory.replace(f"index/{damaged}", made.memory.read(f"index/{damaged}")[:-1])

    plan = plan_repair_index(made.repository)
    apply(made, plan)

    assert plan.damaged_index_files == {damaged}
    assert check_repository(made.repository).findings == ()


def test_a_missing_pack_leaves_the_index() -> None:
    made, first, _ = two_packs()
    made.memory.delete(pack_key(first.id))

    plan = plan_repair_index(made.repository)
    apply(made, plan)
    index = made.repository.load_index()

    assert plan.missing == (first.id,)
    assert index.find(id_of(b"first")) is None
    assert index.find(id_of(b"second")) is not None
    assert check_repository(made.repository).findings == ()


def test_a_truncated_pack_leaves_the_index_and_is_reported() -> None:
    made, _, second = two_packs()
    made.memory.replace(pack_key(second.id), bytes(second.data[:-1]))

    plan = plan_repair_index(made.repository)
    apply(made, plan)

    assert [(pack.id, pack.is_dropped) for pack in plan.unreadable] == [(second.id, True)]
    assert made.repository.load_index().find(id_of(b"second")) is None
    assert made.memory.size(pack_key(second.id)) == len(second.data) - 1


def test_wrong_entries_of_the_right_size_are_seen_when_all_packs_are_read() -> None:
    made, first, _ = two_packs()
    for file_id in made.repository.list_files("index"):
        made.memory.delete(f"index/{file_id}")
    made.packs[first.id] = [made.packs[first.id][0]._replace(id=id_of(b"wrong"))]
    made.save_index()

    assert repair(made) == []
    assert repair(made, read_all_packs=True) != []
    assert made.repository.load_index().find(id_of(b"first"))
    assert made.repository.load_index().find(id_of(b"wrong")) is None


def test_a_pack_that_does_not_end_where_its_header_says_is_reported() -> None:
    made = SmallRepository()
    pack = made.add_pack([(BlobType.DATA, b"first")])
    made.memory.replace(pack_key(pack.id), b"x" + pack.data)

    plan = plan_repair_index(made.repository)

    assert [(bad.id, bad.is_dropped) for bad in plan.unreadable] == [(pack.id, False)]
    assert not plan.is_needed


def test_a_long_header_is_read_whole() -> None:
    made = SmallRepository()
    made.add_pack([(BlobType.DATA, number.to_bytes(4, "big")) for number in range(2000)])

    repair(made)

    assert len(made.repository.load_index()) == 2000


def test_a_changed_repository_makes_the_plan_outdated() -> None:
    made, first, _ = two_packs()
    made.memory.delete(pack_key(first.id))
    plan = plan_repair_index(made.repository)
    made.add_pack([(BlobType.DATA, b"new")])
    before = made.memory.objects()

    with pytest.raises(PlanOutdatedError):
        apply(made, plan)

    assert made.memory.objects() == before


def test_a_store_that_does_not_answer_makes_nothing_forgotten() -> None:
    made, _, second = two_packs()

    key = pack_key(second.id)
    silent = Fault(Effect.FAIL_BEFORE, method="read", prefix=key, times=None)
    made.repository.store = FaultyStore(made.memory, [silent])

    plan = plan_repair_index(made.repository, read_all_packs=True)

    assert second.id in plan.kept
    assert not plan.is_needed


@pytest.mark.parametrize("effect", [Effect.STOP_BEFORE, Effect.STOP_AFTER])
def test_stopped_at_any_step_the_index_knows_every_pack_that_is_there(effect: Effect) -> None:
    made, first, _ = two_packs()
    made.memory.delete(pack_key(first.id))
    files = made.memory.objects()
    made.repository.store = recorder = FaultyStore(MemoryStore(files))
    repair(made)
    steps = len(recorder.calls)

    for step in range(1, steps + 1):
        memory = MemoryStore(files)
        made.repository.store = FaultyStore(memory, [Fault(effect, at=step)])
        with pytest.raises(Stopped):
            repair(made)
        made.repository.store = memory
        for info in list(memory.list("locks")):
            memory.delete(info.key)
        index = made.repository.load_index()

        assert all(index.find(id_of(text)) for text in (b"one", b"second"))

        repair(made)

        assert check_repository(made.repository).findings == ()
    deleted = [call.key for call in recorder.calls if call.method == "delete"]
    assert len([key for key in deleted if key.startswith("index/")]) == 2


def test_without_our_lock_no_index_file_is_deleted() -> None:
    made, first, _ = two_packs()
    made.memory.delete(pack_key(first.id))
    plan = plan_repair_index(made.repository)
    before = made.memory.objects()
    made.repository.clock = InstantClock()

    with hold_lock(made.repository, exclusive=True) as lock:
        made.memory.delete(f"locks/{lock.file_id}")
        with pytest.raises(RepositoryLockedError):
            apply_repair_index(made.repository, plan, lock)

    assert made.memory.objects() == before


def test_beside_another_lock_no_old_index_file_is_deleted() -> None:
    made, first, _ = two_packs()
    made.memory.delete(pack_key(first.id))
    plan = plan_repair_index(made.repository)
    before = made.memory.objects().keys()
    made.repository.clock = InstantClock()

    with hold_lock(made.repository, exclusive=True) as lock:
        lock.confirm()
        made.memory.write("locks/" + "ab" * 32, b"a lock that came late")
        with pytest.raises(RepositoryLockedError):
            apply_repair_index(made.repository, plan, lock)

    assert before <= made.memory.objects().keys()
