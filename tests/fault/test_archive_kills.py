"""Killed before every change of the file system: the archive is whole, and the next run goes on."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from archive.errors import ObjectDamagedError, ObjectNotFoundError
from archive.fixity.repair import apply_repair, look_everywhere, plan_repair
from archive.ocfl.copies import update_copy
from archive.ocfl.files import FILE_MODE, FOLDER_MODE
from archive.ocfl.inventory import INVENTORY, SIDECAR
from archive.ocfl.root import StorageRoot, create_root
from archive.ocfl.staging import STAGING, recover
from archive.ocfl.validate_root import validate_root
from archive.ocfl.write import writing
from tests.archive_roots import (
    MOMENT,
    clone,
    contents,
    files_of,
    flip_bit,
    in_memory,
    make_root,
    object_id,
    place_of,
    put,
)
from tests.fault.dying import changes_of, is_killed

pytestmark = pytest.mark.slow


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    with in_memory(tmp_path) as folder:
        yield folder


@dataclass(frozen=True)
class Scenario:
    """What a process does with the root `work` beside others.

    Attributes:
        start: Makes the roots in a folder.
        act: Works on the roots in a folder.
    """

    start: Callable[[Path], object]
    act: Callable[[Path], object]


def _start(objects: int, *, copy: bool = False) -> Callable[[Path], object]:
    def start(folder: Path) -> None:
        root = make_root(folder / "work", objects=objects)
        if copy:
            put(clone(root, folder / "other"), range(objects), version=2)
            put(StorageRoot(folder / "other"), [objects], version=1)

    return start


def _start_damaged(folder: Path) -> None:
    _start(2)(folder)
    clone(StorageRoot(folder / "work"), folder / "other")
    flip_bit(place_of(StorageRoot(folder / "work"), 1) / "v1" / "c" / "item.json")


def _repair(folder: Path) -> None:
    roots = {"work": StorageRoot(folder / "work"), "other": StorageRoot(folder / "other")}
    path = place_of(roots["work"], 1).relative_to(roots["work"].path).as_posix()
    plan = plan_repair(look_everywhere(roots, [path]), {"work": 2, "other": 2})
    assert {it["outcome"] for it in apply_repair(plan, roots, MOMENT)} <= {"success", "whole"}


def _repair_by_way_of_aside(folder: Path) -> None:
    """As on a file system that cannot let two folders change places."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("archive.ocfl.staging.exchange", lambda _one, _other: False)
        _repair(folder)


def _update(folder: Path) -> None:
    assert update_copy(StorageRoot(folder / "other"), StorageRoot(folder / "work")).is_complete


def _create(folder: Path) -> None:
    create_root(folder / "work")


SCENARIOS = {
    "new root": Scenario(lambda _folder: None, _create),
    "a new object and a new version": Scenario(
        _start(1), lambda folder: put(StorageRoot(folder / "work"), [0, 7], version=2)
    ),
    "copy": Scenario(_start(1, copy=True), _update),
    "repair": Scenario(_start_damaged, _repair),
    "repair by way of aside": Scenario(_start_damaged, _repair_by_way_of_aside),
}


def prepare(scenario: Scenario, folder: Path) -> Path:
    folder.mkdir()
    scenario.start(folder)
    return folder


@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_before_any_change_it_heals_and_goes_on(tmp_path: Path, name: str) -> None:
    scenario = SCENARIOS[name]
    start = prepare(scenario, tmp_path / "start")
    finished = shutil.copytree(start, tmp_path / "finished")
    scenario.act(finished)
    at = kills = 0
    was_killed = True
    while was_killed:
        at += 1
        folder = shutil.copytree(start, tmp_path / str(at))
        was_killed = is_killed(partial(scenario.act, folder), at)
        kills += was_killed
        prove(scenario, start, folder, finished, is_whole="repair" not in name)
        shutil.rmtree(folder)

    assert kills > (4 if name == "new root" else 30)


HEALING = ["a new object and a new version", "repair", "repair by way of aside"]


@pytest.mark.parametrize("name", HEALING)
def test_killed_again_while_it_heals_it_heals(tmp_path: Path, name: str) -> None:
    """At every fourth change of the healing, by turns; `make soak`: at each."""
    prove_killed_again(tmp_path, SCENARIOS[name], every=4, is_whole="repair" not in name)


@pytest.mark.soak
@pytest.mark.parametrize("name", HEALING)
def test_killed_again_at_every_change_while_it_heals(tmp_path: Path, name: str) -> None:
    prove_killed_again(tmp_path, SCENARIOS[name], every=1, is_whole="repair" not in name)


