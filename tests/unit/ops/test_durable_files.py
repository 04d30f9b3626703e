"""Files that are whole under their name, also where a medium knows neither links nor syncing."""

import errno
import os
from pathlib import Path

import pytest

from ops.durable_files import put_anew, put_new


def refuse_links(*_ignored: object) -> None:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def fail_in_folders(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Have a folder's fsync fail, as the drivers of some file systems do."""
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").resolve().is_dir():
            raise OSError(code, os.strerror(code))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


def test_a_medium_without_links_takes_new_files_and_keeps_those_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", refuse_links)
    put_new(tmp_path / "share-1.html", b"words", 0o600)
    with pytest.raises(FileExistsError):
        put_new(tmp_path / "share-1.html", b"other words", 0o600)

    assert {it.name: it.read_bytes() for it in tmp_path.iterdir()} == {"share-1.html": b"words"}


def test_a_medium_that_cannot_sync_folders_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_in_folders(monkeypatch, errno.EINVAL)
    put_new(tmp_path / "new", b"1", 0o600)
    put_anew(tmp_path / "new", b"2", 0o644)

    assert (tmp_path / "new").read_bytes() == b"2"


def test_a_new_file_whose_name_is_not_durable_is_withdrawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_in_folders(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        put_new(tmp_path / "key", b"secret", 0o600)

    assert list(tmp_path.iterdir()) == []
