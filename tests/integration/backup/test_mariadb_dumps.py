"""Dumps of a live MariaDB: whole, consistent, byte for byte, and silent about passwords."""

import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backup.errors import SourceError
from backup.sources.databases.connection import Connection, DumpFacts
from backup.sources.databases.mariadb_accounts import make_mariadb_globals
from backup.sources.databases.mariadb_client import ask
from backup.sources.databases.mariadb_dump import open_mariadb
from provisioning.local_host import LocalHost
from tests.mariadb_server import MariadbServer, mariadb_server, run_mariadb

__all__ = ["mariadb_server"]

pytestmark = pytest.mark.slow

NASTY = "p\"a#s\\s' 'é%$(x)`"
RIGHTS = "SELECT, SHOW VIEW, TRIGGER, EVENT, SHOW CREATE ROUTINE"
NFD = "Tie\u0302\u0301ng Vie\u0323\u0302t"
STRANGE = f"""
CREATE TABLE old (id INT PRIMARY KEY, body TEXT CHARACTER SET latin1) CHARACTER SET latin1;
CREATE TABLE `bảng` (id INT PRIMARY KEY, `tiêu đề` VARCHAR(200), emoji TEXT, raw LONGBLOB,
 bits BIT(5), moment TIMESTAMP(6) NULL, amount DECIMAL(30,10), place POINT,
 twice INT AS (id * 2) STORED, doc JSON) CHARACTER SET utf8mb4;
INSERT INTO `bảng` (id, `tiêu đề`, emoji, raw, bits, moment, amount, place, doc) VALUES
 (1, '{NFD}', '🏛️🇻🇳', x'{bytes(range(256)).hex()}', b'10101', '2026-11-24 01:02:03.000004',
  12345678901234567890.0123456789, ST_GeomFromText('POINT(106.8 10.9)'), '{{"a": "đ"}}'),
 (2, 'dòng\\n\\t\\\\''"', NULL, x'', NULL, NULL, NULL, NULL, NULL);
CREATE TABLE log (what TEXT);
CREATE TRIGGER `ghi` AFTER INSERT ON `bảng` FOR EACH ROW INSERT INTO log VALUES ('thêm');
CREATE VIEW `xem` AS SELECT `tiêu đề` FROM `bảng`;
CREATE FUNCTION chao() RETURNS TEXT CHARSET utf8mb4 DETERMINISTIC RETURN 'xin chào 👋';
CREATE PROCEDURE don() DELETE FROM log;
CREATE EVENT hang_dem ON SCHEDULE EVERY 1 DAY DO CALL don();
"""  # noqa: S608 -- our own words
VIETNAMESE = "Cổng thông tin điện tử".encode()


def connect(server: MariadbServer, database: str, **more: str) -> Connection:
    given = {"user": "root", **more}
    return Connection(
        host=LocalHost(), database=database, socket=str(server.socket), user=given["user"],
        password=given.get("password"),
    )  # fmt: skip


def dump(
    connection: Connection,
    *,
    lock_tables: bool = False,
    on_first: Callable[[], object] = lambda: None,
) -> tuple[bytes, DumpFacts]:
    """Dump as the engine does; `on_first` is called once the first bytes are there."""
    facts: list[DumpFacts] = []
    buffer = bytearray(1 << 16)
    taken = bytearray()
    with open_mariadb(connection, on_facts=facts.append, lock_tables=lock_tables) as reader:
        while count := reader.readinto(memoryview(buffer)):
            if not taken:
                on_first()
            taken += buffer[:count]
    return bytes(taken), facts[0]


def without_names(dumped: bytes) -> bytes:
    return re.sub(rb"(?m)^-- .* [Dd]atabase:? .*$", b"", dumped)


