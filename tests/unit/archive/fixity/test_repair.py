"""Repair: planned purely, applied from a copy that proved itself, stopped when much is bad."""

from collections.abc import Callable
from pathlib import Path

import pytest

from archive.errors import ArchiveError
from archive.fixity import repair
from archive.fixity.repair import (
    Verdicts,
    apply_repair,
    look_everywhere,
    most_allowed,
    plan_repair,
)
from archive.ocfl.findings import Finding
from archive.ocfl.inventory import INVENTORY, SIDECAR
from archive.ocfl.root import StorageRoot
from archive.ocfl.validate import Verdict
from archive.ocfl.validate_root import validate_root
from tests.archive_roots import MOMENT, clone, files_of, flip_bit, make_root, open_up, place_of, put

Roots = dict[str, StorageRoot]
OBJECTS = 30


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    first = make_root(tmp_path / "first", objects=OBJECTS, versions=2)
    return {"first": first} | {it: clone(first, tmp_path / it) for it in ("second", "third")}


def path_of(root: StorageRoot, number: int) -> str:
    return place_of(root, number).relative_to(root.path).as_posix()


def suspects(roots: Roots, *numbers: int) -> Verdicts:
    return look_everywhere(roots, [path_of(roots["first"], it) for it in numbers])


def totals(roots: Roots) -> dict[str, int]:
    return dict.fromkeys(roots, OBJECTS)


def heal(roots: Roots, *numbers: int, confirmed: bool = False) -> list[tuple[str, str, str]]:
    """Look, plan, apply; gives target, source and outcome of each event."""
    plan = plan_repair(suspects(roots, *numbers), totals(roots), confirmed=confirmed)
    events = list(apply_repair(plan, roots, MOMENT))
    assert all(it["type"] == "replacement" and it["moment"] == MOMENT.isoformat() for it in events)
    return [(it["copy"], it["source"], it["outcome"]) for it in events]


