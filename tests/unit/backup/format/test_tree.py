"""Trees: byte for byte what stock restic writes."""

import hashlib
import stat
from pathlib import Path

import pytest

from backup.errors import DamagedError
from backup.format.tree import (
    EMPTY_TREE,
    GO_CHARDEV,
    GO_DEVICE,
    GO_DIR,
    GO_SETGID,
    GO_SETUID,
    GO_STICKY,
    NODE_TYPES,
    Node,
    encode_node,
    encode_tree,
    go_mode,
    unix_permissions,
)
from backup.format.tree_decoding import decode_tree

GOLDEN = sorted((Path(__file__).parents[3] / "golden" / "restic" / "trees").glob("*.json"))
ID = hashlib.sha256(b"xin chao").digest()


def minimal(fields: str) -> bytes:
    return (
        b'{"nodes":[{"name":"a","type":"file","mtime":"2026-11-24T01:03:00Z",'
        + fields.encode()
        + b'"content":[]}]}\n'
    )


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem[:8])
def test_trees_of_restic_are_written_again_byte_for_byte(path: Path) -> None:
    tree = path.read_bytes()
    assert hashlib.sha256(tree).hexdigest() == path.stem, "the golden file was changed"
    nodes = decode_tree(tree)
    assert encode_tree(map(encode_node, nodes)) == tree
    assert [node.name for node in nodes] == sorted(node.name for node in nodes)


def test_the_golden_trees_hold_every_kind_of_entry() -> None:
    nodes = [node for path in GOLDEN for node in decode_tree(path.read_bytes())]
    # restic leaves sockets out.
    assert {node.type for node in nodes} == set(NODE_TYPES.values()) - {"socket"}
    assert any(node.xattrs for node in nodes)
    assert any(node.links > 1 for node in nodes)
    assert any(node.atime != node.mtime for node in nodes)
    assert any(node.content == b"" for node in nodes)
    assert any(len(node.content_ids()) > 1 for node in nodes)
    assert any(b"\xff" in node.linktarget for node in nodes)
    modes = [node.mode for node in nodes]
    for bit in (GO_SETUID, GO_SETGID, GO_STICKY, GO_CHARDEV):
        assert any(mode & bit for mode in modes)


def test_an_empty_folder_has_the_tree_restic_gives_it() -> None:
    assert encode_tree(()) == EMPTY_TREE
    assert decode_tree(EMPTY_TREE) == []
    assert decode_tree(b'{"nodes":null}\n') == []


@pytest.mark.parametrize(
    ("st_mode", "mode"),
    [
        (stat.S_IFREG | 0o644, 0o644),
        (stat.S_IFREG | 0o7777, 0o777 | GO_SETUID | GO_SETGID | GO_STICKY),
        (stat.S_IFDIR | 0o1777, 0o777 | GO_DIR | GO_STICKY),
        (stat.S_IFBLK | 0o660, 0o660 | GO_DEVICE),
        (stat.S_IFCHR | 0o660, 0o660 | GO_DEVICE | GO_CHARDEV),
    ],
)
def test_modes_are_those_of_go(st_mode: int, mode: int) -> None:
    assert go_mode(st_mode) == mode
    assert unix_permissions(mode) == stat.S_IMODE(st_mode)


def test_modes_of_all_kinds_differ() -> None:
    assert len({go_mode(kind | 0o600) for kind in NODE_TYPES}) == len(NODE_TYPES)


def test_what_some_writers_leave_out_has_a_meaning() -> None:
    (node,) = decode_tree(minimal('"extended_attributes":[{"name":"user.a","value":null}],'))
    assert node.xattrs == (("user.a", b""),)
    assert node.atime == node.ctime == node.mtime
    assert (node.uid, node.gid, node.mode) == (0, 0, 0)


def test_vendor_attributes_are_kept_with_sorted_keys_and_escaped() -> None:
    fields = '"generic_attributes":{"windows.b":"<&>","windows.a":[1,null,"é"]},'
    (node,) = decode_tree(minimal(fields))
    assert (
        '"generic_attributes":{"windows.a":[1,null,"é"],"windows.b":"\\u003c\\u0026\\u003e"}'
        in encode_node(node)
    )


def test_a_file_without_content_and_one_without_a_list_differ() -> None:
    (empty,) = decode_tree(minimal(""))
    (null,) = decode_tree(minimal("").replace(b"[]}", b"null}"))
    assert empty.content == b""
    assert null.content is None
    assert encode_node(empty) != encode_node(null)


def test_hard_facts_of_a_node_are_left_out_where_zero() -> None:
    node = Node(b"a", "file", 0, 0, 0, 0, 0, 0, content=ID)
    assert encode_node(node) == (
        '{"name":"a","type":"file","mtime":"1970-01-01T00:00:00Z",'
        '"atime":"1970-01-01T00:00:00Z","ctime":"1970-01-01T00:00:00Z","uid":0,"gid":0,'
        f'"content":["{ID.hex()}"]}}'
    )


@pytest.mark.parametrize(
    "tree",
    [
        b"",
        b"{}",
        b"[]",
        b'{"nodes":[1]}',
        b'{"nodes":[{}]}',
        b"\xff",
        minimal("").replace(b'"file"', b'"irregular"'),
        minimal("").replace(b"[]}", b'["00"]}'),
        minimal("").replace(b"[]}", b'["zz"]}'),
        minimal("").replace(b"[]}", b"[1]}"),
        minimal('"subtree":"abcd",'),
        minimal('"linktarget_raw":"*",'),
        minimal("").replace(b":00Z", b":00"),
        minimal("").replace(b'"a"', b'"a/b"'),
        minimal("").replace(b'"a"', b'".."'),
        minimal("").replace(b'"a"', b"7"),
    ],
)
def test_broken_trees_are_damage(tree: bytes) -> None:
    with pytest.raises(DamagedError):
        decode_tree(tree)
