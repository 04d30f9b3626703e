"""Real SQLite databases, with writers at work while they are copied."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import backup.sources.databases.sqlite_copy as module
from backup.errors import SourceError
from backup.sources.databases.sqlite_copy import SqliteFacts, open_copy
from backup.sources.source import Reader

ROWS = 3_000
_WRITER = """
import sqlite3, sys, itertools, time
database = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
for number in itertools.count():
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO pairs VALUES (?, 'a')", (number,))
    database.execute("INSERT INTO pairs VALUES (?, 'b')", (number,))
    database.execute("COMMIT")
    print(number, flush=True)
    time.sleep(0.005)
"""

_KILLED_WRITER = """
import os, signal, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 5")
database.execute("BEGIN IMMEDIATE")
rows = ((number % 2, "ab"[number % 2]) for number in range(20_000))
database.execute("DELETE FROM pairs")
database.executemany("INSERT INTO pairs VALUES (?, ?)", rows)
os.kill(os.getpid(), signal.SIGKILL)
"""


def make_database(path: Path, journal_mode: str) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode = {journal_mode}")
        database.execute("CREATE TABLE pairs (number INTEGER, half TEXT)")
        database.execute('CREATE TABLE "bài ""viết""" (id INTEGER PRIMARY KEY, body TEXT)')
        database.executemany('INSERT INTO "bài ""viết""" (body) VALUES (?)', [("x" * 700,)] * ROWS)
        database.execute("PRAGMA user_version = 7")
        database.commit()
    return path


