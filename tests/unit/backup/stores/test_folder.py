"""What the folder store promises beyond the contract of all stores."""

import errno
import os
import pickle
import re
import shutil
import stat
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pytest

from backup.errors import ObjectExistsError, StoreError, StoreUnavailableError
from backup.stores.base import ObjectInfo
from backup.stores.folder import FolderStore


def test_objects_are_read_only_and_folders_are_private(tmp_path: Path) -> None:
    FolderStore(tmp_path / "new" / "store").write("data/ab/x", b"x")
    modes = {
        path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.lstat().st_mode)
        for path in tmp_path.rglob("*")
    }

    assert modes == {
        "new": 0o700,
        "new/store": 0o700,
        "new/store/data": 0o700,
        "new/store/data/ab": 0o700,
        "new/store/data/ab/x": 0o400,
    }


def test_nothing_is_created_before_the_first_write(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    assert list(store.list("")) == []
    with pytest.raises(StoreError):
        store.read("config")

    assert list(tmp_path.iterdir()) == []


def test_only_files_that_a_key_can_name_are_listed(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.write("data/00/good", b"x")
    hostile_names = (b".giucong-tmp-12", b".hidden", b"caf\xe9", "cổng".encode(), b"new\nline")
    for name in hostile_names:
        (tmp_path / os.fsdecode(b"data/00/" + name)).write_bytes(b"partial")
    (tmp_path / ".hidden-folder").mkdir()
    (tmp_path / ".hidden-folder" / "inside").write_bytes(b"x")
    os.mkfifo(tmp_path / "data" / "fifo")
    (tmp_path / "data" / "dangling").symlink_to("nowhere")

    assert list(store.list("")) == [ObjectInfo("data/00/good", 1)]


def test_a_fifo_under_a_key_is_no_object_and_blocks_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    store = FolderStore(tmp_path)
    for call in (store.read, store.size):
        with pytest.raises(StoreError, match="fifo is not in"):
            call("fifo")


def test_a_data_folder_may_be_a_link_to_another_disk(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "disk").mkdir()
    (tmp_path / "store" / "data").symlink_to("../disk")
    store = FolderStore(tmp_path / "store")
    store.write("data/ab/x", b"x")

    assert (tmp_path / "disk" / "ab" / "x").read_bytes() == b"x"
    assert list(store.list("data")) == [ObjectInfo("data/ab/x", 1)]


def test_no_temporary_file_is_left_by_writes_that_worked_or_failed(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.write("key", b"first")
    with pytest.raises(ObjectExistsError):
        store.write("key", b"second")

    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_folder_that_vanished_is_unavailable_and_made_again(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.write("data/ab/x", b"x")
    (tmp_path / "data/ab/x").unlink()
    (tmp_path / "data/ab").rmdir()
    with pytest.raises(StoreUnavailableError):
        store.write("data/ab/y", b"y")
    store.write("data/ab/y", b"y")

    assert store.read("data/ab/y") == b"y"


def test_a_file_in_the_place_of_a_folder_is_a_permanent_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(StoreError) as caught:
        FolderStore(tmp_path).write("data/ab/x", b"x")

    assert not isinstance(caught.value, StoreUnavailableError)


def test_a_key_too_long_for_the_file_system_is_a_permanent_error(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    for call in (store.read, store.size, store.delete, lambda key: store.write(key, b"")):
        with pytest.raises(StoreError, match="cannot") as caught:
            call("k" * 300)

        assert not isinstance(caught.value, StoreUnavailableError)


def test_a_store_works_below_a_folder_that_may_be_passed_but_not_opened() -> None:
    nobody = 65_534 if os.geteuid() == 0 else os.geteuid()
    base = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    try:
        (base / "store").mkdir()
        os.chown(base / "store", nobody, -1)
        base.chmod(0o311)
        before = os.geteuid()
        os.seteuid(nobody)
        try:
            with pytest.raises(PermissionError):
                list(base.iterdir())
            FolderStore(base / "store").write("config", b"x")
        finally:
            os.seteuid(before)

        assert (base / "store" / "config").read_bytes() == b"x"
    finally:
        base.chmod(0o700)
        shutil.rmtree(base)


def test_the_location_is_absolute_and_stays_when_the_process_changes_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store = FolderStore("store")
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.write("config", b"x")

    assert store.location == str(tmp_path / "store")
    assert (tmp_path / "store" / "config").exists()


def test_a_store_can_be_sent_to_another_process(tmp_path: Path) -> None:
    FolderStore(tmp_path).write("config", b"x")
    copy = pickle.loads(pickle.dumps(FolderStore(tmp_path)))  # noqa: S301 - made one line above

    assert copy.read("config") == b"x"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, "StoreFullError"),
        (errno.EDQUOT, "StoreFullError"),
        (errno.EIO, "StoreUnavailableError"),
        (errno.ESTALE, "StoreUnavailableError"),
        (errno.EMFILE, "StoreUnavailableError"),
        (errno.EACCES, "StoreError"),
        (errno.EROFS, "StoreReadOnlyError"),
    ],
)
def test_system_errors_of_a_write_are_told_apart(
    tmp_path: Path, number: int, expected: str
) -> None:
    error = OSError(number, os.strerror(number))
    translated = FolderStore(tmp_path)._translate_write(error, "data/ab/x")

    assert type(translated).__name__ == expected
    if expected == "StoreFullError":
        assert str(translated) == f"no room is left in {tmp_path}"
        assert re.search(r"free on that disk: \d+ MiB", dict(translated.lines())["why"])
    else:
        assert str(translated) == f"cannot write data/ab/x to {tmp_path}"
    assert all("{" not in text for _, text in translated.lines())


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOENT, "ObjectNotFoundError"),
        (errno.EIO, "StoreUnavailableError"),
        (errno.EACCES, "StoreError"),
    ],
)
def test_system_errors_of_a_read_are_told_apart(tmp_path: Path, number: int, expected: str) -> None:
    error = OSError(number, os.strerror(number))
    translated = FolderStore(tmp_path)._translate(error, "cannot read {key} in {location}", "k")

    assert type(translated).__name__ == expected
    assert all("{" not in text for _, text in translated.lines())


def test_sweep_removes_old_temporary_files_and_nothing_else(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.write("data/ab/x", b"x")
    now = time.time()
    day = 86_400.0
    for name, age in (("data/ab/.giucong-tmp-1", 2 * day), ("data/ab/.giucong-tmp-2", 60.0)):
        (tmp_path / name).write_bytes(b"part")
        os.utime(tmp_path / name, (now - age, now - age))
    for name in ("data/ab/x", "data/ab/.other"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (now - 9 * day, now - 9 * day))

    assert store.sweep(now=lambda: now) == 1
    assert store.sweep(now=lambda: now) == 0
    assert sorted(path.name for path in (tmp_path / "data/ab").iterdir()) == [
        ".giucong-tmp-2",
        ".other",
        "x",
    ]
    assert store.sweep(now=lambda: now, older_than=timedelta(seconds=30)) == 1
