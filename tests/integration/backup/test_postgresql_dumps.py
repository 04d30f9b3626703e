"""Dumps of a live PostgreSQL: whole, of one moment, byte for byte, and silent about passwords."""

import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from backup.errors import SourceError
from backup.sources.databases import load as databases
from backup.sources.databases.connection import Connection, DumpFacts
from backup.sources.databases.postgresql_dump import make_postgresql_globals, open_postgresql
from provisioning.local_host import LocalHost
from tests.postgres_server import PostgresServer, postgres_server

__all__ = ["postgres_server"]

pytestmark = pytest.mark.slow

NASTY = "p\"a#s\\s' 'é%$(x)`"
NFD = "Tie\u0302\u0301ng Vie\u0323\u0302t"
STRANGE = f"""
CREATE SCHEMA "phòng ban";
CREATE TABLE "phòng ban"."bảng" (id int PRIMARY KEY, "tiêu đề" text, raw bytea, doc jsonb,
 amount numeric, moment timestamptz, twice int GENERATED ALWAYS AS (id * 2) STORED);
INSERT INTO "phòng ban"."bảng" (id, "tiêu đề", raw, doc, amount, moment) VALUES
 (1, '{NFD} 🏛️🇻🇳', '\\x{bytes(range(256)).hex()}', '{{"a": "đ"}}', 12345678901234567890.0123456789,
  '2026-11-24 01:02:03.000004+07'), (2, E'dòng\\n\\t\\\\''"\\n\\\\.\\n', '', NULL, NULL, NULL);
CREATE TABLE log (what text);
CREATE FUNCTION ghi() RETURNS trigger LANGUAGE plpgsql AS
 $$ BEGIN INSERT INTO log VALUES ('thêm'); RETURN NULL; END $$;
CREATE TRIGGER "ghi" AFTER INSERT ON "phòng ban"."bảng" FOR EACH ROW EXECUTE FUNCTION ghi();
CREATE VIEW "xem" AS SELECT "tiêu đề" FROM "phòng ban"."bảng";
CREATE TABLE năm (year int, v int) PARTITION BY LIST (year);
CREATE TABLE năm_2025 PARTITION OF năm FOR VALUES IN (2025);
INSERT INTO năm VALUES (2025, 1), (2025, 2);
SELECT lo_from_bytea(0, 'large object');
"""  # noqa: S608 -- our own words


def new_database(server: PostgresServer) -> str:
    return server.new_database().partition("@/")[2].partition("?")[0]


def execute(server: PostgresServer, database: str, sql: str) -> None:
    conninfo = f"host={server.folder} user=giucong dbname={database}"
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(sql.encode())


def load(server: PostgresServer, database: str, dumped: bytes) -> None:
    command = ["psql", "-X", "-q", "-h", str(server.folder), "-U", "giucong", "-d", database,
               "-v", "ON_ERROR_STOP=1"]  # fmt: skip
    subprocess.run(command, input=dumped, check=True, capture_output=True)


def connect(server: PostgresServer, database: str, **more: str) -> Connection:
    given = {"user": "giucong", **more}
    return Connection(
        host=LocalHost(), database=database, socket=str(server.folder), user=given["user"],
        password=given.get("password"),
    )  # fmt: skip


def dump(
    connection: Connection, *, on_first: Callable[[], object] = lambda: None
) -> tuple[bytes, DumpFacts]:
    """Dump as the engine does; `on_first` is called once the first bytes are there."""
    facts: list[DumpFacts] = []
    buffer = bytearray(1 << 16)
    taken = bytearray()
    with open_postgresql(connection, on_facts=facts.append) as reader:
        while count := reader.readinto(memoryview(buffer)):
            if not taken:
                on_first()
            taken += buffer[:count]
    return bytes(taken), facts[0]


def without_keys(dumped: bytes) -> bytes:
    return re.sub(rb"(?m)^\\(?:un)?restrict .*$", b"", dumped)


