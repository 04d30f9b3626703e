"""No function of a site gets an administrator's rights while its database is loaded."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from backup.errors import BackupError
from backup.sources.databases import load
from backup.sources.databases.connection import Connection, LoadError
from provisioning.local_host import LocalHost
from tests.postgres_server import PostgresServer, postgres_server, run_postgres
from tests.private_server import find_free_port

__all__ = ["postgres_server"]

pytestmark = pytest.mark.slow

# Whoever runs `ok` makes the site a superuser, if he can; else it does as if nothing were. What is
# called immutable may not change anything itself, but call what does.
OK = """
CREATE FUNCTION public.take() RETURNS boolean LANGUAGE plpgsql AS $f$
BEGIN
  BEGIN RESET SESSION AUTHORIZATION; EXCEPTION WHEN OTHERS THEN NULL; END;
  BEGIN RESET ROLE; EXCEPTION WHEN OTHERS THEN NULL; END;
  BEGIN EXECUTE 'ALTER ROLE {site} SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
  RETURN true;
END $f$;
CREATE FUNCTION public.ok(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
 AS 'BEGIN RETURN public.take(); END';
CREATE FUNCTION public.okt() RETURNS trigger LANGUAGE plpgsql
 AS 'BEGIN PERFORM public.take(); RETURN NEW; END';
"""
DOMAIN = "CREATE DOMAIN d AS text CHECK (public.ok(VALUE));"
POSTS = "CREATE TABLE posts (title text); INSERT INTO posts VALUES ('x');"
ATTACKS = {
    "check": "CREATE TABLE posts (title text CHECK (ok(title))); INSERT INTO posts VALUES ('x')",
    "check of a row": f"""{POSTS}
        CREATE FUNCTION okr(posts) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT public.take()';
        ALTER TABLE posts ADD CHECK (okr(posts.*))""",
    "domain": f"{DOMAIN} CREATE TABLE posts (title d); INSERT INTO posts VALUES ('x')",  # noqa: S608 -- our own
    "default": f"{DOMAIN} CREATE TABLE posts (title d[] DEFAULT '{{q}}'::d[])",
    "view": f"{DOMAIN} CREATE VIEW posts AS SELECT '{{q}}'::d[] AS title",
    "partition": f"""{DOMAIN}
        CREATE TABLE posts (title d) PARTITION BY LIST (title);
        CREATE TABLE posts_x PARTITION OF posts FOR VALUES IN ('x')""",
    "aggregate": f"""{DOMAIN}
        CREATE FUNCTION s(d, text) RETURNS d LANGUAGE sql AS 'SELECT $1';
        CREATE AGGREGATE a(text) (SFUNC = s, STYPE = d, INITCOND = 'x')""",
    "generated column": """
        CREATE TABLE posts (title text, made boolean GENERATED ALWAYS AS (ok(title)) STORED);
        INSERT INTO posts VALUES ('x')""",
    "trigger": f"""{POSTS}
        CREATE TRIGGER t BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION okt();
        CREATE TRIGGER u AFTER INSERT ON posts EXECUTE FUNCTION okt()""",
    "index": f"{POSTS} CREATE INDEX ON posts (public.ok(title)) WHERE public.ok(title)",
    "exclusion": f"{POSTS} ALTER TABLE posts ADD EXCLUDE USING btree ((public.ok(title)) WITH =)",
    "materialized view": f"{POSTS} CREATE MATERIALIZED VIEW m AS SELECT ok(title) FROM posts",  # noqa: S608 -- our own
    "foreign key": """
        CREATE TYPE e AS ENUM ('x');
        CREATE FUNCTION c(e) RETURNS text LANGUAGE plpgsql IMMUTABLE
         AS 'BEGIN PERFORM public.take(); RETURN ''x''; END';
        CREATE CAST (e AS text) WITH FUNCTION c(e) AS IMPLICIT;
        CREATE TABLE p (title text PRIMARY KEY);
        INSERT INTO p VALUES ('x');
        CREATE TABLE posts (title e REFERENCES p);
        INSERT INTO posts VALUES ('x')""",
}


@dataclass(frozen=True)
class Portal:
    """A database of a site's own account on a server.

    Attributes:
        server: That.
        name: Of the database; a load goes into the same name with `_moi`.
        site: The account.
    """

    server: PostgresServer
    name: str
    site: str

    def run(self, *statements: str, user: str = "", database: str = "") -> list[tuple[object, ...]]:
        """Run statements as the site, or as somebody else; gives what the last one answers."""
        words = self._words(user or self.site, database)
        with psycopg.connect(words, autocommit=True) as opened:
            for it in statements:
                done = opened.execute(it.encode())
            return done.fetchall() if done.description else []

    def dump(self, database: str = "") -> bytes:
        words = self._words("giucong", database)
        return subprocess.run(["pg_dump", words], capture_output=True, check=True).stdout

    def _words(self, user: str, database: str) -> str:
        where = f"host={self.server.folder} port={self.server.port}"
        return f"{where} user={user} dbname={database or self.name}"

    def load(self, dump: bytes, user: str = "giucong") -> str:
        """Load a dump into a fresh database; gives its name."""
        admin = self.way(user)
        fresh = f"{self.name}_moi"
        load.create("postgresql", admin, fresh, {"owner": self.site}, mark="half")
        pieces = (dump[it : it + 100] for it in range(0, len(dump), 100))
        load.load("postgresql", admin, fresh, pieces)
        return fresh

    def way(self, user: str = "giucong") -> Connection:
        return Connection(host=LocalHost(), database="postgres", socket=str(self.server.folder),
                          port=self.server.port, user=user, given=True)  # fmt: skip


def new_portal(server: PostgresServer) -> Portal:
    name = server.new_database().partition("@/")[2].partition("?")[0]
    made = Portal(server, name, f"site_{name[:8]}")
    made.run(f"CREATE ROLE {made.site} LOGIN", f"ALTER DATABASE {name} OWNER TO {made.site}",
             f"GRANT ALL ON SCHEMA public TO {made.site}", user="giucong")  # fmt: skip
    return made


@pytest.fixture
def portal(postgres_server: PostgresServer) -> Iterator[Portal]:
    made = new_portal(postgres_server)
    yield made
    assert logins_of_loads(made) == []


def logins_of_loads(portal: Portal) -> list[tuple[object, ...]]:
    sql = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'giucong_load%'"
    return portal.run(sql, user="giucong")


def is_superuser(portal: Portal, role: str) -> bool:
    sql = f"SELECT rolsuper FROM pg_roles WHERE rolname = '{role}'"  # noqa: S608 -- a test's own
    return bool(portal.run(sql, user="giucong")[0][0])


@pytest.mark.parametrize("where", ATTACKS)
def test_a_function_of_the_site_gains_nothing(where: str, portal: Portal) -> None:
    portal.run(OK.format(site=portal.site), f"SET search_path = public; {ATTACKS[where]}")

    fresh = portal.load(portal.dump())

    assert not is_superuser(portal, portal.site)
    sql = "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'"
    owners = portal.run(f"{sql}::regnamespace", database=fresh)
    assert owners in ([(portal.site,)], [])


def test_a_check_writes_no_file_of_the_server(portal: Portal) -> None:
    path = portal.server.folder / "written"
    portal.run("CREATE TABLE posts (title text)", "INSERT INTO posts VALUES ('x')",
               "ALTER TABLE posts ADD CHECK (lo_export(lo_from_bytea(0, title::bytea),"
               f" '{path}') = 1) NOT VALID")  # fmt: skip
    dump = portal.dump().replace(b") NOT VALID", b")")

    with pytest.raises(BackupError) as refused:
        portal.load(dump)

    assert "permission denied for function lo_export" in str(refused.value.params["reason"])
    assert not path.exists()


def test_a_function_of_the_site_changes_nothing_that_a_superuser_gets(portal: Portal) -> None:
    helper = "CREATE FUNCTION public.helper() RETURNS text LANGUAGE sql SECURITY DEFINER AS"
    portal.run(
        f"{helper} 'SELECT ''good'''", "CREATE TABLE mine (a text)",
        "INSERT INTO mine VALUES ('x')", user="giucong",
    )  # fmt: skip
    tried = "\n".join(
        f"BEGIN EXECUTE {it}; EXCEPTION WHEN OTHERS THEN NULL; END;"
        for it in (
            f"$q$CREATE OR REPLACE {helper[7:]} 'SELECT ''bad'''$q$",
            "'CREATE TRIGGER t BEFORE INSERT ON mine EXECUTE FUNCTION suppress()'",
            "'DROP TABLE mine'",
            "'GRANT ALL ON mine TO PUBLIC'",
            "'CREATE TABLE more (a text)'",
        )
    )
    portal.run(
        f"CREATE FUNCTION ok(t text) RETURNS boolean LANGUAGE plpgsql AS $f$BEGIN {tried}"
        " RETURN true; END $f$",
        "CREATE TABLE posts (title text CHECK (ok(title)))",
    )  # fmt: skip
    dump = portal.dump().replace(b"COPY public.posts (title) FROM stdin;\n",
                                 b"COPY public.posts (title) FROM stdin;\nx\n")  # fmt: skip

    fresh = portal.load(dump)

    assert portal.run("SELECT public.helper()", user="giucong", database=fresh) == [("good",)]
    same(portal.dump(fresh), dump)


def same(one: bytes, other: bytes) -> None:
    """Prove that two dumps are the same but for the key that pg_dump makes each time."""
    first, second = ([line for line in it.splitlines() if b"restrict " not in line]
                     for it in (one, other))  # fmt: skip
    assert first == second


PORTAL = """
CREATE SCHEMA "nội dung";
CREATE SCHEMA tools;
CREATE EXTENSION pg_trgm SCHEMA tools;
CREATE EXTENSION unaccent;
CREATE COLLATION vi (provider = icu, locale = 'vi-x-icu');
CREATE TYPE kind AS ENUM ('tin', 'văn bản');
CREATE DOMAIN slug AS text CHECK (VALUE ~ '^[a-z-]+$');
CREATE TABLE units
 (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text COLLATE vi);
CREATE TABLE posts
 (id bigserial, unit int REFERENCES units, kind kind, slug slug, made date,
 title text DEFAULT E'\\\\; -- ''\\n', size int GENERATED ALWAYS AS (length(title)) STORED,
 PRIMARY KEY (id, made)) PARTITION BY RANGE (made);
CREATE TABLE posts_2026 PARTITION OF posts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE "nội dung"."a; GRANT" ("b
-- OWNER TO c;" text, photo oid);
CREATE FUNCTION body() RETURNS text LANGUAGE sql AS $$ SELECT '
ALTER TABLE public.units OWNER TO giucong;
COPY units FROM stdin;
' $$;
CREATE FUNCTION parsed(n int) RETURNS int LANGUAGE sql
 BEGIN ATOMIC SELECT 1; SELECT CASE WHEN n > 1 THEN 2 ELSE 3 END; END;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION touch();
CREATE RULE two AS ON DELETE TO units DO ALSO (NOTIFY a; NOTIFY b);
INSERT INTO units (name) VALUES ('Xã'), ('\\.'), (E'GRANT a TO b;\\n\\\\.\\n');
INSERT INTO posts (unit, kind, slug, made) VALUES (1, 'tin', 'tin-moi', '2026-03-01');
INSERT INTO "nội dung"."a; GRANT" VALUES ('x', lo_from_bytea(0, 'ảnh'::bytea));
CREATE INDEX ON posts USING gin (title tools.gin_trgm_ops);
CREATE VIEW shown AS SELECT title FROM posts WHERE kind = 'tin';
CREATE MATERIALIZED VIEW counts AS SELECT name, count(*) FROM units GROUP BY name;
CREATE STATISTICS st ON unit, kind FROM posts;
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
ALTER TABLE posts FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON posts USING (unit = 1);
COMMENT ON TABLE units IS E'a;\\n\\\\restrict abc\\nGRANT x TO y;';
GRANT SELECT ON units TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
"""


@pytest.mark.parametrize("user", ["giucong", "maker"])
def test_a_portal_comes_back_as_it_was(user: str, portal: Portal) -> None:
    """By a superuser and by an account that may only make roles and databases."""
    editor = f"editor_{portal.name[:8]}"
    portal.run(PORTAL)
    portal.run(
        f"CREATE ROLE {editor} NOLOGIN",
        f'GRANT ALL ON SCHEMA public, "nội dung" TO {editor}',
        f"GRANT SELECT ON posts TO {editor}", user="giucong",
    )  # fmt: skip
    if user == "giucong":
        portal.run(
            f"ALTER VIEW shown OWNER TO {editor}",
            f'ALTER TABLE "nội dung"."a; GRANT" OWNER TO {editor}',
            "CREATE TABLE boss (a text)", "INSERT INTO boss VALUES ('x')",
            "CREATE FUNCTION told() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END'",
            "CREATE EVENT TRIGGER told ON ddl_command_end EXECUTE FUNCTION told()",
            f"SET SESSION AUTHORIZATION {portal.site}", f"GRANT UPDATE ON units TO {editor} WITH"
            " GRANT OPTION", f"SET SESSION AUTHORIZATION {editor}",
            "GRANT UPDATE ON public.units TO PUBLIC", user="giucong",
        )  # fmt: skip
    else:
        user = f"maker_{portal.name[:8]}"
        portal.run(f"CREATE ROLE {user} LOGIN CREATEDB CREATEROLE",
                   f"GRANT {portal.site}, {editor} TO {user}", user="giucong")  # fmt: skip
    dump = portal.dump()

    fresh = portal.load(dump, user)

    same(portal.dump(fresh), dump)


def test_nobody_else_changes_a_database_while_it_is_loaded(portal: Portal) -> None:
    """The site owns the database, and comes in again by a password that its function has set."""
    fresh, admin = f"{portal.name}_moi", portal.way()
    portal.run("CREATE TABLE posts (title text)", "INSERT INTO posts VALUES ('x')")
    dump = portal.dump()
    load.create("postgresql", admin, fresh, {"owner": portal.site}, mark="half")
    with pytest.raises(psycopg.OperationalError, match="too many connections"):
        portal.run("SELECT 1", database=fresh)
    refused = []

    def pieces() -> Iterator[bytes]:
        begin, copy, rest = dump.partition(b"COPY ")
        yield from (begin, *[b"--\n" * 5000] * 3)
        ((login,),) = logins_of_loads(portal)
        for user in (portal.site, str(login)):
            try:
                portal.run("CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                           user=user, database=fresh)  # fmt: skip
            except psycopg.Error as error:
                refused.append(str(error).partition("\n")[0])
        yield copy + rest

    load.load("postgresql", admin, fresh, pieces())

    assert "nobody else changes a database" in refused[0]
    assert "is not permitted to log in" in refused[1]
    same(portal.dump(fresh), dump)


def test_a_role_that_is_missing_is_told_of_and_the_login_is_gone(portal: Portal) -> None:
    portal.run("CREATE TABLE posts (title text)")
    dump = portal.dump().replace(f"OWNER TO {portal.site}".encode(), b"OWNER TO nobody_here")

    with pytest.raises(LoadError) as refused:
        portal.load(dump)

    assert 'role "nobody_here" does not exist' in str(refused.value.params["reason"])


# The login -------------------------------------------------------------------------------------

OF_DEBIAN = """\
local all giucong trust
local all all peer
host all all 127.0.0.1/32 scram-sha-256
"""


def test_a_socket_that_knows_people_by_their_system_is_gone_round() -> None:
    with run_postgres(OF_DEBIAN, find_free_port()) as server:
        portal = new_portal(server)
        made = "CREATE TABLE posts (title text)", "INSERT INTO posts VALUES ('x')"
        portal.run(*made, f"ALTER TABLE posts OWNER TO {portal.site}", user="giucong")
        dump = portal.dump()

        fresh = portal.load(dump)

        same(portal.dump(fresh), dump)
        assert logins_of_loads(portal) == []


def test_a_server_that_takes_no_password_is_told_of_and_nothing_is_loaded() -> None:
    with run_postgres(OF_DEBIAN.partition("host")[0], find_free_port()) as server:
        portal = new_portal(server)

        with pytest.raises(BackupError, match="does not let the login in that a load makes"):
            portal.load(portal.dump())

        assert logins_of_loads(portal) == []


def test_the_login_of_a_load_that_was_killed_goes_with_the_next(portal: Portal) -> None:
    fresh = f"{portal.name}_moi"
    portal.run("CREATE ROLE giucong_load_0123 LOGIN VALID UNTIL 'yesterday'", user="giucong")
    load.create("postgresql", portal.way(), fresh, {"owner": portal.site}, mark="half")
    code = f"""
import sys, time
from backup.sources.databases import load
from backup.sources.databases.connection import Connection, LoadError
from provisioning.local_host import LocalHost
def pieces():
    yield b"CREATE TABLE half (a text);\\n" * 9999
    print("begun", flush=True)
    time.sleep(60)
load.load("postgresql", Connection(host=LocalHost(), database="postgres", port={portal.server.port},
          socket="{portal.server.folder}", user="giucong"), "{fresh}", pieces())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as loading:
        assert loading.stdout is not None
        assert loading.stdout.readline() == b"begun\n"
        loading.kill()
    assert len(logins_of_loads(portal)) == 1
    portal.run("CREATE TABLE posts (title text)")
    sql = f"SELECT FROM pg_stat_activity WHERE datname = '{fresh}'"
    while portal.run(sql, user="giucong"):
        time.sleep(0.05)

    load.drop("postgresql", portal.way(), fresh)
    portal.load(portal.dump())

    assert portal.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
                      database=fresh) == [("posts",)]  # fmt: skip


def test_an_account_that_makes_no_logins_loads_by_itself(portal: Portal) -> None:
    maker = f"maker_{portal.name[:8]}"
    portal.run(f"CREATE ROLE {maker} LOGIN CREATEDB", f"GRANT {portal.site} TO {maker}",
               user="giucong")  # fmt: skip
    portal.run("CREATE TABLE posts (title text)")
    dump = portal.dump()

    same(portal.dump(portal.load(dump, maker)), dump)
