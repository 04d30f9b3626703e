"""Events of a MariaDB database run under the live name alone, while the server's clock goes on."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.jobs.small_estate import build_estate, giucong
from tests.integration.jobs.test_runbooks_of_databases import PART
from tests.mariadb_server import MariadbServer, run_mariadb

pytestmark = pytest.mark.slow

EVENTS = """
CREATE USER IF NOT EXISTS nobody@localhost;
CREATE TABLE log (wrote TEXT);
CREATE TABLE sess (id INT);
INSERT INTO sess VALUES (1), (2);
CREATE EVENT `ghi ``nhật ký``` ON SCHEDULE EVERY 1 SECOND DO
  INSERT INTO {live}.log VALUES (DATABASE());
CREATE EVENT don ON SCHEDULE EVERY 1 SECOND DO DELETE FROM sess;
CREATE EVENT tat ON SCHEDULE EVERY 1 SECOND DISABLE DO INSERT INTO {live}.log VALUES ('tat');
CREATE EVENT phu ON SCHEDULE EVERY 1 SECOND DISABLE ON SLAVE DO
  INSERT INTO {live}.log VALUES ('phu');
SET NAMES latin1; SET sql_mode = 'ANSI_QUOTES', time_zone = '+07:00';
CREATE DEFINER=nobody@localhost EVENT cu ON SCHEDULE AT '2031-01-01 00:00:00' DO SELECT 'é', "x";
"""
OWN = {"cu": "ENABLED", "don": "ENABLED", "ghi `nhật ký`": "ENABLED", "phu": "SLAVESIDE_DISABLED",
       "tat": "DISABLED"}  # fmt: skip
ASLEEP = {name: "DISABLED" if state == "ENABLED" else state for name, state in OWN.items()}


@dataclass(frozen=True)
class Place:
    """A site's database with events, backed up; the server's clock goes on since."""

    server: MariadbServer
    estate: Path
    live: str

    @property
    def fresh(self) -> str:
        return f"{self.live[:20]}_moi"

    def states(self, database: str) -> dict[str, str]:
        query = "SELECT event_name, status FROM events WHERE event_schema ="
        told = self.server.run(f"{query} '{database}'", "information_schema")
        pairs = (it.split("\t") for it in told.splitlines())
        return {it[0]: it[1] for it in pairs}

    def shown(self) -> str:
        """Give an event of another account, character set, zone and mode."""
        return self.server.run("SHOW CREATE EVENT cu", self.live)

    def do(self, task: str, flag: str, name: str, *more: str) -> str:
        """Run a task on the database; give what it says."""
        done = giucong(self.estate, task, "--site", "cong-xa", "--database", "cms", flag, name,
                       "--user", "root", *more)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def switch(self, name: str) -> str:
        return self.do("backup.switch", "--to", name, "--confirm", "cong-xa")

    def writers(self) -> set[str]:
        """Give from which databases events write into the live one, in some seconds."""
        self.server.run("DELETE FROM log", self.live)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            time.sleep(0.2)
            if int(self.server.run("SELECT COUNT(*) FROM log", self.live)) >= 3:
                return set(self.server.run("SELECT wrote FROM log", self.live).splitlines())
        return set()


@pytest.fixture(scope="module")
def server() -> Iterator[MariadbServer]:
    with run_mariadb() as server:
        yield server


@pytest.fixture
def place(tmp_path: Path, server: MariadbServer) -> Place:
    server.run("SET GLOBAL event_scheduler = OFF")
    live = server.new_database()
    server.run(EVENTS.format(live=live), live)
    part = PART.format(engine="mariadb", socket=server.socket, user="root", database=live)
    estate = build_estate(tmp_path / "estate", part)
    assert giucong(estate, "backup.init").returncode == 0
    assert giucong(estate, "backup.run", "--site", "cong-xa").returncode == 0
    server.run("SET GLOBAL event_scheduler = ON")
    return Place(server, estate, live)


def test_they_sleep_under_any_other_name(place: Place) -> None:
    live, fresh, before = place.live, place.fresh, place.shown()
    aside = f"{fresh}_truoc"
    said = place.do("backup.load", "--into", fresh)

    assert place.states(fresh) == ASLEEP
    assert place.states(live) == OWN
    assert place.writers() == {live}
    assert place.server.run("SELECT COUNT(*) FROM sess", fresh) == "2\n"
    assert "events switched off until a switch gives it the live name: 3" in said
    again = place.do("backup.load", "--into", fresh)
    assert "an earlier try has loaded it already" in again

    said = place.switch(fresh)
    assert (place.states(live), place.states(aside)) == (OWN, ASLEEP)
    assert place.writers() == {live}
    assert place.shown() == before
    assert f"events switched off in {aside}: cu, don, ghi `nhật ký`" in said

    place.switch(aside)
    assert (place.states(live), place.states(f"{aside}_truoc")) == (OWN, ASLEEP)
    assert place.writers() == {live}
    assert place.shown() == before


def test_one_that_is_gone_gets_its_own_back_when_it_is_counted(place: Place) -> None:
    live, before = place.live, place.shown()
    place.server.run(f"DROP DATABASE {live}")
    said = place.do("backup.load", "--into", live)

    assert "events switched on: 3" in said
    assert place.states(live) == OWN
    assert place.shown() == before
    assert place.writers() == {live}

    place.server.run("SET GLOBAL event_scheduler = OFF")
    time.sleep(1)
    place.server.run(
        "ALTER EVENT don DISABLE; DELETE FROM log; INSERT INTO sess VALUES (1), (2)", live
    )
    place.do("backup.load", "--into", live)
    assert place.states(live)["don"] == "DISABLED"


def test_a_switch_that_found_none_is_taken_back(place: Place) -> None:
    live, fresh = place.live, place.fresh
    place.server.run(f"DROP DATABASE {live}")
    place.do("backup.load", "--into", fresh)
    place.switch(fresh)
    assert place.states(live) == OWN

    place.switch(f"{fresh}_truoc")
    assert (place.states(fresh), place.states(live)) == (ASLEEP, {})

    place.switch(fresh)
    assert place.states(live) == OWN
    assert place.writers() == {live}
