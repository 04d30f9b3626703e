"""Portals of other software, on their own tables in a real MariaDB, by the mappings that ship."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive.capture.captured import Captured, FileRef, Tally
from archive.capture.mapping import read_mapping
from archive.metadata.item import ensure_complete
from tests.mariadb_server import MariadbServer
from tests.portal_rows import mariadb_facts, mariadb_rows, portal_of, text_of

pytestmark = pytest.mark.slow
_MAPPINGS = Path(__file__).parents[4] / "examples" / "mappings"
# Columns as each of them makes its tables; those that nothing asks for are left out.
_JOOMLA = """
SET SESSION sql_mode = '';
CREATE TABLE jos_users (id int PRIMARY KEY, name varchar(400) NOT NULL);
CREATE TABLE jos_categories (id int PRIMARY KEY, title varchar(255), published tinyint, access int);
CREATE TABLE jos_content (id int unsigned PRIMARY KEY, title varchar(255), alias varchar(400),
  introtext mediumtext NOT NULL, `fulltext` mediumtext NOT NULL, state tinyint, catid int,
  created datetime NOT NULL, created_by int, created_by_alias varchar(255) DEFAULT '',
  modified datetime NOT NULL, publish_up datetime NULL, access int, metakey text, metadesc text,
  language char(7)) DEFAULT CHARSET utf8mb4;
INSERT INTO jos_users VALUES (7, 'Nguyễn Văn A');
INSERT INTO jos_categories VALUES (2, 'Tin tức', 1, 1), (3, 'Nội bộ', 1, 2);
INSERT INTO jos_content VALUES
 (1, 'Khởi công đường “ven sông” 🏗️', 'khoi-cong', '<p>Tóm tắt</p>',
  '<p>Toàn văn</p><img src="/images/2026/cau.jpg">', 1, 2, '2026-11-02 01:30:00', 7, '',
  '0000-00-00 00:00:00', '0000-00-00 00:00:00', 1, 'cầu, đường', 'Mô tả', '*'),
 (2, 'Nháp', 'nhap', '', '', 0, 2, '2026-11-02 01:30:00', 7, '', '2026-11-02 01:30:00', NULL, 1,
  '', '', '*'),
 (3, 'Nội bộ', 'noi-bo', '', '', 1, 3, '2026-11-02 01:30:00', 7, '', '2026-11-02 01:30:00', NULL,
  1, '', '', '*'),
 (4, 'Hẹn giờ', 'hen', '', '', 1, 2, '2026-11-02 01:30:00', 7, '', '2026-11-02 01:30:00',
  '2099-01-01 00:00:00', 1, '', '', '*'),
 (5, 'Đã lưu', 'luu', '<p>Cũ</p>', '', 2, 2, '2019-05-06 02:00:00', 99, 'PV', '2019-05-06 03:00:00',
  '2019-05-06 02:30:00', 1, '', '', '*');
"""
_DRUPAL = """
CREATE TABLE users_field_data (uid int, name varchar(60), default_langcode tinyint);
CREATE TABLE node_field_data (nid int, vid int, type varchar(32), langcode varchar(12),
  status tinyint, uid int, title varchar(255), created int, changed int) DEFAULT CHARSET utf8mb4;
CREATE TABLE node__body (entity_id int, langcode varchar(32), deleted tinyint, delta int,
  body_value longtext, body_summary longtext, body_format varchar(255)) DEFAULT CHARSET utf8mb4;
CREATE TABLE path_alias (id int, langcode varchar(12), path varchar(255), alias varchar(255),
  status tinyint) DEFAULT CHARSET utf8mb4;
CREATE TABLE file_managed (fid int, filename varchar(255), uri varchar(255), status tinyint)
  DEFAULT CHARSET utf8mb4;
CREATE TABLE file_usage (fid int, module varchar(50), type varchar(64), id varchar(64));
INSERT INTO users_field_data VALUES (1, 'Trần Thị B', 1);
INSERT INTO node_field_data VALUES
 (1, 1, 'article', 'vi', 1, 1, 'Thông báo nghỉ lễ', 1793583000, 1793586600),
 (1, 1, 'article', 'en', 1, 1, 'Holiday', 1793583000, 1793586600),
 (2, 2, 'article', 'vi', 0, 1, 'Nháp', 1793583000, 1793583000),
 (3, 3, 'webform', 'vi', 1, 1, 'Biểu mẫu', 1793583000, 1793583000);
INSERT INTO node__body VALUES (1, 'vi', 0, 0, '<p>Nghỉ từ ngày 30</p>', 'Tóm tắt', 'full_html'),
 (1, 'en', 0, 0, '<p>From the 30th</p>', '', 'full_html');
INSERT INTO path_alias VALUES (1, 'vi', '/node/1', '/tin/nghi-lễ', 1);
INSERT INTO file_managed VALUES (1, 'Lịch nghỉ.pdf', 'public://2026-11/lich-nghi.pdf', 1),
 (2, 'kin.pdf', 'private://kin.pdf', 1);
INSERT INTO file_usage VALUES (1, 'file', 'node', '1'), (2, 'file', 'node', '1');
"""


def _capture(server: MariadbServer, schema: str, name: str) -> dict[str, Captured]:
    database = server.new_database()
    server.run(schema, database)
    mapped = read_mapping((_MAPPINGS / name).read_bytes())
    tally = Tally()
    rows = mariadb_rows(server, database, mapped, mariadb_facts(server, database))
    found = {it.item.source_key.removeprefix("mapping/"): it
             for it in mapped.items(rows, portal_of(), tally)}  # fmt: skip
    assert tally.refused == 0
    for it in found.values():
        ensure_complete(it.item)
    return found


def test_joomla_gives_what_everybody_may_read(mariadb_server: MariadbServer) -> None:
    found = _capture(mariadb_server, _JOOMLA, "joomla.toml")
    article, old = found["bai/1"], found["bai/5"].item

    assert sorted(found) == ["bai/1", "bai/5"]
    assert article.item.title == "Khởi công đường “ven sông” 🏗️"
    assert article.item.published == datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
    assert article.item.modified is None, "a day of zeros is none"
    assert text_of(article).startswith("<p>Tóm tắt</p><p>Toàn văn</p>".encode())
    assert FileRef("images/2026/cau.jpg") in article.contents.values()
    assert article.item.addresses == (
        "https://tinh.example.vn/index.php?option=com_content&view=article&id=1:khoi-cong",
    )
    assert [it.name for it in old.creators] == ["PV"]


def test_drupal_gives_each_language_with_its_files(mariadb_server: MariadbServer) -> None:
    found = _capture(mariadb_server, _DRUPAL, "drupal.toml")
    article = found["node/1-vi"]

    assert sorted(found) == ["node/1-en", "node/1-vi"]
    assert (article.item.language, found["node/1-en"].item.language) == ("vi", "en")
    assert article.item.published == datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
    assert article.item.addresses[1] == "https://tinh.example.vn/node/1"
    assert [it for it in article.contents.values() if isinstance(it, FileRef)] == [
        FileRef("sites/default/files/2026-11/lich-nghi.pdf")
    ]
    assert [it.name for it in article.item.parts if it.role == "attachment"] == ["Lịch nghỉ.pdf"]
