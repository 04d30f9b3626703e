"""What a restore reads is the same from a repository at hand and through sockets."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backup.errors import BackupError, DamagedError
from backup.format.pack import BlobType, pack_key
from backup.restorer.blob_reader import plain_length
from backup.restorer.content import Content
from backup.restorer.orders import Piece
from backup.restorer.repository_content import RepositoryContent
from backup.restorer.request import RestoreRequest
from backup.restorer.restore import restore_content
from backup.restorer.wire import MOST_IDS, MOST_PIECES, MOST_READ, MOST_READ_ALONE
from backup.stores.folder import FolderStore
from tests.small_repository import SmallRepository, file_node, id_of, tree_of
from tests.through_sockets import served


@contextmanager
def content_of(small: SmallRepository, way: str) -> Iterator[Content]:
    """Give the content in one of both ways."""
    if way == "here":
        yield RepositoryContent(small.repository)
    else:
        with served(small.repository) as content:
            yield content


in_both_ways = pytest.mark.parametrize("way", ["here", "sockets"])


def pieces_of(content: Content, *blobs: bytes) -> list[Piece]:
    found = content.look_up(b"".join(map(id_of, blobs)))
    return [it for it in found if it is not None]


def read(content: Content, pieces: list[Piece]) -> dict[Piece, bytes | BackupError]:
    packs = {pack: content.key_of(pack) for pack, *_ in pieces}
    return dict(content.reader().read(pieces, packs))


@in_both_ways
def test_sizes_are_told(way: str) -> None:
    small = SmallRepository()
    pack = small.add_pack([(BlobType.DATA, b"first"), (BlobType.TREE, b"tree")])
    small.save_index()
    with content_of(small, way) as content:
        assert content.size_bytes == sum(blob.length for blob in pack.blobs)
        assert content.most_bytes == 8 << 20


@in_both_ways
def test_a_tree_comes_by_its_id_or_says_why_not(way: str) -> None:
    small = SmallRepository()
    pack = small.add_pack([(BlobType.TREE, b"tree"), (BlobType.TREE, b"damaged")])
    small.add_pack([(BlobType.DATA, b"no tree")])
    small.save_index()
    torn = bytearray(pack.data)
    torn[pack.blobs[1].offset + 20] ^= 1
    small.memory.replace(pack_key(pack.id), bytes(torn))
    with content_of(small, way) as content:
        for _ in range(2):
            assert content.load_tree(id_of(b"tree")) == b"tree"
            for lost in (b"damaged", b"never stored", b"no tree"):
                with pytest.raises(DamagedError, match=id_of(lost).hex()[:8]) as caught:
                    content.load_tree(id_of(lost))
                assert caught.value.what == "{kind} blob {id} cannot be read"
                assert [label for label, _ in caught.value.lines()] == ["error", "why", "next"]


@in_both_ways
@pytest.mark.parametrize("compress", [True, False])
def test_pieces_are_looked_up_and_read(way: str, compress: bool) -> None:
    small = SmallRepository()
    blobs = [b"first" * 9, bytes(100_000), os.urandom(3 << 20), b"x"]
    small.add_pack([(BlobType.DATA, it) for it in blobs[:2]], compress=compress)
    small.add_pack([(BlobType.DATA, it) for it in blobs[2:]], compress=compress)
    small.save_index()
    with content_of(small, way) as content:
        assert content.look_up(b"") == []
        assert content.look_up(id_of(b"never stored")) == [None]
        pieces = pieces_of(content, *blobs, blobs[0])
        assert list(map(plain_length, pieces)) == [*map(len, blobs), len(blobs[0])]
        found = read(content, pieces)
        assert [found[it] for it in pieces] == [*blobs, blobs[0]]
        assert read(content, []) == {}


@in_both_ways
def test_more_may_be_asked_than_travels_at_once(way: str) -> None:
    small = SmallRepository()
    little = [b"%d" % number for number in range(MOST_PIECES + 10)]
    large = [bytes([number]) * (MOST_READ // 2 - 5) for number in range(3)]
    small.add_pack([(BlobType.DATA, it) for it in (*little, *large)])
    small.save_index()
    with content_of(small, way) as content:
        pieces = pieces_of(content, *little, *large)
        found = read(content, pieces)
        assert [found[it] for it in pieces] == [*little, *large]
        many = content.look_up(id_of(b"0") * (MOST_IDS + 1) + id_of(b"lost"))
        assert many == [pieces[0]] * (MOST_IDS + 1) + [None]


@in_both_ways
def test_a_damaged_piece_is_told_and_its_other_place_found_carefully(way: str) -> None:
    small = SmallRepository()
    blobs = [(BlobType.DATA, b"content"), (BlobType.DATA, b"other"), (BlobType.DATA, b"lost")]
    first = small.add_pack(blobs)
    small.add_pack(blobs[:1])
    small.save_index(first.id)
    small.save_index()
    torn = bytearray(first.data)
    for blob in (first.blobs[0], first.blobs[2]):
        torn[blob.offset + 20] ^= 1
    with content_of(small, way) as content:
        pieces = pieces_of(content, b"content", b"other", b"lost")
        whole, other, lost = pieces
        small.memory.replace(pack_key(first.id), bytes(torn))
        found = read(content, pieces)
        assert found[other] == b"other"
        assert isinstance(found[lost], DamagedError)
        careful = content.careful_reader().read(pieces, {})
        assert careful[whole] == b"content"
        assert careful[other] == b"other"
        assert "cannot be read" in str(careful[lost])


@in_both_ways
def test_a_blob_larger_than_any_usual_one_is_restored(tmp_path: Path, way: str) -> None:
    small = SmallRepository(FolderStore(tmp_path / "repo"))
    large = bytes(MOST_READ_ALONE + 1)
    small.add_pack([(BlobType.DATA, large), (BlobType.DATA, b"small")])
    tree = tree_of([file_node(b"large", large), file_node(b"small", b"small")])
    small.add_pack([(BlobType.TREE, tree)])
    small.save_index()
    with content_of(small, way) as content:
        request = RestoreRequest(os.fsencode(tmp_path / "out"))
        assert restore_content(content, id_of(tree), request).failures == ()
    assert (tmp_path / "out" / "large").read_bytes() == large


@pytest.mark.slow  # a process of its own
@in_both_ways
def test_several_restores_follow_each_other(tmp_path: Path, way: str) -> None:
    small = SmallRepository(FolderStore(tmp_path / "repo"))
    pieces = [bytes([number]) * (5 << 20) for number in range(4)]
    small.add_pack([(BlobType.DATA, it) for it in pieces])
    tree = tree_of([file_node(b"large", *pieces), file_node(b"other", pieces[0])])
    small.add_pack([(BlobType.TREE, tree)])
    small.save_index()
    with content_of(small, way) as content:
        for number in range(3):
            request = RestoreRequest(os.fsencode(tmp_path / f"out-{number}"), verify=True)
            result = restore_content(content, id_of(tree), request)
            assert (result.failures, result.verified) == ((), 2)
