import hashlib
import os

import pytest

from backup.errors import DamagedError
from backup.format.pack import BlobType, PackedBlob
from backup.format.tree_references import _decode_references, references_of
from backup.repository.index import IndexBuilder
from backup.repository.tree_walk import ABSENT, OTHER_TYPE, positions_of
from backup.repository.used_blobs import find_used
from tests.small_repository import SmallRepository, file_node, folder_node, id_of, tree_of

SNAPSHOT = b"s" * 32


def test_references_are_the_ids_of_files_and_folders() -> None:
    inner = b"i" * 32
    tree = tree_of([file_node(b"a", b"1", b"2"), file_node(b"b"), folder_node(b"c", inner)])

    assert references_of(tree) == (id_of(b"1") + id_of(b"2"), inner)


@pytest.mark.parametrize(
    "tree",
    [
        b"",
        b"[]",
        b'{"nodes":5}',
        b'{"nodes":[{"name":"a","type":"file","content":["ab"]}]}',
        b'{"nodes":[{"name":"a","type":"file","content":["zz"]}]}',
        b'{"nodes":[{"name":"a","type":"dir","subtree":7}]}',
    ],
)
def test_a_broken_tree_is_refused(tree: bytes) -> None:
    with pytest.raises(DamagedError):
        references_of(tree)


def test_a_strange_field_hides_no_content() -> None:
    text = f'{{"nodes":[{{"name":"a","type":"file","nodes":1,"content":["{"ab" * 32}"]}}]}}'

    assert references_of(text.encode()).content == b"\xab" * 32


def test_positions_tell_the_two_types_of_one_id_apart() -> None:
    both, data, tree = (hashlib.sha256(bytes([number])).digest() for number in range(3))
    builder = IndexBuilder()
    builder.add_pack(
        b"p" * 32,
        [
            PackedBlob(both, BlobType.DATA, 0, 40, 0),
            PackedBlob(both, BlobType.TREE, 40, 40, 0),
            PackedBlob(data, BlobType.DATA, 80, 40, 0),
            PackedBlob(tree, BlobType.TREE, 120, 40, 0),
        ],
    )
    index = builder.build()
    asked = both + data + tree + os.urandom(32)

    as_data = positions_of(index, asked, BlobType.DATA)
    as_tree = positions_of(index, asked, BlobType.TREE)

    assert index.offsets()[as_data[:2]].tolist() == [0, 80]
    assert as_data[2:].tolist() == [OTHER_TYPE, ABSENT]
    assert index.offsets()[as_tree[[0, 2]]].tolist() == [40, 120]
    assert as_tree[[1, 3]].tolist() == [OTHER_TYPE, ABSENT]


def test_only_what_a_snapshot_needs_is_marked() -> None:
    made = SmallRepository()
    leaf = tree_of([file_node(b"a", b"shared"), file_node(b"b", b"shared", b"own")])
    root = tree_of([folder_node(b"x", id_of(leaf)), folder_node(b"y", id_of(leaf))])
    unused = tree_of([file_node(b"a", b"unused")])
    made.add_pack([(BlobType.DATA, text) for text in (b"shared", b"own", b"unused")])
    made.add_pack([(BlobType.TREE, leaf)])
    made.add_pack([(BlobType.TREE, root), (BlobType.TREE, unused)])
    made.save_index()
    index = made.repository.load_index()

    used = find_used(made.repository, index, [(id_of(root), SNAPSHOT)])

    marked = {place.blob.id for place, mark in zip(index, used.marks, strict=True) if mark}
    assert marked == set(map(id_of, (b"shared", b"own", leaf, root)))
    assert (used.missing, used.unreadable, used.trees) == ((), (), 2)


def test_what_is_missing_is_named_with_the_tree_that_wants_it() -> None:
    made = SmallRepository()
    tree = tree_of([file_node(b"a", b"gone"), folder_node(b"b", id_of(b"no tree"))])
    made.add_pack([(BlobType.TREE, tree)])
    made.save_index()
    index = made.repository.load_index()

    used = find_used(made.repository, index, [(id_of(tree), SNAPSHOT), (b"r" * 32, SNAPSHOT)])

    wants = {(missing.id, missing.wanted_by, missing.type.word) for missing in used.missing}
    assert wants == {
        (id_of(b"gone"), id_of(tree), "data"),
        (id_of(b"no tree"), id_of(tree), "tree"),
        (b"r" * 32, SNAPSHOT, "tree"),
    }


def test_an_unreadable_tree_is_reported_and_the_second_copy_used() -> None:
    made = SmallRepository()
    tree = tree_of([file_node(b"a")])
    first = made.add_pack([(BlobType.TREE, tree)])
    made.save_index()
    damaged = bytearray(first.data)
    damaged[20] ^= 1
    made.memory.replace(f"data/{first.id.hex()[:2]}/{first.id.hex()}", bytes(damaged))
    alone = find_used(made.repository, made.repository.load_index(), [(id_of(tree), SNAPSHOT)])

    made.add_pack([(BlobType.TREE, tree)])
    made.save_index()
    both = find_used(made.repository, made.repository.load_index(), [(id_of(tree), SNAPSHOT)])

    assert [bad.id for bad in alone.unreadable] == [id_of(tree)]
    assert (both.unreadable, both.trees) == ((), 1)


def test_an_empty_repository_uses_nothing() -> None:
    made = SmallRepository()

    used = find_used(made.repository, made.repository.load_index(), [])

    assert len(used.marks) == used.trees == 0


NAMES = [
    b"plain",
    b'"content":["' + b"ab" * 32 + b'"]',
    b'\\"subtree":"' + b"cd" * 32 + b'"',
    b"],[",
    b"\xff\n\\",
    "tên".encode(),
    b'"type":"name":',
]


def test_no_name_is_taken_for_a_reference() -> None:
    nodes = [file_node(name, b"1" * at, b"2") for at, name in enumerate(NAMES)]
    nodes += [folder_node(b"d" + name, id_of(name)) for name in NAMES]
    nodes += [
        file_node(b"link", type="symlink", content=None, linktarget=NAMES[1]),
        file_node(b"x", b"3", xattrs=((NAMES[2].decode(), NAMES[1]), ("user.name", b"v"))),
    ]
    tree = tree_of(sorted(nodes, key=lambda node: node.name))
    read = references_of(tree)

    assert read == _decode_references(tree)
    assert len(read.subtrees) == 32 * len(NAMES)
    assert len(read.content) == 32 * (2 * len(NAMES) - 1 + 1)


@pytest.mark.parametrize(
    "change",
    [
        (b'"content":', b'"content": '),
        (b'"content":', b'"cont\\u0065nt":'),
        (b'"subtree":', b'"subtree" :'),
        (b'"subtree":', b'"subtree"\n:'),
        (b'"subtree":', b'"subtree":\t'),
        (b'"subtree":', b'"sub\\u0074ree":'),
        (b":", b" :"),
        (b'{"nodes":[', b'{ "nodes":['),
        (b'","', b'", "'),
    ],
)
def test_other_ways_to_write_a_tree_are_decoded(change: tuple[bytes, bytes]) -> None:
    nodes = [file_node(b"a", b"1", b"2"), folder_node(b"c", id_of(b"c"))]
    tree = tree_of(nodes).replace(*change)

    assert references_of(tree) == (id_of(b"1") + id_of(b"2"), id_of(b"c"))
