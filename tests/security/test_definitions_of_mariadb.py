"""What a site's account writes into triggers, routines, events and names, it alone carries out."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from backup.errors import BackupError, SourceError
from backup.sources.databases import load, mariadb_switch
from backup.sources.databases.connection import Connection
from backup.sources.databases.mariadb_dump import open_mariadb
from backup.sources.databases.mariadb_scripts import dump_script
from provisioning.local_host import LocalHost
from tests.mariadb_server import MariadbServer, mariadb_server, run_mariadb

__all__ = ["mariadb_server"]

pytestmark = pytest.mark.slow

TAKE = "GRANT ALL ON *.* TO {site}@localhost WITH GRANT OPTION"
TAKE_SHORT = "GRANT SUPER ON *.* TO {site}@localhost"
SETTINGS = """\
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET @saved_cs_results     = @@character_set_results */ ;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET character_set_results = utf8mb4 */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES' */ ;
"""
IMITATED = f"""\
;;
DELIMITER ;
{TAKE};
{SETTINGS}DELIMITER ;;
CREATE DEFINER=`root`@`localhost` EVENT take ON SCHEDULE EVERY 1 SECOND DO {TAKE} ;;
DELIMITER ;
{SETTINGS}DELIMITER ;;
CREATE PROCEDURE q() SELECT """

FOR_EACH = "BEFORE INSERT ON posts FOR EACH ROW SET NEW.title ="
DAILY = "ON SCHEDULE EVERY 1 DAY DO SELECT"
HOSTILE = {
    "a comment for the server alone": "CREATE PROCEDURE p() SELECT 1"
    f" --\x01;; {TAKE};; SELECT 2\n+1",
    "the same in a trigger": f"CREATE TRIGGER p {FOR_EACH} 1 --\x01;; {TAKE};; SELECT 2\n+1",
    "the same in an event": f"CREATE EVENT p {DAILY} 1 --\x01;; {TAKE};; SELECT 2\n+1",
    "the same in a function": "CREATE FUNCTION p() RETURNS INT RETURN 1"
    f" --\x01;; {TAKE};; SELECT 2\n+1",
    "the client's word": f"CREATE PROCEDURE p() BEGIN SELECT 1 AS\ndelimiter ;\n{TAKE};\nEND",
    "a comment for some releases": "CREATE PROCEDURE p() SELECT '/*!999999 ', 1"
    f" --\x02 '*/;; {TAKE};;\n+1",
    "quotes around names": "SET sql_mode = 'ANSI_QUOTES';\n"
    f"CREATE PROCEDURE p() SELECT 1 AS \"a\\\", '\" ;; {TAKE} ;; SELECT \"'",
    "no escapes": "SET sql_mode = 'NO_BACKSLASH_ESCAPES';\n"
    f"CREATE PROCEDURE p() SELECT 'a\\', ' ;; {TAKE} ;; SELECT '",
    "another character set": "SET NAMES sjis;\n"
    f"CREATE PROCEDURE p() SELECT '\udc83\\', ' ;; {TAKE} ;; SELECT '",
    "an end mark in a string": f'CREATE PROCEDURE p() SELECT "{IMITATED}"',
    "an end mark in a comment": "CREATE PROCEDURE p() SELECT 1"
    f" /* ;;\nDELIMITER ;\n{TAKE};\n */ + 3",
    "an end mark in a block": "CREATE PROCEDURE p() BEGIN SELECT 1"
    f" --\x01 ;;\nDELIMITER ;\n {TAKE};\nEND",
    "an end mark in a trigger": f'CREATE TRIGGER p {FOR_EACH} "x */{IMITATED}"',
    "an end mark in an event": f'CREATE EVENT p {DAILY} "x */ {IMITATED}"',
    "an end mark behind a comment for some releases": "CREATE PROCEDURE p() SELECT '/*!999999 ',"
    f' "*/ --\x01 {IMITATED}"',
    "a name of a routine": f"CREATE PROCEDURE `p*/;{TAKE_SHORT};--`() SELECT 1",
    "a name of a table": "CREATE TABLE `p*/;\nDELIMITER ;;\nFLUSH TABLES;;x` (a INT)",
    "a name of a column": f"CREATE TABLE p (`\n;;\n{TAKE_SHORT};;x` INT) COMMENT"
    f" '\n;;\n{TAKE};\n*/'",
    "a name within a view": "CREATE VIEW p AS SELECT y.a FROM (SELECT 1 AS a, 2 AS"  # noqa: S608 -- as an attacker would
    f" `x\nDELIMITER ;;\n{TAKE_SHORT};;x`) y",
    "a row": f"INSERT INTO posts SELECT '\\'\n;;\nDELIMITER ;;\n;; {TAKE};;'",
}  # fmt: skip
"""What the site's account types; settings before a definition on a line of their own."""


