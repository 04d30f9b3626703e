"""One article comes back from a backup: found in a sandbox, and copied back as it was."""

import csv
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from sqlalchemy import select

from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from ops.csv_file import untame
from ops.drills.extract import extract_rows
from ops.drills.tasks import Extract
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.jobs.site_lock import hold_site_lock
from ops.language.text import render_error
from tests.integration.jobs.small_estate import giucong
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.portal import connect_register
from tests.postgres_server import PostgresServer, postgres_server
from tests.rehearsals import write_estate

__all__ = ["mariadb_server", "postgres_server"]

pytestmark = pytest.mark.slow

TITLE = "Thông báo “Đống Đa” số 7; 'nháy' \\ 🏛️\ndòng hai"
MADE = {
    "mariadb": "CREATE TABLE bai (so INT AUTO_INCREMENT PRIMARY KEY, tieu_de TEXT, anh BLOB, ghi"
    " TEXT, dai INT AS (CHAR_LENGTH(tieu_de)) STORED) DEFAULT CHARSET utf8mb4",
    "postgresql": "CREATE TABLE bai (so INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tieu_de TEXT,"
    " anh BYTEA, ghi TEXT, dai INT GENERATED ALWAYS AS (length(tieu_de)) STORED)",
    "sqlite": "CREATE TABLE bai (so INTEGER PRIMARY KEY, tieu_de TEXT, anh BLOB, ghi TEXT,"
    " dai INT AS (length(tieu_de)) STORED)",
}


class World:
    """A site with a database of each engine, backed up, from which an article is gone since."""

    def __init__(self, folder: Path, mariadb: MariadbServer, postgres: PostgresServer) -> None:
        self.folder, self.mariadb, self.postgres = folder, mariadb, postgres
        self.names = {
            "mariadb": mariadb.new_database(),
            "postgresql": postgres.new_database().partition("@/")[2].partition("?")[0],
            "sqlite": str(folder / "bai.db"),
        }
        sockets = {"mariadb": mariadb.socket, "postgresql": postgres.folder}
        users = {"mariadb": "root", "postgresql": "giucong"}
        site = '[[sites]]\nname = "cong-xa"\ntitle = "Cổng xã"\nunit = "xa"\n'
        for engine, name in self.names.items():
            site += f'  [[sites.databases]]\n  name = "{engine}"\n  engine = "{engine}"\n'
            site += f'  database = "{name}"\n'
            if engine in sockets:
                site += f'  socket = "{sockets[engine]}"\n  user = "{users[engine]}"\n'
        self.estate = write_estate(folder / "estate", site).path

    def run(self, engine: str, statement: str) -> list[str]:
        """Run statements as the administrator; gives the rows as Python shows them."""
        name = self.names[engine]
        if engine == "mariadb":
            return self.mariadb.run(statement, name).splitlines()
        if engine == "postgresql":
            with connect_register(self.postgres, name) as connection:
                cursor = connection.execute(statement.encode())
                return [] if cursor.description is None else list(map(str, cursor.fetchall()))
        with closing(sqlite3.connect(name)) as database:
            if statement.startswith("SELECT"):
                return list(map(str, database.execute(statement).fetchall()))
            database.executescript(statement)
        return []

    def fill(self, engine: str) -> None:
        literal = TITLE.replace("'", "''")
        if engine == "mariadb":
            literal = literal.replace("\\", "\\\\")
        binary = r"'\x00ff27'" if engine == "postgresql" else "x'00FF27'"
        self.run(engine, f"{MADE[engine]};")
        for title in ("khác", literal, "khác nữa"):
            values = f"('{title}', {binary})"
            self.run(engine, f"INSERT INTO bai (tieu_de, anh) VALUES {values};")  # noqa: S608 -- our own

    def rows(self, engine: str) -> list[str]:
        binary = "HEX(anh)" if engine == "mariadb" else "anh"
        asked = f"SELECT so, tieu_de, {binary}, ghi IS NULL, dai FROM bai ORDER BY so"  # noqa: S608 -- our own
        return self.run(engine, asked)


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory,
    mariadb_server: MariadbServer,
    postgres_server: PostgresServer,
) -> World:
    made = World(tmp_path_factory.mktemp("extract"), mariadb_server, postgres_server)
    for engine in made.names:
        made.fill(engine)
    (made.estate.parent / "keys" / "repository.key").unlink()
    for words in (["backup.init"], ["backup.run", "--site", "cong-xa"]):
        done = giucong(made.estate, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.mark.parametrize("engine", sorted(MADE))
def test_an_article_is_copied_back_as_it_was(world: World, engine: str, tmp_path: Path) -> None:
    before = world.rows(engine)
    world.run(engine, "DELETE FROM bai WHERE so = 2;")
    target = tmp_path / "bài"

    done = extract(world, engine, target, "--contains", "ĐỐNG đa")

    assert done.returncode == 0, done.stdout + done.stderr
    with (target / "rows.csv").open(encoding="utf-8-sig", newline="") as table:
        found = list(csv.DictReader(table))
    assert [(it["so"], it["tieu_de"], it["ghi"]) for it in found] == [("2", TITLE, "")]
    world.run(engine, (target / "rows.sql").read_text(encoding="utf-8"))
    assert world.rows(engine) == before
    assert not list((world.estate.parent / "var" / "drill").glob("extract-*"))
    assert (target / "rows.sql").stat().st_mode & 0o777 == 0o600


def test_a_formula_of_a_citizen_is_none_in_the_table_and_exact_in_the_statements(
    world: World, tmp_path: Path
) -> None:
    formula = "=HYPERLINK(1);=2;-3"
    world.run("sqlite", f"INSERT INTO bai (so, tieu_de) VALUES (-78, '{formula}');")  # noqa: S608 -- our own
    giucong(world.estate, "backup.run", "--site", "cong-xa", "--database", "sqlite")
    world.run("sqlite", "DELETE FROM bai WHERE so = -78;")
    done = extract(world, "sqlite", tmp_path / "rows", "--where", "so=-78")

    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "rows" / "rows.csv").open(encoding="utf-8-sig", newline="") as table:
        (found,) = csv.DictReader(table)
    assert (found["so"], found["tieu_de"]) == ("-78", "'=HYPERLINK(1);'=2;'-3")
    assert untame(found["tieu_de"]) == formula
    assert f"'{formula}'" in (tmp_path / "rows" / "rows.sql").read_text(encoding="utf-8")


