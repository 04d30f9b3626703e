"""Sites with databases on servers, from the task down to another server that loads the dump."""

import getpass
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops.backups.sources.parts import commands_on
from ops.estate.load.load import load_estate
from ops.sites.account import list_allowed
from provisioning.gate.account_script import GATE, make_key_line, make_list
from tests.integration.jobs.small_estate import GIUCONG, build_estate, giucong
from tests.mariadb_server import MariadbServer, mariadb_server, run_mariadb
from tests.postgres_server import PostgresServer, postgres_server
from tests.ssh_server import ServerMaker, make_ssh_server

__all__ = ["make_ssh_server", "mariadb_server", "postgres_server"]

pytestmark = pytest.mark.slow

RIGHTS = "SELECT, SHOW VIEW, TRIGGER, EVENT, SHOW CREATE ROUTINE"
NASTY = 'mật khẩu "khó" \'#\\'
POSTS = """
CREATE TABLE posts (id INT PRIMARY KEY, title VARCHAR(200)) CHARACTER SET utf8mb4;
INSERT INTO posts VALUES (1, 'Thông báo 🏛️'), (2, 'Lịch tiếp công dân');
CREATE TRIGGER luu AFTER INSERT ON posts FOR EACH ROW SET @last = NEW.id;
"""


def add_mariadb(folder: Path, server: MariadbServer, database: str, more: str = "") -> Path:
    """Build an estate whose site has a MariaDB database beside its own, read by a small account."""
    word = NASTY.replace("\\", "\\\\").replace("'", "\\'")
    user = f"r{database[:20]}"
    server.run(
        f"CREATE USER {user}@localhost IDENTIFIED BY '{word}';"
        f"GRANT {RIGHTS} ON `{database}`.* TO {user}@localhost"
    )
    estate = build_estate(folder, f"""
  [[sites.databases]]
  name = "cms"
  engine = "mariadb"
  socket = "{server.socket}"
  database = "{database}"
  user = "{user}"
  password = "file:keys/cms"
{more}""")  # fmt: skip
    write_secret(estate.parent / "keys" / "cms", NASTY)
    return estate


def write_secret(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + "\n")
    path.chmod(0o600)


def restore(estate: Path, target: Path) -> dict[str, Any]:
    """Restore with stock restic; give the databases as the manifest tells of them, by name."""
    repository = estate.parent / "stores" / "near" / "cong-xa"
    key = estate.parent / "keys" / "repository.key"
    subprocess.run(
        ["restic", "-r", str(repository), "--password-file", str(key), "restore", "latest",
         "--path", "/cong-xa", "--target", str(target)],
        check=True, capture_output=True, env={**os.environ, "RESTIC_CACHE_DIR": f"{target}-cache"},
    )  # fmt: skip
    manifest = json.loads((target / "cong-xa" / "manifest.json").read_text())
    return {it["name"]: it for it in manifest["databases"]}


def list_snapshots(estate: Path) -> list[Any]:
    listed = giucong(estate, "backup.list", "--site", "cong-xa", "--json")
    found: list[Any] = json.loads(listed.stdout)["items"]
    return found


def test_a_mariadb_site_goes_from_the_task_to_another_database(
    tmp_path: Path, mariadb_server: MariadbServer
) -> None:
    database, other = mariadb_server.new_database(), mariadb_server.new_database()
    mariadb_server.run(POSTS, database)
    estate = add_mariadb(tmp_path / "estate", mariadb_server, database)
    checked = giucong(estate, "estate.check")
    giucong(estate, "backup.init")
    tried = giucong(estate, "estate.test", "--site", "cong-xa", "--json")
    run = giucong(estate, "backup.run", "--site", "cong-xa")
    found = restore(estate, tmp_path / "out")["cms"]
    dumped = tmp_path / "out" / "cong-xa" / found["at"]
    mariadb_server.run(dumped.read_bytes(), other)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert "it answers and may be read in full: MariaDB" in tried.stdout
    assert run.returncode == 0, run.stderr
    assert "2 rows" in run.stdout
    assert mariadb_server.run("SELECT title FROM posts ORDER BY id", other).split("\n") == [
        "Thông báo 🏛️", "Lịch tiếp công dân", "",
    ]  # fmt: skip
    assert found["at"] == "databases/cms.sql"
    assert found["tables"] == found["tables_after"] == {"posts": 2}
    assert found["consistent"] is True
    assert found["check"]["ok"] is True
    assert found["settings"]["character_set"] == "utf8mb4"
    made = (tmp_path / "out" / "cong-xa" / found["globals"]).read_text()
    assert f"CREATE DATABASE IF NOT EXISTS `{database}`" in made
    everywhere = b"".join(
        path.read_bytes() for path in (estate.parent / "state").rglob("*") if path.is_file()
    )
    assert NASTY.encode() not in everywhere
    assert NASTY not in run.stdout + run.stderr


