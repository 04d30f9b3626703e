"""A site whose folder and database are gone from its host comes back by one runbook."""

import shutil
from pathlib import Path

import psycopg
import pytest

from tests.integration.jobs.answering import Carried, answer, carry_out
from tests.integration.jobs.small_estate import giucong
from tests.integration.jobs.test_runbooks_of_databases import newest, titles_in
from tests.integration.runbooks.test_restore_on_host import Place, make_place
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.postgres_server import PostgresServer, postgres_server
from tests.ssh_server import ServerMaker, make_ssh_server

__all__ = ["make_ssh_server", "mariadb_server", "postgres_server"]

pytestmark = pytest.mark.slow

RUNBOOK = "restore-site-on-host"


def go(place: Place, last: str) -> Carried:
    """Carry the runbook out; the database's account has no password, the key no passphrase."""
    good = newest(place.estate)
    return carry_out(
        place.estate,
        RUNBOOK,
        place.values,
        [
            ("Đưa trang về bản nào?", good),
            ("Mật khẩu của tài khoản quản trị", ""),
            ("Ghi mã bản mới nhất", good),
            ("Dữ liệu mới đúng thời điểm", "có"),
            ("Trang đã chạy", last),
        ],
    )


def dry(place: Place, task: str, *words: str) -> str:
    """Type a task's dry run; gives its exit code and all it said."""
    values = place.values
    done = giucong(
        place.estate, task, "--site", "cong-xa", "--database", "cms", "--user", values["user"],
        "--login", values["login"], "--identity", values["identity"], "--dry-run", *words,
    )  # fmt: skip
    return f"{done.returncode} {done.stdout}{done.stderr}"