def test_a_row_comes_from_the_newest_copy_of_its_database(world: World, tmp_path: Path) -> None:
    world.run("sqlite", "INSERT INTO bai (so, tieu_de) VALUES (77, 'của buổi chiều');")
    done = giucong(world.estate, "backup.run", "--site", "cong-xa", "--database", "sqlite")
    world.run("sqlite", "DELETE FROM bai WHERE so = 77;")
    state = load_estate(world.estate).service.state
    with hold_site_lock(state, "cong-xa", holder="a run"):  # whoever reads waits for no run
        taken = extract(world, "sqlite", tmp_path / "rows", "--where", "so=77")

    assert done.returncode == 0, done.stderr
    assert taken.returncode == 0, taken.stdout + taken.stderr


def test_what_is_not_there_is_said_and_journaled(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_ESTATE", str(world.estate))
    monkeypatch.setenv("GIUCONG_LANG", "en")
    wish = Extract(site="cong-xa", database="sqlite", table="bai", target=str(tmp_path / "rows"))

    told = [
        refusal_of(replace(wish, table="post")),
        refusal_of(replace(wish, where=("so=99",))),
        refusal_of(replace(wish, where=("id=1",))),
        refusal_of(replace(wish, database="oracle")),
    ]
    assert extract_rows(replace(wish, dry_run=True)) == 0
    assert not (tmp_path / "rows").exists()
    assert extract_rows(replace(wish, where=("so=1",))) == 0

    assert "there is no table post; there are: bai" in told[0]
    assert "no row is as asked for" in told[1]
    assert "has no column id" in told[2]
    assert "it has: mariadb, postgresql, sqlite" in told[3]
    kept = journal(world)[-5:]
    assert [it["outcome"] for it in kept] == ["failed"] * 4 + ["ok"]
    assert kept[-1]["where"] == ["so"]
    assert kept[-1]["rows"] == 1


def refusal_of(wish: Extract) -> str:
    with pytest.raises(OpsError) as refused:
        extract_rows(wish)
    return render_error(refused.value)


def extract(world: World, database: str, target: Path, *words: str) -> CompletedProcess[str]:
    return giucong(
        world.estate, "drill.extract", "--site", "cong-xa", "--database", database,
        "--table", "bai", "--target", str(target), *words,
    )  # fmt: skip


def journal(world: World) -> list[dict[str, Any]]:
    with (
        open_catalog(f"sqlite:///{world.estate.parent}/state/giucong.db") as catalog,
        catalog.reading() as session,
    ):
        asked = select(JournalRow.details).where(JournalRow.action == "drill.extract")
        rows = session.execute(asked.order_by(JournalRow.sequence)).scalars()
        return [json.loads(it) for it in rows]