def test_a_database_alone_runs_by_itself(tmp_path: Path, mariadb_server: MariadbServer) -> None:
    database = mariadb_server.new_database()
    mariadb_server.run(POSTS, database)
    estate = add_mariadb(tmp_path / "estate", mariadb_server, database)
    giucong(estate, "backup.init")
    run = giucong(estate, "backup.run", "--site", "cong-xa", "--database", "cms", "--json")
    (snapshot,) = list_snapshots(estate)

    assert run.returncode == 0, run.stderr
    assert set(json.loads(run.stdout)["items"][0]["summary"]["parts"]) == {
        "databases/cms.sql", "databases/cms.globals.sql",
    }  # fmt: skip
    assert snapshot["paths"] == ["/cong-xa/databases/cms.sql"]


def test_what_stops_a_dump_stops_the_snapshot_and_the_next_run_heals(
    tmp_path: Path, mariadb_server: MariadbServer
) -> None:
    database = mariadb_server.new_database()
    mariadb_server.run(POSTS, database)
    estate = add_mariadb(tmp_path / "estate", mariadb_server, database)
    giucong(estate, "backup.init")
    write_secret(estate.parent / "keys" / "cms", "wrong-word")
    tried = giucong(estate, "estate.test", "--site", "cong-xa")
    refused = giucong(estate, "backup.run", "--site", "cong-xa")
    none = list_snapshots(estate)
    write_secret(estate.parent / "keys" / "cms", NASTY)
    healed = giucong(estate, "backup.run", "--site", "cong-xa")

    assert refused.returncode == 1
    assert "does not let the account" in refused.stderr
    assert "no snapshot was made" in refused.stderr
    assert "wrong-word" not in refused.stdout + refused.stderr
    assert "does not let the account" in tried.stdout
    assert none == []
    assert healed.returncode == 0, healed.stderr
    assert len(list_snapshots(estate)) == 1


def test_a_server_killed_in_the_middle_leaves_no_snapshot(tmp_path: Path) -> None:
    with run_mariadb() as server:
        database = server.new_database()
        server.run("CREATE TABLE a (filler LONGTEXT)", database)
        server.run("INSERT INTO a SELECT HEX(RANDOM_BYTES(1024)) FROM seq_1_to_60000", database)
        estate = add_mariadb(tmp_path / "estate", server, database)
        giucong(estate, "backup.init")
        run = subprocess.Popen(
            [GIUCONG, "backup.run", "--site", "cong-xa"], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "GIUCONG_ESTATE": str(estate), "GIUCONG_LANG": "en"},
        )  # fmt: skip
        dumping = "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'SELECT /*!40001%'"
        while run.poll() is None and not server.run(dumping):
            pass
        server.process.send_signal(signal.SIGKILL)
        _told, complained = run.communicate()

    assert run.returncode == 1, complained
    assert "does not answer" in complained
    assert list_snapshots(estate) == []


def test_tables_without_transactions_are_told(
    tmp_path: Path, mariadb_server: MariadbServer
) -> None:
    database = mariadb_server.new_database()
    mariadb_server.run("CREATE TABLE old (id INT) ENGINE=MyISAM", database)
    estate = add_mariadb(tmp_path / "estate", mariadb_server, database)
    giucong(estate, "backup.init")
    tried = giucong(estate, "estate.test", "--site", "cong-xa")
    run = giucong(estate, "backup.run", "--site", "cong-xa")
    loose = restore(estate, tmp_path / "loose")["cms"]
    manifest = json.loads((tmp_path / "loose" / "cong-xa" / "manifest.json").read_text())

    assert "the tables old know no transactions" in tried.stdout
    assert run.returncode == 0, run.stderr
    assert "not consistent: cms" in run.stdout
    assert (loose["consistent"], loose["not_consistent"]) == (False, ["old"])
    assert "Không nhất quán" in manifest["consistency"]["meaning"]


