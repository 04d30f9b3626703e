"""A second person agrees to the rows that were loaded, not to whatever has their name later."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops.access.identity import login_at_terminal
from tests.integration.jobs.small_estate import build_estate
from tests.integration.jobs.test_people_tasks import Office, request_of
from tests.integration.jobs.test_retention import appoint_both, approve
from tests.integration.jobs.test_runbooks_of_databases import PART
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.postgres_server import PostgresServer, postgres_server

__all__ = ["mariadb_server", "postgres_server"]

pytestmark = pytest.mark.slow
PERSON = """
[[people]]
name = "ttb"
title = "Trần Thị B"
"""


@dataclass(frozen=True)
class Loaded:
    """A site whose database was loaded beside the live one, and two people."""

    office: Office
    run: Callable[[str, str], object]
    user: str
    live: str
    secret: str

    @property
    def fresh(self) -> str:
        return f"{self.live[:20]}_moi"

    def load(self) -> None:
        ended = self.office.run("backup.load", *self.words(), "--into", self.fresh)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def words(self) -> list[str]:
        return ["--site", "cong-xa", "--database", "cms", "--user", self.user]

    def switch(self, *more: str) -> list[str]:
        return ["backup.switch", *self.words(), "--to", self.fresh, "--confirm", "cong-xa",
                "--reason", "Sửa lỗi", *more]  # fmt: skip


@pytest.fixture(params=["mariadb", "postgres"])
def loaded(request: pytest.FixtureRequest, tmp_path: Path) -> Loaded:
    """Load a snapshot beside the live database."""
    server: MariadbServer | PostgresServer = request.getfixturevalue(f"{request.param}_server")
    live = server.new_database()
    if isinstance(server, MariadbServer):
        engine, socket, user = "mariadb", server.socket, "root"
    else:
        engine, socket, user = "postgresql", server.folder, "giucong"
        live = live.partition("@/")[2].partition("?")[0]
    server.run("CREATE TABLE news (a INT)", live)
    server.run("INSERT INTO news VALUES (1), (2)", live)
    part = PART.format(engine=engine, socket=socket, user=user, database=live)
    estate = build_estate(tmp_path / "estate", part + PERSON)
    key = 'repository = "file:keys/repository.key"'
    text = estate.read_text(encoding="utf-8")
    text = text.replace(key, f'{key}\ncredentials = "file:keys/credentials.key"')
    text = text.replace('name = "nva"', f'name = "nva"\nlogin = "{login_at_terminal()}"')
    estate.write_text(text, encoding="utf-8")
    office = Office(estate)
    for words in (["backup.init"], ["backup.run", "--site", "cong-xa"]):
        ended = office.run(*words)
        assert ended.returncode == 0, ended.stderr
    secret = appoint_both(office)
    it = Loaded(office, server.run, user, live, secret)
    it.load()
    return it


def loads_anew(it: Loaded) -> None:
    it.run(f"DROP DATABASE {it.fresh}", it.live)
    it.load()


def writes_a_row(it: Loaded) -> None:
    it.run("INSERT INTO news VALUES (3)", it.fresh)


def puts_another_in_its_place(it: Loaded) -> None:
    it.run("DROP TABLE news", it.fresh)
    it.run("CREATE TABLE moved (a INT)", it.fresh)
    it.run("INSERT INTO moved VALUES (1), (2)", it.fresh)


@pytest.mark.parametrize("change", [loads_anew, writes_a_row, puts_another_in_its_place])
def test_what_is_not_what_was_approved_gets_no_name(
    loaded: Loaded, change: Callable[[Loaded], None]
) -> None:
    request = request_of(loaded.office.ask(*loaded.switch()))
    approve(loaded.office, request, loaded.secret)

    change(loaded)

    again = loaded.office.ask(*loaded.switch())
    assert again.returncode == 4, again.stdout + again.stderr
    assert request_of(again) != request
    assert "for something else than this" in again.stderr


def test_what_was_approved_gets_the_name(loaded: Loaded) -> None:
    request = request_of(loaded.office.ask(*loaded.switch()))
    shown = loaded.office.run("approval.approve", "--id", request, "--person", "ttb", "--dry-run")
    assert "rows in it: 2" in shown.stdout
    approve(loaded.office, request, loaded.secret)

    done = loaded.office.run(*loaded.switch())

    assert done.returncode == 0, done.stdout + done.stderr
    loaded.run("INSERT INTO news VALUES (4)", loaded.live)
