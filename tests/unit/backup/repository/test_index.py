"""The index: every blob in its place, whatever other writers put in."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.archiver.known_blobs import IdTable, share_ids
from backup.errors import DamagedError, UnsupportedFormatError
from backup.format.index_file import encode_index
from backup.format.pack import BlobType, PackedBlob
from backup.repository.index import Index, IndexBuilder

ROOT = Path(__file__).parents[4]


def some_id(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def blob(number: int, offset: int = 0, kind: BlobType = BlobType.DATA) -> PackedBlob:
    return PackedBlob(some_id(number), kind, offset, 40, 100 if number % 2 else 0)


def index_of(*files: dict[bytes, list[PackedBlob]]) -> Index:
    builder = IndexBuilder()
    for number, packs in enumerate(files):
        builder.add_file(f"{number}", encode_index(packs))
    return builder.build()


# Ids that share the first bytes, so that bisection meets its hard cases.
close_ids = st.builds(
    lambda head, tail: head + tail.rjust(24, b"\0"),
    st.sampled_from([bytes(8), b"\xff" * 8, b"12345678"]),
    st.binary(max_size=2),
)
blobs_of_a_pack = st.lists(
    st.tuples(
        st.one_of(st.binary(min_size=32, max_size=32), close_ids),
        st.sampled_from(BlobType),
        st.integers(32, 2**32 - 1),
        st.integers(0, 2**32 - 1),
    ),
    min_size=1,
    max_size=6,
)
some_packs = st.dictionaries(st.binary(min_size=32, max_size=32), blobs_of_a_pack, max_size=5)


def place_blobs(
    packs: dict[bytes, list[tuple[bytes, BlobType, int, int]]],
) -> dict[bytes, list[PackedBlob]]:
    return {
        pack: [
            PackedBlob(blob_id, kind, number * 40, length, plain)
            for number, (blob_id, kind, length, plain) in enumerate(blobs)
        ]
        for pack, blobs in packs.items()
    }


@given(some_packs, st.integers(0, 3))
def test_the_index_holds_what_its_files_hold(
    packs: dict[bytes, list[tuple[bytes, BlobType, int, int]]], split: int
) -> None:
    placed = place_blobs(packs)
    items = list(placed.items())
    # Repeated in another file, as a prune beside us may leave it.
    index = index_of(dict(items[:split]), dict(items[split:]), placed)

    expected = sorted((blob, pack) for pack, blobs in placed.items() for blob in blobs)
    assert sorted((place.blob, place.pack) for place in index) == expected
    assert len(index) == len(expected)
    assert {pack: blobs for pack, blobs in index.blobs_by_pack()} == placed  # noqa: C416 -- the test needs it so
    for blob, pack in expected:
        assert (pack, blob) in index.find_all(blob.id)
        assert index.holds(blob.id, blob.type)
        assert blob.id in index.of_type(blob.type)
    ids = b"".join(blob.id for blob, _ in expected) + b"absent" * 6
    positions = index.positions(ids[: 32 * (len(ids) // 32)]).tolist()
    for at, (blob, _) in zip(positions, expected, strict=False):
        assert list(index)[at].blob.id == blob.id


@given(some_packs)
def test_workers_see_the_ids_of_one_type(
    packs: dict[bytes, list[tuple[bytes, BlobType, int, int]]],
) -> None:
    import os

    index = index_of(place_blobs(packs))
    for kind in BlobType:
        expected = {place.blob.id for place in index if place.blob.type is kind}
        others = {place.blob.id for place in index} - expected
        descriptor = os.memfd_create("test")
        try:
            table = IdTable(descriptor, share_ids(index, kind, descriptor))
            assert all(blob_id in table for blob_id in expected)
            assert not any(blob_id in table for blob_id in others | {b"absent" * 5 + b"xx"})
        finally:
            os.close(descriptor)


def test_an_empty_index_holds_nothing() -> None:
    index = index_of()
    assert len(index) == 0
    assert index.find(some_id(1)) is None
    assert index.find_all(some_id(1)) == []
    assert index.positions(some_id(1) * 2).tolist() == [-1, -1]
    assert list(index.blobs_by_pack()) == []


def test_data_and_a_tree_of_one_id_are_two_things() -> None:
    index = index_of({some_id(1): [blob(7)]})
    assert index.holds(some_id(7), BlobType.DATA)
    assert not index.holds(some_id(7), BlobType.TREE)
    assert some_id(7) not in index.of_type(BlobType.TREE)
    both = index_of({some_id(1): [blob(7)], some_id(2): [blob(7, kind=BlobType.TREE)]})
    assert both.holds(some_id(7), BlobType.TREE)
    assert len(both.find_all(some_id(7))) == 2


def test_asking_without_a_type_is_a_mistake_not_an_answer() -> None:
    with pytest.raises(TypeError):
        some_id(7) in index_of({some_id(1): [blob(7)]})  # type: ignore[operator]  # noqa: B015 -- the test needs it so


def test_two_files_that_disagree_about_one_place_both_count() -> None:
    """One of them is wrong; reading tells which, and must be able to try both."""
    index = index_of({some_id(1): [blob(7)]}, {some_id(1): [blob(8)]})
    assert index.find(some_id(7))
    assert index.find(some_id(8))


def test_the_json_is_that_of_restic() -> None:
    text = encode_index({some_id(1): [blob(2), blob(3, 40, BlobType.TREE)]}).decode()
    assert text == (
        f'{{"packs":[{{"id":"{some_id(1).hex()}","blobs":['
        f'{{"id":"{some_id(2).hex()}","type":"data","offset":0,"length":40}},'
        f'{{"id":"{some_id(3).hex()}","type":"tree","offset":40,"length":40,'
        '"uncompressed_length":100}]}]}\n'
    )


def test_what_other_writers_add_is_ignored() -> None:
    raw = json.loads(encode_index({some_id(1): [blob(2)]}))
    raw["packs"][0] |= {"time": "2026", "size": 1}
    raw |= {"supersedes": ["ab"], "packs_to_delete": [{"id": "zz"}]}
    builder = IndexBuilder()
    builder.add_file("a", json.dumps(raw).encode())
    builder.add_file("b", b'{"packs":null}')
    index = builder.build()
    assert len(index) == 1
    assert index.file_ids == {"a", "b"}


def entry(**changes: object) -> bytes:
    row = {"id": "ab" * 32, "type": "data", "offset": 0, "length": 40} | changes
    return json.dumps({"packs": [{"id": "cd" * 32, "blobs": [row]}]}).encode()


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"{}", b'{"packs":[{}]}', b'{"packs":[{"id":"zz","blobs":[]}]}',
        entry(type="file"), entry(offset="x"), entry(length=None), entry(id=7),
    ],
)  # fmt: skip
def test_what_is_no_index_is_refused(text: bytes) -> None:
    with pytest.raises(UnsupportedFormatError):
        IndexBuilder().add_file("a", text)


@pytest.mark.parametrize(
    "text",
    [
        entry(id="ab" * 31), entry(offset=-1), entry(length=1 << 32),
        entry(uncompressed_length=1 << 32),
    ],
)  # fmt: skip
def test_impossible_numbers_are_damage(text: bytes) -> None:
    with pytest.raises(DamagedError):
        IndexBuilder().add_file("a", text)


@pytest.mark.slow
def test_a_million_blobs_take_64_bytes_each_and_loading_them_little_more() -> None:
    """In a process of its own: the figure is what the system says, not what Python counts."""
    script = (
        "import ctypes, os, resource\n"
        "from backup.repository.index import IndexBuilder\n"
        "from backup.format.index_file import encode_index\n"
        "from backup.format.pack import BlobType, PackedBlob\n"
        "def held():\n"
        "    return int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize()\n"
        "builder = IndexBuilder()\n"
        "builder.add_file('', encode_index({}))\n"
        "before = held()\n"
        "for number in range(20):\n"
        "    ids = [os.urandom(32) for _ in range(50_000)]\n"
        "    blobs = [PackedBlob(it, BlobType.DATA, at, 100, 200) for at, it in enumerate(ids)]\n"
        "    builder.add_file(str(number), encode_index({os.urandom(32): blobs}))\n"
        "del ids, blobs\n"
        "index = builder.build()\n"
        "del builder\n"
        "ctypes.CDLL(None).malloc_trim(0)\n"
        "assert len(index) == 1_000_000\n"
        "print((held() - before) / len(index))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert float(done.stdout) < 80