@dataclass(frozen=True)
class Site:
    """A site's database, and the account that has all rights on it and no others."""

    server: MariadbServer
    database: str
    account: str

    def type(self, text: str, settings: str = "") -> None:
        """Run a statement as the site's account, as it is."""
        run = f"EXECUTE IMMEDIATE 0x{self.fill(text).hex()}"
        command = ["mariadb", "--no-defaults", f"--socket={self.server.socket}", "--binary-mode",
                   f"--user={self.account}", "--password=x", self.database]  # fmt: skip
        done = subprocess.run(command, input=f"{settings or 'DO 1'};\n{run};\n".encode(),
                              capture_output=True, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr

    def fill(self, text: str) -> bytes:
        """Give a text with the account's name in it."""
        return text.replace("{site}", self.account).encode("utf-8", "surrogateescape")

    def might(self) -> str:
        """Give whatever the account may, and what runs with the rights of others."""
        self.server.run("FLUSH PRIVILEGES")
        borrowed = " UNION ".join(
            f"SELECT db, name FROM mysql.{it} WHERE definer LIKE 'root%' AND db LIKE 't%'"  # noqa: S608 -- our own words
            for it in ("event", "proc")
        )
        return self.server.run(f"SHOW GRANTS FOR {self.account}@localhost; {borrowed}")


@pytest.fixture
def site(mariadb_server: MariadbServer) -> Site:
    return make_site(mariadb_server)


@pytest.fixture(scope="module")
def older_server() -> Iterator[MariadbServer]:
    """A server that is taken for one that prepares no routines."""
    with run_mariadb("--version=10.5.29-MariaDB") as server:
        yield server


def make_site(mariadb_server: MariadbServer) -> Site:
    name = mariadb_server.new_database()
    account = f"site{name[:10]}"
    mariadb_server.run(
        f"CREATE USER {account}@localhost IDENTIFIED BY 'x';"
        f" GRANT ALL ON {name}.* TO {account}@localhost; CREATE TABLE posts (title TEXT)",
        name,
    )
    mariadb_server.run("INSERT INTO posts VALUES ('đúng')", name)
    return Site(mariadb_server, name, account)


def connect(site: Site, database: str) -> Connection:
    return Connection(host=LocalHost(), database=database, socket=str(site.server.socket),
                      user="root")  # fmt: skip


def dump(site: Site) -> bytes:
    text = bytearray()
    buffer = memoryview(bytearray(1 << 16))
    with open_mariadb(connect(site, site.database), on_facts=lambda _facts: None) as reader:
        while size := reader.readinto(buffer):
            text += buffer[:size]
    return bytes(text)


def load_fresh(site: Site, text: bytes, *, step: int = 4_001) -> str:
    fresh = f"{site.database[:20]}_moi"
    site.server.run(f"DROP DATABASE IF EXISTS {fresh}; CREATE DATABASE {fresh}")
    pieces = (text[at : at + step] for at in range(0, len(text), step))
    load.load("mariadb", connect(site, ""), fresh, pieces)
    return fresh


def show(site: Site, database: str) -> list[str]:
    """Give all definitions as the server shows them, with what they are set to."""
    lists = {
        "PROCEDURE": "routine_name FROM routines WHERE routine_type = 'PROCEDURE' AND routine",
        "FUNCTION": "routine_name FROM routines WHERE routine_type = 'FUNCTION' AND routine",
        "TRIGGER": "trigger_name FROM triggers WHERE trigger",
        "EVENT": "event_name FROM events WHERE event",
        "VIEW": "table_name FROM views WHERE table",
    }
    shown = []
    for kind, listed in lists.items():
        query = f"SELECT {listed}_schema = '{database}' ORDER BY 1"
        for line in site.server.run(query, "information_schema").splitlines():
            name = line.replace("\\n", "\n")
            told = site.server.run(f"SHOW CREATE {kind} `{name}`", database)
            shown.append(re.sub(r"\t[-0-9]+ [0-9:.]+\n\Z", "", told))  # when a trigger was made
    return shown


def asleep(shown: list[str]) -> list[str]:
    """Give what is shown where nothing has the live name: events are switched off."""
    return [it.replace(" PRESERVE ENABLE DO ", " PRESERVE DISABLE DO ") for it in shown]


def split(text: str) -> tuple[str, str]:
    """Give a statement, and the settings that stand before it."""
    settings, newline, statement = text.partition(";\n")
    return (statement, settings) if newline and text.startswith("SET ") else (text, "")


def check_load(site: Site, what: str) -> None:
    """Assert that a load of what somebody has written gives him no right."""
    before = site.might()
    site.type(*split(HOSTILE[what]))

    with suppress(BackupError):
        load_fresh(site, dump(site))

    assert site.might() == before


@pytest.mark.parametrize("what", HOSTILE)
def test_a_load_gives_the_site_no_right(what: str, site: Site) -> None:
    check_load(site, what)


@pytest.mark.parametrize("what", HOSTILE)
def test_nor_does_a_load_into_an_older_server(what: str, older_server: MariadbServer) -> None:
    check_load(make_site(older_server), what)


def test_a_switch_gives_the_site_no_right(site: Site) -> None:
    before, clean = site.might(), dump(site)
    for number, text in enumerate(HOSTILE.values()):
        site.type(*split(re.sub(r"( `?)p\b", rf"\1p{number}", text, count=1)))
    shown = show(site, site.database)

    fresh, admin = load_fresh(site, clean), connect(site, "")
    aside = f"{fresh}_truoc"
    plan = mariadb_switch.plan_switch(admin, site.database, fresh, aside)
    lost = mariadb_switch.carry_out(admin, plan)

    assert site.might() == before
    assert lost == ()
    assert site.server.run("SELECT title FROM posts", site.database) == "đúng\n"
    assert show(site, aside) == asleep(shown)


PLAIN = [
    """CREATE PROCEDURE a(IN ten VARCHAR(20) CHARACTER SET utf8mb4)
    COMMENT 'Đăng ký;; DELIMITER ;'
BEGIN
  -- Vietnamese; with ;; and a DELIMITER, it's here
  # another `one
  DECLARE tổng INT DEFAULT 0; /* "half */
  SELECT CONCAT('Xin chào ;; \\'', ten, "\\n;;\\t?"), '/*!40101 SET x */' INTO @x;
  SET tổng = 5--1;
END -- cuối""",
    """SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';
CREATE DEFINER="root"@"localhost" FUNCTION "hàm b"() RETURNS TEXT CHARSET utf8mb4
    DETERMINISTIC SQL SECURITY INVOKER RETURN 'C:\\;;' ';;\\'""",
    "SET sql_mode = 'ORACLE';\nCREATE PROCEDURE c AS BEGIN SELECT 'ừ' || ';;'; END",
    "SET NAMES latin1;\nCREATE PROCEDURE d() SELECT '\udce9', '~'",
    "SET NAMES sjis;\nCREATE PROCEDURE e() SELECT '\udc83\\ \udc83`'",
    "CREATE TRIGGER f BEFORE INSERT ON posts FOR EACH ROW SET NEW.title = CONCAT(NEW.title, '🏛️;;')",
    """CREATE TRIGGER g BEFORE INSERT ON posts FOR EACH ROW FOLLOWS f BEGIN
  IF NEW.title = '' THEN SET NEW.title = 'trống'; END IF; -- ;;
END""",
    """CREATE DEFINER=nobody@localhost EVENT h ON SCHEDULE EVERY 1 DAY STARTS '2031-01-01 00:00:00'
ON COMPLETION PRESERVE DISABLE COMMENT 'mỗi ngày ;;' DO DELETE FROM posts WHERE title = ';;;'""",
    "SET time_zone = '+07:00';\nCREATE EVENT i ON SCHEDULE AT '2031-01-01 00:00:00' DO DO 1",
    "CREATE VIEW z AS SELECT title AS `tiêu đề;`, `hàm b`() AS x FROM posts WHERE title <> '\\';;'",
    "CREATE VIEW k AS SELECT * FROM z",
    "CREATE PROCEDURE `tên;;\nDELIMITER`() SELECT /* hai\ndòng */ 1 -- ;;",
]  # fmt: skip


def fill(site: Site, texts: list[str]) -> list[str]:
    """Make them as root; gives how they are shown."""
    for text in texts:
        statement, settings = split(text)
        digits = site.fill(statement).hex()
        site.server.run(f"{settings or 'DO 1'}; EXECUTE IMMEDIATE 0x{digits}", site.database)
    shown = show(site, site.database)
    assert len(shown) == len(texts)
    return shown


def check_whole(site: Site, texts: list[str]) -> None:
    """Assert that all comes back by a load and by a switch, the switched one aside too."""
    shown = fill(site, texts)
    fresh, admin = load_fresh(site, dump(site)), connect(site, "")
    assert show(site, fresh) == asleep(shown)

    aside = f"{fresh}_truoc"
    plan = mariadb_switch.plan_switch(admin, site.database, fresh, aside, awake={"i"})
    assert mariadb_switch.carry_out(admin, plan) == ()
    assert show(site, site.database) == shown
    assert show(site, aside) == asleep(shown)


def test_what_is_the_sites_own_comes_back_as_it_was(site: Site) -> None:
    check_whole(site, PLAIN)
    site.server.run("INSERT INTO posts VALUES (''); SELECT * FROM k", site.database)


def test_an_older_server_gets_what_can_be_read_in_one_way(older_server: MariadbServer) -> None:
    two_ways = [it for it in PLAIN if it.startswith(("SET NAMES", "SET sql_mode = 'ANSI"))]
    views = [it for it in PLAIN if "VIEW" in it]
    check_whole(make_site(older_server), [it for it in PLAIN if it not in (*two_ways, *views)])

    for text in two_ways:
        site = make_site(older_server)
        fill(site, [text])
        with pytest.raises(SourceError, match="can be read in two ways") as caught:
            load_fresh(site, dump(site))
        assert re.search("FUNCTION|PROCEDURE", str(caught.value))


def as_most_dumpers(text: bytes) -> bytes:
    """Give a dump as MySQL's dumper, and MariaDB's of most releases, have events."""
    settings = rb"((?:/\*!50003 SET [^\n]* ;\n)+)"
    event = settings + rb"DELIMITER ;;\n(/\*!50106 CREATE.*? ;;\n)DELIMITER ;\n" + settings

    def put(found: re.Match[bytes]) -> bytes:
        before, after = (it.replace(b" ;\n", b" ;;\n") for it in (found[1], found[3]))
        return b"DELIMITER ;;\n" + before + found[2] + after + b"DELIMITER ;\n"

    return re.sub(event, put, text, flags=re.DOTALL)


def test_events_come_back_from_dumps_of_most_releases(site: Site) -> None:
    shown = fill(site, [it for it in PLAIN if "VIEW" not in it])
    text = as_most_dumpers(dump(site))
    assert text.count(b"DELIMITER ;;\n/*!50003 SET") == 2

    for step in (7, 4_001, 1 << 20):
        assert show(site, load_fresh(site, text, step=step)) == asleep(shown)


@pytest.mark.parametrize("what", ["the same in an event", "an end mark in an event"])
def test_nor_does_such_a_dump_give_a_right(what: str, site: Site) -> None:
    before = site.might()
    site.type(
        *split(HOSTILE[what].replace("\nDELIMITER ;\n", f"\n{SETTINGS[:64]};\nDELIMITER ;\n"))
    )
    with suppress(BackupError):
        load_fresh(site, as_most_dumpers(dump(site)))

    assert site.might() == before


@pytest.mark.parametrize(
    "name",
    [
        "/*!50003 SET {} = 1 */ ;\n" * 6 + "DELIMITER ;;\n",
        "DELIMITER ;;\n" + "/*!50003 SET {} = 1 */ ;;\n" * 6,
        "DELIMITER ;;\nALTER DATABASE `, `{} ;;\n" + "/*!50003 SET x = 1 */ ;;\n" * 6,
        "DELIMITER ;;\n",
    ],
)
def test_no_name_is_taken_for_what_a_dumper_sets(name: str) -> None:
    longest = name.replace("{}", "ễ" * 14)
    assert all(len(it) <= 256 for it in longest.split("`"))
    text = f"CREATE VIEW `x` AS SELECT 1 AS `\n{longest}`;\n".encode()

    with pytest.raises(SourceError, match="where the dumper writes none"):
        list(dump_script([text, text], prepares=True, on_asleep=print))
