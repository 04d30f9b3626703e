"""A real MediaWiki on MariaDB and on PostgreSQL, captured through its real database."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from archive.capture.captured import Captured, FileRef, Row, Tally
from archive.capture.mediawiki import MediaWiki
from archive.metadata.item import ensure_complete
from examples.pictures import draw_picture
from tests.mariadb_server import MariadbServer
from tests.mediawiki import Wiki, make_wiki
from tests.portal_rows import (
    OFFICER,
    mariadb_facts,
    mariadb_rows,
    portal_of,
    postgresql_facts,
    postgresql_rows,
    sqlite_facts,
    sqlite_rows,
    text_of,
)
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.slow
_TEXT = "'''Đường dây nóng''': 1022 – Ủy ban nhân dân xã & ấp Tân Lập.\n\n" + "Nội dung. " * 400
_SCHEMA = Path("/usr/share/mediawiki/maintenance/sqlite/tables-generated.sql")

_PAGE = (
    """INSERT INTO page (page_id, page_namespace, page_title, page_random, page_touched,
    page_latest, page_len) VALUES (:number, 0, 'Trang_' || :number, 0.5, '20261127081000', :number,
    1)""",
    """INSERT INTO revision (rev_id, rev_page, rev_comment_id, rev_actor, rev_timestamp,
    rev_deleted, rev_parent_id)
    VALUES (:number, :number, 1, :actor, '20261127081000', :hidden, 0)""",
    "INSERT INTO slots VALUES (:number, 1, :number, :number)",
    "INSERT INTO content VALUES (:number, 1, 'x', 1, :address)",
    "INSERT INTO text VALUES (:number, :text, 'utf-8')",
)


@dataclass(frozen=True)
class Made:
    wiki: Wiki
    rows: Callable[[], Mapping[str, Iterator[Row]]]

    def capture(self) -> tuple[dict[str, Captured], Tally]:
        tally, portal = Tally(), portal_of("https://wiki.example.vn", default_class="procedure")
        found = list(MediaWiki().items(self.rows(), portal, tally))
        return {it.item.title: it for it in found}, tally


def _on_mariadb(folder: Path, server: MariadbServer) -> Made:
    name = server.new_database()
    # MediaWiki 1.43 does not know this default of MariaDB 11.6; a move fails by it (error 1020).
    server.run("SET GLOBAL innodb_snapshot_isolation = OFF")
    wiki = make_wiki(folder, {
        "dbtype": "mysql", "dbname": name, "dbserver": f"localhost:{server.socket}",
        "dbuser": "root", "dbpass": "", "installdbuser": "root", "installdbpass": "",
    })  # fmt: skip
    facts = mariadb_facts(server, name)
    return Made(wiki, lambda: mariadb_rows(server, name, MediaWiki(), facts))


def _on_postgresql(folder: Path, server: PostgresServer) -> Made:
    name = server.new_database().partition("@/")[2].partition("?")[0]
    wiki = make_wiki(folder, {
        "dbtype": "postgres", "dbname": name, "dbserver": str(server.folder), "dbport": "5432",
        "dbuser": "giucong", "dbpass": "", "installdbuser": "giucong", "installdbpass": "",
    })  # fmt: skip
    place = f"host={server.folder} user=giucong dbname={name}"
    with psycopg.connect(place) as connection:
        facts = postgresql_facts(connection)
    return Made(wiki, lambda: postgresql_rows(place, MediaWiki(), facts))


@pytest.mark.parametrize("engine", ["mariadb", "postgresql"])
def test_a_wiki_is_captured_and_its_changes_seen(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: Any = request.getfixturevalue(
        "mariadb_server" if engine == "mariadb" else "postgres_server"
    )
    make = _on_mariadb if engine == "mariadb" else _on_postgresql
    made: Made = make(tmp_path / "wiki", server)
    wiki = made.wiki
    wiki.edit("Chứng thực bản sao", f"{_TEXT}\n[[Thể loại:Thủ tục hành chính]]")
    wiki.edit("Khai sinh", "Bản đầu")
    wiki.edit("Khai sinh", "Bản thứ hai")
    wiki.edit("Sắp xóa", "Sẽ bị xóa")
    (tmp_path / "anh").mkdir()
    (tmp_path / "anh" / "Trụ sở xã.png").write_bytes(draw_picture(1))
    wiki.run("importImages", "--user", "Quantri", "--comment", "Ảnh trụ sở", str(tmp_path / "anh"))
    wiki.run("runJobs")

    before, tally = made.capture()
    article, picture = before["Chứng thực bản sao"], before["Trụ sở xã.png"]

    assert tally.refused == 0
    for it in before.values():
        ensure_complete(it.item)
    assert article.contents["body.wiki"] == f"{_TEXT}\n[[Thể loại:Thủ tục hành chính]]".encode()
    assert before["Khai sinh"].contents["body.wiki"] == "Bản thứ hai".encode()
    assert article.item.keywords == ("Thủ tục hành chính",)
    assert (article.item.content_class, article.item.shape) == ("procedure", "page")
    assert [it.name for it in article.item.creators] == ["Quantri"]
    assert article.item.published is not None
    assert abs((article.item.published - datetime.now(UTC)).total_seconds()) < 600
    assert article.item.addresses == (
        "https://wiki.example.vn/wiki/Ch%E1%BB%A9ng_th%E1%BB%B1c_b%E1%BA%A3n_sao",
    )
    assert picture.item.shape == "media"
    assert picture.item.description.endswith("Ảnh trụ sở")
    (place,) = picture.contents.values()
    assert isinstance(place, FileRef)
    assert (wiki.folder / place.path).read_bytes() == draw_picture(1)

    (tmp_path / "moves").write_text("Khai sinh|Đăng ký khai sinh\n", encoding="utf-8")
    (tmp_path / "deletions").write_text("Sắp xóa\n", encoding="utf-8")
    wiki.run("moveBatch", str(tmp_path / "moves"))
    wiki.run("deleteBatch", str(tmp_path / "deletions"))
    wiki.edit("Chứng thực bản sao", "Đính chính")
    wiki.run("runJobs")
    after, tally = made.capture()

    moved = after["Đăng ký khai sinh"].item
    assert moved.id == before["Khai sinh"].item.id
    assert [it.rpartition("/")[2] for it in moved.addresses] == [
        "%C4%90%C4%83ng_k%C3%BD_khai_sinh", "Khai_sinh"
    ]  # fmt: skip
    assert after["Chứng thực bản sao"].contents["body.wiki"] == "Đính chính".encode()
    assert set(tally.gone(it.item.id for it in before.values())) == {before["Sắp xóa"].item.id}


def test_the_queries_hold_on_sqlite_and_hidden_texts_stay_hidden(tmp_path: Path) -> None:
    path = tmp_path / "wiki.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_SCHEMA.read_text(encoding="utf-8").replace("/*_*/", ""))
        database.execute("INSERT INTO slot_roles VALUES (1, 'main')")
        database.execute("INSERT INTO actor VALUES (1, 7, 'Văn thư'), (2, NULL, '203.0.113.9')")
        for number, (actor, address, hidden) in enumerate(
            [(1, "tt:1", 0), (2, "tt:2", 0), (1, "es:DB://cluster/9", 0), (1, "tt:4", 1)], 1
        ):
            row = {"number": number, "actor": actor, "address": address, "hidden": hidden,
                   "text": f"Chữ {number}".encode()}  # fmt: skip
            for statement in _PAGE:
                database.execute(statement, row)
        database.commit()
    tally = Tally()
    rows = sqlite_rows(path, MediaWiki(), sqlite_facts(path))
    found = list(MediaWiki().items(rows, portal_of(), tally))

    assert [text_of(it, "body.wiki").decode() for it in found] == ["Chữ 1", "Chữ 2"]
    anonymous = found[1].item.creators[0]
    assert (anonymous.name, anonymous.unknown_by) == ("không rõ", OFFICER)
    assert b"203.0.113.9" not in found[1].item.as_json()
    assert [(it.source_key, it.error.why) for it in tally.refusals] == [
        ("mediawiki/3", "its text is not in this database: {place}"),
        ("mediawiki/4", "the wiki hides its text"),
    ]
    assert len(tally.met) == 4
