"""Orders: files are compared, verified and written as they say."""

import marshal
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.format.crypto import OVERHEAD, MasterKey
from backup.restorer.blob_reader import PackReader, plan_spans
from backup.restorer.file_writer import FileWriter, write_with_holes
from backup.restorer.metadata import Metadata
from backup.restorer.orders import FileOrder, FilesOrder, Work, pack_order, parse_order
from backup.restorer.target_folders import Folders, list_names, remove_entry
from backup.stores.memory import MemoryStore
from backup.workers.processes import Message
from tests.small_repository import id_of
from tests.trees import build_deep_folder

_METADATA = Metadata(0o640, os.getuid(), os.getgid(), 1, 2, (("user.a", b"1"),))


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def _writer(root: int) -> FileWriter:
    reader = PackReader(MemoryStore(), MasterKey(bytes(32), bytes(16), bytes(16)))
    return FileWriter(reader, Folders(root), sparse=False)


def _order(work: Work, content: bytes) -> FilesOrder:
    piece = (0, 0, len(content) + OVERHEAD, 0, id_of(content))
    file = FileOrder(0, b"file", work, len(content), _METADATA, (piece,))
    return FilesOrder("files", [(b"", False)], {0: "data/00/none"}, [file])


@pytest.mark.parametrize("work", ["compare", "verify"])
@pytest.mark.parametrize("there", [b"right", b"wrong", b"righ", b"right and more"])
def test_other_bytes_are_found(root: int, tmp_path: Path, work: Work, there: bytes) -> None:
    (tmp_path / "file").write_bytes(there)

    remarks = _writer(root).carry_out(_order(work, b"right"))

    assert [remark.outcome for remark in remarks] == ([] if there == b"right" else ["differs"])


def test_comparing_sets_the_metadata_and_verifying_does_not(root: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"right")
    os.setxattr(path, "user.stray", b"1")

    _writer(root).carry_out(_order("verify", b"right"))
    assert path.stat().st_mtime_ns != 2

    _writer(root).carry_out(_order("compare", b"right"))
    assert (path.stat().st_mtime_ns, path.stat().st_mode & 0o7777) == (2, 0o640)
    assert os.listxattr(path) == ["user.a"]


def test_a_link_is_never_compared_through(root: int, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"right")
    (tmp_path / "file").symlink_to("elsewhere")

    remarks = _writer(root).carry_out(_order("compare", b"right"))

    assert [remark.outcome for remark in remarks] == ["differs"]
    assert (tmp_path / "elsewhere").stat().st_mtime_ns != 2


def test_creating_never_replaces(root: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"there already")
    order = _order("create", b"")
    empty = order.files[0]._replace(pieces=())

    remarks = _writer(root).carry_out(order._replace(files=[empty]))

    assert [remark.outcome for remark in remarks] == ["failed"]
    assert (tmp_path / "file").read_bytes() == b"there already"


def test_orders_survive_their_way_over_the_pipe() -> None:
    order = _order("create", b"content")
    message: Message = pack_order(order)

    assert parse_order(marshal.loads(marshal.dumps(message))) == order  # noqa: S302 -- our own


def test_pieces_that_lie_together_are_read_at_once() -> None:
    near, behind = (1, 0, 100, 0, b"a"), (1, 5_000, 100, 0, b"b")
    far, other_pack = (1, 1 << 20, 100, 0, b"c"), (2, 5_100, 100, 0, b"d")

    spans = list(plan_spans([behind, far, near, other_pack, behind]))

    assert [(span.pack, span.start, span.end, span.pieces) for span in spans] == [
        (1, 0, 5_100, [near, behind]),
        (1, 1 << 20, (1 << 20) + 100, [far]),
        (2, 5_100, 5_200, [other_pack]),
    ]


@pytest.mark.parametrize("offset", [0, 1, 4095, 4096])
def test_holes_hold_zeros_and_everything_else_is_written(tmp_path: Path, offset: int) -> None:
    content = bytes(9000) + b"x" * 100 + bytes(20_000) + b"y" + bytes(5)
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        write_with_holes(file.fileno(), content, offset)
        os.ftruncate(file.fileno(), offset + len(content))

    assert path.read_bytes() == bytes(offset) + content


# Folders -----------------------------------------------------------------------------------------


def test_no_part_of_a_path_may_be_a_link(root: int, tmp_path: Path) -> None:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "link").symlink_to("inner")
    folders = Folders(root)

    folders.open(b"real/inner")
    for path in (b"link", b"link/inner", b"real/link"):
        with pytest.raises(NotADirectoryError):
            folders.open(path)
    folders.close()


def test_paths_may_be_longer_than_the_system_takes(root: int, tmp_path: Path) -> None:
    build_deep_folder(tmp_path, depth=200)
    path = b"/".join(b"deep-%02d-" % number + b"d" * 190 for number in range(200))
    folders = Folders(root)

    assert list_names(folders.open(path)) == [b"file"]
    assert sorted(list_names(folders.open(path.rpartition(b"/")[0])))[1:] == [b"file"]
    folders.close()

    remove_entry(root, path.partition(b"/")[0])
    assert list_names(root) == []


def test_removing_takes_links_and_not_what_they_point_to(root: int, tmp_path: Path) -> None:
    (tmp_path / "gone" / "below").mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(b"kept")
    (tmp_path / "gone" / "below" / "link").symlink_to(tmp_path / "kept")

    remove_entry(root, b"gone")

    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept" / "file").read_bytes() == b"kept"
