"""Two sites that take all night keep nobody from his turn, and what they started is gone."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ops.catalog.columns import new_id
from ops.catalog.open import Catalog, open_catalog
from ops.jobs.site_lock import hold_site_lock
from ops.schedule.ledger.claims import Claim
from ops.schedule.ledger.job import JobDefinition
from ops.service.settings import TIME_IS_OVER
from ops.service.worker_pool import Worker
from tests.integration.service.test_dispatch import Room, a_room
from tests.integration.service.test_service import ask_for, rows, service, wait_for
from tests.private_server import is_alive

pytestmark = pytest.mark.slow


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'catalog.db'}"


@pytest.fixture
def catalog(url: str) -> Iterator[Catalog]:
    opened = open_catalog(url)
    yield opened
    opened.close()


def job_of(kind: str, site: str, folder: Path) -> dict[str, Any]:
    arguments = {"file": str(folder / f"{kind}-{site}")}
    return {"name": f"{kind}/{site}", "kind": kind, "site": site, "arguments": arguments}


def all_ended(catalog: Catalog, jobs: list[dict[str, Any]]) -> dict[str, tuple[str, str]] | None:
    ended = {it.job: (it.outcome or "", it.reason) for it in rows(catalog, "ended")}
    return ended if ended.keys() >= {job["name"] for job in jobs} else None


def test_two_sites_that_take_all_night_keep_nobody_from_his_turn(
    catalog: Catalog, url: str, tmp_path: Path
) -> None:
    held = [job_of("linger", "a", tmp_path), job_of("linger", "b", tmp_path)]
    others = [job_of("note", f"s{n}", tmp_path) for n in range(3)]
    with service(url, tmp_path, held + others, TINY_TURN="5"):
        for job in held:
            ask_for(catalog, job)
        wait_for(lambda: len(rows(catalog, "running")) == 2 or None)
        for job in others:
            ask_for(catalog, job)
        ended = wait_for(lambda: all_ended(catalog, others))

    assert {ended[job["name"]] for job in others} == {("ok", "")}
    assert ("failed", "timed_out") in [ended.get(job["name"]) for job in held]


def test_the_longest_run_gives_its_place_once_nobody_has_moved_for_long(tmp_path: Path) -> None:
    with a_room(tmp_path) as room, lasting(room, "b") as first, lasting(room, "c"):
        for minutes in (119, 14):
            room.clock.advance(timedelta(minutes=minutes))
            room.dispatcher.tick()
        before = [it.ended_as for it in room.dispatcher.pool.workers.values()]
        room.clock.advance(timedelta(minutes=2))
        room.dispatcher.tick()

        assert before == ["", ""]
        assert first.process.wait(60) == -TIME_IS_OVER
        assert [it.ended_as for it in room.dispatcher.pool.workers.values()] == ["timed_out", ""]


def test_a_slow_run_is_left_in_peace_while_others_move(tmp_path: Path) -> None:
    with a_room(tmp_path) as room, lasting(room, "b") as slow:
        for _run in range(40):
            with lasting(room, "c"):
                room.clock.advance(timedelta(minutes=14))
                room.dispatcher.tick()
            room.dispatcher.pool.workers = {slow.claim.run_id: slow}  # the other place is free
            room.dispatcher._keep_moving()

        assert (slow.ended_as, slow.process.poll()) == ("", None)


def test_a_run_is_left_in_peace_while_nobody_waits_but_its_own_site(tmp_path: Path) -> None:
    with (
        a_room(tmp_path) as room,
        hold_site_lock(tmp_path, "a", holder="b"),
        lasting(room, "a") as alone,
    ):
        room.pass_seconds(2)
        room.clock.advance(timedelta(hours=5))
        room.pass_seconds(2)

        assert (alone.ended_as, alone.process.poll()) == ("", None)


def test_a_run_that_hears_nothing_is_killed_with_all_it_started(
    catalog: Catalog, url: str, tmp_path: Path
) -> None:
    job = job_of("stick", "a", tmp_path) | {"limit_seconds": 8, "tries": 3}
    told = Path(job["arguments"]["file"])
    with service(url, tmp_path, [job]):
        ask_for(catalog, job)
        (row,) = wait_for(lambda: rows(catalog, "ended") or None)
        worker, child = map(int, told.read_text().split())
        try:
            wait_for(lambda: not (is_alive(worker) or is_alive(child)) or None, 20)
        finally:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    assert (row.outcome, row.reason, row.attempts) == ("failed", "timed_out", 1)


@contextmanager
def lasting(room: Room, site: str) -> Iterator[Worker]:
    """Have a run of a site that began just now and goes on; there is no other place."""
    process = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
    claim = Claim(new_id(), new_id(), f"linger/{site}", site, room.clock.now(), {})
    job = JobDefinition(name=claim.job, kind="linger", site=site)
    worker = Worker(process, claim, job, room.clock.steady())
    pool = room.dispatcher.pool
    pool.workers[claim.run_id] = worker
    pool.settings = replace(pool.settings, workers=len(pool.workers))
    try:
        yield worker
    finally:
        process.kill()
        process.wait()
