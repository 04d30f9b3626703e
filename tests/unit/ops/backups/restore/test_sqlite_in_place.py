"""A damaged copy is refused, and the way out is an earlier one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ops.backups.restore.sqlite_in_place import put_database_back
from ops.errors import OpsError


def _database(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE bai (noi_dung TEXT)")
        database.executemany("INSERT INTO bai VALUES (?)", [("tin tức " * 400,)] * 50)
        database.commit()
    return path


@pytest.mark.parametrize("place", [0, 4096 * 3])
def test_a_damaged_copy_is_named_and_the_live_file_stays(tmp_path: Path, place: int) -> None:
    live, copy = _database(tmp_path / "live.db"), _database(tmp_path / "copy.db")
    before = live.read_bytes()
    with copy.open("r+b") as file:
        file.seek(place)
        file.write(b"\xff" * 4096)

    with pytest.raises(OpsError) as caught:
        put_database_back(copy, live)
    assert "damaged in this snapshot" in caught.value.what
    assert "backup.list" in caught.value.next_step
    assert live.read_bytes() == before
