"""A database goes back to a chosen snapshot by its runbook, on real servers, to the end."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from ops.catalog.open import open_catalog
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from tests.integration.jobs.answering import answer, carry_out
from tests.integration.jobs.small_estate import build_estate, giucong
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.postgres_server import PostgresServer, postgres_server
from tests.web_server import Page, say, web_server

__all__ = ["mariadb_server", "postgres_server"]

pytestmark = pytest.mark.slow

PART = """
  [[sites.databases]]
  name = "cms"
  engine = "{engine}"
  socket = "{socket}"
  database = "{database}"
  user = "{user}"
"""
PASSWORD = "mật khẩu \"của\" 'quản trị'"  # noqa: S105 -- of an account that lives for a minute
QUESTIONS = ("Đưa cơ sở dữ liệu về bản nào?", "đã chạy backup.run", "đúng là thời điểm cần trở về")


def estate_with(folder: Path, part: str, address: str) -> Path:
    path = build_estate(folder, part)
    said = f'unit = "xa"\nurl = "{address}"\npages = ["/"]\n  [['
    text = path.read_text(encoding="utf-8").replace('unit = "xa"\n  [[', said)
    path.write_text(text, encoding="utf-8")
    assert giucong(path, "backup.init").returncode == 0
    done = giucong(path, "backup.run", "--site", "cong-xa")
    assert done.returncode == 0, done.stdout + done.stderr
    return path


def newest(estate: Path) -> str:
    listed = giucong(estate, "backup.list", "--site", "cong-xa", "--json")
    return str(json.loads(listed.stdout)["items"][-1]["id"])[:12]


def told_by(rows: list[str]) -> Page:
    """Serve what a list holds at that moment."""

    def serve(request: object) -> None:
        say(f"<title>Cổng</title><p>{' '.join(rows)} và nhiều chữ khác".encode())(request)  # type: ignore[arg-type]  # the server's own

    return serve


def test_a_mariadb_database_goes_back_beside_the_old_one(
    tmp_path: Path, mariadb_server: MariadbServer
) -> None:
    live = mariadb_server.new_database("CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    fresh = f"{live[:20]}_moi"
    mariadb_server.run("CREATE TABLE posts (title TEXT); INSERT INTO posts VALUES ('Chào 🏛️')", live)
    mariadb_server.run(f"CREATE USER site_{live[:8]}@localhost; GRANT ALL ON {live}.* TO"
                       f" site_{live[:8]}@localhost")  # fmt: skip
    quoted = PASSWORD.replace("'", "''")
    admin = f"chu_{live[:8]}"
    mariadb_server.run(f"CREATE USER {admin}@localhost IDENTIFIED BY '{quoted}'")
    mariadb_server.run(f"GRANT ALL ON *.* TO {admin}@localhost WITH GRANT OPTION")
    shown = ["Chào"]
    with web_server({"/": told_by(shown)}) as address:
        estate = estate_with(
            tmp_path / "estate",
            PART.format(engine="mariadb", socket=mariadb_server.socket, user="root", database=live),
            address,
        )
        good = newest(estate)
        mariadb_server.run("UPDATE posts SET title = 'hỏng'; CREATE TABLE la (x INT)", live)

        done = carry_out(
            estate,
            "restore-mariadb-database",
            {"site": "cong-xa", "database": "cms", "fresh": fresh, "user": admin,
             "reason": "Bảng bài viết hỏng"},
            [
                (QUESTIONS[0], good),
                (QUESTIONS[1], "có"),
                ("Mật khẩu của tài khoản quản trị", PASSWORD),
                (QUESTIONS[2], "có"),
                ("Trang đã dừng", "có"),
                ("Trang đã chạy", "có"),
                ("ngày xóa", "có"),
            ],
        )  # fmt: skip

    assert done.code == 0, done.told
    assert mariadb_server.run("SELECT title FROM posts", live) == "Chào 🏛️\n"
    assert mariadb_server.run("SHOW TABLES", live) == "posts\n"
    assert mariadb_server.run("SELECT title FROM posts", f"{fresh}_truoc") == "hỏng\n"
    charset = mariadb_server.run("SELECT @@collation_database", live)
    assert charset == "utf8mb4_unicode_ci\n"
    granted = mariadb_server.run(f"SHOW GRANTS FOR site_{live[:8]}@localhost")
    assert f"`{live}`.*" in granted
    assert f"`{fresh}`.*" not in granted
    assert PASSWORD not in done.told
    again = giucong(
        estate, "backup.load", "--site", "cong-xa", "--database", "cms", "--into", live,
        "--user", "root",
    )  # fmt: skip
    assert again.returncode == 1
    assert f"there is a database {live} on the server already" in again.stderr
    note_begun(estate, live)
    mariadb_server.run(f"ALTER DATABASE {live} COMMENT '{MARK}'")
    mine = giucong(
        estate, "backup.load", "--site", "cong-xa", "--database", "cms", "--into", live,
        "--user", "root",
    )  # fmt: skip
    assert mine.returncode == 1
    assert "under the live name nothing is dropped" in mine.stderr

    mariadb_server.run("UPDATE posts SET title = 'buổi chiều'", live)
    saved = giucong(estate, "backup.run", "--site", "cong-xa", "--database", "cms")
    then = told_time(estate, good)
    load = ("backup.load", "--site", "cong-xa", "--database", "cms", "--user", "root", "--into")
    loaded = [
        giucong(estate, *load, f"{fresh}_nay"),
        giucong(estate, *load, f"{fresh}_xua", "--at", then),
    ]
    assert [it.returncode for it in (saved, *loaded)] == [0, 0, 0], loaded
    assert mariadb_server.run("SELECT title FROM posts", f"{fresh}_nay") == "buổi chiều\n"
    assert mariadb_server.run("SELECT title FROM posts", f"{fresh}_xua") == "Chào 🏛️\n"
    assert "COMMENT" not in mariadb_server.run(f"SHOW CREATE DATABASE {fresh}_xua")

    # A load began and made nothing; then somebody made one of that name by hand, and filled it.
    by_hand = f"{fresh}_tay"
    note_begun(estate, by_hand)
    mariadb_server.run(f"CREATE DATABASE {by_hand}")
    mariadb_server.run("CREATE TABLE posts AS SELECT 'của người dân' AS title", by_hand)
    refused = giucong(estate, *load, by_hand)
    kept = mariadb_server.run("SELECT title FROM posts", by_hand)
    mariadb_server.run(f"ALTER DATABASE {by_hand} COMMENT '{MARK}'")
    ours = giucong(estate, *load, by_hand)
    assert (refused.returncode, kept, ours.returncode) == (1, "của người dân\n", 0)
    assert "dropped what a load that was cut off had left" in ours.stdout


def test_no_switch_takes_keys_of_another_database_away(
    tmp_path: Path, mariadb_server: MariadbServer
) -> None:
    """They follow the tables that are renamed: the other site would write against the old ones."""
    live, other = mariadb_server.new_database(), mariadb_server.new_database()
    mariadb_server.run("CREATE TABLE parent (id INT PRIMARY KEY)", live)
    mariadb_server.run("CREATE TABLE child (p INT)", other)
    part = PART.format(engine="mariadb", socket=mariadb_server.socket, user="root", database=live)
    with web_server({"/": told_by(["Chào"])}) as address:
        estate = estate_with(tmp_path / "estate", part, address)
    fresh = f"{live[:20]}_moi"
    load = ("backup.load", "--site", "cong-xa", "--database", "cms", "--into", fresh)
    loaded = giucong(estate, *load, "--user", "root")
    switch = ("backup.switch", "--site", "cong-xa", "--database", "cms", "--to", fresh,
              "--user", "root")  # fmt: skip
    fine = giucong(estate, *switch, "--dry-run")
    mariadb_server.run(
        f"ALTER TABLE child ADD FOREIGN KEY (p) REFERENCES {live}.parent (id)", other
    )
    refused = giucong(estate, *switch, "--dry-run")

    assert (loaded.returncode, fine.returncode, refused.returncode) == (0, 0, 1), loaded.stderr
    assert f"foreign keys of other databases lead into {live}: {other}.child" in refused.stderr


def told_time(estate: Path, snapshot: str) -> str:
    """Give the moment right after a snapshot, as `--at` takes it."""
    told = giucong(estate, "backup.list", "--site", "cong-xa", "--json").stdout
    taken = next(
        it["taken_at"] for it in json.loads(told)["items"] if it["id"].startswith(snapshot)
    )
    return (datetime.fromisoformat(taken) + timedelta(milliseconds=1)).isoformat()


def titles_in(server: PostgresServer, database: str) -> list[str]:
    where = f"host={server.folder} user=giucong dbname={database}"
    with psycopg.connect(where) as connection:
        return [str(row[0]) for row in connection.execute("SELECT title FROM posts")]


MARK = "giucong-00c0ffee"


def note_begun(estate: Path, name: str) -> None:
    """Leave what a load that was cut off leaves in the journal."""
    details = {"database": "cms", "into": name, "host": "", "outcome": "begun", "mark": MARK}
    catalog = open_catalog(f"sqlite:///{estate.parent}/state/giucong.db")
    with catalog.writing() as session:
        journal.append(session, Origin(via="cli"), [Entry("backup.load", "cong-xa", details)])
    catalog.close()


def test_a_postgresql_database_goes_back_and_the_going_back_is_taken_back(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    live = postgres_server.new_database().partition("@/")[2].partition("?")[0]
    fresh = f"{live[:20]}_moi"
    where = f"host={postgres_server.folder} user=giucong dbname={live}"
    with psycopg.connect(where) as connection:
        connection.execute("CREATE TABLE posts (title text)")
        connection.execute("INSERT INTO posts VALUES ('Chào 🏛️')")
    with web_server({"/": told_by(["Chào"])}) as address:
        estate = estate_with(
            tmp_path / "estate",
            PART.format(
                engine="postgresql", socket=postgres_server.folder, user="giucong", database=live
            ),
            address,
        )
        good = newest(estate)
        with psycopg.connect(where) as connection:
            connection.execute("UPDATE posts SET title = 'hỏng'")
        stopped = carry_out(
            estate,
            "restore-postgresql-database",
            {"site": "cong-xa", "database": "cms", "fresh": fresh, "user": "giucong",
             "reason": "Bảng bài viết hỏng"},
            [
                (QUESTIONS[0], good),
                (QUESTIONS[1], "có"),
                ("Mật khẩu của tài khoản quản trị", PASSWORD),
                (QUESTIONS[2], "có"),
                ("Trang đã dừng", "có"),
                ("Trang đã chạy", "không"),
            ],
        )  # fmt: skip
        assert stopped.code == 1, stopped.told
        assert titles_in(postgres_server, live) == ["Chào 🏛️"]
        assert titles_in(postgres_server, f"{fresh}_truoc") == ["hỏng"]

        on = ["runbook.resume", "--run", stopped.run]
        done = answer(estate, on, [("Trang đã chạy", "có"), ("ngày xóa", "có")])
        assert done.code == 0, done.told
        back = giucong(
            estate, "backup.switch", "--site", "cong-xa", "--database", "cms", "--to",
            f"{fresh}_truoc", "--user", "giucong", "--confirm", "cong-xa",
        )  # fmt: skip
        assert back.returncode == 0, back.stderr
        assert titles_in(postgres_server, live) == ["hỏng"]

        half = f"{live[:20]}_nua"
        load = ("backup.load", "--site", "cong-xa", "--database", "cms", "--snapshot", good,
                "--user", "giucong", "--into", half)  # fmt: skip
        note_begun(estate, half)
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {half}".encode())
            somebodys = giucong(estate, *load)
            connection.execute(f"COMMENT ON DATABASE {half} IS '{MARK}'".encode())
        planned = giucong(estate, *load, "--dry-run")
        again = giucong(estate, *load)
        once_more = giucong(estate, *load)
    assert somebodys.returncode == 1
    assert "already" in somebodys.stderr
    assert "would first drop" in planned.stdout
    assert again.returncode == 0, again.stderr
    assert "dropped what a load that was cut off had left" in again.stdout
    assert once_more.returncode == 0, once_more.stderr
    assert "an earlier try has loaded it already" in once_more.stdout
    assert titles_in(postgres_server, half) == ["Chào 🏛️"]
