"""Of two services on one catalog one watches; the other takes over when it ends."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ops.catalog.open import open_catalog
from ops.estate.model.estate import Estate
from ops.monitor import beat as beats
from ops.monitor.beat import (
    WAITS,
    Turn,
    find_silent,
    is_waiting,
    read_beat,
    take_turn,
    tell_watch,
)
from tests.postgres_server import PostgresServer, postgres_catalog, postgres_server
from tests.unit.ops.estate.conftest import Load, load

__all__ = ["load", "postgres_catalog", "postgres_server"]

pytestmark = pytest.mark.slow

SECONDS = 120.0


def await_that(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.02)


class Other(threading.Thread):
    """A watch on another machine: its own folder, its own connections."""

    def __init__(self, url: str, state: Path) -> None:
        super().__init__()
        self.catalog, self.state = open_catalog(url), state
        self.stop, self.has_turn = threading.Event(), threading.Event()
        self.turn: Turn | None = None

    def run(self) -> None:
        with take_turn(self.catalog, self.state, self.stop) as self.turn:
            self.has_turn.set()
            self.stop.wait()

    def end(self) -> None:
        self.stop.set()
        self.join()
        self.catalog.close()


@pytest.fixture
def estate(load: Load, tmp_path: Path) -> Estate:
    (tmp_path / "b").mkdir()
    made = load()
    service = made.service.model_copy(update={"state": tmp_path / "b"})
    return made.model_copy(update={"service": service})


def test_the_second_waits_and_takes_over(
    postgres_server: PostgresServer, postgres_catalog: str, estate: Estate, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("GIUCONG_LANG", "en")
    monkeypatch.setattr(beats, "_EVERY_SECONDS", 0.05)
    url = postgres_server.new_database(like=postgres_catalog)
    first, second = Other(url, tmp_path / "a"), Other(url, estate.service.state)
    first.start()
    try:
        assert first.has_turn.wait(SECONDS)
        second.start()
        await_that(lambda: is_waiting(read_beat(estate.service.state)))
        beat, now = read_beat(estate.service.state), datetime.now(UTC)

        assert not second.has_turn.is_set()
        assert find_silent(beat, estate, now) == []
        assert find_silent(beat, estate, now + timedelta(minutes=5)) == [WAITS]
        assert next(iter(tell_watch(estate, now))).startswith("another service of this catalog")
        assert first.turn is not None
        first.turn.hold()
    finally:
        first.end()
    try:
        assert second.has_turn.wait(SECONDS)
        with second.catalog.writing() as session:
            session.execute(text("SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database"
                                 " ON oid = database AND datname = current_database()"
                                 " WHERE locktype = 'advisory'"))  # fmt: skip
        assert second.turn is not None
        with pytest.raises(DBAPIError):
            second.turn.hold()
    finally:
        second.end()
