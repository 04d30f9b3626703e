"""A file is placed whole, with its own permissions, and never over another unless asked."""

import stat
from pathlib import Path

import pytest

from ops.durable_files import place_file


def test_folders_and_file_get_their_own_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a/b/secret"
    place_file(path, b"x", mode=0o600, replace=False, folder_mode=0o700)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [it.name for it in path.parent.iterdir()] == ["secret"]


def test_an_existing_file_stays_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    place_file(path, b"old", mode=0o644, replace=False)
    with pytest.raises(FileExistsError):
        place_file(path, b"new", mode=0o644, replace=False)
    assert path.read_bytes() == b"old"

    place_file(path, b"new", mode=0o600, replace=True)
    assert path.read_bytes() == b"new"
    assert [it.name for it in tmp_path.iterdir()] == ["file"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"untouched")
    (tmp_path / "link").symlink_to(other)
    place_file(tmp_path / "link", b"new", mode=0o600, replace=True)

    assert other.read_bytes() == b"untouched"
    assert not (tmp_path / "link").is_symlink()
