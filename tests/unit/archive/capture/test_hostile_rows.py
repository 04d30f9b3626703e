"""Rows that a broken database, or somebody who means harm, may hold: none ends a run."""

import tracemalloc
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import pytest

from archive.capture.captured import Captured, Connector, FileRef, PortalFacts, Row, Tally
from archive.capture.mapping import _by_text, read_mapping
from archive.capture.mediawiki import MediaWiki
from archive.capture.nukeviet.connector import NukeViet
from archive.capture.values import as_number
from archive.capture.wordpress import WordPress
from archive.metadata.item import ensure_complete, parse_item
from tests.portal_rows import portal_of, text_of

pytestmark = pytest.mark.slow

HOSTILE: list[Any] = [
    None, "", " ", "\0", "a\0b", "\x1b[2J\x07", "x" * 10_000_000, b"\xff\xfe\x00broken", b"",
    "0000-00-00 00:00:00", "0000-00-00", "2026-13-45", "9999-12-31 23:59:59", "-0001-11-30",
    10**30, -1, 0, 2**63, -(2**63), 2**31, 1e308, float("nan"), float("inf"), Decimal("1e500"),
    Decimal("NaN"), True, [], {"a": 1}, object(), {1, 2}, memoryview(b"xyz"), time(1, 2),
    timedelta(days=1), date(1, 1, 1), datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59),  # noqa: DTZ001 -- what a driver gives
    datetime(2026, 1, 1, tzinfo=UTC), "../../../../etc/passwd", "/etc/shadow", "a/../../b",
    "..\\..\\windows", "C:/x", "e\u0301 te\u0302n\u0303 NFD", "\ud800 half", "\udcff",
    "<script>alert(1)</script>", '<img src="//evil.example/x"><img src="http://[">',
    "{title}{0}{__class__}", "'; DROP TABLE x; --", "=cmd|' /C calc'!A0", "\u202egnp.exe",
    "9" * 5000, "1,2,,;", "http://127.0.0.1/x", "file:///etc/passwd", "a\r\nb\tc", "%00%2e%2e/",
]  # fmt: skip

_LAST = 2**63 - 1

_MAPPING = read_mapping(b"""
schema = 1
[[items]]
name = "bai"
class = "feedback"
query = "SELECT * FROM bai"
key = "id"
title = "{title}"
bodies = [{ text = "{body}" }]
authors = ["{author}", "{other}"]
published = "{moment}"
addresses = ["x/{title}"]
trail = [{ moment = "{moment}", status = "{status}" }]
folders = ["uploads/"]
attachments = [{ file = "tep/{file}" }, { file = "{file}", private = true }]
comments = { query = "SELECT * FROM c", item = "bai", id = "id", text = "t", moment = "m", private = { name = "n" } }
private = { name = "{sender}" }
[items.fields]
number = "{number}"
""")  # noqa: E501 -- an inline table of TOML has one line

