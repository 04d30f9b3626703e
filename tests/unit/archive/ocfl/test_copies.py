"""A second root: brought up to date, never with damage, never by deleting."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from archive.errors import ArchiveBusyError
from archive.ocfl import copies, files
from archive.ocfl.copies import CopyReport, update_copy
from archive.ocfl.inventory import INVENTORY, SIDECAR, sidecar_of
from archive.ocfl.root import StorageRoot, create_root
from archive.ocfl.validate_root import validate_root
from archive.ocfl.write import writing
from tests.archive_roots import clone, files_of, flip_bit, make_root, open_up, place_of, put


@pytest.fixture
def source(tmp_path: Path) -> StorageRoot:
    return make_root(tmp_path / "source", objects=4, versions=2)


@pytest.fixture
def copy(tmp_path: Path) -> StorageRoot:
    return create_root(tmp_path / "copy")


def told(report: CopyReport) -> list[tuple[str, str]]:
    return [(it.path, it.where) for it in report.troubles]


def path_of(root: StorageRoot, number: int) -> str:
    return place_of(root, number).relative_to(root.path).as_posix()


def test_a_copy_becomes_the_same_and_is_valid(source: StorageRoot, copy: StorageRoot) -> None:
    report = update_copy(source, copy)

    assert report.is_complete
    assert (report.objects, report.versions) == (4, 8)
    assert files_of(copy.path) == files_of(source.path)
    assert validate_root(copy.path).is_valid


def test_several_new_versions_come_over_in_order(source: StorageRoot, copy: StorageRoot) -> None:
    update_copy(source, copy)
    for version in (3, 4, 5):
        put(source, [0, 2], version=version)
    put(source, [9])
    before = files_of(copy.path)

    report = update_copy(source, copy)

    assert (report.versions, report.left_out) == (7, 0)
    assert files_of(copy.path) == files_of(source.path)
    kept = {path for path in before if not path.endswith((f"/{INVENTORY}", f"/{SIDECAR}"))}
    assert all(files_of(copy.path)[path] == before[path] for path in kept)
    assert validate_root(copy.path).is_valid
    assert update_copy(source, copy).versions == 0


def test_many_objects_are_made_durable_in_parts(
    source: StorageRoot, copy: StorageRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MOST_AT_ONCE", 2)
    said = []

    update_copy(source, copy, say=lambda report: said.append(report.versions))

    assert said == [4, 8]
    assert files_of(copy.path) == files_of(source.path)


def remove(path: Path) -> None:
    open_up(path)
    path.unlink()


@pytest.mark.parametrize(
    "damage",
    [
        lambda place: flip_bit(place / "v1" / "c" / "item.json"),
        lambda place: flip_bit(place / "v2" / "c" / "1"),
        lambda place: flip_bit(place / INVENTORY),
        lambda place: flip_bit(place / SIDECAR),
        lambda place: flip_bit(place / "v1" / INVENTORY),
        lambda place: remove(place / "v1/c/item.json"),
        lambda place: remove(place / SIDECAR),
        lambda place: remove(place / "0=ocfl_object_1.1"),
    ],
    ids=["old file", "new file", "inventory", "sidecar", "old inventory", "file gone",
         "sidecar gone", "declaration gone"],
)  # fmt: skip
def test_a_damaged_object_is_told_and_left_out_and_the_others_come(
    source: StorageRoot, copy: StorageRoot, damage: Callable[[Path], object]
) -> None:
    damage(place_of(source, 1))

    report = update_copy(source, copy)

    assert told(report) == [(path_of(source, 1), "source")]
    assert not report.is_complete
    assert not place_of(copy, 1).exists()
    assert validate_root(copy.path).is_valid
    assert validate_root(copy.path).objects == 3


def test_damage_in_an_old_version_does_not_keep_a_new_one_back(
    source: StorageRoot, copy: StorageRoot
) -> None:
    update_copy(source, copy)
    flip_bit(place_of(source, 1) / "v1" / "c" / "item.json")
    put(source, [1], version=3)

    assert update_copy(source, copy).versions == 1
    assert validate_root(copy.path).is_valid


def test_nothing_of_the_copy_is_overwritten_or_deleted(
    source: StorageRoot, copy: StorageRoot, tmp_path: Path
) -> None:
    """Neither a damaged object, nor one that has another past, nor one that the source lacks."""
    update_copy(source, copy)
    flip_bit(place_of(copy, 0) / INVENTORY)
    put(source, [0], version=3)
    rewrite_history(place_of(source, 1))
    put(copy, [7])
    newer = clone(copy, tmp_path / "newer")
    put(newer, [2], version=3)
    before = files_of(newer.path)

    report = update_copy(source, newer)

    assert sorted(told(report)) == sorted(
        [(path_of(copy, 0), "copy"), (path_of(copy, 1), "both"), (path_of(copy, 2), "both")]
    )
    assert report.only_there == 1
    assert files_of(newer.path) == before


def rewrite_history(place: Path) -> None:
    """Somebody changes what a version says, with all digests right again."""
    block = json.loads((place / INVENTORY).read_bytes())
    block["versions"]["v1"]["message"] = "khác"
    data = json.dumps(block).encode()
    for folder in (place, place / "v2"):
        open_up(folder)
        for name, content in ((INVENTORY, data), (SIDECAR, sidecar_of(data))):
            (folder / name).unlink()
            (folder / name).write_bytes(content)


def test_bytes_that_the_copy_gives_back_wrong_are_not_moved_in(
    source: StorageRoot, copy: StorageRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget = files.forget_pages

    def rot(folder: Path) -> None:
        forget(folder)
        for path in [*folder.rglob("body.html"), *folder.rglob("c/0")]:
            flip_bit(path)

    monkeypatch.setattr(copies, "forget_pages", rot)
    assert {where for _path, where in told(update_copy(source, copy))} == {"copy"}
    assert validate_root(copy.path).objects == 0

    monkeypatch.undo()
    assert update_copy(source, copy).is_complete
    put(source, [3], version=3)
    monkeypatch.setattr(copies, "forget_pages", rot)
    assert told(update_copy(source, copy)) == [(path_of(source, 3), "copy")]
    assert validate_root(copy.path).is_valid


def test_links_of_the_source_are_not_followed(
    source: StorageRoot, copy: StorageRoot, tmp_path: Path
) -> None:
    path = place_of(source, 1) / "v1" / "c" / "item.json"
    open_up(path)
    (tmp_path / "elsewhere").write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")

    assert told(update_copy(source, copy)) == [(path_of(source, 1), "source")]


def test_an_empty_source_is_no_complete_copy(copy: StorageRoot, tmp_path: Path) -> None:
    assert not update_copy(create_root(tmp_path / "empty"), copy).is_complete


def test_a_copy_that_is_written_to_is_not_touched(source: StorageRoot, copy: StorageRoot) -> None:
    with writing(copy), pytest.raises(ArchiveBusyError):
        update_copy(source, copy)