def assert_all_whole(roots: Roots) -> None:
    for root in roots.values():
        verdict = validate_root(root.path)
        assert verdict.is_valid
        assert (verdict.objects, verdict.findings) == (OBJECTS, ())
    assert files_of(roots["first"].path) == files_of(roots["second"].path)
    assert files_of(roots["second"].path) == files_of(roots["third"].path)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "bit": lambda place: flip_bit(place / "v1" / "c" / "item.json"),
    "inventory": lambda place: flip_bit(place / INVENTORY),
    "sidecar": lambda place: flip_bit(place / SIDECAR),
    "extra file": lambda place: (place / "v2" / "c" / "extra").write_bytes(b"?"),
    "missing file": lambda place: (place / "v2" / "c" / "1").unlink(),
    "missing inventory": lambda place: (place / INVENTORY).unlink(),
    "missing object": lambda place: place.rename(place.parents[3] / "gone"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_healed_to_the_same_bytes(roots: Roots, damage: Callable[[Path], object]) -> None:
    place = place_of(roots["second"], 4)
    open_up(place / "v2" / "c")
    damage(place)

    assert heal(roots, 4) == [("second", "first", "success")]
    assert_all_whole(roots)


def test_a_flipped_bit_in_each_of_two_copies_is_healed_from_the_other(roots: Roots) -> None:
    flip_bit(place_of(roots["first"], 1) / "v1" / "c" / "item.json")
    flip_bit(place_of(roots["second"], 2) / "v2" / "c" / "1")

    assert sorted(heal(roots, 1, 2)) == [
        ("first", "second", "success"), ("second", "first", "success"),
    ]  # fmt: skip
    assert_all_whole(roots)


def test_two_lost_copies_of_an_object_are_healed_from_the_third(roots: Roots) -> None:
    for name in ("first", "third"):
        open_up(place_of(roots[name], 3))
        place_of(roots[name], 3).rename(roots[name].path.parent / f"gone-{name}")

    assert heal(roots, 3) == [("first", "second", "success"), ("third", "second", "success")]
    assert_all_whole(roots)


def test_an_object_damaged_everywhere_stays_as_it_is_and_is_told(roots: Roots) -> None:
    for root in roots.values():
        flip_bit(place_of(root, 3) / "v1" / "c" / "item.json")
    before = {name: files_of(root.path) for name, root in roots.items()}

    plan = plan_repair(suspects(roots, 3), totals(roots))

    assert [(it.reason, len(it.copies)) for it in plan.hopeless] == [("none", 3)]
    assert list(apply_repair(plan, roots, MOMENT)) == []
    assert {name: files_of(root.path) for name, root in roots.items()} == before


def test_twenty_one_damaged_objects_at_once_stop_everything_until_confirmed(roots: Roots) -> None:
    for number in range(21):
        flip_bit(place_of(roots["first"], number) / "v1" / "c" / "item.json")
    before = files_of(roots["first"].path)

    plan = plan_repair(suspects(roots, *range(21)), dict.fromkeys(roots, 1_000_000))
    assert plan.stopped == ("first",)
    assert plan.damaged["first"] == 21
    with pytest.raises(ArchiveError, match="nothing is repaired"):
        list(apply_repair(plan, roots, MOMENT))
    assert files_of(roots["first"].path) == before

    assert heal(roots, *range(21), confirmed=True) == [("first", "second", "success")] * 21
    assert_all_whole(roots)


@pytest.mark.parametrize(
    ("objects", "allowed"), [(0, 3), (30, 3), (300, 3), (1_000, 10), (2_000, 20), (1_000_000, 20)]
)
def test_how_much_is_repaired_without_a_person(objects: int, allowed: int) -> None:
    assert most_allowed(objects) == allowed


def test_an_older_copy_never_takes_the_place_of_newer_versions(roots: Roots) -> None:
    """The other copies are behind; what is damaged has a version that only it has."""
    put(roots["first"], [5], version=3)
    flip_bit(place_of(roots["first"], 5) / "v1" / "c" / "item.json")
    before = files_of(roots["first"].path)

    plan = plan_repair(suspects(roots, 5), totals(roots))

    assert [it.reason for it in plan.hopeless] == ["newer"]
    assert plan.repairs == ()
    assert files_of(roots["first"].path) == before


def test_the_newest_whole_copy_is_taken(roots: Roots) -> None:
    put(roots["third"], [5], version=3)
    flip_bit(place_of(roots["first"], 5) / "v1" / "c" / "item.json")

    assert heal(roots, 5) == [("first", "third", "success")]
    assert roots["first"].find(f"urn:uuid:00000000-0000-5000-8000-{5:012d}").inventory.head == "v3"


def test_whole_copies_that_disagree_are_left_to_a_person_or_the_journal(roots: Roots) -> None:
    for name in ("second", "third"):
        put(roots[name], [5], version=3, also={"by.txt": name.encode()})
    flip_bit(place_of(roots["first"], 5) / "v1" / "c" / "item.json")
    verdicts = suspects(roots, 5)
    path = path_of(roots["first"], 5)
    right = verdicts[path]["third"]
    assert right

    assert [it.reason for it in plan_repair(verdicts, totals(roots)).hopeless] == ["differ"]
    plan = plan_repair(verdicts, totals(roots), logged={path: right.inventory})
    assert [it.source for it in plan.repairs] == ["third"]
    plan = plan_repair(verdicts, totals(roots), logged={path: "0" * 128})
    assert [it.reason for it in plan.hopeless] == ["none"]


def test_a_source_that_went_bad_after_the_plan_is_not_taken(roots: Roots) -> None:
    flip_bit(place_of(roots["first"], 1) / "v1" / "c" / "item.json")
    plan = plan_repair(suspects(roots, 1), totals(roots))
    flip_bit(place_of(roots["second"], 1) / "v1" / "c" / "item.json")
    before = files_of(roots["first"].path)

    (event,) = apply_repair(plan, roots, MOMENT)

    assert event["outcome"] == "failure"
    assert "second" in event["detail"]
    assert files_of(roots["first"].path) == before


def test_an_object_that_is_whole_again_is_left_alone(roots: Roots) -> None:
    flip_bit(place_of(roots["first"], 1) / "v1" / "c" / "item.json")
    plan = plan_repair(suspects(roots, 1), totals(roots))
    flip_bit(place_of(roots["first"], 1) / "v1" / "c" / "item.json")

    assert [it["outcome"] for it in apply_repair(plan, roots, MOMENT)] == ["whole"]


def test_bytes_that_the_target_gives_back_wrong_do_not_take_the_place(
    roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip_bit(place_of(roots["first"], 1) / "v1" / "c" / "item.json")
    before = files_of(roots["first"].path)
    monkeypatch.setattr(repair, "verify_stage", lambda _stage, _stored: "E092 v1/c/item.json")

    assert heal(roots, 1) == [("first", "second", "failure")]
    assert files_of(roots["first"].path) == before


@pytest.mark.parametrize("kind", ["link", "file"])
def test_something_else_at_the_place_is_not_followed(
    roots: Roots, tmp_path: Path, kind: str
) -> None:
    place = place_of(roots["first"], 1)
    open_up(place)
    place.rename(tmp_path / "elsewhere")
    if kind == "link":
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.write_bytes(b"")
    before = files_of(tmp_path / "elsewhere")

    assert [it[2] for it in heal(roots, 1)] in ([], ["failure"])
    assert files_of(tmp_path / "elsewhere") == before


def test_a_plan_is_made_of_verdicts_alone() -> None:
    bad = Verdict("x", "", "", "", (Finding("E092", "v1/c/a"),), 1, 1, 1)
    good = Verdict("x", "urn:x", "v1", "aa", (Finding("W013", "extensions/x"),), 1, 1, 1)

    plan = plan_repair({"x": {"a": bad, "b": good, "c": None}}, {"a": 9, "b": 9, "c": 9})

    assert [(it.target, it.source, it.is_missing, it.codes) for it in plan.repairs] == [
        ("a", "b", False, ("E092",)), ("c", "b", True, ()),
    ]  # fmt: skip
    assert plan.damaged == {"a": 1, "b": 0, "c": 1}
