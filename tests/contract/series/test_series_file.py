"""The file of the series: full, locked, damaged, newer, killed at any statement."""

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, insert, select

import ops.monitor.series.store as store_module
from ops.monitor.series.read import Bucket, Point, read_latest, read_series
from ops.monitor.series.store import (
    SeriesError,
    SeriesStore,
    five_minutes,
    hours,
    open_series,
    raw,
    versions,
)
from ops.monitor.series.write import roll_up, write_points

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'series.db'}"


def batch(at: datetime, subjects: int = 3) -> list[Point]:
    return [Point(f"host:h{n}", "load1", at, n + at.minute) for n in range(subjects)]


def work(store: SeriesStore, say: Callable[[int], object]) -> None:
    for minute in range(2):
        at = NOW + 20 * minute * MINUTE
        write_points(store, batch(at, subjects=1), at)
        say(minute)
        roll_up(store, at + 10 * MINUTE, share=1)


def test_nobody_else_reads_the_file(tmp_path: Path) -> None:
    open_series(url_of(tmp_path)).close()

    assert (tmp_path / "series.db").stat().st_mode & 0o777 == 0o600


def test_killed_before_any_statement_nothing_reported_is_lost(tmp_path: Path) -> None:
    """The child dies by SIGKILL at its n-th statement, for every n until it ends by itself."""
    whole = tmp_path / "whole"
    open_series(url_of(whole)).close()
    empty = (whole / "series.db").read_bytes()
    with closing(_open_hastily(whole)) as store:
        work(store, lambda _minute: None)
        expected = _contents(store)
    for number in range(1, 500):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "series.db").write_bytes(empty)
        was_killed = _run_until(folder, number)
        told = (folder / "told").read_text() if (folder / "told").exists() else ""
        with closing(_open_hastily(folder)) as store:
            seen = {it.at for it in _raw_of(store)}
            assert {NOW + 20 * int(it) * MINUTE for it in told.split()} <= seen
            work(store, lambda _minute: None)
            assert _contents(store) == expected
        if not was_killed:
            break
    else:
        pytest.fail("the child never ended by itself")


def _raw_of(store: SeriesStore) -> list[Bucket]:
    return read_series(store, "host:h0", "load1", NOW, NOW + 600 * MINUTE, MINUTE)


def _open_hastily(folder: Path) -> SeriesStore:
    """Open without waiting for the disk: a killed process loses nothing that it gave the kernel."""
    store = open_series(url_of(folder))
    event.listen(
        store.readers, "connect", lambda it, _entry: it.execute("PRAGMA synchronous=OFF").close()
    )
    store.readers.dispose()
    return store


def _run_until(folder: Path, number: int) -> bool:
    child = os.fork()
    if child == 0:
        try:
            _die_at(folder, number)
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _die_at(folder: Path, number: int) -> None:
    count = 0

    def strike(*_arguments: object) -> None:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    store = _open_hastily(folder)
    for name in ("before_cursor_execute", "commit"):
        event.listen(store.readers, name, strike)
    with (folder / "told").open("a", buffering=1) as told:
        work(store, lambda minute: print(minute, file=told, flush=True))


def _contents(store: SeriesStore) -> list[object]:
    with store.reading() as connection:
        return [connection.execute(select(it)).all() for it in (raw, five_minutes, hours)]


def test_a_locked_file_is_told_after_a_short_wait_and_goes_on_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "BUSY_MILLISECONDS", 50)
    with (
        closing(open_series(url_of(tmp_path))) as store,
        closing(sqlite3.connect(tmp_path / "series.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SeriesError) as caught:
            write_points(store, batch(NOW), NOW)
        other.execute("ROLLBACK")
        write_points(store, batch(NOW), NOW)

        assert caught.value.params["answer"] == "SQLITE_BUSY"
        assert len(read_latest(store, NOW)) == 3


def test_a_full_disk_is_told_and_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    with closing(open_series(url_of(tmp_path))) as store:
        write_points(store, batch(NOW), NOW)
        event.listen(store.readers, "begin", _leave_no_room)
        store.readers.dispose()

        with pytest.raises(SeriesError) as caught:
            _write_for_hours(store)

        assert caught.value.params["answer"] == "SQLITE_FULL"
        kept = read_series(store, "host:h2", "load1", NOW, NOW + MINUTE, MINUTE)
        assert [it.mean for it in kept] == [2.0]


def _write_for_hours(store: SeriesStore) -> None:
    for minute in range(1, 400):
        at = NOW + minute * MINUTE
        write_points(store, batch(at, subjects=200), at)


def _leave_no_room(connection: Connection) -> None:
    connection.exec_driver_sql("PRAGMA max_page_count=40")


@pytest.mark.parametrize("content", [b"no database at all" * 400, b"SQLite format 3\0" + bytes(9)])
def test_a_damaged_file_is_told_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "series.db").write_bytes(content)

    with pytest.raises(SeriesError) as caught:
        open_series(url_of(tmp_path))

    assert caught.value.params["answer"] in {"SQLITE_NOTADB", "SQLITE_CORRUPT"}
    assert (tmp_path / "series.db").read_bytes() == content


def test_a_newer_version_of_the_file_is_left_alone(tmp_path: Path) -> None:
    with closing(open_series(url_of(tmp_path))) as store, store.writing() as connection:
        connection.execute(versions.delete())
        connection.execute(insert(versions).values(schema=99))

    with pytest.raises(SeriesError, match="schema 99"):
        open_series(url_of(tmp_path))


def test_an_address_of_another_kind_is_told_without_its_password() -> None:
    with pytest.raises(SeriesError) as caught:
        open_series("mysql://giucong:hidden-word@127.0.0.1/series")

    assert "hidden-word" not in f"{caught.value} {caught.value.params}"


def test_the_file_gives_room_back(tmp_path: Path) -> None:
    with closing(open_series(url_of(tmp_path))) as store:
        moments = [NOW + minute * MINUTE for minute in range(240)]
        points = [it for at in moments for it in batch(at, subjects=30)]
        write_points(store, points, moments[-1])
        for hour in range(3):
            for share in range(31):
                roll_up(store, NOW + timedelta(days=7, hours=6 + hour), share)
        with store.reading() as connection:
            free = connection.exec_driver_sql("PRAGMA freelist_count").scalar()
            rows = connection.execute(select(raw)).all()

    assert rows == []
    assert free == 0