def test_on_mariadb_with_its_account_and_no_right_that_others_have_lost(
    tmp_path: Path, mariadb_server: MariadbServer, make_ssh_server: ServerMaker
) -> None:
    live = mariadb_server.new_database("CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    fresh, site, other = f"{live[:20]}_moi", f"site_{live[:8]}", f"khac_{live[:8]}"
    mariadb_server.run(
        f"CREATE USER {site}@localhost IDENTIFIED BY 'cũ'; CREATE ROLE r{live[:8]};"
        f"GRANT SELECT, INSERT ON {live}.* TO {site}@localhost; GRANT r{live[:8]} TO"
        f" {site}@localhost; GRANT DELETE ON {live}.* TO r{live[:8]};"
        f"CREATE USER {other}@localhost IDENTIFIED BY 'cũ'; GRANT SELECT ON {live}.* TO"
        f" {other}@localhost; GRANT FILE ON *.* TO {other}@localhost"
    )
    mariadb_server.run(
        "CREATE TABLE posts (title TEXT); INSERT INTO posts VALUES ('Chào 🏛️');"
        "CREATE VIEW v AS SELECT title FROM posts",
        live,
    )
    place = make_place(
        tmp_path, make_ssh_server, "", "http://127.0.0.1:9", engine="mariadb",
        socket=mariadb_server.socket, user="root", database=live,
    )  # fmt: skip
    place.values.update(user="root", fresh=fresh)
    shutil.rmtree(place.folder.parent)
    mariadb_server.run(
        f"DROP DATABASE {live}; DROP USER {site}@localhost; DROP ROLE r{live[:8]};"
        f"REVOKE ALL ON {live}.* FROM {other}@localhost; REVOKE FILE ON *.* FROM {other}@localhost;"
        f"SET PASSWORD FOR {other}@localhost = PASSWORD('mới')"
    )
    secret = f"SELECT authentication_string FROM mysql.user WHERE user = '{other}'"  # noqa: S608 -- our own words
    before = mariadb_server.run(secret)

    stopped = go(place, "không")

    assert "is not there, so nothing is kept of it" in stopped.told
    assert mariadb_server.run("SELECT title FROM v", live) == "Chào 🏛️\n"
    assert mariadb_server.run(f"SHOW DATABASES LIKE '{fresh}%'") == ""
    assert mariadb_server.run("SELECT @@collation_database", live) == "utf8mb4_unicode_ci\n"
    granted = mariadb_server.run(f"SHOW GRANTS FOR {site}@localhost")
    assert f"GRANT SELECT, INSERT ON `{live}`.* TO" in granted
    assert f"GRANT `r{live[:8]}` TO" in granted
    assert f"DELETE ON `{live}`.*" in mariadb_server.run(f"SHOW GRANTS FOR r{live[:8]}")
    assert mariadb_server.run(secret) == before
    assert "FILE" not in mariadb_server.run(f"SHOW GRANTS FOR {other}@localhost")
    assert (place.folder / "trang chủ.php").read_text() == "<?php // đúng"

    back = answer(place.estate, ["runbook.resume", "--run", stopped.run, "--roll-back"],
                  [("Mật khẩu của tài khoản quản trị", "")])  # fmt: skip
    assert back.code == 0, back.told
    assert mariadb_server.run(f"SHOW DATABASES LIKE '{live}'") == ""
    assert mariadb_server.run("SELECT title FROM v", fresh) == "Chào 🏛️\n"


def test_on_postgresql_with_its_role_and_the_rights_on_the_database(
    tmp_path: Path, postgres_server: PostgresServer, make_ssh_server: ServerMaker
) -> None:
    live = postgres_server.new_database().partition("@/")[2].partition("?")[0]
    fresh, site, other = f"{live[:20]}_moi", f"site_{live[:8]}", f"khac_{live[:8]}"
    home = f"host={postgres_server.folder} user=giucong dbname="
    with psycopg.connect(f"{home}{live}", autocommit=True) as connection:
        for sql in (
            f"CREATE ROLE {site} LOGIN", f"CREATE ROLE {other} LOGIN CREATEDB",
            f"CREATE ROLE g{live[:8]}", f"GRANT g{live[:8]} TO {site}",
            f"ALTER DATABASE {live} OWNER TO {site}",
            f"REVOKE CONNECT ON DATABASE {live} FROM PUBLIC",
            f"ALTER DATABASE {live} SET statement_timeout TO '7s'",
            "CREATE TABLE posts (title text)", "INSERT INTO posts VALUES ('Chào 🏛️')",
            f"ALTER TABLE posts OWNER TO {site}", f"GRANT SELECT ON posts TO {other}",
        ):  # fmt: skip
            connection.execute(sql.encode())
    place = make_place(
        tmp_path, make_ssh_server, "", "http://127.0.0.1:9", engine="postgresql",
        socket=postgres_server.folder, user="giucong", database=live,
    )  # fmt: skip
    place.values.update(user="giucong", fresh=fresh)
    shutil.rmtree(place.folder.parent)
    with psycopg.connect(f"{home}postgres", autocommit=True) as connection:
        for sql in (f"DROP DATABASE {live}", f"DROP ROLE {site}", f"DROP ROLE g{live[:8]}",
                    f"ALTER ROLE {other} NOCREATEDB"):  # fmt: skip
            connection.execute(sql.encode())

    stopped = go(place, "không")

    assert "is not there, so nothing is kept of it" in stopped.told
    assert titles_in(postgres_server, live) == ["Chào 🏛️"]
    with psycopg.connect(f"{home}{live}") as connection:
        rows = connection.execute(
            "SELECT pg_get_userbyid(datdba), has_database_privilege('public', oid, 'CONNECT')"
            " FROM pg_database WHERE datname LIKE %s", [f"{live}%"],
        ).fetchall()  # fmt: skip
        assert rows == [(site, False)]
        assert connection.execute("SHOW statement_timeout").fetchall() == [("7s",)]
        assert connection.execute(
            "SELECT pg_has_role(%s, %s, 'MEMBER'), rolcreatedb FROM pg_roles WHERE rolname = %s",
            [site, f"g{live[:8]}", other],
        ).fetchall() == [(True, False)]  # fmt: skip
    again = giucong(
        place.estate, "backup.switch", "--site", "cong-xa", "--database", "cms", "--to", fresh,
        "--user", "giucong", "--login", place.values["login"], "--identity",
        place.values["identity"], "--confirm", "cong-xa",
    )  # fmt: skip
    assert "an earlier try has done that already" in again.stdout

    back = answer(place.estate, ["runbook.resume", "--run", stopped.run, "--roll-back"],
                  [("Mật khẩu của tài khoản quản trị", "")])  # fmt: skip
    assert back.code == 0, back.told
    assert titles_in(postgres_server, fresh) == ["Chào 🏛️"]


def test_a_dry_run_refuses_what_the_real_step_would(
    tmp_path: Path,
    mariadb_server: MariadbServer,
    postgres_server: PostgresServer,
    make_ssh_server: ServerMaker,
) -> None:
    live = mariadb_server.new_database()
    fresh, weak = f"{live[:20]}_moi", f"yeu_{live[:8]}"
    mariadb_server.run("CREATE TABLE posts (title TEXT)", live)
    mariadb_server.run(f"CREATE USER {weak}@localhost; GRANT SELECT ON *.* TO {weak}@localhost")
    place = make_place(
        tmp_path / "m", make_ssh_server, "", "http://127.0.0.1:9", engine="mariadb",
        socket=mariadb_server.socket, user="root", database=live,
    )  # fmt: skip
    place.values["user"] = "root"
    assert dry(place, "backup.load", "--into", fresh).startswith("0 ")
    assert "would be too long" in dry(place, "backup.load", "--into", "x" * 60)
    mariadb_server.run(f"CREATE DATABASE {fresh}_truoc")
    assert f"{fresh}_truoc on the server already" in dry(place, "backup.load", "--into", fresh)
    mariadb_server.run(f"DROP DATABASE {fresh}_truoc; CREATE DATABASE {fresh}")
    assert "has no tables" in dry(place, "backup.switch", "--to", fresh)
    mariadb_server.run(f"DROP DATABASE {fresh}")
    place.values["user"] = weak
    assert "lacks INSERT, CREATE, ALTER, DROP" in dry(place, "backup.load", "--into", fresh)

    live = postgres_server.new_database().partition("@/")[2].partition("?")[0]
    fresh, weak = f"{live[:20]}_moi", f"yeu_{live[:8]}"
    home = f"host={postgres_server.folder} user=giucong dbname="
    place = make_place(
        tmp_path / "p", make_ssh_server, "", "http://127.0.0.1:9", engine="postgresql",
        socket=postgres_server.folder, user="giucong", database=live,
    )  # fmt: skip
    place.values["user"] = "giucong"
    with psycopg.connect(f"{home}postgres", autocommit=True) as connection:
        for sql in (f"CREATE ROLE {weak} LOGIN", f"CREATE DATABASE {fresh}"):
            connection.execute(sql.encode())
    assert dry(place, "backup.switch", "--to", fresh).startswith("0 ")
    with psycopg.connect(f"{home}{live}"):
        assert "still connected" in dry(place, "backup.switch", "--to", fresh)
    place.values["user"] = weak
    assert "lacks" in dry(place, "backup.switch", "--to", fresh)
    assert "lacks CREATEDB" in dry(place, "backup.load", "--into", f"{fresh}_2")
