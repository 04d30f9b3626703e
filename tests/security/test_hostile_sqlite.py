"""An SQLite file is copied and looked into, whatever its maker wants that to cost."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backup.sources.databases import sqlite_examination
from backup.sources.databases.sqlite_copy import SqliteFacts, open_copy
from backup.sources.databases.sqlite_examination import examine
from ops.backups.restore.sqlite_in_place import put_database_back
from ops.errors import OpsError
from ops.language.text import render_error
from ops.sandbox.databases.sqlite import open_read_only

# One step of SQLite, within which its own interrupt does not come by.
ENDLESS = "instr(zeroblob(40000000), zeroblob(20000000) || x'01') = 0"
HUGE = "length(hex(zeroblob(400000000))) > 0"


def make_trap(path: Path, condition: str) -> Path:
    """Make a database, to check which a condition of an index has to be evaluated."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (a TEXT)")
        database.execute("INSERT INTO t VALUES ('x')")
        database.execute("CREATE INDEX i ON t (a) WHERE a = 'x'")
        database.execute("PRAGMA writable_schema = ON")
        changed = f"CREATE INDEX i ON t (a) WHERE a = 'x' AND {condition}"
        database.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'i'", [changed])
        database.commit()
    return path


@pytest.mark.slow
def test_a_check_without_end_is_broken_off_and_the_copy_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_examination, "_LEAST_SECONDS", 2)
    path = make_trap(tmp_path / "live.sqlite", ENDLESS)
    facts: list[SqliteFacts] = []
    with open_copy(path, tmp_path / "scratch", on_facts=facts.append) as reader:
        buffer = bytearray(1 << 20)
        size = reader.readinto(memoryview(buffer))

    assert facts[0].problems == ("the check was broken off: it was not over after 2 seconds",)
    assert (size, facts[0].size_bytes) == (path.stat().st_size, path.stat().st_size)
    assert (facts[0].page_size, facts[0].encoding) == (4096, "UTF-8")


@pytest.mark.slow
def test_a_check_that_takes_all_memory_is_broken_off(tmp_path: Path) -> None:
    path = make_trap(tmp_path / "live.sqlite", HUGE)

    found = examine(path, "integrity_check", memory_bytes=300_000_000)

    assert found.problems == (
        "the check was broken off: it takes more than 300000000 bytes of memory",
    )


@pytest.mark.slow
def test_a_trap_is_not_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_examination, "_LEAST_SECONDS", 2)
    copy, live = make_trap(tmp_path / "copy.sqlite", ENDLESS), tmp_path / "live.sqlite"

    with pytest.raises(OpsError) as told:
        put_database_back(copy, live)

    assert "not over after 2 seconds" in render_error(told.value)
    assert not live.exists()


def test_nothing_that_a_file_brings_along_is_trusted_in_a_drill(tmp_path: Path) -> None:
    path = tmp_path / "live.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE VIEW v AS SELECT ours()")

    with closing(open_read_only(str(path))) as opened:
        opened.create_function("ours", 0, lambda: "called")
        with pytest.raises(sqlite3.OperationalError, match="unsafe use of ours"):
            opened.execute("SELECT * FROM v")
