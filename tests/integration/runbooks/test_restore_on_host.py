"""A site on a host with a database server goes back by one runbook: killed, and taken back."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from ops.runbooks.library import SHIPPED
from runbooks.command_lines import find_names
from runbooks.parse import load_runbook
from runbooks.procedure import Step
from tests.integration.jobs.answering import answer, carry_out
from tests.integration.jobs.host_estate import add_host
from tests.integration.jobs.small_estate import giucong
from tests.integration.jobs.test_runbooks_of_databases import newest, titles_in, told_by
from tests.integration.jobs.test_runbooks_of_hosts import let_in
from tests.integration.runbooks.driving import Desk, assert_done
from tests.integration.runbooks.test_killed_in_every_step import kill_in
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.postgres_server import PostgresServer, postgres_server
from tests.ssh_server import ServerMaker, make_ssh_server
from tests.web_server import web_server

__all__ = ["make_ssh_server", "mariadb_server", "postgres_server"]

pytestmark = pytest.mark.slow

RUNBOOK = "restore-site-on-host"
PASSPHRASE = "lúa vàng trên đồng"  # noqa: S105 -- of a key that lives for a minute
PASSWORD = "mật khẩu \"của\" 'quản trị'"  # noqa: S105 -- of an account that lives for a minute
SECRETS = {"password": PASSWORD, "passphrase": PASSPHRASE}
PARTS = """
  [[sites.files]]
  name = "web"
  host = "web1"
  path = "{folder}"
  [[sites.databases]]
  name = "cms"
  host = "web1"
  engine = "{engine}"
  socket = "{socket}"
  database = "{database}"
  user = "{user}"
"""


@dataclass(frozen=True)
class Place:
    """A site on a host.

    Attributes:
        estate: The estate file.
        folder: Of its files.
        values: That the runbook begins with.
    """

    estate: Path
    folder: Path
    values: dict[str, str]

    def type(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = giucong(self.estate, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done


def make_place(
    tmp_path: Path, make: ServerMaker, passphrase: str, address: str, **database: object
) -> Place:
    """Build the site, its host, an administrator's key for it, and a first backup."""
    server = make()
    folder = tmp_path / "srv" / "cổng"
    folder.mkdir(parents=True)
    (folder / "trang chủ.php").write_text("<?php // đúng")
    os.utime(folder, ns=(1_700_000_000_000_000_000,) * 2)
    admin = tmp_path / "admin"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", admin], check=True)
    let_in(server, admin.with_suffix(".pub").read_text())
    estate = add_host(tmp_path / "estate", server, PARTS.format(folder=folder, **database))
    text = estate.read_text(encoding="utf-8")
    sites = text.index("  [[sites.files]]")
    mine = text.index('  [[sites.files]]\n  name = "web"')
    url = f'url = "{address}"\npages = ["/"]\n'
    estate.write_text(text[:sites] + url + text[mine:], encoding="utf-8")
    values = {"site": "cong-xa", "database": "cms", "login": server.target().user,
              "identity": str(admin), "reason": "Trang hỏng"}  # fmt: skip
    place = Place(estate, folder, values)
    place.type("backup.run", "--site", "cong-xa")
    return place


def spoil(place: Place) -> None:
    (place.folder / "trang chủ.php").write_text("<?php // hỏng")
    (place.folder / "vỏ.php").write_text("<?php // của kẻ lạ")


@pytest.fixture
def portal() -> Iterator[str]:
    with web_server({"/": told_by(["Chào"])}) as address:
        yield address