def test_a_dump_brings_every_byte_back(mariadb_server: MariadbServer) -> None:
    first, second = mariadb_server.new_database(), mariadb_server.new_database()
    mariadb_server.run(STRANGE, first)
    # What many old portals did: UTF-8 in columns that say latin1.
    mariadb_server.run(b"INSERT INTO old VALUES (1, '" + VIETNAMESE + b"')", first,
                       charset="latin1")  # fmt: skip
    everything = f"INSERT INTO old VALUES (2, CONVERT(x'{bytes(range(256)).hex()}' USING latin1))"  # noqa: S608 -- our own words
    mariadb_server.run(everything, first)
    dumped, facts = dump(connect(mariadb_server, first))
    mariadb_server.run(dumped, second)
    again, _facts = dump(connect(mariadb_server, second))
    columns = "SELECT HEX(body) FROM old; SELECT HEX(`tiêu đề`), HEX(emoji), HEX(raw) FROM `bảng`"
    found = mariadb_server.run(columns, second)

    assert without_names(again) == without_names(dumped)
    assert found == mariadb_server.run(columns, first)
    assert VIETNAMESE.hex().upper() in found
    assert NFD.encode().hex().upper() in found
    assert bytes(range(256)).hex().upper() in found
    assert mariadb_server.run("SELECT chao()", second) == "xin chào 👋\n"
    assert "EVERY 1 DAY" in mariadb_server.run("SHOW CREATE EVENT hang_dem", second)
    mariadb_server.run("INSERT INTO `bảng` (id) VALUES (3)", second)
    assert mariadb_server.run("SELECT * FROM log", second) == "thêm\n"
    assert dict(facts.tables) == {"bảng": 2, "log": 0, "old": 2}
    assert facts.tables_after == facts.tables
    assert facts.settings["character_set"] == "utf8mb4"
    assert "STRICT_TRANS_TABLES" in facts.settings["sql_mode"]
    assert facts.server.startswith("MariaDB 1")
    assert facts.size_bytes == len(dumped)
    assert facts.is_consistent


def test_a_table_comes_back_with_the_history_that_it_keeps(mariadb_server: MariadbServer) -> None:
    first, second = mariadb_server.new_database(), mariadb_server.new_database()
    mariadb_server.run(
        "CREATE TABLE giu (id INT PRIMARY KEY, x TEXT) WITH SYSTEM VERSIONING;"
        "INSERT INTO giu VALUES (1, 'a'); UPDATE giu SET x = 'b'; UPDATE giu SET x = 'c';"
        "CREATE TABLE torn (x INT) ENGINE = MyISAM WITH SYSTEM VERSIONING",
        first,
    )
    dumped, facts = dump(connect(mariadb_server, first))
    mariadb_server.run(dumped, second)
    rows = "SELECT x, ROW_START, ROW_END FROM giu FOR SYSTEM_TIME ALL ORDER BY ROW_START"

    assert mariadb_server.run(rows, second) == mariadb_server.run(rows, first)
    assert mariadb_server.run(rows, second).count("\n") == 3
    assert dict(facts.tables) == {"giu": 1, "torn": 0}
    assert facts.unsafe_tables == ("torn",)
    assert facts.without_history == ()


def test_a_history_told_by_transactions_is_not_claimed(mariadb_server: MariadbServer) -> None:
    """No program can dump it; all present rows come back, and all that is missing is named."""
    first, second = mariadb_server.new_database(), mariadb_server.new_database()
    mariadb_server.run(
        "CREATE TABLE theo_lan (x INT, tu BIGINT UNSIGNED GENERATED ALWAYS AS ROW START,"
        " den BIGINT UNSIGNED GENERATED ALWAYS AS ROW END,"
        " PERIOD FOR SYSTEM_TIME (tu, den)) ENGINE = InnoDB WITH SYSTEM VERSIONING;"
        "INSERT INTO theo_lan (x) VALUES (1), (2); UPDATE theo_lan SET x = 3 WHERE x = 1;"
        "CREATE TABLE theo_gio (x INT) WITH SYSTEM VERSIONING;"
        "INSERT INTO theo_gio VALUES (1); UPDATE theo_gio SET x = 2;"
        "CREATE TABLE thuong (x INT); INSERT INTO thuong VALUES (7)",
        first,
    )
    dumped, facts = dump(connect(mariadb_server, first))
    mariadb_server.run(dumped, second)
    rows = "SELECT x FROM theo_lan ORDER BY x; SELECT x FROM theo_gio; SELECT x FROM thuong"

    assert mariadb_server.run(rows, second).split() == ["2", "3", "2", "7"]
    assert facts.without_history == ("theo_gio", "theo_lan")
    assert dict(facts.tables) == {"theo_gio": 1, "theo_lan": 2, "thuong": 1}


