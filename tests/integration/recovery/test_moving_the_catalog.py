"""The catalog moves to PostgreSQL and back with all its records; an empty one frees nothing."""

import fcntl
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from ops.catalog.metadata import METADATA
from ops.catalog.open import Catalog, open_catalog
from ops.estate.load.load import load_estate
from ops.estate.model.references import reveal
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.journal.standing import CATALOG_LEFT, find_doubt
from tests.integration.jobs.small_estate import BACK_UP, INIT, build_used_estate
from tests.integration.jobs.test_people_tasks import Office, request_of
from tests.integration.jobs.test_retention import (
    FORGET,
    HOLD,
    KEEP_ONE,
    KEY,
    MORE,
    appoint_both,
    approve,
    let_in,
    stored,
)
from tests.postgres_server import PostgresServer, postgres_server

__all__ = ["postgres_server"]

pytestmark = pytest.mark.slow

SQLITE = "sqlite:///state/giucong.db"
EXPORT = ("backup.key-export", "--reason", "kiểm kê")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Two people with roles, three backups of which the rules keep one, all of them held."""
    tasks = (INIT, *[BACK_UP] * 3)
    return Office(build_used_estate(tmp_path / "estate", KEEP_ONE + MORE, tasks, let_in_and_sign))


def let_in_and_sign(text: str) -> str:
    return let_in(text).replace(KEY, f'{KEY}\nsigning = "file:keys/signing.key"')


def point_to(office: Office, url: str) -> None:
    """Change the one line of the estate file."""
    text = office.estate.read_text(encoding="utf-8")
    text = re.sub(r'(\[catalog\]\nurl = )".*"', rf'\1"{url}"', text)
    office.estate.write_text(text, encoding="utf-8")


def put_url(office: Office, url: str) -> str:
    path = office.estate.parent / "keys/catalog-url"
    path.write_text(f"{url}\n")
    return "file:keys/catalog-url"


def rows_of(catalog: Catalog) -> dict[str, list[str]]:
    """Give every row of every table but the journal, as texts, in any order."""
    with catalog.readers.connect() as connection:
        return {
            table.name: sorted(repr(row) for row in connection.execute(select(table)))
            for table in METADATA.sorted_tables
            if table.name != "journal"
        }


def chain_of(catalog: Catalog) -> list[str]:
    with catalog.readers.connect() as connection:
        assert journal.verify(catalog).broken_at is None
        table = METADATA.tables["journal"]
        query = select(table.c.hash).order_by(table.c.sequence)
        return list(connection.execute(query).scalars())


@pytest.fixture
def opened() -> Iterator[list[Catalog]]:
    catalogs: list[Catalog] = []
    yield catalogs
    for catalog in catalogs:
        catalog.close()


def test_all_records_move_to_postgresql_and_back(
    office: Office, postgres_server: PostgresServer, opened: list[Catalog]
) -> None:
    secret = appoint_both(office)
    assert office.run(*HOLD).returncode == 0
    folder, url = office.estate.parent, postgres_server.new_database()
    old = open_catalog(f"sqlite:///{folder}/state/giucong.db")
    opened.append(old)
    before, chain = rows_of(old), chain_of(old)
    reference = put_url(office, url)

    planned = office.run("catalog.move", "--to", reference, "--dry-run")
    moved = office.run("catalog.move", "--to", reference)

    assert (planned.returncode, moved.returncode) == (0, 0), moved.stderr
    assert f'url = "{reference}"' in moved.stdout
    there = open_catalog(url)
    opened.append(there)
    after, new_chain = rows_of(there), chain_of(there)
    assert {name: rows for name, rows in after.items() if rows != before[name]} == {}
    assert sum(map(len, after.values())) > 20
    assert new_chain[: len(chain)] == chain
    assert len(new_chain) == len(chain) + 1
    with old.reading() as session:
        doubt = find_doubt(session)
    assert doubt is not None
    assert doubt.reason == CATALOG_LEFT

    point_to(office, reference)
    kept = stored(office)
    assert office.run(*FORGET).returncode == 0
    assert stored(office) == kept  # all of them are held
    to = folder / "paper"
    to.mkdir(mode=0o700)
    asked = office.ask(*EXPORT, "--to", str(to), "--any-disk")
    approve(office, request_of(asked), secret)
    assert office.run(*EXPORT, "--to", str(to), "--any-disk").returncode == 0
    refused = office.run("user.role", "--person", "nva", "--role", "operator")
    assert refused.returncode in {2, 4}, refused.stdout  # it takes two people, as before

    before = rows_of(there)
    again = office.run("catalog.move", "--to", "sqlite:///state/again.db")
    assert again.returncode == 0, again.stderr
    back = open_catalog(f"sqlite:///{folder}/state/again.db")
    opened.append(back)
    assert {name: rows for name, rows in rows_of(back).items() if rows != before[name]} == {}
    point_to(office, "sqlite:///state/again.db")
    assert office.run(*FORGET).returncode == 0
    assert stored(office) == kept
    assert office.run("service.journal-verify").returncode in {0, 3}


def test_a_catalog_that_was_left_frees_nothing(
    office: Office, postgres_server: PostgresServer
) -> None:
    reference = put_url(office, postgres_server.new_database())
    assert office.run("catalog.move", "--to", reference).returncode == 0

    refused = office.run(*FORGET)

    assert refused.returncode == 1
    assert len(stored(office)) == 3
    assert "catalog" in refused.stdout + refused.stderr
    assert office.run("backup.run", "--site", "cong-xa").returncode == 0


def test_what_stands_in_the_way_of_a_move(office: Office, postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database()
    reference = put_url(office, url)
    state = load_estate(office.estate).service.state
    with hold_site_lock(state, "cong-xa", holder="a run"):
        busy = office.run("catalog.move", "--to", reference)
    with (state / "locks/service.pid").open("a") as sign:
        fcntl.flock(sign, fcntl.LOCK_EX)
        serving = office.run("catalog.move", "--to", reference)
    shown = office.run("catalog.move", "--to", "postgresql+psycopg://a:b@127.0.0.1/c")
    with open_catalog(url) as there, there.readers.connect() as connection:
        tables = [connection.execute(select(it)).first() for it in METADATA.sorted_tables]
    first = office.run("catalog.move", "--to", reference)
    second = office.run("catalog.move", "--to", reference)

    assert (busy.returncode, shown.returncode) == (11, 2)
    assert (serving.returncode, "a service runs on this machine" in serving.stderr) == (2, True)
    assert "a:b" not in shown.stdout + shown.stderr
    assert not any(tables)
    assert (first.returncode, second.returncode) == (0, 1)
    assert "not empty" in second.stderr


def test_a_journal_that_was_changed_does_not_move(office: Office) -> None:
    with closing(sqlite3.connect(office.estate.parent / "state/giucong.db")) as database, database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE journal SET login = 'ttb' WHERE sequence = 2")

    moved = office.run("catalog.move", "--to", "sqlite:///state/again.db")

    assert moved.returncode == 1
    assert "the journal does not hold: row 2" in moved.stderr
    with open_catalog(f"sqlite:///{office.estate.parent}/state/again.db") as there:
        assert not any(rows_of(there).values())


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_empty_catalog_beside_filled_stores_frees_nothing(
    office: Office, postgres_server: PostgresServer, kind: str
) -> None:
    assert office.run("backup.run", "--site", "giucong").returncode == 0
    state = load_estate(office.estate).service.state
    url = put_url(office, postgres_server.new_database()) if kind == "postgresql" else SQLITE
    if kind == "sqlite":
        for file in state.glob("giucong.db*"):
            file.unlink()
    point_to(office, url)
    to = office.estate.parent / "paper"
    to.mkdir(mode=0o700)

    export = office.run(*EXPORT, "--to", str(to), "--any-disk")
    added = office.run("user.add", "--person", "nva", "--password-file", office.write("nva"))
    forgot = office.run(*FORGET)
    pruned = office.run("backup.prune", "--site", "cong-xa", "--confirm", "cong-xa")

    for ended in (export, added, forgot, pruned):
        told = ended.stdout + ended.stderr
        assert ended.returncode == 1, told
        assert "catalog.move" in told
        assert "service.recover" in told
        assert "catalog.trust" in told
    assert list(to.iterdir()) == []
    assert len(stored(office)) == 3
    status = office.run()
    assert "catalog.trust" in status.stdout

    said = office.run("catalog.trust", "--reason", "sổ cũ đã mất", "--confirm", "giucong")
    assert said.returncode == 0, said.stderr
    assert office.run(*FORGET).returncode == 0
    assert len(stored(office)) == 1


def test_a_recovered_catalog_is_the_one_that_counts(office: Office) -> None:
    assert office.run("backup.run", "--site", "giucong").returncode == 0
    folder = office.estate.parent
    shutil.rmtree(folder / "state")
    ended = office.run(
        "service.recover", "--repo", str(folder / "stores/near"), "--confirm", "giucong",
        "--password-file", str(folder / "keys/repository.key"),
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    url = reveal(load_estate(office.estate).catalog.url)
    with open_catalog(url) as catalog, catalog.reading() as session:
        assert find_doubt(session) is None
    assert office.run(*FORGET).returncode == 0
