"""Prune on repositories in memory: what it removes and refuses, and that a stop harms nothing."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest

from backup.check.check import CheckRequest, check_repository
from backup.check.findings import Severity
from backup.errors import (
    BackupError,
    DamagedError,
    PlanOutdatedError,
    RepositoryLockedError,
)
from backup.format.pack import BlobType, pack_key
from backup.prune.prune import PruneRequest, PruneResult, plan_prune, prune
from backup.repository.locks import Lock, hold_lock, remove_locks
from backup.repository.repository import Repository
from backup.stores.base import Store
from backup.stores.faulty import Effect, Fault, FaultyStore, Stopped
from tests.instant_clock import InstantClock
from tests.small_repository import SmallRepository, file_node, id_of, tree_of

DATA, TREE = BlobType
HERE = PruneRequest(workers=0)
ANYWAY = PruneRequest(workers=0, allow_empty=True)


def noise(name: str, size: int = 3000) -> bytes:
    return hashlib.shake_256(name.encode()).digest(size)


def make() -> SmallRepository:
    """Two snapshots; the first one's files are in packs that also hold much that nobody needs.

    Every case is there: an unused pack, packs in part used, data and trees, a blob stored twice, a
    mixed pack, a pack that no index names.
    """
    made = SmallRepository()
    one = tree_of([file_node(b"a", noise("a")), file_node(b"b", noise("b"))])
    two = tree_of([file_node(b"b", noise("b")), file_node(b"c", noise("c"))])
    made.add_pack([(DATA, noise("a")), (DATA, noise("old"))])
    made.add_pack([(DATA, noise("b")), (DATA, noise("c"))])
    made.add_pack([(DATA, noise("b")), (DATA, noise("older"))])
    made.add_pack([(TREE, one), (TREE, b'{"nodes":[]}\n')])
    made.add_pack([(TREE, two), (DATA, noise("lost"))])
    made.add_pack([(DATA, noise("nobody"))])
    made.save_index(*list(made.packs)[:3])
    made.save_index(*list(made.packs)[3:])
    made.save_snapshot(id_of(one))
    made.save_snapshot(id_of(two))
    made.add_pack([(DATA, noise("unindexed"))])
    return made


def seen_through(made: SmallRepository, store: Store | None = None) -> Repository:
    return Repository(
        store or made.memory,
        made.repository.config,
        key=made.repository.key,
        key_id="",
        clock=InstantClock(),
    )


def errors(repository: Repository) -> list[str]:
    result = check_repository(repository, CheckRequest(read_data="all"))
    return [found.code for found in result.findings if found.severity is Severity.ERROR]


def blobs_of(repository: Repository) -> set[bytes]:
    index = repository.load_index()
    return {entry.blob.id for entry in index}


def needed() -> set[bytes]:
    one = tree_of([file_node(b"a", noise("a")), file_node(b"b", noise("b"))])
    two = tree_of([file_node(b"b", noise("b")), file_node(b"c", noise("c"))])
    return {id_of(it) for it in (noise("a"), noise("b"), noise("c"), one, two)}


def test_only_what_is_needed_is_left() -> None:
    repository = seen_through(make())
    result = prune(repository, HERE)

    assert result.outcome == "ok"
    assert errors(repository) == []
    assert blobs_of(repository) == needed()
    assert len(repository.load_index()) == len(needed())
    assert set(repository.list_packs()) == set(repository.load_index().pack_ids)
    assert repository.list_files("locks") == []


def test_the_figures_say_what_was_done() -> None:
    repository = seen_through(make())
    stored = repository.list_packs()
    result = prune(repository, HERE)
    figures = result.figures

    assert (figures.used_blobs, figures.unused_blobs) == (5, 6)
    assert (figures.removed_packs, figures.repack_packs, figures.unindexed_packs) == (2, 3, 1)
    assert figures.unused_bytes_after == 0
    assert result.moved.blobs == figures.repack_blobs - figures.repack_removed_blobs == 3
    assert result.removed_packs == 6
    assert result.removed_bytes == sum(stored.values()) - stored[_pack_of_b_and_c(repository)]


def _pack_of_b_and_c(repository: Repository) -> bytes:
    found = repository.load_index().find(id_of(noise("c")))
    assert found is not None
    return found.pack


def test_a_second_run_finds_nothing_to_do() -> None:
    repository = seen_through(make())
    prune(repository, HERE)
    before = repository.list_files("index"), repository.list_packs()

    assert not plan_prune(repository, HERE).has_work
    assert prune(repository, HERE).removed_packs == 0
    assert (repository.list_files("index"), repository.list_packs()) == before


def test_a_plan_alone_changes_nothing() -> None:
    made = make()
    before = made.memory.objects()
    plan = plan_prune(seen_through(made), HERE)

    assert plan.has_work
    assert made.memory.objects() == before


def test_a_blob_carried_over_is_sealed_as_it_was() -> None:
    made = make()
    repository = seen_through(made)
    blob_id = id_of(noise("a"))

    def sealed() -> bytes:
        place = repository.load_index().find(blob_id)
        assert place is not None
        return repository.read_pack(place.pack, place.blob.offset, place.blob.length)

    before = sealed()
    prune(repository, HERE)

    assert sealed() == before


def test_plain_trees_and_on_demand_plain_data_are_compressed() -> None:
    made = SmallRepository()
    text = b"long text " * 500
    tree = tree_of([file_node(b"a", text)])
    made.add_pack([(DATA, text)], compress=False)
    made.add_pack([(TREE, tree)], compress=False)
    made.save_index()
    made.save_snapshot(id_of(tree))
    repository = seen_through(made)

    prune(repository, HERE)
    lengths = {it.blob.type: it.blob.uncompressed_length for it in repository.load_index()}
    assert lengths == {DATA: 0, TREE: len(tree)}

    prune(repository, PruneRequest(workers=0, repack_uncompressed=True))
    lengths = {it.blob.type: it.blob.uncompressed_length for it in repository.load_index()}
    assert lengths == {DATA: len(text), TREE: len(tree)}
    assert errors(repository) == []


# What it refuses ---------------------------------------------------------------------------------


def untouched(made: SmallRepository, repository: Repository, error: type[BackupError]) -> str:
    """Prune, expect a refusal, and prove that no object is missing; gives its text."""
    before = made.memory.objects()
    with pytest.raises(error) as caught:
        prune(repository, HERE)
    after = made.memory.objects()

    assert {key: after.get(key) for key in before} == before
    return "\n".join(text for _, text in caught.value.lines())


def test_a_repository_without_snapshots_is_not_emptied_by_itself() -> None:
    made = make()
    for name in made.repository.list_files("snapshots"):
        made.memory.delete(f"snapshots/{name}")
    repository = seen_through(made)

    assert "no snapshot" in untouched(made, repository, BackupError)
    assert prune(repository, ANYWAY).outcome == "ok"
    assert repository.list_packs() == {}
    assert repository.list_files("index") == []


def test_an_empty_repository_needs_no_prune() -> None:
    assert prune(seen_through(SmallRepository()), HERE).outcome == "ok"


@pytest.mark.parametrize("position", [0, 1])
def test_one_listing_cut_short_is_not_believed(position: int) -> None:
    made = make()
    omit = Fault(Effect.OMIT, method="list", prefix="snapshots", position=position)
    repository = seen_through(made, FaultyStore(made.memory, [omit]))
    prune(repository, HERE)

    assert blobs_of(repository) == needed()


def test_listings_that_never_agree_end_it() -> None:
    made = make()
    flicker = [
        Fault(Effect.OMIT, method="list", prefix="snapshots", at=at) for at in range(1, 99, 2)
    ]

    text = untouched(made, seen_through(made, FaultyStore(made.memory, flicker)), BackupError)
    assert "does not settle" in text


def damage(made: SmallRepository, key: str) -> None:
    content = bytearray(made.memory.read(key))
    content[40] ^= 1
    made.memory.replace(key, bytes(content))


def pack_with(made: SmallRepository, content: bytes, *, at: int = 0) -> str:
    places = made.repository.load_index().find_all(id_of(content))
    return pack_key(places[at].pack)


def _drop_index(made: SmallRepository) -> None:
    made.memory.delete(f"index/{made.repository.list_files('index')[0]}")


def _damage_snapshot(made: SmallRepository) -> None:
    damage(made, f"snapshots/{made.repository.list_files('snapshots')[0]}")


def _drop_pack(made: SmallRepository) -> None:
    made.memory.delete(pack_with(made, noise("c")))


def _cut_pack(made: SmallRepository) -> None:
    key = pack_with(made, noise("c"))
    made.memory.replace(key, made.memory.read(key)[:-1])


def _damage_blob(made: SmallRepository) -> None:
    damage(made, pack_with(made, noise("a")))


def _damage_tree(made: SmallRepository) -> None:
    one = tree_of([file_node(b"a", noise("a")), file_node(b"b", noise("b"))])
    damage(made, pack_with(made, one))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_drop_index, "not in the index"),
        (_damage_snapshot, "snapshot"),
        (_drop_pack, "missing or of the wrong size"),
        (_cut_pack, "missing or of the wrong size"),
        (_damage_blob, "cannot be read, and a snapshot needs it"),
        (_damage_tree, "what lies below them may be needed"),
    ],
)
def test_nothing_is_deleted_from_a_damaged_repository(
    harm: Callable[[SmallRepository], None], words: str
) -> None:
    made = make()
    harm(made)

    assert words in untouched(made, seen_through(made), DamagedError)


def test_a_missing_pack_that_nobody_needs_is_no_obstacle() -> None:
    made = make()
    made.memory.delete(pack_with(made, noise("nobody")))
    repository = seen_through(made)

    assert prune(repository, HERE).removed_packs == 5
    assert errors(repository) == []
    assert blobs_of(repository) == needed()


@pytest.mark.parametrize("which", [0, 1])
def test_a_damaged_blob_is_taken_from_its_other_place(which: int) -> None:
    made = SmallRepository()
    tree = tree_of([file_node(b"a", noise("a"), noise("x")), file_node(b"b", noise("b"))])
    packs = [
        made.add_pack([(DATA, noise("a")), (DATA, noise("x")), (DATA, noise("old"))]),
        made.add_pack([(DATA, noise("a")), (DATA, noise("b")), (DATA, noise("older"))]),
    ]
    made.add_pack([(TREE, tree)])
    made.save_index()
    made.save_snapshot(id_of(tree))
    damage(made, pack_key(packs[which].id))  # both begin with the blob that lies in both
    repository = seen_through(made)

    assert prune(repository, HERE).outcome == "ok"
    assert errors(repository) == []


def test_one_bad_read_is_forgiven() -> None:
    made = make()
    flip = Fault(Effect.FLIP_BIT, method="read", prefix="data/", position=400, at=3)
    repository = seen_through(made, FaultyStore(made.memory, [flip]))
    prune(repository, HERE)

    assert errors(repository) == []


# Beside others -----------------------------------------------------------------------------------


class Meddling:
    """A store in which something happens once, just before a call that fits."""

    def __init__(self, store: Store, when: Callable[[str, str], bool], action: Callable[[], None]):
        self._store = store
        self._when = when
        self._action: Callable[[], None] | None = action

    def __getattr__(self, name: str) -> object:
        attribute = getattr(self._store, name)
        if name == "location":
            return attribute

        def call(key: str, *arguments: object) -> object:
            if self._action is not None and self._when(name, key):
                action, self._action = self._action, None
                action()
            return attribute(key, *arguments)

        return call


def second_write(prefix: str) -> Callable[[str, str], bool]:
    """Fit the moment before the second file of a kind is written."""
    count = 0

    def fits(name: str, key: str) -> bool:
        nonlocal count
        count += name == "write" and key.startswith(prefix)
        return count == 2

    return fits


def second_lock() -> Callable[[str, str], bool]:
    """Fit the moment between adding and removing."""
    return second_write("locks/")


def second_index() -> Callable[[str, str], bool]:
    """Fit the moment before the index without the packs that go is written."""
    return second_write("index/")


def meddled(
    made: SmallRepository, when: Callable[[str, str], bool], action: Callable[[], None]
) -> Repository:
    return seen_through(made, Meddling(made.memory, when, action))  # type: ignore[arg-type]  # passes all calls on


def test_a_snapshot_that_comes_between_keeps_what_it_uses() -> None:
    made = make()
    tree = tree_of([file_node(b"n", noise("nobody")), file_node(b"o", noise("old"))])

    def back_up() -> None:
        """As a backup does that began before the plan was made: it finds the blobs indexed."""
        pack = made.add_pack([(TREE, tree)])
        made.save_index(pack.id)
        made.save_snapshot(id_of(tree))

    repository = meddled(made, second_lock(), back_up)
    result = prune(repository, HERE)

    assert result.kept_back == 2
    assert errors(repository) == []
    assert blobs_of(repository) >= {*needed(), id_of(noise("nobody")), id_of(noise("old"))}


def test_packs_of_a_backup_that_runs_are_not_touched_and_removal_is_postponed() -> None:
    made = make()
    repository = seen_through(made)
    before = made.memory.objects()
    with hold_lock(seen_through(made)):
        result = prune(repository, HERE)

    assert (result.outcome, result.removed_packs) == ("postponed", 0)
    assert isinstance(result.postponed_by, RepositoryLockedError)
    after = made.memory.objects()
    assert {key: after.get(key) for key in before} == before

    later = prune(repository, HERE)
    assert (later.outcome, later.moved.blobs) == ("ok", 0)
    assert blobs_of(repository) == needed()
    assert errors(repository) == []


def test_the_wait_for_the_lock_is_as_long_as_asked() -> None:
    made = make()
    repository = seen_through(made)
    with hold_lock(seen_through(made)):
        result = prune(repository, HERE, retry_for=timedelta(minutes=10))

    assert result.outcome == "postponed"
    assert timedelta(minutes=10).total_seconds() <= repository.clock.monotonic() < 11 * 60


def test_a_lock_that_appears_late_stops_the_deletion() -> None:
    made = make()
    before = made.memory.objects()

    def write_lock() -> None:
        """As a machine does that looked before our lock was there, and wrote its own late."""
        Lock(seen_through(made), exclusive=False)

    with pytest.raises(RepositoryLockedError, match="appeared beside"):
        prune(meddled(made, second_index(), write_lock), HERE)
    after = made.memory.objects()
    assert {key: after.get(key) for key in before} == before


def test_a_plan_that_has_become_stale_deletes_nothing() -> None:
    made = make()
    before = made.memory.objects()
    gone = next(key for key in before if key.startswith("index/"))

    with pytest.raises(PlanOutdatedError):
        prune(seen_through(made), HERE, on_plan=lambda _plan: made.memory.delete(gone))
    assert before.keys() - made.memory.objects().keys() == {gone}


def test_nothing_is_deleted_without_the_lock() -> None:
    made = make()
    before = made.memory.objects()

    def unlock() -> None:
        for info in list(made.memory.list("locks")):
            made.memory.delete(info.key)

    with pytest.raises(RepositoryLockedError, match="is gone"):
        prune(meddled(made, second_index(), unlock), HERE)
    after = made.memory.objects()
    assert {key: after.get(key) for key in before} == before


# Stopped -----------------------------------------------------------------------------------------


def _count_calls() -> int:
    made = make()
    store = FaultyStore(made.memory)
    prune(seen_through(made, store), HERE)
    return len(store.calls)


CALLS = _count_calls()


@pytest.mark.slow
@pytest.mark.parametrize("effect", [Effect.STOP_BEFORE, Effect.FAIL_AFTER])
def test_a_stop_at_any_call_harms_nothing_and_the_next_run_heals(effect: Effect) -> None:
    for number in range(1, CALLS + 1):
        made = make()
        store = FaultyStore(made.memory, [Fault(effect, at=number)])
        _prune_and_survive(seen_through(made, store))
        survivor = seen_through(made)
        assert errors(survivor) == [], number
        assert blobs_of(survivor) >= needed(), number
        remove_locks(survivor, all_locks=True)
        prune(survivor, HERE)
        assert (errors(survivor), blobs_of(survivor)) == ([], needed()), number
        assert set(survivor.list_packs()) == set(survivor.load_index().pack_ids), number


def _prune_and_survive(repository: Repository) -> PruneResult | None:
    try:
        return prune(repository, HERE)
    except (Stopped, BackupError):
        return None
