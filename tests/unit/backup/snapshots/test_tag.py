import pytest

from backup.errors import RepositoryLockedError, UsageError
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.snapshots.tag import TagChange, decide_tags, tag_snapshots
from backup.stores.faulty import Effect, Fault, FaultyStore, Stopped
from tests.instant_clock import InstantClock
from tests.small_repository import SmallRepository


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        (("a",), TagChange(add=("b", "a", "b")), ("a", "b")),
        (("a", "b", "c"), TagChange(remove=("b", "x")), ("a", "c")),
        (("a",), TagChange(add=("b",), remove=("a",)), ("b",)),
        (("a", "b"), TagChange(replace=("c", "c")), ("c",)),
        (("a", "b"), TagChange(replace=()), ()),
        ((), TagChange(remove=("a",)), ()),
    ],
)
def test_tags_change(before: tuple[str, ...], change: TagChange, after: tuple[str, ...]) -> None:
    assert decide_tags(before, change) == after


def test_a_change_must_make_sense() -> None:
    with pytest.raises(UsageError):
        TagChange()
    with pytest.raises(UsageError):
        TagChange(replace=(), add=("a",))


def tagged(*faults: Fault) -> tuple[Repository, str]:
    made = SmallRepository()
    old_id = made.save_files({b"a": b"one"})
    repository = Repository(
        FaultyStore(made.memory, faults),
        made.repository.config,
        key=made.repository.key,
        key_id="",
        clock=InstantClock(),
    )
    return repository, old_id


def tag(repository: Repository, *tags: str) -> list[tuple[str, str]]:
    with hold_lock(repository, exclusive=True) as lock:
        change = TagChange(add=tags)
        return [
            (one.old_id, one.new_id)
            for one in tag_snapshots(repository, repository.load_snapshots(), change, lock=lock)
        ]


def test_the_new_snapshot_remembers_the_first_id() -> None:
    repository, old_id = tagged()
    before = repository.load_snapshot(old_id)

    ((first_id, second_id),) = tag(repository, "a")
    ((_, third_id),) = tag(repository, "b")
    (after,) = repository.load_snapshots()

    assert first_id == old_id != second_id
    assert (after.id, after.original, after.tags) == (third_id, old_id, ("a", "b"))
    assert (after.tree, after.time, after.paths) == (before.tree, before.time, before.paths)


def test_nothing_is_written_where_nothing_changes() -> None:
    repository, _ = tagged()
    tag(repository, "a")
    before = repository.list_files("snapshots")

    assert tag(repository, "a") == []
    assert repository.list_files("snapshots") == before


def test_a_stop_between_the_two_steps_leaves_both() -> None:
    repository, old_id = tagged(Fault(Effect.STOP_AFTER, method="write", prefix="snapshots/"))
    with pytest.raises(Stopped):
        tag(repository, "a")

    alive, _ = tagged()
    survivor = Repository(
        repository.store._store,  # type: ignore[attr-defined]  # what outlived the process
        alive.config,
        key=repository.key,
        key_id="",
    )
    assert old_id in survivor.list_files("snapshots")
    assert len(survivor.list_files("snapshots")) == 2


def test_no_snapshot_is_written_without_the_lock() -> None:
    repository, old_id = tagged()
    snapshots = repository.load_snapshots()
    with hold_lock(repository, exclusive=True) as lock:
        repository.store.delete(f"locks/{lock.file_id}")
        with pytest.raises(RepositoryLockedError):
            list(tag_snapshots(repository, snapshots, TagChange(add=("a",)), lock=lock))

    assert repository.list_files("snapshots") == [old_id]
