"""What our processes do in the fault campaigns, and what must be true when it went well."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

from backup.copies.copy import CopyRequest, copy_snapshots
from backup.copies.mirror import update_mirror
from backup.errors import ObjectNotFoundError
from backup.format.pack import ID_LENGTH
from backup.format.snapshot import Snapshot
from backup.prune.prune import PruneRequest, prune
from backup.quantities import UnusedLimit
from backup.repair.index import apply_repair_index, plan_repair_index
from backup.repository.keyring import change_password
from backup.repository.locks import hold_lock, remove_locks
from backup.repository.repository import Repository
from backup.retention.forget import apply_forget, plan_forget
from backup.retention.policy import KeepPolicy
from backup.snapshots.tag import TagChange, tag_snapshots
from backup.stores.memory import MemoryStore
from tests.fault.world import (
    Below,
    Desk,
    World,
    back_up,
    bury,
    open_part,
    part_of,
    read_back,
    read_source,
)
from tests.restic_oracle import PASSWORD

KEPT = 2


@dataclass(frozen=True)
class Scenario:
    """One thing a process does.

    Attributes:
        name: What it is called.
        start: Gives the store it starts from; it may be changed.
        act: Does it.
        succeeded: Asserts that it was done, on a sound store.
        may_go: Which of the snapshots that were in ``main`` may be gone at any moment; those that
            another replaces may be gone in any case.
        with_cache: Whether the local cache of the newest snapshot is there.
        is_open: Whether ``main`` is a repository at the start.
        is_whole: Whether the store is sound at the start; else only the end must be.
        clock_step: Seconds that pass with each look at the clock.
    """

    name: str
    start: Callable[[World], MemoryStore]
    act: Callable[[Desk], None]
    succeeded: Callable[[Desk], None] = lambda _desk: None
    may_go: Callable[[list[Snapshot]], list[Snapshot]] = lambda _snapshots: []
    with_cache: bool = False
    is_open: bool = True
    is_whole: bool = True
    clock_step: float = 0.001


# Backup ------------------------------------------------------------------------------------------


def _back_up(desk: Desk) -> None:
    back_up(desk.open(), desk.world.source)


def _newest_is_the_source(desk: Desk) -> None:
    repository = desk.open()
    newest = repository.load_snapshots()[-1]
    assert read_back(repository, newest) == read_source(desk.world.source)


# Forget, prune -----------------------------------------------------------------------------------


def _oldest(snapshots: list[Snapshot]) -> list[Snapshot]:
    return snapshots[:-KEPT]


def _forget(desk: Desk) -> None:
    repository = desk.open()
    with hold_lock(repository, exclusive=True) as lock:
        plan = plan_forget(repository.load_snapshots(), KeepPolicy(last=KEPT), now=desk.clock.now())
        result = apply_forget(repository, plan, lock=lock, threads=1)
    for _, error in result.failed:
        raise error


def _few_are_left(desk: Desk) -> None:
    assert len(desk.open().load_snapshots()) == KEPT


def _prune(desk: Desk) -> None:
    everything = PruneRequest(max_unused=UnusedLimit(percent=Fraction(0)), workers=0)
    result = prune(desk.open(), everything)
    if result.postponed_by is not None:
        raise result.postponed_by


def _nothing_is_left_over(desk: Desk) -> None:
    repository = desk.open()
    index = repository.load_index()
    assert set(index.pack_ids) == set(repository.list_packs())
    ids = index.ids()
    assert len({ids[at : at + ID_LENGTH] for at in range(0, len(ids), ID_LENGTH)}) == len(index)


def _forgotten(world: World) -> MemoryStore:
    """Give a store where the middle snapshots are gone, so that packs are partly used."""
    store = world.full.clone()
    snapshots = open_part(store, "main").load_snapshots()
    for snapshot in snapshots[1:4]:
        store.delete(f"main/snapshots/{snapshot.id}")
    return store


def _littered(world: World) -> MemoryStore:
    """Give a store with blobs that lie twice, and with packs that no index knows."""
    store = _forgotten(world)
    for start, kinds in ((world.grown, ("data", "index")), (world.empty, ("data",))):
        other = start.clone()
        back_up(open_part(other, "main"), world.source)
        for key in other.objects().keys() - start.objects().keys():
            if key.split("/")[1] in kinds:
                store.write(key, other.read(key))
    return store


def _nightly(desk: Desk) -> None:
    _back_up(desk)
    _forget(desk)
    _prune(desk)


def _night_is_done(desk: Desk) -> None:
    _newest_is_the_source(desk)
    _few_are_left(desk)
    _nothing_is_left_over(desk)


# Copy, tag ---------------------------------------------------------------------------------------


def _copy(desk: Desk) -> None:
    source, target = desk.open("main"), desk.open("copy")
    with hold_lock(source), hold_lock(target) as lock:
        snapshots = source.load_snapshots()
        list(copy_snapshots(source, target, snapshots, lock=lock, request=CopyRequest(workers=0)))


def _each_is_copied_once(desk: Desk) -> None:
    source, target = desk.open("main"), desk.open("copy")
    copies = target.load_snapshots()
    assert [it.original for it in copies] == [it.id for it in source.load_snapshots()]
    for copy in copies:
        assert read_back(target, copy) == desk.world.contents[copy.tree]


def _without_copy(store: MemoryStore) -> MemoryStore:
    return MemoryStore({f"main/{key}": content for key, content in part_of(store, "main").items()})


def _pruned_since(world: World) -> MemoryStore:
    """Give a store whose mirror is a day old; since then a backup, much forgotten, and a prune."""
    store = _without_copy(world.grown)
    update_mirror(open_part(store, "main"), Below(store, "copy"), threads=1)
    back_up(open_part(store, "main"), world.source)
    repository = open_part(store, "main")
    for snapshot in repository.load_snapshots()[1:3]:
        store.delete(f"main/snapshots/{snapshot.id}")
    prune(repository, PruneRequest(max_unused=UnusedLimit(percent=Fraction(0)), workers=0))
    return store


def _mirror(desk: Desk) -> None:
    update_mirror(desk.open("main"), Below(desk.store, "copy"), threads=1)


def _the_bytes_are_the_same(desk: Desk) -> None:
    assert isinstance(desk.store, MemoryStore)
    here, there = (
        {key: it for key, it in part_of(desk.store, part).items() if not key.startswith("locks/")}
        for part in ("main", "copy")
    )
    assert here == there


def _tag(desk: Desk) -> None:
    repository = desk.open()
    with hold_lock(repository, exclusive=True) as lock:
        snapshots = repository.load_snapshots()
        list(tag_snapshots(repository, snapshots, TagChange(add=("quý-4",)), lock=lock))


def _all_are_tagged(desk: Desk) -> None:
    snapshots = desk.open().load_snapshots()
    assert all("quý-4" in snapshot.tags for snapshot in snapshots)
    assert {snapshot.tree for snapshot in snapshots} == set(desk.world.contents)


# Index, locks, keys ------------------------------------------------------------------------------


def _without_index_file(world: World) -> MemoryStore:
    store = world.full.clone()
    repository = open_part(store, "main")
    store.delete(f"main/index/{repository.list_files('index')[0]}")
    return store


def _repair_index(desk: Desk) -> None:
    repository = desk.open()
    with hold_lock(repository, exclusive=True) as lock:
        apply_repair_index(repository, plan_repair_index(repository), lock)


def _with_stale_locks(world: World) -> MemoryStore:
    store = world.full.clone()
    repository = open_part(store, "main")
    for _ in range(3):
        with hold_lock(repository) as lock:
            key = f"main/locks/{lock.file_id}"
            content = store.read(key)
        store.write(key, content)
    bury(store, "main")
    return store


def _unlock(desk: Desk) -> None:
    remove_locks(desk.open())


def _no_lock_is_left(desk: Desk) -> None:
    assert desk.open().list_files("locks") == []


def _init(desk: Desk) -> None:
    with suppress(ObjectNotFoundError):
        desk.store.size("main/config")
        return  # made by the run before, which stopped just afterwards
    Repository.init(Below(desk.store, "main"), PASSWORD.encode(), clock=desk.clock)


def _nothing(world: World) -> MemoryStore:
    objects = world.full.objects().items()
    return MemoryStore({key: content for key, content in objects if key.startswith("copy/")})


def _takes_a_backup(desk: Desk) -> None:
    _back_up(desk)
    _newest_is_the_source(desk)


def _change_password(desk: Desk) -> None:
    repository = desk.open()
    with hold_lock(repository, exclusive=True):
        # The same again, so that whoever looks on needs to know one password only.
        change_password(repository, PASSWORD.encode())


SCENARIOS = (
    Scenario("init", _nothing, _init, _takes_a_backup, is_open=False),
    Scenario("first backup", lambda world: world.empty.clone(), _back_up, _newest_is_the_source),
    Scenario("next backup", lambda world: world.grown.clone(), _back_up, _newest_is_the_source),
    Scenario(
        "backup with checkpoints",
        lambda world: world.empty.clone(),
        _back_up,
        _newest_is_the_source,
        clock_step=13.0,
    ),
    Scenario(
        "unchanged backup",
        lambda world: world.full.clone(),
        _back_up,
        _newest_is_the_source,
        with_cache=True,
    ),
    Scenario("forget", lambda world: world.full.clone(), _forget, _few_are_left, may_go=_oldest),
    Scenario("prune", _forgotten, _prune, _nothing_is_left_over),
    Scenario("prune of litter", _littered, _prune, _nothing_is_left_over),
    Scenario(
        "nightly",
        lambda world: world.full.clone(),
        _nightly,
        _night_is_done,
        may_go=lambda snapshots: snapshots[:-1],
        with_cache=True,
    ),
    Scenario("copy", lambda world: world.full.clone(), _copy, _each_is_copied_once),
    Scenario("mirror", lambda world: _without_copy(world.full), _mirror, _the_bytes_are_the_same),
    Scenario("mirror after a prune", _pruned_since, _mirror, _the_bytes_are_the_same),
    Scenario("tag", lambda world: world.full.clone(), _tag, _all_are_tagged),
    Scenario(
        "repair index", _without_index_file, _repair_index, _nothing_is_left_over, is_whole=False
    ),
    Scenario("unlock", _with_stale_locks, _unlock, _no_lock_is_left),
    Scenario("change password", lambda world: world.full.clone(), _change_password),
)
