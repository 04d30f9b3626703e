"""A database that was dropped comes back with every right that its site's accounts had on it."""

from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.integration.jobs.small_estate import build_estate, giucong
from tests.integration.jobs.test_runbooks_of_databases import PART
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.postgres_server import PostgresServer, postgres_server

__all__ = ["mariadb_server", "postgres_server"]

COMMENT = r"Cổng \\ ''xã'';"
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Gone:
    """A site whose database was backed up.

    Attributes:
        estate: The estate file.
        server: Where the database was.
        live: Its name.
    """

    estate: Path
    server: MariadbServer
    live: str

    @property
    def fresh(self) -> str:
        return f"{self.live[:20]}_moi"

    def named(self, word: str) -> str:
        return f"{word}_{self.live[:8]}"

    def show(self, *accounts: str) -> str:
        return self.server.run("".join(f"SHOW GRANTS FOR {it};" for it in accounts))

    def load(self, into: str, *words: str) -> str:
        """Load it; gives what was said."""
        return act(self.estate, "root", "backup.load", "--into", into, *words)

    def switch(self, to: str) -> str:
        return act(self.estate, "root", "backup.switch", "--to", to, "--confirm", "cong-xa")


def act(estate: Path, user: str, task: str, *words: str) -> str:
    done = giucong(
        estate, task, "--site", "cong-xa", "--database", "cms", "--user", user, *words,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def back_up(folder: Path, engine: str, server: MariadbServer | PostgresServer, live: str) -> Path:
    socket, user = (
        (server.socket, "root") if isinstance(server, MariadbServer) else (server.folder, "giucong")
    )
    estate = build_estate(
        folder / "estate", PART.format(engine=engine, socket=socket, user=user, database=live)
    )
    giucong(estate, "backup.init")
    run = giucong(estate, "backup.run", "--site", "cong-xa")
    assert run.returncode == 0, run.stdout + run.stderr
    return estate


def make_gone(folder: Path, server: MariadbServer, grants: str) -> Gone:
    """Make a database, grant (`{live}`, `{w}` and `{r}` are names), and back it up."""
    live = server.new_database()
    names = {"live": live, "w": f"w_{live[:8]}@localhost", "r": f"r_{live[:8]}"}
    server.run(
        "CREATE TABLE news (a INT, b INT); INSERT INTO news VALUES (1, 2); CREATE TABLE cu (a INT);"
        "CREATE PROCEDURE lam() SELECT 1; CREATE FUNCTION ten() RETURNS INT RETURN 1",
        live,
    )
    server.run(f"SET sql_mode = ''; ALTER DATABASE {live} COMMENT '{COMMENT}'")
    server.run(grants.format(**names))
    server.run("DROP TABLE cu", live)
    return Gone(back_up(folder, "mariadb", server, live), server, live)


PARTS = """
CREATE USER {w} IDENTIFIED BY 'x';
GRANT SELECT, UPDATE (a), INSERT (b) ON {live}.news TO {w} WITH GRANT OPTION;
GRANT SELECT ON {live}.cu TO {w};
GRANT EXECUTE ON PROCEDURE {live}.lam TO {w};
GRANT EXECUTE ON FUNCTION {live}.ten TO {w};
GRANT SELECT ON mysql.time_zone TO {w}
"""


def of_database(shown: str, name: str) -> list[str]:
    """Give the grants on a database, but for those on the table that is no more."""
    return [it for it in shown.splitlines() if f"`{name}`." in it and "`cu`" not in it]


@pytest.mark.parametrize("how", ["in place", "beside", "with accounts", "the account stands"])
def test_rights_on_tables_columns_and_routines_come_back_after_their_things(
    how: str, tmp_path: Path, mariadb_server: MariadbServer
) -> None:
    gone = make_gone(tmp_path, mariadb_server, PARTS)
    live, fresh, account = gone.live, gone.fresh, f"{gone.named('w')}@localhost"
    before = of_database(gone.show(account), live)
    made = mariadb_server.run(f"SHOW CREATE DATABASE {live}")
    mariadb_server.run(f"DROP DATABASE {live}")
    if how == "the account stands":
        mariadb_server.run(f"REVOKE ALL, GRANT OPTION FROM {account}")
    else:
        mariadb_server.run(f"DROP USER {account}")

    is_beside = how != "in place"
    told = gone.load(fresh if is_beside else live, *(["--accounts"] if "with" in how else []))
    if is_beside:
        given = of_database(gone.show(account), fresh)
        assert given == [it.replace(live, fresh) for it in before]
        assert of_database(gone.show(account), live) == []
        gone.switch(fresh)

    assert len(before) == 3
    assert "COMMENT 'Cổng" in made
    assert mariadb_server.run(f"SHOW CREATE DATABASE {live}") == made
    assert "cu' doesn't exist" in told
    assert of_database(gone.show(account), live) == before
    assert fresh not in gone.show(account)
    assert ("time_zone" in gone.show(account)) == ("with" in how)
    if is_beside:  # and it can be taken back, and done again
        gone.switch(f"{fresh}_truoc")
        assert of_database(gone.show(account), fresh) == [it.replace(live, fresh) for it in before]


def test_a_load_beside_gives_no_right_on_parts_of_the_live_one(
    tmp_path: Path, mariadb_server: MariadbServer
) -> None:
    gone = make_gone(tmp_path, mariadb_server, PARTS)
    account = f"{gone.named('w')}@localhost"
    mariadb_server.run(f"REVOKE ALL, GRANT OPTION FROM {account}")

    gone.load(gone.fresh, "--accounts")

    assert of_database(gone.show(account), gone.live) == []
    assert len(of_database(gone.show(account), gone.fresh)) == 3


def test_a_switch_keeps_the_rights_on_routines(
    tmp_path: Path, mariadb_server: MariadbServer
) -> None:
    gone = make_gone(tmp_path, mariadb_server, PARTS)
    account = f"{gone.named('w')}@localhost"
    before = gone.show(account)

    gone.load(gone.fresh)
    gone.switch(gone.fresh)

    assert gone.show(account) == before


def test_who_has_rights_through_a_role_alone_comes_back_and_no_stranger(
    tmp_path: Path, mariadb_server: MariadbServer
) -> None:
    gone = make_gone(tmp_path, mariadb_server, """
        CREATE ROLE {r}; CREATE ROLE {r}_ngoai; CREATE ROLE {r}_chung; GRANT ALL ON {live}.* TO {r};
        GRANT {r} TO {r}_ngoai;
        CREATE USER {w} IDENTIFIED BY 'x'; GRANT {r}_ngoai TO {w}; GRANT {r}_chung TO {w};
        SET DEFAULT ROLE {r}_ngoai FOR {w};
        CREATE USER la_{w}; GRANT {r}_chung TO la_{w};
        CREATE USER cho_{w}; GRANT EXECUTE ON PROCEDURE {live}.lam TO cho_{w};
        CREATE USER con_{w}; GRANT {r} TO con_{w};
        SET DEFAULT ROLE {r} FOR con_{w}
    """)  # fmt: skip
    role, account = gone.named("r"), f"{gone.named('w')}@localhost"
    all_of_it = (role, f"{role}_ngoai", account, f"cho_{account}", f"con_{account}")
    before = gone.show(*all_of_it)
    mariadb_server.run(
        f"DROP DATABASE {gone.live}; DROP USER {account}, la_{account}, cho_{account};"
        f"DROP ROLE {role}, {role}_ngoai, {role}_chung"
    )

    gone.load(gone.fresh)
    gone.switch(gone.fresh)

    assert gone.show(*all_of_it).replace(", ", ",") == before.replace(", ", ",")
    there = mariadb_server.run(f"SELECT user FROM mysql.user WHERE user LIKE 'la_%{gone.live[:8]}'")  # noqa: S608 -- our own words
    assert there == ""


def test_postgresql_makes_who_is_a_member_of_a_missing_role(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    live = postgres_server.new_database().partition("@/")[2].partition("?")[0]
    owner, login, other = (f"{it}_{live[:8]}" for it in ("nhom", "dangnhap", "la"))
    home = f"host={postgres_server.folder} user=giucong dbname="
    run(f"{home}{live}", f"CREATE ROLE {owner}", f"CREATE ROLE {login} LOGIN",
        f"CREATE ROLE {other} LOGIN", f"CREATE ROLE con_{other} LOGIN",
        f"CREATE ROLE chung_{other}", f"GRANT chung_{other} TO {login}, {other}",
        f"GRANT {owner} TO {login}, con_{other}", f"ALTER DATABASE {live} OWNER TO {owner}",
        "CREATE TABLE posts (title text)", f"ALTER TABLE posts OWNER TO {owner}")  # fmt: skip
    estate = back_up(tmp_path, "postgresql", postgres_server, live)
    run(f"{home}postgres", f"DROP DATABASE {live}",
        f"DROP ROLE {owner}, {login}, {other}, chung_{other}")  # fmt: skip

    act(estate, "giucong", "backup.load", "--into", f"{live[:20]}_moi")

    with psycopg.connect(f"{home}postgres") as connection:
        asked = connection.execute(
            "SELECT rolname, pg_has_role(oid, %s, 'MEMBER') FROM pg_roles WHERE rolname = ANY(%s)"
            " ORDER BY 1", [owner, [login, other, f"con_{other}"]],
        ).fetchall()  # fmt: skip
    assert asked == [(f"con_{other}", True), (login, True)]


def run(where: str, *statements: str) -> None:
    with psycopg.connect(where, autocommit=True) as connection:
        for it in statements:
            connection.execute(it.encode())
