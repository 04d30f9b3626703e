"""A snapshot that holds what cannot be: the check says so, and a restore loses no other entry."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from backup.check.check import check_repository
from backup.format.pack import BlobType
from backup.format.tree import EMPTY_TREE
from backup.restorer.restore import RestoreRequest, RestoreResult, restore_snapshot
from backup.snapshots.dump import write_archive
from backup.snapshots.walk import TreeReader
from backup.stores.folder import FolderStore
from tests.small_repository import SmallRepository, file_node, folder_node, id_of, tree_of

pytestmark = pytest.mark.usefixtures("both_ways")

WHEN = "2026-11-24T01:03:00Z"
EMPTY = id_of(EMPTY_TREE).hex()


def entry(**fields: Any) -> dict[str, Any]:
    """Give an entry as JSON has it: a file `m` that holds `odd`, unless told otherwise."""
    usual = {
        "name": "m", "type": "file", "mode": 0o644, "mtime": WHEN, "atime": WHEN, "ctime": WHEN,
        "uid": 0, "gid": 0, "size": 3, "links": 1, "content": [id_of(b"odd").hex()],
    }  # fmt: skip
    return {**usual, **fields}


def attribute(name: str, value: bytes = b"") -> dict[str, Any]:
    told = {"name": name, "value": base64.b64encode(value).decode()}
    return entry(extended_attributes=[told])


def special(kind: str, **fields: Any) -> dict[str, Any]:
    return entry(type=kind, size=0, content=None, **fields)


IMPOSSIBLE: dict[str, tuple[dict[str, Any], str]] = {
    "an owner below zero": (entry(uid=-5), "number_impossible"),
    "an owner of forty bits": (entry(uid=1 << 40), "number_impossible"),
    "a group of forty bits": (entry(gid=1 << 40), "number_impossible"),
    "a mode of forty bits": (entry(mode=1 << 40), "number_impossible"),
    "a mode below zero": (entry(mode=-1), "number_impossible"),
    "an inode below zero": (entry(inode=-1), "number_impossible"),
    "links beyond all": (entry(links=1 << 80), "number_impossible"),
    "an owner that is no number": (entry(uid="root"), "number_impossible"),
    "an attribute's null byte": (attribute("user.a\0b"), "attribute_impossible"),
    "an attribute without a name": (attribute(""), "attribute_impossible"),
    "an attribute's long name": (attribute("user." + "a" * 300), "attribute_impossible"),
    "the year 300000": (entry(mtime="300000-01-01T00:00:00Z"), "time_invalid"),
    "no such day": (entry(mtime="2026-02-30T00:00:00Z"), ""),
    "a folder's owner": (
        entry(name="m", type="dir", uid=-5, subtree=EMPTY, content=None, size=0),
        "number_impossible",
    ),
    "a huge attribute": (attribute("user.a", bytes(1 << 17)), ""),
}
LOST: dict[str, tuple[dict[str, Any], str]] = {
    "a null byte in the name": (entry(name="a\\x00b"), "name_impossible"),
    "a way out": (entry(name=".."), "name_impossible"),
    "a path": (entry(name="m/../../x"), "name_impossible"),
    "an absolute path": (entry(name="/etc/passwd"), "name_impossible"),
    "no name": (entry(name=""), "name_impossible"),
    "a short id": (entry(content=["ab"]), "tree_malformed"),
    "no id": (entry(content=["zz" * 32]), "tree_malformed"),
    "a size below zero": (entry(size=-3), "number_impossible"),
    "a size beyond all": (entry(size=1 << 80), "number_impossible"),
    "another size": (entry(size=(1 << 63) - 1), "size_wrong"),
    "an unknown type": (special("whiteout"), "type_unknown"),
    "a device below zero": (special("dev", device=-5), "number_impossible"),
    "a device of seventy bits": (special("chardev", device=1 << 70), "number_impossible"),
    "a device of sixty bits": (special("chardev", device=1 << 60), ""),
    "a link's null byte": (special("symlink", linktarget="a\0b"), "target_impossible"),
    "a link's length": (special("symlink", linktarget="a" * 5000), ""),
    "a link to nowhere": (special("symlink"), ""),
    "a lone surrogate": (special("symlink", linktarget="\ud800"), ""),
    "half a character": (entry(name="\ud800"), ""),
    "no subtree": (special("dir"), "subtree_null"),
    "not even a name": ({"type": "file"}, ""),
}
EVERYTHING = {**IMPOSSIBLE, **LOST}
in_every_way = pytest.mark.parametrize(("odd", "code"), EVERYTHING.values(), ids=list(EVERYTHING))


def make(odd: dict[str, Any], store: FolderStore | None = None) -> tuple[SmallRepository, bytes]:
    """Store a snapshot with an odd entry between good ones; gives its tree's id, too."""
    made = SmallRepository(store)
    inner = tree_of([file_node(b"deep", b"deep")])
    good = json.loads(tree_of([file_node(b"a", b"first"), folder_node(b"f", id_of(inner))]))
    last = json.loads(tree_of([file_node(b"z", b"last")]))
    nodes = [*good["nodes"], odd, *last["nodes"]]
    tree = json.dumps({"nodes": nodes}).encode() + b"\n"
    made.add_pack([(BlobType.DATA, it) for it in (b"first", b"deep", b"odd", b"last")])
    made.add_pack([(BlobType.TREE, it) for it in (tree, inner, EMPTY_TREE)])
    made.save_index()
    made.save_snapshot(id_of(tree))
    return made, id_of(tree)


