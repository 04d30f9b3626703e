"""No command for a database's client is carried out, whoever has put one into a dump."""

import os
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from backup.errors import BackupError, SourceError
from backup.sources.databases import load
from backup.sources.databases.connection import Connection
from backup.sources.databases.postgresql_scripts import dump_script
from ops.sandbox.plan import DatabasePlan, RehearsalPlan, RowsWanted
from ops.sandbox.rehearse import rehearse, set_apart
from ops.sandbox.result import RehearsalResult
from provisioning.local_host import LocalHost
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.postgres_server import PostgresServer, postgres_server

__all__ = ["mariadb_server", "postgres_server"]

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FAILS = "DO $$ BEGIN RAISE EXCEPTION '%', chr(92) || '! touch {mark}'; END $$;\n"
HIDDEN = {
    "alone": "\\! touch {mark}\n",
    "within a statement": "SELECT 1 \\! touch {mark}\n",
    "after the key of the dump": "\\restrict abc123\n\\unrestrict abc123\n\\! touch {mark}\n",
    "after rows": "CREATE TABLE t (a text);\nCOPY t FROM stdin;\nx\n\\.\n\\! touch {mark}\n",
    "after quoting was changed": "SELECT set_config('standard_conforming_' || 'strings', 'off',"
    " false);\nSELECT '\\'' \\! touch {mark}\n",
    "after the encoding was changed": "SELECT set_config('client_' || 'encoding', 'SJIS', false);\n"
    "SELECT '\udc81'' \\! touch {mark}\n",
    "in words that look like rows": "/*\nCOPY t FROM stdin;\n*/ \\! touch {mark}\n\\.\n",
    "as output": "SELECT 'x' \\g | cat > {mark}\n",
    "as a query": "SELECT 'CREATE TABLE t (a text)' \\gexec\n",
    "to another server": "\\connect - - localhost 5432\n",
}


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that a hostile dump would make."""
    return tmp_path / "mark"


@pytest.fixture
def postgresql(postgres_server: PostgresServer) -> Connection:
    """The administrator's way to an empty database."""
    name = postgres_server.new_database().partition("@/")[2].partition("?")[0]
    folder = str(postgres_server.folder)
    return Connection(host=LocalHost(), database=name, socket=folder, user="giucong")


def a_dump(lines: str, mark: Path) -> bytes:
    """Give a dump as pg_dump begins and ends one, with lines of somebody else's in it."""
    text = f"""\
--
-- PostgreSQL database dump
--

{lines.format(mark=mark)}
--
-- PostgreSQL database dump complete
--

"""
    return text.encode("utf-8", "surrogateescape")


def list_tables(connection: Connection) -> list[str]:
    words = f"host={connection.socket} user=giucong dbname={connection.database}"
    with psycopg.connect(words) as opened:
        found = opened.execute("SELECT relname FROM pg_class WHERE relkind = 'r'"
                               " AND relnamespace = 'public'::regnamespace")  # fmt: skip
        return [str(name) for (name,) in found]


@pytest.mark.parametrize("where", HIDDEN)
def test_a_load_stops_at_a_command_of_psql(where: str, postgresql: Connection, mark: Path) -> None:
    dump = a_dump(HIDDEN[where], mark)

    with pytest.raises(SourceError, match="holds a command for psql itself"):
        load.load("postgresql", postgresql, postgresql.database, [dump])

    assert not mark.exists()
    assert list_tables(postgresql) == []


@pytest.mark.parametrize("where", ["alone", "within a statement", "after the key of the dump"])
def test_accounts_with_a_command_of_psql_are_told(
    where: str, postgresql: Connection, mark: Path
) -> None:
    with pytest.raises(SourceError, match="holds a command for psql itself"):
        load.apply_accounts("postgresql", postgresql, [a_dump(HIDDEN[where], mark)])

    assert not mark.exists()


def test_the_text_of_an_error_is_no_command(postgresql: Connection, mark: Path) -> None:
    roles = f"{FAILS}:LAST_ERROR_MESSAGE\n;\n"

    with pytest.raises(SourceError, match="holds a command for psql itself"):
        load.apply_accounts("postgresql", postgresql, [a_dump(roles, mark)])

    assert not mark.exists()


@pytest.fixture
def _old_psql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A psql that knows no restriction; it hands all else on to the real one."""
    program = tmp_path / "bin" / "psql"
    program.parent.mkdir()
    real = subprocess.run(["which", "psql"], capture_output=True, text=True, check=True)
    program.write_text(f"""#!/bin/sh
