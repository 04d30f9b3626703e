"""A dump is cut into the statements that psql would see in it."""

import pytest

from backup.errors import SourceError
from backup.sources.databases.postgresql_statements import DividedDump, split_dump

DUMP = rb"""--
-- Name: t; Owner: GRANT a ON b TO c;
--

SET client_encoding = 'UTF8';
CREATE SCHEMA "a;b";
ALTER SCHEMA "a;b" OWNER TO "x y";
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $_$
GRANT a ON b TO c;
COPY t FROM stdin;
$$ ' " $_$;
CREATE FUNCTION g(n integer DEFAULT 1) RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT 1;
 SELECT CASE WHEN (n > 1) THEN 2 ELSE 3 END AS "end";
END;
CREATE RULE r AS ON DELETE TO t DO ( NOTIFY a;
 NOTIFY b;
);
CREATE TABLE t (a text DEFAULT 'it''s; \', "q"";" text DEFAULT E'\'; \\
x''', c$d$e text /* ; /* ' */ ; */);
ALTER TABLE ONLY t REPLICA IDENTITY USING INDEX "i OWNER TO b";
ALTER TABLE t OWNER TO b;
COPY t (a) FROM stdin;
GRANT a ON b TO c;
\\.
 \.
\.
COPY "u FROM stdin;" (a) FROM stdin;
\.


GRANT a ON b TO c;
COMMENT ON TABLE t IS 'GRANT;
\.
';
"""
PARTS = (
    b"SET client_encoding = ';",
    b'CREATE SCHEMA ";',
    b'ALTER SCHEMA " OWNER TO ";',
    b"CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;",
    b"CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $;",
    b"CREATE FUNCTION g",
    b"CREATE RULE r",
    b"CREATE TABLE t (a text DEFAULT ''",
    b'ALTER TABLE ONLY t REPLICA IDENTITY USING INDEX ";',
    b"ALTER TABLE t OWNER TO b;",
    b"COPY t (a) FROM stdin;",
    b'COPY " (a) FROM stdin;',
    b"GRANT a ON b TO c;",
    b"COMMENT ON TABLE t IS ';",
)


def cut(dump: bytes, size: int) -> list[bytes]:
    return [dump[at : at + size] for at in range(0, len(dump), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 5_000])
def test_statements_are_those_of_psql_however_the_dump_comes(size: int) -> None:
    parts = list(split_dump(cut(DUMP, size)))

    assert b"".join(it.text for it in parts) == DUMP
    words = [it.words for it in parts if it.words]
    assert [it[: len(wanted)] for it, wanted in zip(words, PARTS, strict=True)] == list(PARTS)
    rows = b"".join(it.text for it in parts[:-1] if not it.words)
    assert rows == b"GRANT a ON b TO c;\n\\\\.\n \\.\n\\.\n\\.\n"


@pytest.mark.parametrize("size", [1, 5_000])
def test_only_what_computes_nothing_is_left_to_the_administrator(size: int) -> None:
    dump = DividedDump(cut(DUMP, size))
    dump.read_head()
    rest = b"".join(dump.rest())

    assert [it.strip() for it in dump.schemas] == [b'CREATE SCHEMA "a;b";']
    (extension,) = dump.extensions
    assert extension.strip() == b"CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;"
    assert [it.words for it in split_dump([bytes(dump.after)]) if it.words] == [
        b'ALTER SCHEMA " OWNER TO ";', b"ALTER TABLE t OWNER TO b;", b"GRANT a ON b TO c;",
        b"COMMENT ON TABLE t IS ';",
    ]  # fmt: skip
    assert b"CREATE SCHEMA" not in rest
    assert b'USING INDEX "i OWNER TO b";' in rest


def test_rows_of_an_extension_are_known_by_its_own_name() -> None:
    text = b"""COPY gis.srid (a) FROM stdin;
1
\\.
COPY public."COPY gis.srid (" (a) FROM stdin;
2
\\.
SELECT pg_catalog.setval('gis.srid_seq', 5, true);
SELECT pg_catalog.setval('public.other_seq', 5, true);
"""
    dump = DividedDump([text])
    dump.of_extensions = (b"gis.srid", b"gis.srid_seq")
    dump.read_head()
    rest = b"".join(dump.rest())

    rows, other, number = text[:35], text[35:86], text[86:137]
    assert bytes(dump.after) == rows + number
    assert rest.startswith(other)
    assert b"other_seq" in rest


def test_rows_come_in_pieces_and_a_statement_without_end_is_refused() -> None:
    mebibyte = b"x" * (1 << 20)
    row = (mebibyte for _ in range(70))
    begun = iter([b"COPY t (a) FROM stdin;\n", *row, b"\n\\.\n"])
    assert max(len(it.text) for it in split_dump(begun)) <= len(mebibyte) + 3

    for begin in (b"SELECT '", b"SELECT '\n", b"\n-- "):
        with pytest.raises(SourceError, match="statement of more than"):
            for _part in split_dump([begin, *(mebibyte + b"\n" for _ in range(70))]):
                pass