def test_an_unchanged_database_gives_the_same_bytes(mariadb_server: MariadbServer) -> None:
    database = mariadb_server.new_database()
    mariadb_server.run(STRANGE, database)
    way = connect(mariadb_server, database)

    assert dump(way)[0] == dump(way)[0]


def test_writers_go_on_and_the_dump_is_of_one_moment(mariadb_server: MariadbServer) -> None:
    database, restored = mariadb_server.new_database(), mariadb_server.new_database()
    mariadb_server.run(
        "CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, filler TEXT);"
        "CREATE TABLE b (id INT AUTO_INCREMENT PRIMARY KEY, filler TEXT);"
        "INSERT INTO a (filler) SELECT REPEAT('x', 1000) FROM seq_1_to_20000;"
        "INSERT INTO b (filler) SELECT REPEAT('x', 1000) FROM seq_1_to_20000;",
        database,
    )
    ended = threading.Event()
    writes = 0

    def write() -> None:
        nonlocal writes
        pair = "START TRANSACTION; INSERT INTO a () VALUES (); INSERT INTO b () VALUES (); COMMIT;"
        while not ended.is_set():
            mariadb_server.run(pair * 20, database)
            writes += 20

    def await_writes() -> None:
        enough, deadline = writes + 40, time.monotonic() + 60
        while writes < enough and time.monotonic() < deadline:
            time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        dumped, facts = dump(connect(mariadb_server, database), on_first=await_writes)
    finally:
        ended.set()
        writer.join()
    mariadb_server.run(dumped, restored)
    counted = mariadb_server.run("SELECT COUNT(*) FROM a; SELECT COUNT(*) FROM b", restored)
    first, second = (int(line) for line in counted.split())

    assert first == second
    assert facts.tables_after is not None
    before, after = facts.tables["a"], facts.tables_after["a"]
    assert before is not None
    assert after is not None
    assert before <= first <= after
    assert before < after, "nobody wrote meanwhile"


def test_tables_without_transactions_are_named_unless_locked(
    mariadb_server: MariadbServer,
) -> None:
    database = mariadb_server.new_database()
    mariadb_server.run(
        "CREATE TABLE safe (id INT); CREATE TABLE torn (id INT) ENGINE=MyISAM;"
        "CREATE TABLE aria (id INT) ENGINE=Aria; CREATE TABLE empty (id INT) ENGINE=MEMORY",
        database,
    )
    way = connect(mariadb_server, database)
    _dumped, loose = dump(way)
    _dumped, locked = dump(way, lock_tables=True)

    assert loose.unsafe_tables == ("aria", "torn")
    assert not loose.is_consistent
    assert locked.is_consistent


def test_a_table_that_is_dropped_meanwhile_is_not_counted(mariadb_server: MariadbServer) -> None:
    database = mariadb_server.new_database()
    mariadb_server.run("CREATE TABLE a (id INT); CREATE TABLE z (filler LONGTEXT);"
                       "INSERT INTO z SELECT REPEAT('x', 100000) FROM seq_1_to_100;"
                       "CREATE TABLE passing (id INT) ENGINE=MyISAM", database)  # fmt: skip
    _dumped, facts = dump(
        connect(mariadb_server, database),
        on_first=lambda: mariadb_server.run("CREATE TABLE late (id INT); DROP TABLE a", database),
    )

    assert facts.tables == {"a": 0, "passing": 0, "z": 100}
    assert facts.tables_after == {"a": None, "passing": 0, "z": 100}