case "$*" in
  *'\\restrict'*) printf '%s\\n' 'invalid command \\restrict' >&2; exit 1;;
  *--file=-*) sed 's/^.restrict/\\\\unknown/' | {real.stdout.strip()} "$@" 2>&1 |
    sed 's/unknown/restrict/' >&2; exit 3;;
esac
exec {real.stdout.strip()} "$@"
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


@pytest.mark.usefixtures("_old_psql")
def test_an_old_psql_loads_nothing(postgresql: Connection, mark: Path) -> None:
    for act in (
        lambda: load.create("postgresql", postgresql, "fresh", {}, mark="half"),
        lambda: load.apply_accounts("postgresql", postgresql, [a_dump(HIDDEN["alone"], mark)]),
        lambda: load.load("postgresql", postgresql, postgresql.database,
                             [a_dump(HIDDEN["after rows"], mark)]),
    ):  # fmt: skip
        with pytest.raises(SourceError, match="too old to load a dump"):
            act()

    assert not mark.exists()
    assert not load.is_there("postgresql", postgresql, "fresh")
    assert list_tables(postgresql) == []


def test_what_looks_like_a_command_is_loaded_as_the_data_it_is(
    postgres_server: PostgresServer, postgresql: Connection
) -> None:
    words = f"host={postgresql.socket} user=giucong dbname={postgresql.database}"
    rows = ["\\! id", "\\restrict abc", "\restrict abc\n", "\\.", ":LAST_ERROR_MESSAGE", "'\\'"]
    with psycopg.connect(words) as opened:
        opened.execute("CREATE TABLE t (a text DEFAULT '\\' CHECK (a <> E'\\\\\\'! x'))")
        opened.execute("CREATE VIEW v AS SELECT a FROM t WHERE a LIKE '%!_\\' ESCAPE '!'")
        opened.execute("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $f$SELECT '\n\\! id'$f$")
        opened.execute("COMMENT ON TABLE t IS '\n\\! id'")
        opened.cursor().executemany("INSERT INTO t VALUES (%s)", [[it] for it in rows])
    dump = subprocess.run(["pg_dump", words], capture_output=True, check=True).stdout
    fresh = postgres_server.new_database().partition("@/")[2].partition("?")[0]

    load.load("postgresql", postgresql, fresh, (dump[at : at + 7] for at in
                                                   range(0, len(dump), 7)))  # fmt: skip

    with psycopg.connect(words.replace(postgresql.database, fresh)) as opened:
        assert [it for (it,) in opened.execute("SELECT a FROM t")] == rows


def test_only_the_two_lines_of_pg_dump_are_taken_out() -> None:
    begun = "\\restrict abc123\n\nSELECT 1;\n"
    whole = [a_dump(begun + it, Path()) + b"\\unrestrict abc123\n\n" for it in ("", "x" * 20_000)]
    for dump in (b"", b"SELECT 1;\n", *whole):
        for size in (1, 100, 5000, 50_000):
            pieces = [dump[at : at + size] for at in range(0, len(dump), size)]
            first, _newline, rest = b"".join(dump_script(pieces)).partition(b"\n")

            assert re.fullmatch(rb"\\restrict [0-9a-f]{32}", first)
            assert rest == re.sub(rb"\\(un)?restrict abc123\n", b"", dump)


# The pages ------------------------------------------------------------------------------------


def test_the_page_for_loading_by_hand_carries_out_no_command(
    postgresql: Connection, mark: Path, tmp_path: Path
) -> None:
    page = (ROOT / "docs/how-to/load-a-database.md").read_text(encoding="utf-8")
    for name in ("databases/db.sql", "databases/db.globals.sql"):
        (line,) = re.findall(rf"^ *(\(printf .* {name}\).*)$", page, re.MULTILINE)
        path = tmp_path / "dump.sql"
        path.write_bytes(a_dump(HIDDEN["after the key of the dump"], mark))
        line = line.replace(name, str(path)).replace("portal_new", postgresql.database)
        where = {"PGHOST": postgresql.socket, "PGUSER": "giucong"}
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False,
                              env={**os.environ, **where})  # fmt: skip

        assert "backslash commands are restricted" in done.stderr
        assert not mark.exists()


# MariaDB --------------------------------------------------------------------------------------