def prove_killed_again(tmp_path: Path, scenario: Scenario, *, every: int, is_whole: bool) -> None:
    start = prepare(scenario, tmp_path / "start")
    finished = shutil.copytree(start, tmp_path / "finished")
    scenario.act(finished)
    counted = shutil.copytree(start, tmp_path / "counted")
    changes = changes_of(lambda: scenario.act(counted), tmp_path / "log")
    moved = [at for at, (call, _where) in enumerate(changes, 1) if call in {"rename", "exchange"}]
    twice = 0
    for turn, at in enumerate(moved):
        left = shutil.copytree(start, tmp_path / "left")
        assert is_killed(partial(scenario.act, left), at + 1)
        for again in range(1 + turn % every, 200, every):
            folder = shutil.copytree(left, tmp_path / "again")
            is_dead = is_killed(partial(recover, StorageRoot(folder / "work")), again)
            twice += is_dead
            prove(scenario, start, folder, finished, is_whole=is_whole)
            shutil.rmtree(folder)
            if not is_dead:
                break
        shutil.rmtree(left)

    assert twice > 20 // every


def prove(scenario: Scenario, start: Path, folder: Path, finished: Path, *, is_whole: bool) -> None:
    """What readers have now, after the next start, and after the same work again."""
    root, before = StorageRoot(folder / "work"), StorageRoot(start / "work")
    if (root.path / "0=ocfl_1.1").exists():
        prove_readable(root, before)
        with writing(root):
            pass
        verdict = validate_root(root.path)
        assert verdict.is_valid or not is_whole
        assert verdict.findings == ()
        assert not (root.path / STAGING).exists()
        prove_closed(root)
        if is_whole:
            prove_kept(root, before)
    scenario.act(folder)
    assert files_of(root.path) == files_of(finished / "work")
    assert validate_root(root.path).is_valid


def prove_readable(root: StorageRoot, before: StorageRoot) -> None:
    """Each object that was there is there, in its old version or the new one, or says it is not."""
    for number in range(2):
        if not before.has(object_id(number)):
            continue
        try:
            stored = root.find(object_id(number))
            version = int(stored.inventory.head[1:])
            assert stored.read("item.json") == contents(number, version)["item.json"]
        except ObjectDamagedError:  # between two renames; or it is the one to repair
            assert number == 1 or list((root.path / STAGING).glob(f"*/*.{SIDECAR}"))
        except ObjectNotFoundError:
            assert list((root.path / STAGING).glob("*/*.aside"))


def prove_kept(root: StorageRoot, before: StorageRoot) -> None:
    """Nothing that was there is gone or other, inventories apart, which grow."""
    now = files_of(root.path)
    for path, content in files_of(before.path).items():
        is_root_inventory = path.count("/") == 3 and path.endswith((INVENTORY, SIDECAR))
        assert now[path] == content or is_root_inventory


def prove_closed(root: StorageRoot) -> None:
    for number in (0, 1, 7, 8):
        place = place_of(root, number)
        for path in [place, *place.rglob("*")] if place.exists() else []:
            expected = FOLDER_MODE if path.is_dir() else FILE_MODE
            assert path.stat().st_mode & 0o777 == expected or number == 1, path


# The order, on which a power cut relies ----------------------------------------------------------


def test_nothing_is_moved_before_it_is_durable_and_no_receipt_before_that(tmp_path: Path) -> None:
    scenario = SCENARIOS["a new object and a new version"]
    start = prepare(scenario, tmp_path / "start")
    root = (start / "work").resolve()

    changes = changes_of(partial(scenario.act, start), tmp_path / "log")

    phases: list[set[tuple[str, str]]] = [set()]
    for call, where in changes:
        if call == "syncfs":
            phases.append(set())
        elif call not in {"chmod", "write"}:  # a write goes to a file that was created before
            phases[-1].add((call, kind_of(where, root)))
    staged, moved, switched, removed = phases
    assert staged == {("create", "stage"), ("mkdir", "stage")}
    assert moved == {("mkdir", "folders"), ("rename", "object"), ("rename", "version")}
    assert switched == {("rename", "inventory")}
    assert removed == {("unlink", "stage"), ("rmdir", "stage")}


def kind_of(where: str, root: Path) -> str:
    """Say what a path of a root is."""
    parts = Path(where).relative_to(root).parts
    if parts[0] == "extensions":
        return "stage"
    kinds = {1: "folders", 2: "folders", 3: "object"}
    return kinds.get(len(parts), "version" if parts[-1].startswith("v") else "inventory")