def test_killed_in_every_step_that_counts_a_site_on_mariadb_goes_back(
    tmp_path: Path,
    mariadb_server: MariadbServer,
    make_ssh_server: ServerMaker,
    portal: str,
) -> None:
    live = mariadb_server.new_database("CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    fresh, admin = f"{live[:20]}_moi", f"chu_{live[:8]}"
    quoted = PASSWORD.replace("'", "''")
    mariadb_server.run(f"CREATE USER {admin}@localhost IDENTIFIED BY '{quoted}'")
    mariadb_server.run(f"GRANT ALL ON *.* TO {admin}@localhost WITH GRANT OPTION")
    mariadb_server.run(f"CREATE ROLE r{live[:8]}; GRANT SELECT ON {live}.* TO r{live[:8]}")
    mariadb_server.run(
        "CREATE TABLE posts (title TEXT); INSERT INTO posts VALUES ('Chào 🏛️');"
        "CREATE TRIGGER t BEFORE INSERT ON posts FOR EACH ROW SET NEW.title = TRIM(NEW.title);"
        "CREATE VIEW v AS SELECT title FROM posts",
        live,
    )
    place = make_place(
        tmp_path, make_ssh_server, PASSPHRASE, portal, engine="mariadb",
        socket=mariadb_server.socket, user="root", database=live,
    )  # fmt: skip
    good = newest(place.estate)
    spoil(place)
    mariadb_server.run("UPDATE posts SET title = 'hỏng'; CREATE TABLE la (x INT)", live)
    place.type("backup.run", "--site", "cong-xa")
    spoilt = newest(place.estate)

    steps = [it for it in load_runbook(SHIPPED / f"{RUNBOOK}.vi.md").steps if it.kind != "rollback"]
    answers = {"snapshot": good, "before": spoilt, "": "có"}
    values = {**place.values, "user": admin, "fresh": fresh}
    begin = ["runbook.run", "--id", RUNBOOK, *(f"--set={k}={v}" for k, v in values.items())]
    desk = Desk(place.estate)
    begun = 0
    for number in (5, 8, 10):
        words = ["runbook.resume", "--run", desk.run] if desk.run else begin
        on_the_way = [it for it in steps if begun <= it.number <= number]
        kill_in(desk, number, words, "\n".join(type_in(on_the_way, answers)))
        begun = number
    rest = type_in([it for it in steps if it.number >= begun], answers)
    ended = desk.resume("".join(f"{it}\n" for it in rest))
    assert_done(desk, ended, 15, back=frozenset({9, 11}))
    run = desk.run

    assert (place.folder / "trang chủ.php").read_text() == "<?php // đúng"
    assert place.folder.stat().st_mtime_ns == 1_700_000_000_000_000_000
    assert mariadb_server.run("SELECT title FROM v", live) == "Chào 🏛️\n"
    assert mariadb_server.run("SHOW TABLES", live) == "posts\nv\n"
    assert mariadb_server.run(f"SHOW TRIGGERS IN {live}").startswith("t\t")
    assert mariadb_server.run("SELECT title FROM v", f"{fresh}_truoc") == "hỏng\n"
    assert mariadb_server.run(f"SHOW DATABASES LIKE '{fresh}'") == ""
    assert fresh not in mariadb_server.run(f"SHOW GRANTS FOR r{live[:8]}")
    shown = json.loads(giucong(place.estate, "runbook.show", "--run", run, "--json").stdout)
    outputs = "".join(it["output"] for it in shown["items"][0]["steps"])
    assert "newer than the backup, and overwritten: 1" in outputs
    assert "newer than the backup, not in it, left alone: 1\n    vỏ.php" in outputs
    assert PASSPHRASE not in outputs + desk.told
    assert PASSWORD not in outputs + desk.told
    assert not list((tmp_path / "estate" / "state" / "switches").iterdir())


def type_in(steps: list[Step], answers: dict[str, str]) -> list[str]:
    """Give what is typed into a task that carries steps out, in the order of its questions."""
    typed: list[str] = []
    asked: set[str] = set()
    for step in steps:
        if step.kind == "ask":
            typed.append(answers[step.variable])
            continue
        for name in find_names(step.body):
            if name in SECRETS and name not in asked:
                typed.append(SECRETS[name])
                asked.add(name)
    return typed


def test_a_site_on_postgresql_goes_back_and_the_going_back_is_taken_back(
    tmp_path: Path, postgres_server: PostgresServer, make_ssh_server: ServerMaker
) -> None:
    live = postgres_server.new_database().partition("@/")[2].partition("?")[0]
    fresh = f"{live[:20]}_moi"
    where = f"host={postgres_server.folder} user=giucong dbname={live}"
    with psycopg.connect(where) as connection:
        connection.execute("CREATE TABLE posts (title text)")
        connection.execute("INSERT INTO posts VALUES ('Chào 🏛️')")
    place = make_place(
        tmp_path, make_ssh_server, "", "http://127.0.0.1:9", engine="postgresql",
        socket=postgres_server.folder, user="giucong", database=live,
    )  # fmt: skip
    good = newest(place.estate)
    spoil(place)
    with psycopg.connect(where) as connection:
        connection.execute("UPDATE posts SET title = 'hỏng'")
    place.type("backup.run", "--site", "cong-xa")
    spoilt = newest(place.estate)

    stopped = carry_out(
        place.estate, RUNBOOK, {**place.values, "user": "giucong", "fresh": fresh},
        [
            ("Đưa trang về bản nào?", good),
            ("Mật khẩu của tài khoản quản trị", ""),
            ("Ghi mã bản mới nhất", spoilt),
            ("Dữ liệu mới đúng thời điểm", "có"),
            ("Trang đã chạy", "không"),
        ],
    )  # fmt: skip
    assert stopped.code == 1, stopped.told
    assert "Mật khẩu của khóa SSH" not in stopped.told  # it has none
    assert titles_in(postgres_server, live) == ["Chào 🏛️"]
    assert titles_in(postgres_server, f"{fresh}_truoc") == ["hỏng"]
    assert (place.folder / "trang chủ.php").read_text() == "<?php // đúng"

    words = ["runbook.resume", "--run", stopped.run, "--roll-back"]
    back = answer(place.estate, words, [("Mật khẩu của tài khoản quản trị", "")])
    assert back.code == 0, back.told
    assert titles_in(postgres_server, live) == ["hỏng"]
    assert (place.folder / "trang chủ.php").read_text() == "<?php // hỏng"
