"""Mirrors: what is added and removed, what is refused, and stock restic as the judge."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from backup.copies.mirror import update_mirror
from backup.copies.mirror_plan import MirrorFacts, plan_mirror
from backup.errors import DamagedError, RepositoryLockedError, UsageError
from backup.prune.prune import PruneRequest, prune
from backup.quantities import UnusedLimit
from backup.repository.locks import hold_lock
from backup.stores.faulty import FaultyStore
from backup.stores.memory import MemoryStore
from tests.fault.campaign import ask_restic
from tests.fault.world import Below, back_up, export, make_world, open_part, part_of

_SNAPSHOTS = {f"snapshots/{number}": 5 for number in range(10)}
_FACTS = MirrorFacts(
    source={**_SNAPSHOTS, "index/a": 9, "data/aa/p": 7, "data/bb/q": 8, "keys/k": 3},
    mirror={**_SNAPSHOTS, "index/a": 9, "data/aa/p": 7, "data/bb/q": 8, "keys/k": 3},
    needed=frozenset({"data/aa/p", "data/bb/q"}),
)


def _without(facts: MirrorFacts, side: str, *keys: str) -> MirrorFacts:
    def rest(listing: Mapping[str, int]) -> dict[str, int]:
        return {key: size for key, size in listing.items() if key not in keys}

    if side == "source":
        return replace(facts, source=rest(facts.source))
    return replace(facts, mirror=rest(facts.mirror))


@pytest.mark.parametrize(
    ("facts", "add", "remove", "held_back"),
    [
        (_FACTS, (), (), ""),
        (
            replace(_FACTS, mirror={}),
            ("keys/k", "data/aa/p", "data/bb/q", "index/a", *sorted(_SNAPSHOTS)),
            (),
            "",
        ),
        (_without(_FACTS, "source", "snapshots/0", "keys/k"), (), ("snapshots/0", "keys/k"), ""),
        (_without(_FACTS, "source", "data/aa/p", "snapshots/0"), (), (), "source_damaged"),
        (_without(_FACTS, "source", *_SNAPSHOTS), (), (), "shrunk"),
        (_without(_FACTS, "source", *sorted(_SNAPSHOTS)[:6]), (), (), "shrunk"),
        (
            _without(_FACTS, "source", *sorted(_SNAPSHOTS)[:5]),
            (),
            tuple(sorted(_SNAPSHOTS)[:5]),
            "",
        ),
        (
            replace(
                _without(_FACTS, "source", "index/a"),
                needed=frozenset(),
                forgotten=frozenset({"data/aa/p"}),
            ),
            (),
            (),
            "index_lost",
        ),
        (
            replace(_FACTS, mirror={**_FACTS.mirror, "data/aa/p": 6, "data/cc/old": 4}),
            ("data/aa/p",),
            ("data/cc/old",),
            "",
        ),
    ],
)
def test_plan(
    facts: MirrorFacts, add: Sequence[str], remove: Sequence[str], held_back: str
) -> None:
    plan = plan_mirror(facts)
    assert (plan.add, plan.remove, plan.held_back) == (add, remove, held_back)


def test_a_confirmed_shrink_is_followed() -> None:
    facts = _without(_FACTS, "source", *_SNAPSHOTS)
    assert plan_mirror(facts, allow_shrink=True).remove == tuple(sorted(_SNAPSHOTS))


def _main() -> MemoryStore:
    return MemoryStore(part_of(make_world().full, "main"))


def _both() -> tuple[MemoryStore, Below]:
    store = MemoryStore({f"main/{key}": content for key, content in _main().objects().items()})
    return store, Below(store, "copy")


@pytest.mark.slow
def test_stock_restic_reads_the_mirror(tmp_path: Path) -> None:
    store, mirror = _both()
    result = update_mirror(open_part(store, "main"), mirror)
    assert len(result.plan.add) == sum(key.startswith("copy/") for key in store.objects()) - 1
    export(part_of(store, "copy"), tmp_path / "mirror")
    ask_restic(tmp_path / "mirror", ["check", "--read-data"])


@pytest.mark.slow
def test_a_mirror_that_was_down_for_a_day_catches_up(tmp_path: Path) -> None:
    world = make_world()
    objects = part_of(world.grown, "main").items()
    store = MemoryStore({f"main/{key}": content for key, content in objects})
    source, mirror = open_part(store, "main"), Below(store, "copy")
    update_mirror(source, mirror)
    back_up(source, world.source)  # the mirror is down, and the nights go on without it
    store.delete(f"main/snapshots/{source.load_snapshots()[0].id}")
    prune(source, PruneRequest(max_unused=UnusedLimit(percent=Fraction(0)), workers=0))
    assert update_mirror(source, mirror).removed
    assert part_of(store, "copy") == part_of(store, "main")
    export(part_of(store, "copy"), tmp_path / "mirror")
    ask_restic(tmp_path / "mirror", ["check", "--read-data"])


def test_an_unchanged_mirror_is_not_written_to_but_for_locks() -> None:
    store, mirror = _both()
    update_mirror(open_part(store, "main"), mirror)
    watched = FaultyStore(mirror)
    update_mirror(open_part(store, "main"), watched)
    changed = [it.key for it in watched.calls if it.method in {"write", "delete"}]
    assert all(key.startswith("locks/") for key in changed)


def test_another_repository_is_named_and_left_alone() -> None:
    store, other = make_world().full, Below(make_world().full, "copy")
    before = store.objects()
    with pytest.raises(UsageError, match=r"is another repository: .*config"):
        update_mirror(open_part(_both()[0], "main"), other)
    assert store.objects() == before


def test_objects_without_a_config_are_no_mirror() -> None:
    store, mirror = _both()
    name = hashlib.sha256(b"theirs").hexdigest()
    mirror.write(f"data/{name[:2]}/{name}", b"theirs")
    with pytest.raises(UsageError, match="1 objects of another repository"):
        update_mirror(open_part(store, "main"), mirror)
    assert mirror.read(f"data/{name[:2]}/{name}") == b"theirs"


def test_wrong_bytes_are_not_mirrored_and_nothing_points_to_them() -> None:
    store, mirror = _both()
    pack = next(key for key in store.objects() if key.startswith("main/data/"))
    store.replace(pack, store.read(pack)[:-1] + b"!")
    with pytest.raises(DamagedError, match="1 packs cannot be mirrored"):
        update_mirror(open_part(store, "main"), mirror)
    there = part_of(store, "copy")
    assert pack.removeprefix("main/") not in there
    assert not any(key.startswith(("index/", "snapshots/")) for key in there)


def test_packs_that_the_source_has_lost_stay_at_the_mirror() -> None:
    store, mirror = _both()
    source = open_part(store, "main")
    update_mirror(source, mirror)
    packs = [key for key in store.objects() if key.startswith("main/data/")]
    for key in packs:
        store.delete(key)
    store.delete(f"main/snapshots/{source.load_snapshots()[0].id}")
    result = update_mirror(source, mirror)
    assert (result.plan.held_back, result.removed) == ("source_damaged", 0)
    assert all(key.replace("main/", "copy/") in store.objects() for key in packs)


def test_a_source_without_snapshots_takes_nothing_with_it() -> None:
    store, mirror = _both()
    source = open_part(store, "main")
    update_mirror(source, mirror)
    for snapshot in source.load_snapshots():
        store.delete(f"main/snapshots/{snapshot.id}")
    before = part_of(store, "copy")
    assert update_mirror(source, mirror).plan.held_back == "shrunk"
    assert part_of(store, "copy") == before
    assert update_mirror(source, mirror, allow_shrink=True).removed


def test_the_source_is_locked_meanwhile() -> None:
    store, mirror = _both()
    source = open_part(store, "main")
    with hold_lock(source, exclusive=True), pytest.raises(RepositoryLockedError):
        update_mirror(source, mirror)
