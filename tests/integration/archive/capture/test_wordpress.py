"""A real WordPress, captured through its real database."""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from archive.capture.captured import Captured, FileRef, Portal, Tally
from archive.capture.wordpress import WordPress
from archive.errors import ArchiveError
from archive.metadata.item import Grade, ensure_complete, parse_item
from tests.mariadb_server import MariadbServer
from tests.portal import PhpSite, count_province, make_province_portal
from tests.portal_rows import OFFICER, mariadb_facts, mariadb_rows, portal_of, text_of

pytestmark = pytest.mark.slow
_EDIT = Path(__file__).parents[3] / "portal_files" / "wordpress-edit.php"
_CLASSES = {"category/nguoi-phat-ngon": "spokesperson"}


@dataclass(frozen=True)
class Province:
    site: PhpSite
    server: MariadbServer
    portal: Portal
    links: dict[str, str]

    def edit(self, step: str) -> dict[str, str]:
        command = ["php", str(_EDIT), str(self.site.folder), self.site.address, "-", step]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        links: dict[str, str] = json.loads(done.stdout)
        return links

    def capture(self) -> tuple[dict[str, Captured], Tally]:
        facts = mariadb_facts(self.server, self.site.database)
        rows, tally = mariadb_rows(self.server, self.site.database, WordPress(), facts), Tally()
        found = list(WordPress().items(rows, self.portal, tally))
        for rest in rows.values():
            assert list(rest) == []  # every query was read to its end, though rows were skipped
        return {it.item.source_key: it for it in found}, tally


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory, mariadb_server: MariadbServer) -> Province:
    site = make_province_portal(tmp_path_factory.mktemp("www") / "cong-tinh", mariadb_server)
    portal = portal_of(site.address, classes=_CLASSES)
    made = Province(site, mariadb_server, portal, {})
    return Province(site, mariadb_server, portal, made.edit("permalinks"))


def test_each_public_article_is_captured_whole(province: Province) -> None:
    found, tally = province.capture()
    told: dict[str, Any] = count_province(province.site)

    assert tally.refused == 0
    public = {
        f"wordpress/{key}": digest
        for key, _title, status, digest in told["posts"]
        if status == "publish" and key != 2002
    }
    bodies = {
        key: hashlib.sha256(text_of(it)).hexdigest()
        for key, it in found.items()
        if isinstance(it.contents.get("body.html"), bytes)
    }
    assert bodies == public
    assert len(public) > 36
    for it in found.values():
        ensure_complete(it.item)
        assert parse_item(it.item.as_json()) == it.item
    assert {key: it.item.addresses[0] for key, it in found.items() if key in public} == {
        f"wordpress/{key}": link for key, link in province.links.items() if key != "2002"
    }


def test_an_article_keeps_what_is_known_of_it(province: Province) -> None:
    found, _tally = province.capture()
    article, statement = found["wordpress/1001"].item, found["wordpress/1003"].item

    assert article.title == "Thông báo số 1/TB-UBND về lịch tiếp công dân 🏛️"
    assert [it.name for it in article.creators] == ["Văn thư Sở"]
    assert (article.content_class, article.shape, article.language) == ("news", "news", "vi")
    assert article.published == datetime(2026, 2, 2, 1, 30, tzinfo=UTC)  # 8:30 in Việt Nam
    assert article.source.name == "Cổng thông tin điện tử tỉnh"
    assert f"{province.site.address}/?p=1001" in article.addresses
    assert article.related["media/3001"] == found["wordpress/3001"].item.id
    assert "media/3007" in found["wordpress/1005"].item.related  # its title picture, of another
    assert (statement.content_class, statement.shape) == ("spokesperson", "statement")
    assert statement.creators[0].role == "spokesperson"
    assert statement.fields["column"] == "Người phát ngôn"
    assert set(statement.keywords) == {"kỷ luật", "hành chính"}


def test_media_lie_where_wordpress_says(province: Province) -> None:
    found, _tally = province.capture()
    told: dict[str, Any] = count_province(province.site)

    media = [it for it in found.values() if it.item.shape == "media"]
    digests = []
    for it in media:
        (place,) = it.contents.values()
        assert isinstance(place, FileRef)
        digests.append(hashlib.sha256((province.site.folder / place.path).read_bytes()).hexdigest())
    # The tenth hangs on an article that is private.
    public = [digest for number, (_path, digest, _sizes) in enumerate(told["media"], 1)
              if number != 10]  # fmt: skip
    assert digests == public