def test_a_postgresql_site_goes_from_the_task_to_another_database(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    database = postgres_server.new_database().partition("@/")[2].partition("?")[0]
    other = postgres_server.new_database().partition("@/")[2].partition("?")[0]
    where = f"host={postgres_server.folder} user=giucong"
    with psycopg.connect(f"{where} dbname={database}", autocommit=True) as connection:
        connection.execute("CREATE TABLE posts (title text)")
        connection.execute("INSERT INTO posts VALUES ('Thông báo 🏛️')")
    estate = build_estate(tmp_path / "estate", f"""
  [[sites.databases]]
  name = "cms"
  engine = "postgresql"
  socket = "{postgres_server.folder}"
  database = "{database}"
  user = "giucong"
""")  # fmt: skip
    giucong(estate, "backup.init")
    tried = giucong(estate, "estate.test", "--site", "cong-xa", "--json")
    run = giucong(estate, "backup.run", "--site", "cong-xa")
    found = restore(estate, tmp_path / "out")["cms"]
    load = ["psql", "-X", "-h", str(postgres_server.folder), "-U", "giucong", "-d", other,
            "-v", "ON_ERROR_STOP=1", "--single-transaction",
            "-f", str(tmp_path / "out" / "cong-xa" / found["at"])]  # fmt: skip
    subprocess.run(load, check=True, capture_output=True)
    with psycopg.connect(f"{where} dbname={other}") as connection:
        titles = connection.execute("SELECT title FROM posts").fetchall()
    made = (tmp_path / "out" / "cong-xa" / found["globals"]).read_text()

    assert "it answers and may be read in full: PostgreSQL" in tried.stdout
    assert run.returncode == 0, run.stderr
    assert titles == [("Thông báo 🏛️",)]
    assert (found["tables"], found["tables_after"]) == ({"public.posts": 1}, None)
    assert "CREATE ROLE giucong" in made


def test_databases_of_a_host_come_through_its_gate_and_nothing_else_does(
    tmp_path: Path,
    make_ssh_server: ServerMaker,
    mariadb_server: MariadbServer,
    postgres_server: PostgresServer,
) -> None:
    server = make_ssh_server()
    database = mariadb_server.new_database()
    mariadb_server.run(POSTS, database)
    other = postgres_server.new_database().partition("@/")[2].partition("?")[0]
    estate = add_mariadb(tmp_path / "estate", mariadb_server, database, f"""
  host = "web1"
  [[sites.databases]]
  name = "forum"
  engine = "postgresql"
  host = "web1"
  socket = "{postgres_server.folder}"
  database = "{other}"
  user = "giucong"
[[hosts]]
name = "web1"
address = "127.0.0.1"
port = {server.port}
user = "{getpass.getuser()}"
identity = "file:{server.identity}"
known_hosts = "{server.known_hosts}"
""")  # fmt: skip
    gate = tmp_path / "gate"
    shutil.copy(GATE, gate)
    gate.write_text(gate.read_text().replace("/usr/bin/python3", sys.executable, 1))
    gate.chmod(0o755)
    allowed = list_allowed(commands_on(load_estate(estate), "web1"))
    (tmp_path / "allowed").write_text(make_list(allowed))
    server.authorized_keys.write_text(make_key_line(server.public_key(), str(gate)) + "\n")
    giucong(estate, "backup.init")
    tried = giucong(estate, "estate.test", "--site", "cong-xa", "--json")
    run = giucong(estate, "backup.run", "--site", "cong-xa")
    found = restore(estate, tmp_path / "out")
    (tmp_path / "allowed").write_text("")
    shut = giucong(estate, "backup.run", "--site", "cong-xa")

    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert run.returncode == 0, run.stderr
    assert found["cms"]["tables"] == {"posts": 2}
    assert found["cms"]["source"]["host"] == found["forum"]["source"]["host"] == "web1"
    assert NASTY not in server.log()
    assert shut.returncode == 1
    assert "giucong gate: refused" in shut.stderr
    assert "estate.account --host web1 --databases`" in shut.stderr


def test_a_restore_in_place_says_how_a_server_gets_its_database_back(
    tmp_path: Path, mariadb_server: MariadbServer
) -> None:
    database = mariadb_server.new_database()
    mariadb_server.run(POSTS, database)
    estate = add_mariadb(tmp_path / "estate", mariadb_server, database)
    giucong(estate, "backup.init")
    giucong(estate, "backup.run", "--site", "cong-xa")
    words = ("backup.restore", "--site", "cong-xa", "--in-place", "--confirm", "cong-xa")
    refused = giucong(estate, *words)
    files = giucong(estate, *words, "--include", "/cong-xa/files")

    assert refused.returncode == 1
    assert "the database cms is not put back in its place" in refused.stderr
    assert "--id restore-site-on-host" in refused.stderr
    assert files.returncode == 0, files.stderr
