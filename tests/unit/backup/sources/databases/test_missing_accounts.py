"""Which accounts and rights a standing server gets again, out of a dump's globals."""

from backup.sources.databases.mariadb_accounts import Account, choose_accounts
from backup.sources.databases.mariadb_copied_rights import choose_parts
from backup.sources.databases.mariadb_rights import names_part
from backup.sources.databases.missing_accounts import (
    choose_mariadb,
    choose_postgresql,
    move_postgresql,
    scan_roles,
)

MARIADB = r"""
CREATE DATABASE IF NOT EXISTS `cong_xa` CHARACTER SET utf8mb4;
CREATE ROLE IF NOT EXISTS `r`;
CREATE USER IF NOT EXISTS `moi`@`localhost` IDENTIFIED BY PASSWORD '*1';
CREATE USER IF NOT EXISTS `cu`@`%` IDENTIFIED BY PASSWORD '*2';
GRANT DELETE ON `cong_xa`.* TO `r`;
GRANT FILE ON *.* TO `moi`@`localhost` IDENTIFIED BY PASSWORD '*1';
GRANT ALL PRIVILEGES ON `khac`.* TO `moi`@`localhost`;
GRANT SELECT ON `cong%`.* TO `moi`@`localhost`;
GRANT `r` TO `moi`@`localhost`;
GRANT `admin` TO `moi`@`localhost`;
SET DEFAULT ROLE `admin` FOR `moi`@`localhost`;
GRANT USAGE ON *.* TO `cu`@`%` IDENTIFIED BY PASSWORD '*2';
GRANT `admin` TO `cu`@`%`;
GRANT SELECT ON `cong\_xa`.* TO `cu`@`%`;
GRANT SELECT ON `cong_xa`.* TO `vắng`@`%`;
GRANT SELECT, UPDATE (`a`) ON `cong_xa`.`tin` TO `cu`@`%`;
GRANT EXECUTE ON PROCEDURE `cong_xa`.`lam` TO `vắng`@`%`;
GRANT `r` TO `cu`@`%`;
SET DEFAULT ROLE `r` FOR `cu`@`%`;
""".strip().splitlines()

POSTGRESQL = """
CREATE ROLE moi;
ALTER ROLE moi WITH SUPERUSER INHERIT NOCREATEROLE CREATEDB LOGIN PASSWORD 'SCRAM-SHA-256$x';
CREATE ROLE "Nhóm";
ALTER ROLE "Nhóm" WITH NOSUPERUSER;
CREATE ROLE la;
ALTER ROLE la WITH LOGIN;
GRANT "Nhóm" TO moi WITH INHERIT TRUE GRANTED BY postgres;
GRANT postgres TO la;
GRANT pg_execute_server_program TO moi;
GRANT moi TO thanh_vien;
GRANT moi TO dung_do WITH ADMIN OPTION;
GRANT "Nhóm" TO la;
ALTER DATABASE cong SET work_mem TO '7MB';
ALTER DATABASE cong SET search_path TO a, 'b'; DROP ROLE x;
ALTER DATABASE cong SET application_name TO E'a\\\\b';
REVOKE CONNECT,TEMPORARY ON DATABASE cong FROM PUBLIC;
GRANT CONNECT ON DATABASE cong TO moi;
GRANT CONNECT ON DATABASE cong2 TO moi;
ALTER ROLE moi IN DATABASE cong SET role TO 'x';
ALTER DATABASE cong OWNER TO moi;
""".strip().splitlines()


def test_mariadb_gets_who_is_missing_and_rights_on_the_database_alone() -> None:
    made, left, chosen = choose_mariadb(MARIADB, "cong_xa", {"`cu`@`%`", "`admin`"})

    assert left == ["`admin` → `moi`@`localhost`"]
    assert made == ["`r`", "`moi`@`localhost`"]
    assert chosen == [
        MARIADB[1],
        MARIADB[2],
        MARIADB[4],
        r"GRANT SELECT ON `cong\_xa`.* TO `moi`@`localhost`;",
        MARIADB[8],
        MARIADB[13],
        MARIADB[17],
    ]


def test_rights_on_parts_are_for_after_the_load_and_for_who_is_there() -> None:
    assert list(choose_parts(MARIADB, {"`cu`@`%`"})) == [MARIADB[15].removesuffix(";")]
    assert [it for it in MARIADB if names_part(it)] == MARIADB[15:17]
    assert not names_part("GRANT SELECT ON `mysql`.`proc` TO `sao`@`localhost`;")