_NV = {"bodyhtml": "x", "publtime": 1790000000, "groups_view": "6", "status": 1, "title": "x"}
# Connector → the query of items, a sound row of it, and followers with their key's column.
CONNECTORS: list[tuple[Connector, str, Row, dict[str, tuple[str, Row]], dict[str, list[Row]]]] = [
    (WordPress(), "posts",
     {"id": 1, "post_type": "post", "post_status": "publish", "post_password": "",
      "post_title": "x", "post_content": "x", "post_excerpt": "", "post_date": "", "post_name": "x",
      "post_date_gmt": "2026-11-01 00:00:00", "post_modified": "", "post_modified_gmt": "",
      "post_parent": 0, "post_mime_type": "", "guid": "", "display_name": "x", "user_nicename": ""},
     {"terms": ("object_id", {"taxonomy": "category", "term_id": 1, "name": "x", "slug": "x"}),
      "meta": ("post_id", {"meta_key": "_wp_attached_file", "meta_value": "x"}),
      "media": ("post_parent", {"id": 1}),
      "comments": ("comment_post_ID",
                   {"comment_ID": 1, "comment_content": "x", "comment_author": "x",
                    "comment_date_gmt": "", "comment_author_email": "x"})},
     {"options": [{"option_name": "permalink_structure", "option_value": "/%postname%/"}]}),
    (WordPress(), "posts",
     {"id": 1, "post_type": "attachment", "post_status": "inherit", "post_title": "x",
      "post_mime_type": "image/png", "post_date_gmt": "2026-11-01 00:00:00", "display_name": "x"},
     {"meta": ("post_id", {"meta_key": "_wp_attached_file", "meta_value": "2026/x.png"})}, {}),
    (MediaWiki(), "pages",
     {"page_id": 1, "page_namespace": 0, "page_title": "x", "page_lang": "vi", "rev_deleted": 0,
      "rev_timestamp": "20261127081000", "actor_user": 1, "actor_name": "x", "old_id": 1,
      "content_address": "tt:1", "old_flags": "utf-8,gzip", "text_hex": "2b0100"},
     {"firsts": ("rev_page", {"actor_name": "x", "rev_timestamp": "", "actor_user": 1}),
      "redirects": ("target", {"page_namespace": 0, "page_title": "x"}),
      "categories": ("cl_from", {"cl_to": "x"})}, {}),
    (MediaWiki(), "images",
     {"page_id": 1, "img_name": "x.png", "img_timestamp": "20261127081000", "actor_user": 1,
      "actor_name": "x", "img_major_mime": "image", "img_minor_mime": "png", "comment_text": ""},
     {}, {}),
    (NukeViet(), "vi:news:news:items",
     {**_NV, "id": 1, "author": "x", "alias": "x", "hometext": "", "homeimgfile": "x.png",
      "files": "x.pdf", "exptime": 0, "keywords": "x", "sourcetext": "", "column_title": "x",
      "column_alias": "x", "addtime": 1, "edittime": 1, "source_title": "", "source_link": "",
      "username": "x", "first_name": "", "last_name": ""},
     {"vi:news:news:authors": ("id", {"pseudonym": "x"}),
      "vi:news:news:tags": ("id", {"keyword": "x"}),
      "vi:news:news:comments": ("id", {"cid": 1, "content": "x", "post_time": 1, "post_name": "x",
                                       "status": 1, "attach": "x.pdf", "pid": 0})},
     {"vi:modules": [{"title": "n", "module_data": "news", "act": 1, "groups_view": "6"}]}),
    (NukeViet(), "vi:page:about:items",
     {"id": 1, "title": "x", "alias": "x", "image": "x.png", "imagealt": "x", "description": "x",
      "bodytext": "x", "keywords": "x", "add_time": 1790000000, "edit_time": 1, "status": 1,
      "username": "x", "first_name": "", "last_name": ""},
     {"vi:page:about:comments": ("id", {"cid": 1, "content": "x", "post_time": 1,
                                        "post_name": "x", "status": 1, "attach": "", "pid": 0})},
     {"vi:modules": [{"title": "n", "module_data": "about", "act": 1, "groups_view": "6"}]}),
    (NukeViet(), "vi:laws:laws:items",
     {**_NV, "id": 1, "alias": "x", "code": "x", "introtext": "x", "bodytext": "x", "keywords": "",
      "groups_download": "6", "files": "x.pdf", "approval": 0, "addtime": 1790000000, "edittime": 1,
      "start_comm_time": 1, "end_comm_time": 2, "startvalid": 1, "exptime": 0, "kind": "x",
      "issuer": "x", "signer": "x", "positions": "", "examiner": ""},
     {"vi:laws:laws:areas": ("row_id", {"title": "x"}),
      "vi:laws:laws:replaced": ("oid", {"nid": 1, "startvalid": 1, "publtime": 1}),
      "vi:laws:laws:comments": ("id", {"cid": 1, "content": "x", "post_time": 1, "post_name": "x",
                                       "status": 0, "attach": ""})},
     {"vi:modules": [{"title": "n", "module_data": "laws", "act": 1, "groups_view": "6"}]}),
    (NukeViet(), "vi:contact:contact:items",
     {"id": 1, "cat": "", "title": "x", "content": "x", "send_time": 1790000000, "department": "x",
      "sender_name": "bí mật", "sender_email": "x", "sender_phone": "x", "sender_ip": "x",
      "is_reply": 2, "is_processed": 1, "processed_time": 1},
     {"vi:contact:contact:answers": ("id", {"reply_content": "x", "reply_time": 1,
                                            "username": "x"})},
     {"vi:modules": [{"title": "n", "module_data": "contact", "act": 1, "groups_view": "6"}]}),
    (_MAPPING, "bai:items",
     {"id": 1, "title": "x", "body": "x", "author": "x", "other": "", "moment": "2026-11-01",
      "status": "x", "file": "x.pdf", "sender": "bí mật", "number": "x"},
     {"bai:comments": ("bai", {"id": 1, "t": "x", "m": "", "n": "x"})}, {}),
]  # fmt: skip
_IDS = ["wordpress", "wordpress-media", "mediawiki", "mediawiki-file", "news", "page", "laws",
        "contact", "mapping"]  # fmt: skip


