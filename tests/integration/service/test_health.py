"""The service says that it is well after good looks only."""

import threading
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from ops.catalog.opening import open_catalog
from ops.service.loop import Signals, run_service
from ops.service.settings import ServiceSettings

TICK = timedelta(milliseconds=10)


def test_a_look_that_fails_is_no_sign_of_life(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    catalog = open_catalog(url)
    settings = ServiceSettings(catalog_url=url, state=tmp_path, tick_every=TICK)
    signals, healthy = Signals(), threading.Semaphore(0)
    thread = threading.Thread(
        target=run_service,
        args=(settings, list),
        kwargs={"signals": signals, "on_healthy": healthy.release},
    )
    thread.start()
    try:
        was_well = [healthy.acquire(timeout=20) for _look in range(3)]
        with catalog.writing() as session:
            session.execute(text("ALTER TABLE occurrences RENAME TO taken_away"))
        time.sleep(0.2)
        while healthy.acquire(blocking=False):
            pass
        falls_silent = not healthy.acquire(timeout=0.3)
        with catalog.writing() as session:
            session.execute(text("ALTER TABLE taken_away RENAME TO occurrences"))
        is_well_again = healthy.acquire(timeout=20)
    finally:
        signals.ask_stop()
        thread.join(30)
        catalog.close()

    assert (was_well, falls_silent, is_well_again) == ([True] * 3, True, True)
