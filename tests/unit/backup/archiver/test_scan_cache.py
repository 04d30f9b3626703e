"""The scan cache counts only for what it was made for, and while the index has lost nothing."""

from pathlib import Path

import pytest

from backup.archiver.scan_cache import ScanCache

KEY = "('cổng', b'/srv/\\xff')"
ENTRIES = {bytes([number]) * 16: bytes([number]) * 32 for number in range(5)}
INDEX = ["aa" * 32, "bb" * 32]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ScanCache.load(tmp_path / "cache", KEY, ()).store(ENTRIES, INDEX)
    return tmp_path / "cache"


def entries(folder: Path | None, key: str = KEY, index: list[str] = INDEX) -> dict[bytes, bytes]:
    return ScanCache.load(folder, key, index).entries


def test_it_remembers(folder: Path) -> None:
    cache = ScanCache.load(folder, KEY, INDEX)
    assert cache.entries == ENTRIES
    assert cache.tree_ids == set(ENTRIES.values())


def test_new_index_files_do_not_matter_and_lost_ones_do(folder: Path) -> None:
    assert entries(folder, index=[*INDEX, "cc" * 32]) == ENTRIES
    assert entries(folder, index=INDEX[:1]) == {}
    assert entries(folder, index=[]) == {}


def test_another_key_has_a_cache_of_its_own(folder: Path) -> None:
    assert entries(folder, key="other") == {}
    ScanCache.load(folder, "other", ()).store({bytes(16): bytes(32)}, [])
    assert entries(folder) == ENTRIES


def test_no_folder_means_no_cache() -> None:
    cache = ScanCache.load(None, KEY, INDEX)
    cache.store(ENTRIES, INDEX)
    assert cache.entries == {}


def test_damage_anywhere_empties_it(folder: Path) -> None:
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert entries(folder) == {}, at
        path.write_bytes(whole[:at])
        assert entries(folder) == {}, at
    path.write_bytes(whole)
    assert entries(folder) == ENTRIES


def test_a_cache_that_cannot_be_written_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ScanCache.load(tmp_path / "file" / "cache", KEY, ()).store(ENTRIES, INDEX)
    assert entries(tmp_path / "file" / "cache") == {}


def test_nothing_else_is_left_in_its_folder_and_nobody_else_may_look(folder: Path) -> None:
    assert len(list(folder.iterdir())) == 1
    assert folder.stat().st_mode & 0o077 == 0
