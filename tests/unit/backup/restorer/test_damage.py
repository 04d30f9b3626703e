"""Restore beside damage: nothing wrong is written, everything else is restored, all is reported."""

import errno
import os
from pathlib import Path

import pytest

from backup.errors import BackupError, DamagedError, UsageError
from backup.format.pack import BlobType, FinishedPack, pack_key
from backup.format.tree import Node
from backup.progress import SilentProgress
from backup.restorer.batches import MOST_BYTES
from backup.restorer.progress import Tally
from backup.restorer.request import MOST_ERRORS_KEPT
from backup.restorer.restore import RestoreRequest, RestoreResult, restore_snapshot
from backup.stores.folder import FolderStore
from tests.small_repository import SmallRepository, file_node, folder_node, id_of, tree_of

pytestmark = pytest.mark.usefixtures("both_ways")


def _restore(small: SmallRepository, tree: bytes, out: Path, workers: int = 0) -> RestoreResult:
    request = RestoreRequest(os.fsencode(out), workers=workers)
    return restore_snapshot(small.repository, id_of(tree), request)


def _save(small: SmallRepository, tree: bytes, *others: bytes) -> None:
    small.add_pack([(BlobType.TREE, one) for one in (tree, *others)])
    small.save_index()


def _flip(small: SmallRepository, pack: FinishedPack, position: int) -> None:
    """Flip a bit of one blob's ciphertext."""
    at = pack.blobs[position].offset + 20
    damaged = bytearray(pack.data)
    damaged[at] ^= 1
    small.memory.replace(pack_key(pack.id), bytes(damaged))


def _content(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }


def _failed(result: RestoreResult) -> list[bytes]:
    return [failure.path for failure in result.failures]


def test_a_flipped_bit_costs_its_file_alone(tmp_path: Path) -> None:
    small = SmallRepository()
    contents = [b"first" * 9, b"second" * 9, b"third" * 9]
    pack = small.add_pack([(BlobType.DATA, content) for content in contents])
    tree = tree_of([file_node(b"%d" % number, it) for number, it in enumerate(contents)])
    _save(small, tree)
    _flip(small, pack, 1)

    result = _restore(small, tree, tmp_path / "out")

    assert _failed(result) == [b"/1"]
    assert isinstance(result.failures[0].error, DamagedError)
    assert (result.exit_code, result.error_count, result.restored) == (1, 1, 2)
    assert _content(tmp_path / "out") == {"0": contents[0], "2": contents[2]}


def test_a_second_copy_of_a_blob_heals_the_first(tmp_path: Path) -> None:
    small = SmallRepository()
    first = small.add_pack([(BlobType.DATA, b"content"), (BlobType.DATA, b"one")])
    second = small.add_pack([(BlobType.DATA, b"content"), (BlobType.DATA, b"two")])
    tree = tree_of([file_node(b"file", b"content")])
    _save(small, tree)

    for damaged, intact in ((first, second), (second, first)):
        small.memory.replace(pack_key(intact.id), bytes(intact.data))
        _flip(small, damaged, 0)
        out = tmp_path / damaged.id.hex()
        assert _restore(small, tree, out).failures == ()
        assert _content(out) == {"file": b"content"}