def test_a_dump_brings_every_byte_back(postgres_server: PostgresServer) -> None:
    first, second = new_database(postgres_server), new_database(postgres_server)
    execute(postgres_server, first, STRANGE)
    dumped, facts = dump(connect(postgres_server, first))
    load(postgres_server, second, dumped)
    again, _facts = dump(connect(postgres_server, second))

    assert without_keys(again) == without_keys(dumped)
    assert NFD.encode() in dumped
    assert dict(facts.tables) == {
        "phòng ban.bảng": 2, "public.log": 0, "public.năm_2025": 2,
    }  # fmt: skip
    assert facts.tables_after is None
    assert facts.settings["encoding"] == "UTF8"
    assert facts.server.startswith("PostgreSQL 1")
    assert facts.size_bytes == len(dumped)


def test_a_database_is_made_again_with_what_orders_its_texts(
    postgres_server: PostgresServer,
) -> None:
    """By the server's own choice it would be by bytes: `zebra` before `Đà`."""
    first, second = f"icu_{uuid4().hex}", f"icu_{uuid4().hex}"
    for sql in (
        f"CREATE DATABASE {first} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'vi-VN'",
        f"ALTER DATABASE {first} CONNECTION LIMIT 50",
        f"COMMENT ON DATABASE {first} IS 'Cổng tỉnh'",
    ):
        postgres_server.run(sql)
    execute(postgres_server, first, "CREATE TABLE t (x text)")
    dumped, facts = dump(connect(postgres_server, first))
    admin = connect(postgres_server, "postgres")

    databases.create("postgresql", admin, second, facts.settings, mark="giucong-1")
    databases.load("postgresql", admin, second, [dumped])
    databases.take_mark("postgresql", admin, second, "giucong-1", facts.settings)

    told = [tell_database(postgres_server, it) for it in (first, second)]
    assert told[0] == told[1]
    assert told[0][-1] == "Ăn Đà em zebra"


def tell_database(server: PostgresServer, name: str) -> tuple[object, ...]:
    """Give what a database is made with, and in which order it puts some words."""
    with psycopg.connect(f"host={server.folder} user=giucong dbname={name}") as connection:
        found = connection.execute(
            """SELECT datlocprovider, coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->>
               'daticulocale'), datcollate, datconnlimit,
               shobj_description(oid, 'pg_database'), (SELECT string_agg(x, ' ' ORDER BY x)
               FROM unnest(ARRAY['zebra', 'Đà', 'em', 'Ăn']) x)
               FROM pg_database d WHERE datname = current_database()"""
        ).fetchone()
    assert found is not None
    return tuple(found)


def test_the_counts_are_those_of_the_dump_while_writers_go_on(
    postgres_server: PostgresServer,
) -> None:
    database, restored = new_database(postgres_server), new_database(postgres_server)
    filled = "CREATE TABLE {0} (id serial, filler text); INSERT INTO {0} (filler) SELECT"
    filled += " repeat('x', 1000) FROM generate_series(1, 20000);"
    execute(postgres_server, database, filled.format("a") + filled.format("b"))
    ended, begun = threading.Event(), threading.Event()

    def write() -> None:
        conninfo = f"host={postgres_server.folder} user=giucong dbname={database}"
        with psycopg.connect(conninfo) as connection:
            while not ended.is_set():
                connection.execute("INSERT INTO a (filler) VALUES ('')")
                connection.execute("INSERT INTO b (filler) VALUES ('')")
                connection.commit()
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(60)
    try:
        dumped, facts = dump(connect(postgres_server, database))
    finally:
        ended.set()
        writer.join()
    load(postgres_server, restored, dumped)
    _again, found = dump(connect(postgres_server, restored))
    _live, now = dump(connect(postgres_server, database))

    assert dict(found.tables) == dict(facts.tables)
    assert facts.tables["public.a"] == facts.tables["public.b"]
    then, later = facts.tables["public.a"], now.tables["public.a"]
    assert then is not None
    assert later is not None
    assert later > then