@contextmanager
def writer(path: Path) -> Iterator[None]:
    """Keep writing pairs of rows from another process, which is at work already."""
    command = [sys.executable, "-c", _WRITER, str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        assert process.poll() is None, "the writer was thrown out"
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def read_all(reader: Reader) -> bytes:
    content, buffer = b"", bytearray(1 << 16)
    while count := reader.readinto(memoryview(buffer)):
        content += buffer[:count]
    return content


def copy(path: Path, folder: Path) -> tuple[Path, SqliteFacts]:
    facts: list[SqliteFacts] = []
    with open_copy(path, folder / "scratch", on_facts=facts.append) as reader:
        content = read_all(reader)
    made = folder / "restored.sqlite"
    made.write_bytes(content)
    return made, facts[0]


def count_halves(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        query = "SELECT count(*) FROM pairs WHERE half = ?"
        return [database.execute(query, (half,)).fetchone()[0] for half in "ab"]


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_a_copy_is_consistent_while_a_writer_goes_on(
    tmp_path: Path, journal_mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STEP_PAGES", 100)
    path = make_database(tmp_path / "live.sqlite", journal_mode)
    with writer(path):
        made, facts = copy(path, tmp_path)
    first, second = count_halves(made)

    assert first == second > 0
    assert facts.tables == {'bài "viết"': ROWS, "pairs": first + second}
    assert (facts.journal_mode, facts.user_version, facts.problems) == (journal_mode, 7, ())
    assert facts.consistent_at <= facts.copied_at
    assert list((tmp_path / "scratch").iterdir()) == []


def test_an_idle_database_in_wal_mode_gets_no_files_of_ours_beside_it(tmp_path: Path) -> None:
    path = make_database(tmp_path / "live.sqlite", "wal")
    before = path.stat()
    made, facts = copy(path, tmp_path)

    assert sorted(it.name for it in tmp_path.glob("live.sqlite*")) == ["live.sqlite"]
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert facts.journal_mode == "wal"
    assert count_halves(made) == [0, 0]


def test_rows_that_stand_only_in_the_log_are_copied(tmp_path: Path) -> None:
    path = make_database(tmp_path / "live.sqlite", "wal")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("INSERT INTO pairs VALUES (1, 'a')")
        database.execute("INSERT INTO pairs VALUES (1, 'b')")
        _made, facts = copy(path, tmp_path)

    assert facts.tables["pairs"] == 2


def cut_off(path: Path) -> dict[str, bytes]:
    """Kill a writer in its transaction; gives the files it leaves."""
    ended = subprocess.run([sys.executable, "-c", _KILLED_WRITER, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.with_name(f"{path.name}-journal").stat().st_size > 0
    return {it.name: it.read_bytes() for it in path.parent.glob(f"{path.name}*")}


@pytest.mark.parametrize("journal_mode", ["delete", "persist", "truncate"])
def test_a_transaction_that_was_cut_off_is_undone_in_the_copy_alone(
    tmp_path: Path, journal_mode: str
) -> None:
    path = make_database(tmp_path / "live.db", journal_mode)
    with closing(sqlite3.connect(path)) as database:
        database.executemany("INSERT INTO pairs VALUES (1, ?)", [("a",), ("b",)] * 5)
        database.commit()
    left = cut_off(path)
    made, facts = copy(path, tmp_path)

    assert {it.name: it.read_bytes() for it in tmp_path.glob("live.db*")} == left
    assert facts.problems == ()
    assert facts.tables == {'bài "viết"': ROWS, "pairs": 10}
    assert (facts.user_version, facts.journal_mode) == (7, "delete")
    assert count_halves(made) == [5, 5]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_cut_off_database_that_changes_is_copied_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_database(tmp_path / "live.db", "delete")
    cut_off(path)
    copied = shutil.copyfile
    opened: list[int] = []

    def copy_slowly(source: str, target: str) -> object:
        done = copied(source, target)
        if not opened:  # the site comes back while we copy, and undoes the transaction itself
            with closing(sqlite3.connect(path)) as database:
                opened.append(database.execute("SELECT count(*) FROM pairs").fetchone()[0])
        return done

    monkeypatch.setattr(shutil, "copyfile", copy_slowly)
    made, facts = copy(path, tmp_path)

    assert opened == [0]
    assert facts.problems == ()
    assert count_halves(made) == [0, 0]


def test_a_cut_off_database_that_never_rests_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_database(tmp_path / "live.db", "delete")
    cut_off(path)
    copied = shutil.copyfile

    def copy_and_touch(source: str, target: str) -> object:
        done = copied(source, target)
        path.touch()
        return done

    monkeypatch.setattr(shutil, "copyfile", copy_and_touch)
    with pytest.raises(SourceError) as told:
        copy(path, tmp_path)

    assert "changed each time it was copied" in str(told.value)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_locked_database_is_told_as_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOCK_WAIT_SECONDS", 0.2)
    path = make_database(tmp_path / "live.sqlite", "delete")
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        with pytest.raises(SourceError, match="stays locked"), open_copy(path, tmp_path / "s"):
            pytest.fail("a locked database was copied")

    assert time.monotonic() - started < 60
    assert list((tmp_path / "s").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "told"), [(b"not a database at all" * 99, "is not an SQLite database")]
)
def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "live.sqlite"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=told), open_copy(path, tmp_path / "scratch"):
        pytest.fail("it was copied")


def test_a_missing_database_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(SourceError, match="cannot be copied") as caught,
        open_copy(tmp_path / "gone.sqlite", tmp_path / "scratch"),
    ):
        pytest.fail("it was copied")

    assert caught.value.params["reason"] == "No such file or directory"


def test_no_room_is_told_before_anything_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_database(tmp_path / "live.sqlite", "delete")
    monkeypatch.setattr(module, "_SPARE_BYTES", 1 << 60)
    with pytest.raises(SourceError, match="no room"), open_copy(path, tmp_path / "scratch"):
        pytest.fail("it was copied")


def test_a_damaged_database_is_copied_and_its_damage_told(tmp_path: Path) -> None:
    path = make_database(tmp_path / "live.sqlite", "delete")
    with path.open("r+b") as file:
        file.seek(40 * 4096)
        file.write(b"\xff" * 4096)
    made, facts = copy(path, tmp_path)

    assert facts.problems
    assert made.stat().st_size == path.stat().st_size
