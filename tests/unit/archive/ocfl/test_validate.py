"""Objects of ours, damaged or hostile: each is judged, in bounds, and nothing outside is opened."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive.errors import ArchiveError
from archive.ocfl import findings, validate
from archive.ocfl.inventory import INVENTORY, SIDECAR, sidecar_of
from archive.ocfl.validate import Verdict, validate_object
from archive.ocfl.validate_root import validate_root
from tests.archive_roots import flip_bit, make_root, open_up, place_of, put
from tests.effort import takes_at_most
from tests.somebody_else import somebody_else


def codes_of(verdict: Verdict) -> set[str]:
    return {it.code for it in verdict.findings}


def rewrite(place: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the inventory of an object with one version, and all sidecars with it."""
    block = json.loads((place / INVENTORY).read_bytes())
    change(block)
    replace(place, json.dumps(block).encode())


def replace(place: Path, data: bytes) -> None:
    for folder in (place, place / "v1"):
        open_up(folder)
        for name, content in ((INVENTORY, data), (SIDECAR, sidecar_of(data))):
            (folder / name).unlink()
            (folder / name).write_bytes(content)


def make_pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return place_of(make_root(tmp_path / "root", objects=1), 0)


def test_what_we_write_has_no_error_and_no_warning(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=3, versions=3)

    verdict = validate_root(root.path)

    assert verdict.is_valid
    assert (verdict.objects, verdict.warned, verdict.findings) == (3, 0, ())
    assert validate_object(place_of(root, 1)).findings == ()
    assert validate_object(place_of(root, 1)).head == "v3"


@pytest.mark.parametrize("from_disk", [True, False])
def test_every_flipped_bit_of_every_file_is_found(place: Path, from_disk: bool) -> None:
    damaged = 0
    for path in sorted(it for it in place.rglob("*") if it.is_file()):
        before = path.read_bytes()
        for at in (0, len(before) // 2, len(before) - 1):
            flip_bit(path, at)
            verdict = validate_object(place, with_fixity=False, from_disk=from_disk)
            is_blank = path.name.startswith(INVENTORY) and at == len(before) - 1
            assert not verdict.is_valid or is_blank, f"{path}, byte {at}"
            path.write_bytes(before)
            damaged += 1
    assert damaged == 24
    assert validate_object(place).is_valid


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("E092", lambda place: (place / "v1/c/item.json").unlink()),
        ("E023", lambda place: (place / "v1/c/more").write_bytes(b"")),
        ("E024", lambda place: (place / "v1/c/empty").mkdir()),
        ("E001", lambda place: (place / "notes.txt").write_bytes(b"")),
        ("E015", lambda place: (place / "v1/notes.txt").write_bytes(b"")),
        ("E063", lambda place: (place / INVENTORY).unlink()),
        ("E058", lambda place: (place / SIDECAR).unlink()),
        ("E003", lambda place: (place / "0=ocfl_object_1.1").unlink()),
        ("E046", lambda place: (place / "v2").mkdir()),
        ("E090", lambda place: (place / "v1/c/link").symlink_to("/etc/passwd")),
        ("E089 pipe", lambda place: make_pipe(place / "v1/c/pipe")),
        ("E063 pipe", lambda place: make_pipe(place / INVENTORY)),
    ],
)
def test_what_was_added_or_taken_is_named(
    place: Path, code: str, change: Callable[[Path], object]
) -> None:
    open_up(place / "v1" / "c")
    change(place)

    assert code[:4] in codes_of(validate_object(place))


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("E102", lambda it: it.update(more=1)),
        ("E042", lambda it: it["manifest"].update(aa=["item.json"])),
        ("E099", lambda it: it["manifest"].update(aa=["v1/c/../../../../../etc/passwd"])),
        ("E092", lambda it: it["manifest"].update(aa="v1/c/x")),
        ("E092 no name", lambda it: it["manifest"].update(aa=["v1/c/\ud800\0"])),
        ("E106", lambda it: it.update(manifest=[])),
        ("E044", lambda it: it.update(versions=[])),
        ("E047", lambda it: it["versions"].update(v1=[])),
        ("E009", lambda it: it["versions"].update(v2=it["versions"].pop("v1"))),
        ("E046 long", lambda it: it["versions"].update({"v" + "9" * 5000: {}})),
        ("E038", lambda it: it.update(type="https://ocfl.io/9.9/spec/#inventory")),
        ("E017", lambda it: it.update(contentDirectory="../v1")),
        ("E018", lambda it: it.update(contentDirectory="..")),
        ("E111", lambda it: it.update(fixity=3)),
        ("E056", lambda it: it.update(fixity={"rot13": {}})),
        ("E049", lambda it: it["versions"]["v1"].update(created="2026-02-31T00:00:00Z")),
    ],
)  # fmt: skip
def test_an_inventory_that_breaks_a_rule_is_told_by_its_code(
    place: Path, code: str, change: Callable[[dict[str, Any]], object]
) -> None:
    rewrite(place, change)

    assert code[:4] in codes_of(validate_object(place))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff\xfe{\0}\0", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 100_000, b"NaN", b"[]",
        b'{"id": 1e999999, "id": 2}', b'"' + b"x" * 1_000_000 + b'"', b"{} {}",
    ],
)  # fmt: skip
def test_what_is_no_inventory_is_told_and_ends_nothing(place: Path, data: bytes) -> None:
    replace(place, data)

    assert takes_at_most(2, lambda: validate_object(place))
    assert "E033" in codes_of(validate_object(place))