def test_the_password_is_nowhere_to_be_seen(mariadb_server: MariadbServer) -> None:
    database = mariadb_server.new_database()
    mariadb_server.run(
        "CREATE TABLE a (filler TEXT);"
        "INSERT INTO a SELECT REPEAT('x', 1000) FROM seq_1_to_2000;", database,
    )  # fmt: skip
    escaped = NASTY.replace("\\", "\\\\").replace("'", "\\'")
    mariadb_server.run(
        f"CREATE USER reader@localhost IDENTIFIED BY '{escaped}';"
        f"GRANT {RIGHTS} ON `{database}`.* TO reader@localhost"
    )
    way = connect(mariadb_server, database, user="reader", password=NASTY)
    seen: list[bytes] = []

    def look_around() -> None:
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(command.read_bytes())
            except OSError:
                continue  # it has ended

    dump(way, on_first=look_around)
    wrong = connect(mariadb_server, database, user="reader", password=NASTY + "x")
    with pytest.raises(SourceError) as refused:
        dump(wrong)

    assert any(b"mariadb-dump" in command for command in seen)
    assert [command for command in seen if NASTY.encode() in command] == []
    assert NASTY not in repr(way)
    told = " ".join(text for _label, text in refused.value.lines())
    assert "does not let the account reader in" in told
    assert NASTY not in told


def test_an_account_that_sees_only_a_part_is_refused(mariadb_server: MariadbServer) -> None:
    database = mariadb_server.new_database()
    mariadb_server.run(
        f"CREATE TABLE a (id INT); CREATE USER half@localhost;"
        f"GRANT SELECT, SHOW VIEW ON `{database}`.* TO half@localhost",
        database,
    )
    with pytest.raises(SourceError) as refused:
        dump(connect(mariadb_server, database, user="half"))

    told = dict(refused.value.lines())
    assert "it lacks TRIGGER, EVENT, SHOW CREATE ROUTINE" in told["why"]
    assert f"GRANT TRIGGER, EVENT ON `{database}`.* TO" in told["next"]


def test_a_server_killed_while_dumping_leaves_no_whole_dump() -> None:
    with run_mariadb() as server:
        database = server.new_database()
        server.run(
            "CREATE TABLE a (filler LONGTEXT);"
            "INSERT INTO a SELECT REPEAT('x', 100000) FROM seq_1_to_400;", database,
        )  # fmt: skip
        with pytest.raises(SourceError) as failed:
            dump(connect(server, database), on_first=lambda: server.process.send_signal(
                signal.SIGKILL))  # fmt: skip
        told = dict(failed.value.lines())

        assert "does not answer" in told["error"]
        assert "no snapshot was made" in told["data"]


def test_accounts_and_roles_come_along_and_back() -> None:
    with run_mariadb() as source, run_mariadb() as target:
        database = source.new_database("CHARACTER SET latin1")
        source.run(
            f"CREATE ROLE outer_role; CREATE ROLE inner_role; GRANT inner_role TO outer_role;"
            f"GRANT INSERT ON `{database}`.* TO inner_role;"
            f"CREATE USER `người đọc`@localhost IDENTIFIED BY 'secret';"
            f"GRANT outer_role TO `người đọc`@localhost;"
            f"GRANT SELECT ON `{database}`.* TO `người đọc`@localhost;"
            f"CREATE USER stranger@localhost"
        )
        made = make_mariadb_globals(connect(source, database))
        target.run(made)
        question = "SHOW GRANTS FOR `người đọc`@localhost"

        assert target.run(question) == source.run(question)
        assert b"stranger" not in made
        assert "latin1" in target.run(f"SHOW CREATE DATABASE `{database}`")


def test_a_port_beside_a_socket_is_for_others(mariadb_server: MariadbServer) -> None:
    connection = replace(connect(mariadb_server, "mysql"), port=1)

    assert ask(connection, "SELECT 1;") == [["1"]]