def _variants(row: Row) -> Iterator[Row]:
    """Give the row with each hostile value in each column, then in all of them at once."""
    for column in row:
        for value in HOSTILE:
            yield {**row, column: value}
    for value in HOSTILE:
        yield dict.fromkeys(row, value)
    yield {}


def _assert_sound(captured: Captured) -> None:
    ensure_complete(captured.item)
    assert parse_item(captured.item.as_json()) == captured.item
    assert set(captured.contents) == {it.path for it in captured.item.parts}
    for path, content in captured.contents.items():
        assert path.isascii()
        assert PurePosixPath(path).name == path
        if isinstance(content, FileRef):
            assert not content.path.startswith("/")
            assert ".." not in content.path.split("/")
            assert "\0" not in content.path
    text = captured.item.as_json()
    assert b"\\u0000" not in text
    assert len(text) < 500_000
    if captured.private is not None:
        _assert_sound(captured.private)


@pytest.mark.parametrize("case", CONNECTORS, ids=_IDS)
def test_a_hostile_value_never_breaks_the_run(
    case: tuple[Connector, str, Row, dict[str, tuple[str, Row]], Mapping[str, list[Row]]],
) -> None:
    connector, query, row, followers, known = case
    key = "page_id" if "page_id" in row else "id"
    rows = [
        {**it, key: number} if key in it and it[key] == row[key] else it
        for number, it in enumerate(_variants(row), 100_000)
    ]
    # As a database would give them: whatever is a number in its order, the rest anywhere.
    is_text = connector is _MAPPING
    rows.append({**row, key: _LAST})
    rows.sort(
        key=lambda it: _by_text(it.get(key)) or "" if is_text else as_number(it.get(key)) or 0
    )
    tally = Tally()
    given: dict[str, list[Row]] = {**known, query: rows}
    for name, (column, follower) in followers.items():
        given[name] = [
            {**it, column: number} for number, it in enumerate(_variants(follower), 100_000)
        ] + [{**follower, column: _LAST}]  # fmt: skip
    count, taken, keys = 0, set(), set()
    for captured in connector.items(given, portal_of(), tally):
        _assert_sound(captured)
        count += 1
        taken.add(captured.item.id)
        keys.add(captured.item.source_key)
        if captured.item.grade.value < 3:
            assert "bí mật".encode() not in captured.item.as_json()

    # Each is taken, or refused by name: nothing of the portal is taken for gone.
    assert count == sum(tally.captured.values())
    assert tally.met == taken | {it.id for it in tally.refusals}
    assert count > 10
    assert any(key.endswith(f"/{_LAST}") for key in keys)  # the sound row among all of them
    assert tally.refusals
    assert all(it.error.why and it.error.next_step for it in tally.refusals)


def test_a_hundred_megabytes_of_articles_do_not_lie_in_memory() -> None:
    sound = CONNECTORS[0][2]

    def posts() -> Iterator[Row]:
        for number in range(1, 2001):
            yield {**sound, "id": number, "post_content": f"{number} " + "ắ" * 17_000}

    def comments() -> Iterator[Row]:
        for number in range(1, 2001):
            yield {"comment_post_ID": number, "comment_ID": number, "comment_content": "x" * 5000}

    tally = Tally()
    tracemalloc.start()
    try:
        size = sum(
            len(text_of(it))
            for it in WordPress().items({"posts": posts(), "comments": comments()},
                                        portal_of(), tally)
        )  # fmt: skip
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size > 100_000_000
    assert tally.captured == {"news": 2000}
    assert peak < 4_000_000


def test_another_database_is_said_to_be_none() -> None:
    facts = PortalFacts(engine="mariadb", tables={"bai": ["id"]})
    for connector in (WordPress(), MediaWiki(), NukeViet()):
        with pytest.raises(Exception, match="this database is none of"):
            connector.queries(facts)