def test_who_commented_stays_private(province: Province) -> None:
    found, _tally = province.capture()

    commented = [it for key, it in found.items() if it.comments and key > "wordpress/1000"]
    assert len(commented) > 20
    for it in commented:
        public = it.item.as_json() + json.dumps(list(it.comments)).encode()
        assert b"dan@example.vn" not in public
        assert it.private is not None
        assert it.private.item.grade is Grade.RESTRICTED
        assert b"dan@example.vn" in text_of(it.private, "comments.jsonl")
        # Two of three comments wait for approval and were never shown.
        assert len(it.comments) == 1


def test_corrections_and_deletions_are_seen(province: Province) -> None:
    before, _tally = province.capture()
    province.edit("correct")
    after, tally = province.capture()

    same = {key for key in before.keys() & after.keys() if before[key] == after[key]}
    assert before.keys() - after.keys() == {
        "wordpress/1005", "wordpress/1006", "wordpress/1007",
        "wordpress/3005", "wordpress/3006",  # pictures of what is not shown are not shown either
    }  # fmt: skip
    assert before.keys() & after.keys() - same == {
        f"wordpress/{it}" for it in (1001, 1002, 1004, 1008)
    }
    gone = set(tally.gone(it.item.id for it in before.values()))
    assert gone == {before[key].item.id for key in before.keys() - after.keys()}
    assert "14 giờ".encode() in text_of(after["wordpress/1001"])
    assert after["wordpress/1004"].item.published == datetime(2026, 3, 3, tzinfo=UTC)
    nobody = after["wordpress/1008"].item.creators[0]
    assert nobody.unknown_by == OFFICER
    assert nobody.unknown_because == "tài khoản đăng bài không còn trong cơ sở dữ liệu của Cổng"
    ensure_complete(after["wordpress/1008"].item)


def test_what_years_of_use_leave_behind_is_captured(province: Province) -> None:
    """Shortcodes and blocks, days that are none, tables of old versions, pictures that are gone."""
    database = province.site.database
    body = '[gallery ids="3001"]<!-- wp:image {"id":3002} --><img><!-- wp:file {"id":3006} --> đ 🏛️'
    province.server.run(
        f"""UPDATE wp_posts SET post_content = '{body}' WHERE ID = 1021;
        SET SESSION sql_mode = '';
        UPDATE wp_posts SET post_date = '0000-00-00 00:00:00', post_date_gmt =
        '0000-00-00 00:00:00', post_modified_gmt = '2011-01-02 03:04:05' WHERE ID = 1022;
        DELETE FROM wp_postmeta WHERE post_id = 3008 AND meta_key = '_wp_attached_file';
        ALTER TABLE wp_terms MODIFY name VARCHAR(200) CHARACTER SET latin1;
        UPDATE wp_terms SET name = CONVERT(CAST('Tiêu điểm Đồng Nai' AS BINARY) USING latin1)
        WHERE term_id = 1;
        CREATE TABLE wp_2_posts LIKE wp_posts; CREATE TABLE wp_2_postmeta LIKE wp_postmeta;
        CREATE TABLE wp_2_options LIKE wp_options""",  # noqa: S608 -- our own
        database,
    )
    facts = mariadb_facts(province.server, database)
    with pytest.raises(ArchiveError) as several:  # a network of sites: somebody says which
        WordPress().queries(facts)
    facts = mariadb_facts(province.server, database, prefix="wp_")
    rows, tally = mariadb_rows(province.server, database, WordPress(), facts), Tally()
    found = {it.item.source_key: it for it in WordPress().items(rows, province.portal, tally)}
    article, undated = found["wordpress/1021"], found["wordpress/1022"].item

    assert several.value.params["prefixes"] == "wp_2_, wp_"
    assert text_of(article).decode() == body
    assert {"media/3001", "media/3002", "media/3006"} <= article.item.related.keys()
    assert article.item.fields["column"] == "Tiêu điểm Đồng Nai"
    assert "name: UTF-8 inside UTF-8" in article.notes
    assert undated.published is None
    assert undated.modified == datetime(2011, 1, 2, 3, 4, 5, tzinfo=UTC)
    ((key, why),) = [(it.source_key, it.error.why) for it in tally.refusals]
    assert (key, why) == ("wordpress/3008", "the place of its file is not known")
