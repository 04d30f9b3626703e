"""NukeViet's public schema in a real MariaDB, with synthetic rows."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive.capture.captured import Captured, FileRef, Tally
from archive.capture.nukeviet.connector import NukeViet
from archive.metadata.item import Grade, ensure_complete, make_id
from tests.mariadb_server import MariadbServer
from tests.portal_rows import OFFICER, mariadb_facts, mariadb_rows, portal_of, text_of

pytestmark = pytest.mark.slow
_SCHEMA = Path(__file__).parents[3] / "portal_files" / "nukeviet.sql"
_PORTAL = portal_of(
    classes={"category/nguoi-phat-ngon": "spokesperson"}, issuers=["Ủy ban nhân dân tỉnh"]
)


class Site:
    def __init__(self, server: MariadbServer) -> None:
        self._server, self._database = server, server.new_database()
        server.run(_SCHEMA.read_text(encoding="utf-8"), self._database)

    def change(self, sql: str) -> None:
        self._server.run(sql, self._database)

    def capture(self) -> tuple[dict[str, Captured], Tally]:
        facts, tally = mariadb_facts(self._server, self._database), Tally()
        rows = mariadb_rows(self._server, self._database, NukeViet(), facts)
        found = {it.item.source_key.removeprefix("nukeviet/vi/"): it
                 for it in NukeViet().items(rows, _PORTAL, tally)}  # fmt: skip
        for it in found.values():
            ensure_complete(it.item)
        return found, tally


@pytest.fixture(scope="module")
def site(mariadb_server: MariadbServer) -> Site:
    return Site(mariadb_server)


def test_only_what_everybody_may_see_is_captured_as_public(site: Site) -> None:
    found, tally = site.capture()

    assert sorted(found) == [
        "about/1", "contact/1", "contact/2", "laws/1", "laws/2", "laws/6", "laws/7",
        "news/1", "news/10", "news/2", "news/3", "news/4", "news/9",
    ]  # fmt: skip
    assert tally.refused == 0
    public = [key for key, it in found.items() if it.item.grade is Grade.PUBLIC]
    assert sorted(public) == sorted(key for key in found if not key.startswith("contact/"))


def test_an_article_has_authors_source_files_and_addresses(site: Site) -> None:
    found, _tally = site.capture()
    it = found["news/1"]
    article = it.item

    assert article.title == 'Tỉnh công bố quy hoạch "đô thị sân bay"'
    assert [agent.name for agent in article.creators] == ["Hồng Hạnh", "Quốc Bảo"]
    assert article.keywords == ("đô thị", "quy hoạch", "sân bay")
    assert article.fields == {"column": "Thời sự", "linked": "https://ngoai.example/tep.pdf"}
    assert article.published == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert article.addresses == (
        "https://tinh.example.vn/tin-tuc/thoi-su/quy-hoach-1.html",
        "https://tinh.example.vn/index.php?language=vi&nv=tin-tuc&op=thoi-su/quy-hoach-1.html",
    )
    assert [value.path for value in it.contents.values() if isinstance(value, FileRef)] == [
        "uploads/news/2026_09/anh.jpg",
        "uploads/news/2026_09/ban-do.pdf",
        "uploads/news/2026_09/trong-bài.png",
    ]
    assert it.notes == ("files: not a path of the site",)  # the way out was not taken
    assert it.comments[0]["text"] == "Hay quá"
    assert len(it.comments) == 1


def test_a_page_of_the_portal_itself_is_captured(site: Site) -> None:
    page = site.capture()[0]["about/1"]

    assert (page.item.content_class, page.item.shape) == ("page", "page")
    assert page.item.title == "Cơ cấu tổ chức & lãnh đạo"
    assert page.item.addresses[0] == "https://tinh.example.vn/gioi-thieu/co-cau.html"
    assert page.item.keywords == ("cơ cấu", "lãnh đạo")
    assert page.item.creators[1].role == "poster"
    assert [it.path for it in page.contents.values() if isinstance(it, FileRef)] == [
        "uploads/about/so-do.png", "uploads/about/tru-so.jpg"
    ]  # fmt: skip


def test_nobody_and_nowhere_are_said_with_a_reason(site: Site) -> None:
    found, _tally = site.capture()
    nobody = found["news/10"].item.creators[0]
    reprint, unclear = found["news/3"].item.source, found["news/4"].item.source

    assert (nobody.name, nobody.unknown_by) == ("không rõ", OFFICER)
    assert (reprint.name, reprint.url, reprint.basis) == (
        "Báo Đồng Nai", "https://baodongnai.example.vn/tin/7", "reprint"
    )  # fmt: skip
    assert (unclear.name, unclear.basis) == ("Bản tin nội bộ", "unknown")
    assert found["news/2"].item.creators[0].role == "spokesperson"
    assert found["news/2"].item.shape == "statement"
    assert found["news/9"].item.withdrawn == datetime.fromtimestamp(1791000000, UTC)


def test_a_legal_document_has_its_seven_fields(site: Site) -> None:
    found, _tally = site.capture()
    document, foreign, old = (found[f"laws/{it}"] for it in (1, 2, 6))

    fields = document.item.fields
    seven = {name: fields[name] for name in ("kind", "issuer", "number", "issued", "effective")}
    assert seven == {
        "kind": "Quyết định", "issuer": "Ủy ban nhân dân tỉnh", "number": "57/2026/QĐ-UBND",
        "issued": "2026-09-21", "effective": "2026-10-01",
    }  # fmt: skip
    assert fields["abstract"] == "Ban hành bảng giá đất"
    assert FileRef("uploads/laws/2026/57-qd.pdf") in document.contents.values()
    assert fields["column"] == "Đất đai; Môi trường"
    assert document.item.creators[0].organisation == "Ủy ban nhân dân tỉnh"
    assert document.item.source.basis == "own"
    assert (foreign.item.source.name, foreign.item.source.basis) == ("Bộ Nội vụ", "exchange")
    assert old.item.superseded == datetime.fromtimestamp(1790787600, UTC)
    assert old.item.related == {"replaced-by/1": document.item.id}


def test_a_draft_keeps_comments_outcome_and_who_said_it_apart(site: Site) -> None:
    found, _tally = site.capture()
    draft = found["laws/7"]
    item = draft.item

    assert (item.shape, item.content_class) == ("draft-law", "draft-law")
    assert (item.fields["status"], item.fields["outcome"]) == ("closed", "adopted")
    assert item.fields["examiner"] == "Sở Tư pháp"
    assert [status for _moment, status, _note in item.trail] == ["opened", "closed"]
    assert [it["text"] for it in draft.comments] == ["Đề nghị bổ sung Điều 5"]
    assert draft.private is not None
    assert draft.private.item.id == make_id("cong-chinh", "nukeviet/vi/laws/7", "private")
    lines = text_of(draft.private, "comments.jsonl").splitlines()
    said = [json.loads(line) for line in lines]
    assert said[0] == {"id": "1", "name": "Võ Thị Lụa", "mail": "lua@example.vn",
                       "ip": "203.0.113.7", "shown": True}  # fmt: skip
    assert said[1]["text"] == "Chưa duyệt: số điện thoại 0900"  # never shown, but received
    assert FileRef("uploads/comment/2026/don.pdf") in draft.private.contents.values()
    public = item.as_json() + json.dumps(list(draft.comments), ensure_ascii=False).encode()
    for secret in ("Lụa", "lua@", "203.0.113", "Phước", "0900"):
        assert secret.encode() not in public


def test_a_question_keeps_answer_and_status_without_its_sender(site: Site) -> None:
    found, _tally = site.capture()
    question, waiting = found["contact/1"], found["contact/2"].item

    assert question.item.shape == "question"
    assert question.item.grade is Grade.RESTRICTED
    assert question.contents["body.html"] == "Xin cho biết lệ phí chứng thực?".encode()
    assert question.contents["body-02.html"] == "<p>Lệ phí 2.000 đồng một trang.</p>".encode()
    assert [status for _moment, status, _note in question.item.trail] == [
        "received", "answered", "closed"
    ]  # fmt: skip
    assert [(it.name, it.role) for it in question.item.creators] == [
        ("không rõ", "petitioner"), ("Nguyễn Thị Hạnh", "answerer")
    ]  # fmt: skip
    assert b"ngoc" not in question.item.as_json()
    assert question.private is not None
    private = json.loads(text_of(question.private, "private.json"))
    assert private == {
        "name": "Trương Mỹ Ngọc", "address": "ấp Tân Lập", "mail": "ngoc@example.vn",
        "phone": "0900000001", "ip": "203.0.113.1",
    }  # fmt: skip
    assert waiting.fields["status"] == "received"


def test_corrections_deletions_and_a_closed_module_are_seen(mariadb_server: MariadbServer) -> None:
    site = Site(mariadb_server)
    before, _tally = site.capture()
    site.change(
        "UPDATE nv4_vi_news_detail SET bodyhtml = '<p>Đính chính</p>' WHERE id = 1;"
        "UPDATE nv4_vi_news_rows SET publtime = 1790086400 WHERE id = 2;"
        "UPDATE nv4_vi_news_rows SET status = 0 WHERE id = 3;"
        "DELETE FROM nv4_vi_news_rows WHERE id = 4;"
        "UPDATE nv4_vi_modules SET act = 0 WHERE title = 'van-ban'"
    )
    after, tally = site.capture()

    gone = {before[it].item.id for it in before if it not in after}
    assert sorted(before.keys() - after.keys()) == [
        "laws/1", "laws/2", "laws/6", "laws/7", "news/3", "news/4",
    ]  # fmt: skip
    assert set(tally.gone(it.item.id for it in before.values())) == gone
    assert sorted(it for it in after if after[it] != before[it]) == ["news/1", "news/2"]
