"""Which accounts and rights a standing server gets again, out of a dump's globals."""

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
ALTER DATABASE cong SET work_mem TO '7MB';
ALTER DATABASE cong SET search_path TO a, 'b'; DROP ROLE x;
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
    ]


def test_postgresql_gets_the_roles_that_the_dump_names_and_their_groups_without_might() -> None:
    made, left, chosen = choose_postgresql(POSTGRESQL, {"moi", '"Nhóm"', "la"}, ["moi", "postgres"])

    assert made == ['"Nhóm"', "moi"]
    assert chosen[1].startswith("ALTER ROLE moi WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB")
    assert left == ["pg_execute_server_program → moi"]
    assert chosen[-1] == 'GRANT "Nhóm" TO moi WITH INHERIT TRUE;'
    assert not any(" la" in it or "postgres" in it for it in chosen)


def test_rights_on_a_database_go_over_to_another_name_one_plain_statement_each() -> None:
    assert list(move_postgresql(POSTGRESQL, "cong", '"Mới"')) == [
        "ALTER DATABASE \"Mới\" SET work_mem TO '7MB';",
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
