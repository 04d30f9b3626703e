"""Bags of the Library of Congress get the verdict of their folder; hostile ones are refused."""

import hashlib
import unicodedata
from pathlib import Path

import pytest

from archive.handed_in.bag import Bag, is_bag, read_bag
from tests.conformance import CONFORMANCE

SUITE = CONFORMANCE / "bagit-suite"
OURS = {
    # What is only odd for the specification is refused here: one of two such names would be lost.
    "v0.97/warning/duplicate-file-with-different-case": "invalid",
    "v0.97/warning/same-filename-listed-twice-with-different-normalization": "invalid",
    # "./" before a path is valid in these and a warning in v0.97/warning/relative-path.
    "v0.96/valid/bag-with-leading-dot-slash-in-manifest": "warning",
    "v0.97/valid/bag-with-leading-dot-slash-in-manifest": "warning",
    # Its manifest lists a .DS_Store that the suite does not have.
    "v0.97/warning/special-system-files": "invalid",
}


def verdict_of(bag: Bag) -> str:
    return "invalid" if bag.errors else "warning" if bag.warnings else "valid"


def reasons(bag: Bag) -> list[str]:
    return [it.reason for it in (*bag.errors, *bag.warnings)]


@pytest.mark.conformance
def test_the_suite_gets_its_verdicts() -> None:
    wrong, count = {}, 0
    for folder in sorted(SUITE.glob("v*/*/*")):
        if not folder.is_dir():
            continue
        name = folder.relative_to(SUITE).as_posix()
        told = name.split("/")[1]
        expected = OURS.get(name, "invalid" if told.endswith("-only") else told)
        bag = read_bag(folder)
        count += 1
        if verdict_of(bag) != expected:
            wrong[name] = (expected, verdict_of(bag), reasons(bag)[:3])

    assert wrong == {}
    assert count == 60


def make_bag(folder: Path, files: dict[str, bytes], *lines: str, fetch: str = "") -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "bagit.txt").write_text(
        "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", encoding="utf-8"
    )
    manifest = list(lines)
    for name, data in files.items():
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        manifest.append(f"{hashlib.sha512(data).hexdigest()}  data/{name}")
    (folder / "manifest-sha512.txt").write_text("\n".join(manifest) + "\n", encoding="utf-8")
    if fetch:
        (folder / "fetch.txt").write_text(fetch, encoding="utf-8")
    return folder


def test_a_whole_bag_gives_its_files_and_their_sums(tmp_path: Path) -> None:
    bag = read_bag(make_bag(tmp_path / "bag", {"a/tin tức.txt": b"x", "b%25.txt": b"y"}))

    assert is_bag(bag.folder)
    assert (bag.errors, bag.warnings, bag.version) == ([], [], "1.0")
    assert set(bag.payload) == {"a/tin tức.txt", "b%25.txt"}
    assert bag.digests["a/tin tức.txt"] == hashlib.sha512(b"x").hexdigest()


def test_a_name_of_another_normal_form_is_the_same_name(tmp_path: Path) -> None:
    folder = make_bag(tmp_path / "bag", {"tin tức.txt": b"x"})
    nfd = unicodedata.normalize("NFD", "tin tức.txt")
    (folder / "data/tin tức.txt").rename(folder / "data" / nfd)

    assert read_bag(folder).errors == []

    (folder / "data/tin tức.txt").write_bytes(b"x")
    assert any("Unicode" in it for it in reasons(read_bag(folder)))


@pytest.mark.parametrize(
    "path",
    ["../../etc/passwd", "/etc/passwd", "~/x", "data/../../x", "data\\..\\x", "c:/x", "bagit.txt"],
)
def test_a_path_that_leads_out_is_refused(tmp_path: Path, path: str) -> None:
    folder = make_bag(tmp_path / "bag", {"a.txt": b"x"}, f"{'0' * 128}  {path}")

    assert any("leads out" in it or "missing" in it for it in reasons(read_bag(folder)))


def test_nothing_is_fetched_and_a_link_is_not_followed(tmp_path: Path) -> None:
    whole = make_bag(tmp_path / "a", {"a.txt": b"x"}, fetch="http://127.0.0.1:1/ - data/a.txt\n")
    assert read_bag(whole).errors == []

    line = f"{hashlib.sha512(b'y').hexdigest()}  data/b.txt"
    holey = make_bag(tmp_path / "b", {"a.txt": b"x"}, line, fetch="http://x.vn/ - data/b.txt\n")
    assert reasons(read_bag(holey)) == ["data/b.txt is missing"]

    (tmp_path / "secret").write_bytes(b"y")
    (holey / "data/b.txt").symlink_to(tmp_path / "secret")
    assert any("link" in it for it in reasons(read_bag(holey)))


def test_a_changed_file_is_told(tmp_path: Path) -> None:
    folder = make_bag(tmp_path / "bag", {"a.txt": b"x"})
    (folder / "data/a.txt").write_bytes(b"z")

    assert reasons(read_bag(folder)) == ["data/a.txt is not what its sha512 says"]
