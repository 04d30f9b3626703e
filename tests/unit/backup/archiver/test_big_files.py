"""Big files read and cut by the workers: whole, in order, and never two files in one."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backup.archiver.big_files import END, WINDOW, BigFile, ReplacedError, WindowReader
from backup.archiver.run_writer import RunWriter
from backup.format.pack import BlobType
from backup.repository.repository import Repository
from backup.sources.local.read import Xattrs
from backup.stores.folder import FolderStore
from tests.backing_up import make_repository

MIB = 1 << 20
Told = list[tuple[bytes, int, Xattrs]]


@pytest.fixture(params=[0, 2], ids=["here", "two workers"])
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunWriter]:
    made = RunWriter(make_repository(FolderStore(tmp_path / "repository")), width=request.param)
    yield made
    made.close()


def name_of(path: Path) -> BigFile:
    status = path.lstat()
    return BigFile(bytes(path.parent), os.fsencode(path.name), status.st_dev, status.st_ino)


def store(
    writer: RunWriter, file: BigFile, *, advance: Callable[[int], None] = lambda _: None
) -> tuple[Told, list[OSError | None]]:
    told: Told = []
    failures: list[OSError | None] = []
    writer.store_file(file, lambda *it: told.append(it), failures.append, advance=advance)
    writer.drain()
    writer.checkpoint()
    return told, failures


def read(repository: Repository, ids: bytes) -> bytes:
    index = repository.load_index()
    return b"".join(
        repository.load_blob(index, ids[at : at + 32], expected=BlobType.DATA)
        for at in range(0, len(ids), 32)
    )


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, MIB, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW + 7])
def test_a_file_comes_back_whatever_its_size(writer: RunWriter, tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    path = tmp_path / "big"
    path.write_bytes(data)
    stretches: list[int] = []
    told, failures = store(writer, name_of(path), advance=stretches.append)
    ((ids, length, _),) = told
    assert (length, sum(stretches), failures) == (size, size, [])
    assert read(writer._repository, ids) == data


def test_it_is_cut_as_a_stream_of_the_same_bytes_is(writer: RunWriter, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(os.urandom(2 * WINDOW + 5 * MIB))
    ((ids, _, _),), _ = store(writer, name_of(path))
    streamed: list[bytes] = []
    with path.open("rb", buffering=0) as file:
        writer.store_stream(
            lambda view: file.readinto(view) or 0, lambda it, _: streamed.append(it)
        )
        writer.drain()
    assert streamed == [ids]


def test_extended_attributes_come_along(writer: RunWriter, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(bytes(2 * WINDOW))
    os.setxattr(path, "user.origin", b"scanner")
    ((_, _, xattrs),), _ = store(writer, name_of(path))
    assert ("user.origin", b"scanner") in xattrs


def test_another_file_under_the_name_is_told_apart(writer: RunWriter, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(bytes(MIB))
    listed = name_of(path)
    path.rename(tmp_path / "old")
    path.write_bytes(bytes(MIB))
    assert store(writer, listed) == ([], [None])


def test_a_file_that_has_gone_is_told_with_its_reason(writer: RunWriter, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(bytes(MIB))
    listed = name_of(path)
    path.unlink()
    told, (failure,) = store(writer, listed)
    assert told == []
    assert isinstance(failure, FileNotFoundError)


def test_a_file_replaced_between_two_windows_is_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(os.urandom(2 * WINDOW))
    listed = name_of(path)
    reader = WindowReader(_polynomial())
    _, following, _ = reader.read(listed, 0)
    assert 0 < following <= WINDOW
    path.rename(tmp_path / "old")
    path.write_bytes(os.urandom(2 * WINDOW))
    with pytest.raises(ReplacedError):
        reader.read(listed, following)


def test_a_file_that_shrinks_between_two_windows_ends_there(tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(os.urandom(2 * WINDOW))
    listed = name_of(path)
    reader = WindowReader(_polynomial())
    _, following, _ = reader.read(listed, 0)
    os.truncate(path, following // 2)
    chunks, end, _ = reader.read(listed, following)
    assert (chunks, end) == ([], END)


def _polynomial() -> int:
    return make_repository().config.polynomial