def test_findings_are_bounded_and_can_be_shown(place: Path) -> None:
    bad = "v1/c/\x1b[31m\n" + "đ" * 500

    def change(block: dict[str, Any]) -> None:
        for number in range(700):
            block["manifest"][f"{number:x}"] = [f"{bad}{number}"]

    rewrite(place, change)
    verdict = validate_object(place)

    assert len(verdict.findings) <= findings.MOST + 1
    assert all(it.path.isprintable() and it.about.isprintable() for it in verdict.findings)
    assert max(len(it.path) for it in verdict.findings) < 2000


def test_an_error_behind_many_warnings_is_still_an_error() -> None:
    collected = findings.Findings()
    for number in range(findings.MOST + 10):
        collected.add("W013", str(number))
    collected.add("E092", "v1/c/item.json")

    assert collected.has_errors


def test_work_grows_with_the_bytes_only(place: Path) -> None:
    """A path of many slashes, and as many paths that begin alike."""
    deep = "/".join("a" for _ in range(200_000))

    def change(block: dict[str, Any]) -> None:
        (digest,) = list(block["versions"]["v1"]["state"])[:1]
        block["versions"]["v1"]["state"][digest] = [
            deep, *("a/" * number + "b" for number in range(1, 1500))
        ]  # fmt: skip

    rewrite(place, change)

    assert takes_at_most(3, lambda: validate_object(place))


def test_a_folder_without_bottom_is_refused(place: Path) -> None:
    folder = place / "v1" / "c"
    open_up(folder)
    for _number in range(validate._DEEPEST + 20):
        folder = folder / "a"
        folder.mkdir()

    assert "E089" in codes_of(validate_object(place))


def test_an_inventory_too_large_is_not_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate, "LARGEST", 100)

    verdict = validate_object(place)

    assert {"E034", "E063"} <= codes_of(verdict)
    assert verdict.size < 20_000


def test_a_link_instead_of_an_object_is_told(place: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(place)

    assert codes_of(validate_object(tmp_path / "link")) == {"E090"}


def test_what_may_not_be_read_says_nothing_of_the_object(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=1)

    with somebody_else(root.path), pytest.raises(ArchiveError, match="could not be read"):
        validate_object(place_of(root, 0))


def test_an_old_version_whose_bytes_changed_is_found_though_the_head_does_not_use_them(
    tmp_path: Path,
) -> None:
    root = make_root(tmp_path / "root", objects=1, versions=2)
    flip_bit(place_of(root, 0) / "v1" / "c" / "content" / "body.html")

    verdict = validate_object(place_of(root, 0), with_fixity=False)

    assert [(it.code, it.path) for it in verdict.errors] == [("E092", "v1/c/content/body.html")]


def test_a_history_that_was_rewritten_is_found(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=1, versions=2)
    place = place_of(root, 0)
    block = json.loads((place / INVENTORY).read_bytes())
    block["versions"]["v1"]["state"] = block["versions"]["v2"]["state"]
    data = json.dumps(block).encode()
    for folder in (place, place / "v2"):
        open_up(folder)
        for name, content in ((INVENTORY, data), (SIDECAR, sidecar_of(data))):
            (folder / name).unlink()
            (folder / name).write_bytes(content)

    assert "E066" in codes_of(validate_object(place))


# Roots -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("E069", lambda root: (root / "0=ocfl_1.1").unlink()),
        ("E076", lambda root: (root / "0=ocfl_1.0").write_bytes(b"ocfl_1.0\n")),
        ("E080", lambda root: (root / "0=ocfl_1.1").write_bytes(b"\n")),
        ("E070", lambda root: (root / "ocfl_layout.json").write_bytes(b"[]")),
        ("E072", lambda root: (next(root.glob("??")) / "stray").write_bytes(b"")),
        ("E073", lambda root: (root / "00" / "00").mkdir(parents=True)),
        ("E090", lambda root: (root / "00").symlink_to("/etc")),
        ("E112", lambda root: (root / "extensions" / "stray").write_bytes(b"")),
        ("W016", lambda root: (root / "extensions" / "own").mkdir()),
    ],
)
def test_what_is_wrong_with_a_root_is_named(
    tmp_path: Path, code: str, change: Callable[[Path], object]
) -> None:
    root = make_root(tmp_path / "root")
    for path in root.path.glob("*"):
        open_up(path)
    change(root.path)

    verdict = validate_root(root.path)

    assert code in {it.code for it in verdict.findings}
    assert verdict.is_valid == code.startswith("W")


def test_an_object_that_is_damaged_makes_its_root_invalid(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=4)
    flip_bit(place_of(root, 2) / "v1" / "c" / "item.json")

    verdict = validate_root(root.path)

    assert not verdict.is_valid
    assert [it.path for it in verdict.invalid] == [str(place_of(root, 2))]
    assert verdict.objects == 4


def test_an_object_at_another_place_than_its_own_is_told(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=2)
    place = place_of(root, 1)
    open_up(place)
    place.rename(place.with_name("elsewhere"))

    assert "E083" in {it.code for it in validate_root(root.path).findings}


def test_the_digest_of_the_inventory_is_that_of_the_receipt(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=0)
    (receipt,) = put(root, [7])

    verdict = validate_object(place_of(root, 7))

    assert verdict.inventory == receipt.inventory
    data = (place_of(root, 7) / INVENTORY).read_bytes()
    assert verdict.inventory == hashlib.sha512(data).hexdigest()
