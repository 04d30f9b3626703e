"""One look at a time, under clocks that the test turns: who is lost, and who is not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from ops.catalog.columns import new_id
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import Occurrence, Run
from ops.jobs.site_lock import SiteBusyError, hold_site_lock, is_lock_free, is_lock_held_by
from ops.schedule.ledger import claims, overview
from ops.schedule.ledger.endings import BY_CLOCK, Recording
from ops.schedule.ledger.job import JobDefinition, RetryPolicy
from ops.service.dispatch import Dispatcher
from ops.service.settings import ServiceSettings
from ops.service.worker_pool import WorkerPool
from tests.frozen_clock import FrozenClock
from tests.postgres_server import PostgresServer

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
AGAIN = RetryPolicy(tries=2, wait=timedelta(minutes=10))
NIGHTLY = JobDefinition(name="backup/a", kind="backup", site="a", schedule="0 1 * * *")


@dataclass
class Room:
    """A dispatcher that starts no workers, its clock, and where its locks are."""

    dispatcher: Dispatcher
    clock: FrozenClock
    catalog: Catalog
    state: Path

    def row(self) -> Occurrence:
        with self.catalog.reading() as session:
            query = select(Occurrence).order_by(Occurrence.due_at.desc())
            return session.execute(query).scalars().first() or pytest.fail("no occurrence")

    def begin(self) -> UUID:
        """Let the night's run begin somewhere on this machine."""
        with self.catalog.writing() as session:
            (claim,) = claims.claim_due(
                session, jobs=[NIGHTLY.name], now=self.clock.now(), limit=1, host="here"
            )
        with self.catalog.writing() as session:
            claims.begin_run(session, claim.run_id, pid=1, now=self.clock.now())
        return claim.run_id

    def pass_seconds(self, seconds: float, every: int = 1) -> None:
        """Let time pass, with a look every so many seconds."""
        for _look in range(int(seconds) // every):
            self.clock.advance(timedelta(seconds=every))
            self.dispatcher.tick()


@contextmanager
def a_room(folder: Path, shared: Catalog | None = None) -> Iterator[Room]:
    url = f"sqlite:///{folder / 'catalog.db'}"
    settings = ServiceSettings(catalog_url=url, state=folder, workers=0, host="here")
    clock = FrozenClock(START)
    catalog = shared or open_catalog(url)
    pool = WorkerPool(settings)
    dispatcher = Dispatcher(settings, catalog, clock, Recording(), pool)
    dispatcher.register([NIGHTLY])
    clock.advance(timedelta(hours=7))
    dispatcher.tick()
    yield Room(dispatcher, clock, catalog, folder)
    catalog.close()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with a_room(tmp_path) as made:
        yield made


def test_a_run_without_a_worker_is_lost_within_thirty_seconds(room: Room) -> None:
    room.begin()
    room.dispatcher.tick()
    room.pass_seconds(24)
    before = room.row().state
    room.pass_seconds(5)

    assert before == "running"
    assert (room.row().outcome, room.row().reason) == ("failed", "lost")


def test_a_run_that_holds_its_lock_is_never_lost(room: Room) -> None:
    run_id = room.begin()
    with hold_site_lock(room.state, "a", holder=str(run_id)):
        room.pass_seconds(60)

    assert room.row().state == "running"


def test_a_lock_that_another_run_holds_saves_nobody(room: Room) -> None:
    room.begin()
    with hold_site_lock(room.state, "a", holder="somebody-else"):
        room.pass_seconds(30)

    assert room.row().reason == "lost"


def test_a_beating_run_is_never_lost(room: Room) -> None:
    run_id = room.begin()
    for _beat in range(6):
        room.pass_seconds(10)
        with room.catalog.writing() as session:
            claims.beat(session, run_id)

    assert room.row().state == "running"


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-400)])
def test_no_jump_of_the_wall_clock_makes_a_run_lost(room: Room, jump: timedelta) -> None:
    run_id = room.begin()
    room.pass_seconds(1)
    room.clock.jump(jump)
    room.pass_seconds(5)

    with room.catalog.reading() as session:
        query = select(Occurrence.state).where(Occurrence.run_id == run_id)
        assert session.execute(query).scalar_one() == "running"


def move_to(room: Room, host: str) -> None:
    """Have what runs run under another name, and its job tried again when it fails."""
    room.dispatcher.register([replace(NIGHTLY, retry=AGAIN)])
    with room.catalog.writing() as session:
        session.execute(select(Occurrence)).scalar_one().host = host


