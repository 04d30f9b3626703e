"""The page on loading a database is followed, word for word, on real servers."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.integration.jobs.small_estate import GIUCONG, ROOT, build_estate, giucong
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.postgres_server import PostgresServer, postgres_server

__all__ = ["mariadb_server", "postgres_server"]

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "how-to" / "load-a-database.md"
PART = """
  [[sites.databases]]
  name = "cms"
  engine = "{engine}"
  socket = "{socket}"
  database = "portal"
  user = "{user}"
"""


def follow(estate: Path, folder: Path, programs: tuple[str, ...], **environment: str) -> str:
    """Run the page's commands of some programs, in their order; gives what they printed."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    chosen = [line for line in lines if line.startswith(("fab", "cd", *programs))]
    script = "\n".join(chosen).replace("/srv/restored", str(folder))
    script = script.replace("databases/db.", "databases/cms.").replace("fab ", f"{GIUCONG} ", 1)
    done = subprocess.run(
        ["sh", "-e", "-c", script], capture_output=True, text=True, check=False,
        env={**os.environ, "GIUCONG_ESTATE": str(estate), "GIUCONG_LANG": "en", **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def back_up(estate: Path) -> None:
    giucong(estate, "backup.init")
    run = giucong(estate, "backup.run", "--site", "cong-xa")
    assert run.returncode == 0, run.stderr


def test_a_mariadb_database_comes_back_beside_the_old_one(
    tmp_path: Path, mariadb_server: MariadbServer
) -> None:
    mariadb_server.run("CREATE DATABASE portal CHARACTER SET utf8mb4")
    mariadb_server.run("CREATE TABLE posts (title TEXT); INSERT INTO posts VALUES ('Chào')",
                       "portal")  # fmt: skip
    mariadb_server.run("CREATE PROCEDURE lam() SELECT 1", "portal")
    mariadb_server.run(
        "CREATE USER bao@localhost IDENTIFIED BY 'x'; GRANT SELECT (title) ON portal.posts TO"
        " bao@localhost; GRANT EXECUTE ON PROCEDURE portal.lam TO bao@localhost"
    )
    part = PART.format(engine="mariadb", socket=mariadb_server.socket, user="root")
    estate = build_estate(tmp_path / "estate", part)
    back_up(estate)
    mariadb_server.run("DELETE FROM posts", "portal")
    options = f"[client]\nsocket={mariadb_server.socket}\nuser=root\n"
    (tmp_path / ".my.cnf").write_text(options)
    follow(estate, tmp_path / "out", ("mariadb", "grep"), HOME=str(tmp_path))

    assert mariadb_server.run("SELECT title FROM posts", "portal_new") == "Chào\n"
    assert mariadb_server.run("SELECT title FROM posts", "portal") == ""

    mariadb_server.run("DROP DATABASE portal_new; DROP DATABASE portal; DROP USER bao@localhost")
    shutil.rmtree(tmp_path / "out")
    follow(estate, tmp_path / "out", ("mariadb", "grep"), HOME=str(tmp_path))

    assert mariadb_server.run("SELECT title FROM posts", "portal_new") == "Chào\n"
    granted = mariadb_server.run("SHOW GRANTS FOR bao@localhost")
    assert "GRANT SELECT (`title`) ON `portal_new`.`posts` TO" in granted
    assert "GRANT EXECUTE ON PROCEDURE `portal_new`.`lam` TO" in granted


def test_a_postgresql_database_takes_the_old_ones_name(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    where = f"host={postgres_server.folder} user=giucong"
    with psycopg.connect(f"{where} dbname=postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE portal")
    with psycopg.connect(f"{where} dbname=portal") as connection:
        connection.execute("CREATE TABLE posts (title text)")
        connection.execute("INSERT INTO posts VALUES ('Chào')")
    part = PART.format(engine="postgresql", socket=postgres_server.folder, user="giucong")
    estate = build_estate(tmp_path / "estate", part)
    back_up(estate)
    with psycopg.connect(f"{where} dbname=portal") as connection:
        connection.execute("DELETE FROM posts")
    follow(
        estate, tmp_path / "out", ("psql", "(printf", "createdb"),
        PGHOST=str(postgres_server.folder), PGUSER="giucong",
    )  # fmt: skip
    found = {}
    for name in ("portal", "portal_old"):
        with psycopg.connect(f"{where} dbname={name}") as connection:
            found[name] = connection.execute("SELECT title FROM posts").fetchall()

    assert found == {"portal": [("Chào",)], "portal_old": []}