def test_a_lost_pack_costs_its_files_alone(tmp_path: Path) -> None:
    small = SmallRepository()
    pack = small.add_pack([(BlobType.DATA, b"lost")])
    small.add_pack([(BlobType.DATA, b"there")])
    tree = tree_of([file_node(b"lost", b"lost"), file_node(b"there", b"there")])
    _save(small, tree)
    small.memory.delete(pack_key(pack.id))

    result = _restore(small, tree, tmp_path / "out")

    assert _failed(result) == [b"/lost"]
    assert _content(tmp_path / "out") == {"there": b"there"}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_part_costs_a_large_file_whole_and_leaves_nothing(
    tmp_path: Path, workers: int
) -> None:
    small = SmallRepository(FolderStore(tmp_path / "repo"))
    pieces = [bytes([number]) * (MOST_BYTES // 2) for number in range(6)]
    pack = small.add_pack([(BlobType.DATA, piece) for piece in pieces])
    others = [file_node(b"other-%d" % number, pieces[0]) for number in range(3)]
    tree = tree_of([file_node(b"large", *pieces), *others])
    _save(small, tree)
    path = tmp_path / "repo" / pack_key(pack.id)
    damaged = bytearray(pack.data)
    damaged[pack.blobs[3].offset + 20] ^= 1
    path.chmod(0o600)
    path.write_bytes(damaged)

    result = _restore(small, tree, tmp_path / "out", workers)

    assert _failed(result) == [b"/large"]
    assert sorted(_content(tmp_path / "out")) == ["other-0", "other-1", "other-2"]

    path.write_bytes(pack.data)
    assert _restore(small, tree, tmp_path / "out", workers).failures == ()
    assert (tmp_path / "out" / "large").read_bytes() == b"".join(pieces)


def test_what_is_there_stays_where_its_successor_is_damaged(tmp_path: Path) -> None:
    small = SmallRepository()
    pack = small.add_pack([(BlobType.DATA, b"new content")])
    tree = tree_of([file_node(b"file", b"new content")])
    _save(small, tree)
    _flip(small, pack, 0)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_bytes(b"old")

    result = _restore(small, tree, tmp_path / "out")

    assert _failed(result) == [b"/file"]
    assert _content(tmp_path / "out") == {"file": b"old"}


def test_no_other_name_is_given_to_an_old_file_whose_successor_is_damaged(tmp_path: Path) -> None:
    small = SmallRepository()
    pack = small.add_pack([(BlobType.DATA, b"new content")])
    linked = {"links": 2, "inode": 7, "device_id": 1}
    tree = tree_of([file_node(name, b"new content", **linked) for name in (b"a", b"b")])
    _save(small, tree)
    _flip(small, pack, 0)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_bytes(b"old")

    result = _restore(small, tree, tmp_path / "out")

    assert _failed(result) == [b"/a", b"/b"]
    assert _content(tmp_path / "out") == {"a": b"old"}


def test_one_inode_number_on_two_hosts_is_not_one_file(tmp_path: Path) -> None:
    small = SmallRepository()
    small.add_pack([(BlobType.DATA, b"web1"), (BlobType.DATA, b"web2")])
    linked = {"links": 2, "inode": 7, "device_id": 1}
    tree = tree_of([file_node(b"a", b"web1", **linked), file_node(b"b", b"web2", **linked)])
    _save(small, tree)

    assert _restore(small, tree, tmp_path / "out").failures == ()
    assert _content(tmp_path / "out") == {"a": b"web1", "b": b"web2"}


@pytest.mark.parametrize(
    "node",
    [
        file_node(b"bad", size=5, content=None),
        file_node(b"bad", b"here", size=5),
        file_node(b"bad", b"here", b"not in the index"),
        file_node(b"bad", type="symlink", content=None),
        folder_node(b"bad", None),
        folder_node(b"bad", id_of(b"not in the index")),
        folder_node(b"bad", id_of(b"here")),
    ],
)
def test_a_wrong_entry_is_reported_and_costs_no_other(tmp_path: Path, node: Node) -> None:
    small = SmallRepository()
    small.add_pack([(BlobType.DATA, b"here")])
    tree = tree_of([node, file_node(b"good", b"here")])
    _save(small, tree)

    result = _restore(small, tree, tmp_path / "out")

    assert _failed(result) == [b"/bad"]
    assert _content(tmp_path / "out") == {"good": b"here"}


def test_the_second_of_two_equal_names_is_reported(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    small = SmallRepository()
    small.add_pack([(BlobType.DATA, b"escaped")])
    inner = tree_of([file_node(b"file", b"escaped")])
    link = file_node(b"x", type="symlink", content=None, linktarget=os.fsencode(outside))
    tree = tree_of([link, folder_node(b"x", id_of(inner)), file_node(b"y", b"escaped")])
    _save(small, tree, inner)

    result = _restore(small, tree, tmp_path / "out")

    assert _failed(result) == [b"/x"]
    assert list(outside.iterdir()) == []
    assert (tmp_path / "out" / "y").read_bytes() == b"escaped"


def test_a_name_that_is_a_path_spoils_its_folder_alone(tmp_path: Path) -> None:
    small = SmallRepository()
    small.add_pack([(BlobType.DATA, b"content")])
    inner = tree_of([file_node(b"../escaped", b"content")])
    tree = tree_of([folder_node(b"bad", id_of(inner)), file_node(b"good", b"content")])
    _save(small, tree, inner)

    result = _restore(small, tree, tmp_path / "deep" / "out")

    assert _failed(result) == [b"/bad"]
    assert _content(tmp_path) == {"deep/out/good": b"content"}


def test_delete_spares_a_folder_whose_tree_cannot_be_read(tmp_path: Path) -> None:
    small = SmallRepository()
    small.add_pack([(BlobType.DATA, b"content")])
    tree = tree_of([folder_node(b"lost", id_of(b"lost")), file_node(b"z", b"content")])
    _save(small, tree)
    (tmp_path / "out" / "lost").mkdir(parents=True)
    (tmp_path / "out" / "lost" / "precious").write_bytes(b"precious")
    (tmp_path / "out" / "stray").write_bytes(b"stray")

    request = RestoreRequest(os.fsencode(tmp_path / "out"), delete=True, workers=0)
    result = restore_snapshot(small.repository, id_of(tree), request)

    assert _failed(result) == [b"/lost"]
    assert _content(tmp_path / "out") == {"lost/precious": b"precious", "z": b"content"}


def test_the_root_of_the_machine_is_not_emptied() -> None:
    small = SmallRepository()
    _save(small, tree_of([]))

    for target in (b"/", b"//", b"/tmp/..", b"/proc/self/root"):
        with pytest.raises(UsageError, match="root folder of this machine"):
            restore_snapshot(
                small.repository, id_of(tree_of([])), RestoreRequest(target, delete=True)
            )


def test_a_subfolder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    small = SmallRepository()
    small.add_pack([(BlobType.DATA, b"content")])
    tree = tree_of([file_node(b"file", b"content")])
    _save(small, tree)

    for subfolder in (b"/none", b"/file", b"/file/none"):
        request = RestoreRequest(os.fsencode(tmp_path / "out"), subfolder=subfolder, workers=0)
        with pytest.raises(UsageError, match="no folder"):
            restore_snapshot(small.repository, id_of(tree), request)


def test_a_root_tree_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    small = SmallRepository()
    small.save_index()

    result = _restore(small, b"never stored", tmp_path / "out")

    assert _failed(result) == [b"/"]
    assert result.exit_code == 1


def test_a_target_that_is_no_folder_is_refused_with_a_reason(tmp_path: Path) -> None:
    small = SmallRepository()
    _save(small, tree_of([]))
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(BackupError, match="cannot restore into"):
        _restore(small, tree_of([]), tmp_path / "file")


def test_a_full_target_ends_the_restore() -> None:
    tally = Tally(SilentProgress())

    with pytest.raises(BackupError, match="cannot write /a/b to the target"):
        tally.fail_with(b"a/b", errno.ENOSPC, "No space left on device")


def test_errors_without_end_are_counted_but_not_kept() -> None:
    tally = Tally(SilentProgress())
    for number in range(MOST_ERRORS_KEPT + 5):
        tally.fail_with(b"%d" % number, errno.EACCES, "Permission denied")

    result = tally.result()

    assert (len(result.failures), result.error_count) == (MOST_ERRORS_KEPT, MOST_ERRORS_KEPT + 5)