def test_a_machine_that_was_renamed_ends_what_it_ran_under_the_old_name(room: Room) -> None:
    """A catalog in a file is of one machine: what its lock proves holds under every name."""
    run_id = room.begin()
    move_to(room, "there")
    with hold_site_lock(room.state, "a", holder=str(run_id)):
        room.pass_seconds(30)
    working = room.row().state
    room.pass_seconds(5)

    assert working == "running"
    assert (room.row().state, room.row().reason) == ("due", "lost")
    assert (room.row().not_before or START) <= room.clock.now()  # its site does not wait


def test_a_run_by_hand_under_an_old_name_has_ended_at_the_start(tmp_path: Path) -> None:
    with a_room(tmp_path) as room:
        dead, alive = new_id(), new_id()
        with room.catalog.writing() as session:
            for run_id, site in ((dead, "b"), (alive, "c")):
                session.add(Run(id=run_id, job=f"backup/{site}", kind="backup", site=site,
                                host="there", pid=1, started_at=START))  # fmt: skip
        with hold_site_lock(tmp_path, "c", holder=str(alive)):
            room.dispatcher.register([NIGHTLY])
        with room.catalog.reading() as session:
            rows = {run.id: run.reason for run in session.execute(select(Run)).scalars()}

    assert rows == {dead: "lost", alive: ""}


def test_of_two_machines_with_one_catalog_neither_ends_what_the_other_does(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    with a_room(tmp_path, open_catalog(postgres_server.new_database())) as room:
        run_id = room.begin()
        move_to(room, "there")
        for _minute in range(30):
            with room.catalog.writing() as session:
                claims.beat(session, run_id)
            room.pass_seconds(60, every=20)
        beating = room.row().state
        room.pass_seconds(14 * 60, every=20)
        silent = room.row().state
        room.pass_seconds(2 * 60, every=20)

        assert (beating, silent) == ("running", "running")
        assert (room.row().state, room.row().reason) == ("due", "lost")


def test_a_forward_jump_is_seen_and_its_night_listed(room: Room) -> None:
    room.begin()
    room.clock.jump(timedelta(days=1))
    room.dispatcher.tick()

    assert room.row().due_at == START + timedelta(days=1, hours=6)
    assert room.dispatcher.earliest() == START + timedelta(days=2, hours=6)


def test_after_a_jump_back_the_service_waits_for_the_next_night_again(room: Room) -> None:
    room.clock.jump(timedelta(days=-3))
    room.dispatcher.tick()

    assert room.dispatcher.earliest() == START - timedelta(days=3) + timedelta(hours=6) + timedelta(
        days=1
    )


def test_a_lock_is_held_by_one_and_says_by_whom(tmp_path: Path) -> None:
    assert is_lock_free(tmp_path, "a")
    with hold_site_lock(tmp_path, "a", holder="run-1"):
        assert not is_lock_free(tmp_path, "a")
        assert is_lock_held_by(tmp_path, "a", "run-1")
        assert not is_lock_held_by(tmp_path, "a", "run-2")
        assert is_lock_free(tmp_path, "b")
        with pytest.raises(SiteBusyError) as caught, hold_site_lock(tmp_path, "a", holder="run-2"):
            pytest.fail("two hold the lock")
    assert is_lock_free(tmp_path, "a")
    assert caught.value.exit_code == 11
    assert caught.value.params["holder"] == "run-1"


def test_a_name_with_a_slash_stays_inside_the_folder(tmp_path: Path) -> None:
    with hold_site_lock(tmp_path, "../../check/all", holder="r"):
        assert [path.parent for path in tmp_path.rglob("*.lock")] == [tmp_path / "locks"]


def test_what_people_have_decided_is_saved_although_every_place_is_taken(tmp_path: Path) -> None:
    own = replace(NIGHTLY, name="backup/giucong", site="giucong", is_urgent=True)
    with a_room(tmp_path) as room:  # no place at all
        room.dispatcher.register([NIGHTLY, own])
        with room.catalog.writing() as session:
            overview.trigger(session, own, now=room.clock.now(), origin=BY_CLOCK)
        room.pass_seconds(2)
        [worker] = room.dispatcher.pool.workers.values()
        worker.process.kill()
        worker.process.wait()

    assert worker.job == own