OF_MARIADB = {
    "a shell": "\\! touch {mark}\n",
    "a shell by name": "system touch {mark}\n",
    "a shell after a statement": "SELECT 1 \\! touch {mark}\n;",
    "another delimiter": "DELIMITER //\nSELECT 1 // \\! touch {mark}\nsystem touch {mark}\n//\n",
    "a file": "source {mark}.sql\n\\. {mark}.sql\n",
    "output": "tee {mark}\n\\T {mark}\nSELECT 1;\n",
    "a pager": "pager touch {mark}\n\\P touch {mark}\nSELECT 1;\n",
    "a file for the server": "CREATE TABLE t (a TEXT);\nLOAD DATA LOCAL INFILE '{mark}.sql' INTO"
    " TABLE t;\n",
    "another character set": "\\C gbk\nSELECT '\udc81' \\! touch {mark}\n';\n",
}


@pytest.mark.parametrize("what", OF_MARIADB)
def test_a_load_runs_no_command_of_mariadb(
    what: str, mariadb_server: MariadbServer, mark: Path
) -> None:
    mark.with_suffix(".sql").write_text(f"system touch {mark}\nCREATE TABLE leak (a INT);\n")
    name = mariadb_server.new_database()
    admin = Connection(host=LocalHost(), database=name, socket=str(mariadb_server.socket),
                       user="root")  # fmt: skip
    dump = OF_MARIADB[what].format(mark=mark).encode("utf-8", "surrogateescape")

    with pytest.raises(BackupError):
        load.load("mariadb", admin, name, [dump])
    with pytest.raises(BackupError):
        load.apply_accounts("mariadb", admin, [f"USE {name};\n".encode() + dump])

    assert not mark.exists()
    assert mariadb_server.run("SHOW TABLES LIKE 'leak'", name) == ""


# Drills ---------------------------------------------------------------------------------------


def a_plan(folder: Path, engine: str, dump: bytes, accounts: bytes = b"") -> RehearsalPlan:
    work = folder / "work"
    work.mkdir()
    (work / "db.sql").write_bytes(dump)
    database = DatabasePlan(name="db", engine=engine, database="portal", dump=str(work / "db.sql"))  # type: ignore[arg-type]  # one of the engines
    if accounts:
        (work / "db.globals.sql").write_bytes(accounts)
        database = replace(database, globals=str(work / "db.globals.sql"))
    return RehearsalPlan(work=str(work), site="xa", databases=(database,), deadline_seconds=120,
                         incident_at=datetime.now(UTC))  # fmt: skip


def check_refused(result: RehearsalResult) -> None:
    codes = {it.code: it.params for it in result.remarks}

    assert "restricted" in str(codes["load_failed"]["why"])
    assert not [line for line in result.log if "carried out" in line]


SAYS = "\\! printf 'carried %s' out"


@pytest.mark.parametrize("place", ["dump", "accounts"])
def test_a_drill_stops_at_a_command_of_psql(place: str, tmp_path: Path) -> None:
    hostile, plain = a_dump(f"{SAYS}\n", Path()), a_dump("", Path())
    texts = (hostile, plain) if place == "dump" else (plain, hostile)

    check_refused(rehearse(a_plan(tmp_path, "postgresql", *texts)))


def test_a_name_of_a_database_is_no_command_in_a_drill(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "postgresql", a_dump(":DBNAME\n", Path()))
    named = tuple(replace(it, database=SAYS) for it in plan.databases)

    check_refused(rehearse(replace(plan, databases=named)))


def test_a_drill_runs_no_command_of_mariadb(tmp_path: Path) -> None:
    lines = f"{SAYS}\nsystem printf 'carried %s' out\n".encode()
    result = rehearse(a_plan(tmp_path, "mariadb", lines, lines))

    assert "load_failed" in {it.code for it in result.remarks}
    assert not [line for line in result.log if "carried out" in line]


def test_rows_are_quoted_by_us_not_by_the_database(tmp_path: Path) -> None:
    forged = "CREATE OR REPLACE FUNCTION pg_catalog.quote_nullable(text) RETURNS text LANGUAGE sql"
    lines = f"CREATE TABLE t (a text);\nINSERT INTO t VALUES ('x\\'), (NULL), ('y''');\n{forged}"
    lines += " AS $$SELECT '1); DROP TABLE t; --'$$;\n"
    plan = a_plan(tmp_path, "postgresql", a_dump(lines, Path()))
    result = set_apart(plan, RowsWanted(table="t", where={}))

    assert result.remarks == ()
    statements = Path(plan.work, "rehearsal/made/rows.sql").read_text(encoding="utf-8")
    assert "DROP" not in statements
    values = re.findall(r"VALUES \((.*)\);", statements)
    assert values == ["E'x\\\\'", "NULL", "'y'''"]
