"""The service says that it is well after good looks only."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from ops.catalog.open import open_catalog
from ops.service.loop import Signals, run_service
from ops.service.settings import ServiceSettings

TICK = timedelta(milliseconds=10)


def take_away(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("ALTER TABLE occurrences RENAME TO taken_away")


def give_back(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("ALTER TABLE taken_away RENAME TO occurrences")


def swap_definition(path: Path, old: str, new: str) -> None:
    """Change the text of the schema behind SQLite's back; what is no SQL is a damaged file."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA writable_schema = ON")
        (version,) = database.execute("PRAGMA schema_version").fetchone()
        database.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'occurrences'",
            (old, new),
        )
        database.execute(f"PRAGMA schema_version = {version + 1}")
        database.commit()


def damage(path: Path) -> None:
    swap_definition(path, "CREATE TABLE", "MAKE TABLE")


def mend(path: Path) -> None:
    swap_definition(path, "MAKE TABLE", "CREATE TABLE")


@pytest.mark.parametrize(
    ("spoil", "heal"), [(take_away, give_back), (damage, mend)], ids=["away", "damaged"]
)
def test_a_look_that_fails_is_no_sign_of_life_and_no_end(
    spoil: Callable[[Path], None], heal: Callable[[Path], None], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    open_catalog(url).close()
    settings = ServiceSettings(catalog_url=url, state=tmp_path, tick_every=TICK)
    signals, healthy = Signals(), threading.Semaphore(0)
    thread = threading.Thread(
        target=run_service,
        args=(settings, list),
        kwargs={"signals": signals, "on_healthy": healthy.release},
    )
    thread.start()
    try:
        was_well = [healthy.acquire(timeout=60) for _look in range(3)]
        spoil(tmp_path / "catalog.db")
        # What was looked at before may be told yet; then there is nothing, though it ticks.
        falls_silent = any(not healthy.acquire(timeout=0.5) for _look in range(200))
        heal(tmp_path / "catalog.db")
        is_well_again = healthy.acquire(timeout=60)
    finally:
        signals.stop = True
        signals.bell.ring()
        thread.join(60)

    assert (was_well, falls_silent, is_well_again) == ([True] * 3, True, True)