def test_who_holds_a_role_is_chosen_but_not_who_has_made_it() -> None:
    accounts = [Account(it, "", is_role=True) for it in ("goc", "ngoai", "chung")]
    accounts += [Account(it, "%", is_role=False) for it in ("root", "moi", "la", "chay")]
    lines = [
        ["GRANT ALL PRIVILEGES ON `cong_xa`.* TO `goc`"],
        ["GRANT `goc` TO `ngoai`"],
        ["GRANT USAGE ON *.* TO `chung`"],
        ["GRANT `goc` TO `root`@`%` WITH ADMIN OPTION", "GRANT CREATE USER ON *.* TO `root`@`%`"],
        ["GRANT `ngoai` TO `moi`@`%`", "GRANT `chung` TO `moi`@`%`", "GRANT FILE ON *.* TO `moi`"],
        ["GRANT `chung` TO `la`@`%`"],
        ["GRANT EXECUTE ON PROCEDURE `cong_xa`.`lam` TO `chay`@`%`"],
    ]  # fmt: skip

    chosen = choose_accounts(accounts, dict(enumerate(lines)), "cong_xa", [])
    assert [accounts[it].user for it in chosen] == ["goc", "ngoai", "chung", "moi", "chay"]
    chosen = choose_accounts(accounts, dict(enumerate(lines)), "khac", ["root@%"])
    assert [accounts[it].user for it in chosen] == ["goc", "root"]


def test_postgresql_gets_the_roles_that_the_dump_names_and_their_groups_without_might() -> None:
    known = {"moi", '"Nhóm"', "la", "thanh_vien"}
    made, left, chosen = choose_postgresql(POSTGRESQL, known, ["moi", "postgres"])

    assert made == ['"Nhóm"', "moi", "thanh_vien"]
    assert chosen[:2] == [
        "CREATE ROLE moi;",
        "ALTER ROLE moi WITH INHERIT LOGIN PASSWORD 'SCRAM-SHA-256$x';",
    ]
    assert (
        "ALTER ROLE moi WITH NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS;"
        in (chosen[4:])
    )
    assert left == ["pg_execute_server_program → moi"]
    assert chosen[-3:] == ['GRANT "Nhóm" TO moi WITH INHERIT TRUE;', "GRANT moi TO thanh_vien;",
                           "GRANT moi TO dung_do WITH ADMIN OPTION;"]  # fmt: skip
    assert not any(" la" in it or "postgres" in it for it in chosen)


def test_no_statement_of_mariadb_holds_a_second_one_or_more_than_its_own_database() -> None:
    hostile = [
        "CREATE USER IF NOT EXISTS `a`@`%` IDENTIFIED BY 'x'; GRANT ALL ON *.* TO `a`@`%`;",
        "CREATE USER IF NOT EXISTS `a`@`%` IDENTIFIED BY 'x''\\'' GRANT ALL ON *.* TO `a`@`%`;",
        "CREATE USER IF NOT EXISTS `a`@`%`/**/;",
        "GRANT ALL PRIVILEGES ON *.* TO `r`; GRANT SELECT ON `db`.* TO `r`;",
        "GRANT ALL PRIVILEGES ON *.* TO `r`; GRANT SELECT ON `db`.* TO `r`",
        "GRANT SELECT ON `db`.* TO `r`; GRANT ALL ON *.* TO `r`;",
        "GRANT SELECT ON `db`.* TO `r`, `x`;",
        "GRANT SELECT ON `db`.* TO `r` IDENTIFIED BY 'x' WITH GRANT OPTION;",
        "GRANT `r` TO `b`@`%`; GRANT ALL ON *.* TO `b`@`%`;",
        "SET DEFAULT ROLE `r` FOR `b`@`%`; GRANT ALL ON *.* TO `b`@`%`;",
    ]
    account = (
        "CREATE USER IF NOT EXISTS `b`@`%` IDENTIFIED VIA mysql_native_password USING '*1' OR"
        " unix_socket REQUIRE ISSUER 'b' SUBJECT '/CN=a;' WITH MAX_STATEMENT_TIME 1.500000 ACCOUNT"
        " LOCK PASSWORD EXPIRE INTERVAL 9 DAY;"
    )
    plain = [
        account,
        "GRANT SELECT (`a`, `c d`), INSERT, UPDATE (b) ON `db`.`t` TO `b`@`%`;",
        "GRANT DELETE HISTORY, SHOW CREATE ROUTINE ON `db`.* TO `b`@`%` WITH GRANT OPTION;",
        "GRANT EXECUTE ON PACKAGE BODY `db`.`p` TO PUBLIC;",
    ]
    of_mysql = (
        "CREATE USER IF NOT EXISTS `m`@`h` IDENTIFIED WITH 'caching_sha2_password' AS '$A$\\'\\n;'"
        "{} REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK;"
    )
    lines = [plain[0], *hostile, *plain[1:], of_mysql.format(" DEFAULT ROLE `r`@`%`")]
    made, left, chosen = choose_mariadb(lines, "db", {"`r`"})

    assert made == ["`b`@`%`", "`m`@`h`"]
    assert chosen == [plain[0], plain[2], of_mysql.format("")]
    assert list(choose_parts(lines, {"PUBLIC", "`b`@`%`"})) == [plain[1][:-1], plain[3][:-1]]
    assert left == [it[:80] for it in hostile[:3]]