def test_a_connection_that_dies_while_dumping_leaves_no_whole_dump(
    postgres_server: PostgresServer,
) -> None:
    database = new_database(postgres_server)
    execute(postgres_server, database, "CREATE TABLE a (filler text); INSERT INTO a SELECT"
            " repeat('x', 1000) FROM generate_series(1, 40000)")  # fmt: skip
    end = f"""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = '{database}' AND application_name = 'pg_dump'"""  # noqa: S608 -- our own
    with pytest.raises(SourceError) as failed:
        dump(connect(postgres_server, database),
             on_first=lambda: execute(postgres_server, "postgres", end))  # fmt: skip
    told = dict(failed.value.lines())

    assert "no snapshot was made" in told["data"]
    assert "does not answer" in told["error"]


def test_the_password_is_nowhere_to_be_seen(postgres_server: PostgresServer) -> None:
    database = new_database(postgres_server)
    quoted = NASTY.replace("'", "''")
    execute(postgres_server, database, "CREATE TABLE a (filler text); INSERT INTO a SELECT"
            " repeat('x', 1000) FROM generate_series(1, 5000)")  # fmt: skip
    execute(postgres_server, database, f"CREATE ROLE reader_{database} LOGIN PASSWORD '{quoted}';"
            f" GRANT pg_read_all_data TO reader_{database}")  # fmt: skip
    rules = postgres_server.folder / "data" / "pg_hba.conf"
    line = f"local {database} reader_{database} scram-sha-256\n"
    rules.write_text(line + rules.read_text())
    execute(postgres_server, "postgres", "SELECT pg_reload_conf()")
    user = f"reader_{database}"
    seen: list[bytes] = []

    def look_around() -> None:
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(command.read_bytes())
            except OSError:
                continue  # it has ended

    way = connect(postgres_server, database, user=user, password=NASTY)
    dump(way, on_first=look_around)
    with pytest.raises(SourceError) as refused:
        dump(connect(postgres_server, database, user=user, password=NASTY + "x"))
    with pytest.raises(SourceError) as nameless:
        dump(connect(postgres_server, database, user=user))

    assert any(b"pg_dump" in command for command in seen)
    assert [command for command in seen if NASTY.encode() in command] == []
    assert NASTY not in repr(way)
    for error in (refused.value, nameless.value):
        told = " ".join(text for _label, text in error.lines())
        assert f"does not let the account {user} in" in told
        assert NASTY not in told


def test_an_account_that_may_not_read_a_table_is_refused(postgres_server: PostgresServer) -> None:
    database = new_database(postgres_server)
    execute(postgres_server, database,
            f"CREATE TABLE kín (id int); CREATE ROLE half_{database} LOGIN")  # fmt: skip
    with pytest.raises(SourceError) as refused:
        dump(connect(postgres_server, database, user=f"half_{database}"))

    assert "public.kín" in dict(refused.value.lines())["why"]


def test_roles_and_the_databases_own_settings_come_along(postgres_server: PostgresServer) -> None:
    database = new_database(postgres_server)
    execute(postgres_server, database, f"CREATE ROLE app_{database} LOGIN PASSWORD 'x';"
            f"CREATE ROLE blind_{database} LOGIN;"
            f"GRANT CONNECT ON DATABASE {database} TO app_{database};"
            f"ALTER DATABASE {database} SET work_mem = '5MB'")  # fmt: skip
    whole = make_postgresql_globals(connect(postgres_server, database)).decode()
    blind = make_postgresql_globals(
        connect(postgres_server, database, user=f"blind_{database}")
    ).decode()

    assert f"CREATE ROLE app_{database};" in whole
    assert "SCRAM-SHA-256" in whole
    assert f"CREATE DATABASE {database} WITH TEMPLATE = template0 ENCODING = 'UTF8'" in whole
    assert f"GRANT CONNECT ON DATABASE {database} TO app_{database};" in whole
    assert f"ALTER DATABASE {database} SET work_mem TO '5MB';" in whole
    assert "SCRAM-SHA-256" not in blind
    assert "set them anew" in blind