def restore(made: SmallRepository, tree: bytes, target: Path, **changes: Any) -> RestoreResult:
    request = RestoreRequest(target=os.fsencode(target), **{"workers": 0, **changes})
    return restore_snapshot(made.repository, tree, request)


def contents(target: Path) -> dict[str, bytes]:
    found = target.rglob("*")
    return {str(it.relative_to(target)): it.read_bytes() for it in found if it.is_file()}


OTHERS = {"a": b"first", "f/deep": b"deep", "z": b"last"}


@in_every_way
def test_no_odd_entry_ends_a_restore(tmp_path: Path, odd: dict[str, Any], code: str) -> None:
    del code
    made, tree = make(odd)
    target = tmp_path / "in" / "target"
    (tmp_path / "in").mkdir()
    result = restore(made, tree, target, delete=True)

    found = contents(target)
    assert {name: found.get(name) for name in OTHERS} == OTHERS
    assert list((tmp_path / "in").iterdir()) == [target]
    if odd in [it for it, _ in LOST.values()]:
        assert found == OTHERS
        assert result.error_count == 1


@pytest.mark.parametrize(("odd", "code"), IMPOSSIBLE.values(), ids=list(IMPOSSIBLE))
def test_what_is_known_of_a_content_is_restored_and_told(
    tmp_path: Path, odd: dict[str, Any], code: str
) -> None:
    del code
    made, tree = make(odd)
    result = restore(made, tree, tmp_path / "target")

    if odd["type"] == "file":
        assert contents(tmp_path / "target") == {**OTHERS, "m": b"odd"}
    else:
        assert (tmp_path / "target" / "m").is_dir()
    assert result.error_count == (0 if len(str(odd)) > 1 << 17 else 1)


@in_every_way
def test_a_check_names_what_cannot_be(odd: dict[str, Any], code: str) -> None:
    made, _ = make(odd)
    found = {finding.code for finding in check_repository(made.repository).findings}

    assert not code or code in found


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["an owner of forty bits", "an attribute's null byte", "a way out"]
)
def test_worker_processes_are_not_ended_either(tmp_path: Path, name: str) -> None:
    odd, _ = EVERYTHING[name]
    made, tree = make(odd, FolderStore(tmp_path / "store"))
    result = restore(made, tree, tmp_path / "target", workers=2)

    assert {**contents(tmp_path / "target"), "m": b"odd"} == {**OTHERS, "m": b"odd"}
    assert result.error_count == 1


@pytest.mark.parametrize(("odd", "code"), IMPOSSIBLE.values(), ids=list(IMPOSSIBLE))
def test_an_archive_of_it_is_written_whole(odd: dict[str, Any], code: str) -> None:
    del code
    made, tree = make(odd)
    reader = TreeReader(made.repository, made.repository.load_index())
    written = bytearray()
    write_archive(reader, tree, b"", written.extend, "tar")

    assert all(it in written for it in (b"first", b"odd" if odd["size"] else b"deep", b"last"))


def test_brackets_within_brackets_cost_their_folder_alone(tmp_path: Path) -> None:
    deep = b"[" * 200_000 + b"]" * 200_000
    bad = tree_of([file_node(b"m", b"odd")]).replace(b'"size"', b'"generic":' + deep + b',"size"')
    tree = tree_of([file_node(b"a", b"first"), folder_node(b"f", id_of(bad))])
    made = SmallRepository()
    made.add_pack([(BlobType.DATA, it) for it in (b"first", b"odd")])
    made.add_pack([(BlobType.TREE, it) for it in (tree, bad)])
    made.save_index()
    made.save_snapshot(id_of(tree))
    restore(made, id_of(tree), tmp_path / "target")

    assert "tree_malformed" in {it.code for it in check_repository(made.repository).findings}
    assert contents(tmp_path / "target")["a"] == b"first"


@pytest.mark.slow
def test_a_file_larger_than_the_room_is_left_out_alone(tmp_path: Path) -> None:
    made = SmallRepository()
    zeros = bytes(8 << 20)
    blobs = 4 << 20  # 32 TiB of one blob; ids alone are 128 MiB
    huge = file_node(b"huge", size=blobs * len(zeros), content=id_of(zeros) * blobs)
    tree = tree_of([file_node(b"a", b"first"), huge, file_node(b"z", b"last")])
    made.add_pack([(BlobType.DATA, it) for it in (b"first", zeros, b"last")])
    made.add_pack([(BlobType.TREE, tree)])
    made.save_index()
    result = restore(made, id_of(tree), tmp_path / "target")

    assert contents(tmp_path / "target") == {"a": b"first", "z": b"last"}
    assert [it.path for it in result.failures] == [b"/huge"]