def test_no_option_of_a_role_of_postgresql_goes_through_as_it_is() -> None:
    hostile = [
        "ALTER ROLE evil WITH LOGIN; ALTER ROLE evil WITH  SUPERUSER;",
        "ALTER ROLE evil WITH\tSUPERUSER;",
        "ALTER ROLE evil WITH/**/SUPERUSER;",
        "ALTER ROLE evil WITH superuser;",
        "ALTER ROLE evil WITH PASSWORD 'x\\'; ALTER ROLE evil SUPERUSER; --';",
        "ALTER ROLE evil SET session_preload_libraries TO 'x';",
        "ALTER ROLE evil SET search_path TO a; ALTER ROLE evil SUPERUSER;",
        "CREATE ROLE evil SUPERUSER;",
        "CREATE ROLE evil; ALTER ROLE evil SUPERUSER;",
    ]
    members = ["GRANT evil TO evil WITH ADMIN OPTION; ALTER ROLE evil SUPERUSER;"]
    plain = ["CREATE ROLE evil;", "ALTER ROLE evil SET search_path TO 'a', public;"]
    given = "ALTER ROLE evil WITH SUPERUSER NOINHERIT BYPASSRLS CONNECTION LIMIT -1 PASSWORD 'S$;'"
    lines = [*plain, *hostile, *members, f"{given} VALID UNTIL 'infinity';"]
    made, left, chosen = choose_postgresql(lines, {"evil"}, {"evil"})

    assert made == ["evil"]
    assert left == [it[:80] for it in hostile]
    assert chosen == [
        *plain,
        "ALTER ROLE evil WITH NOINHERIT CONNECTION LIMIT -1 PASSWORD 'S$;' VALID UNTIL 'infinity';",
        "ALTER ROLE evil WITH NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS;",
    ]


def test_rights_on_a_database_go_over_to_another_name_one_plain_statement_each() -> None:
    assert list(move_postgresql(POSTGRESQL, "cong", '"Mới"')) == [
        "ALTER DATABASE \"Mới\" SET work_mem TO '7MB';",
        "ALTER DATABASE \"Mới\" SET application_name TO E'a\\\\b';",
        'REVOKE CONNECT,TEMPORARY ON DATABASE "Mới" FROM PUBLIC;',
        'GRANT CONNECT ON DATABASE "Mới" TO moi;',
        "ALTER ROLE moi IN DATABASE \"Mới\" SET role TO 'x';",
    ]


def test_rows_name_no_role() -> None:
    dump = b"""ALTER TABLE public.a OWNER TO "B c";
COPY public.a (t) FROM stdin;
GRANT SELECT ON x TO la;
\\.
CREATE POLICY p ON public.a TO mot, hai USING (true);
""" + b"-- " + b"d" * 2_000_000 + b"\nGRANT SELECT ON TABLE public.a TO ba;\n"  # fmt: skip
    pieces = [dump[at : at + 7_919] for at in range(0, len(dump), 7_919)]

    assert list(scan_roles(pieces)) == [b'"B c"', b"mot", b"hai", b"ba"]
