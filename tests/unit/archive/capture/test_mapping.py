"""The example site captured by its mapping file, and files that are not right."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive.capture.captured import Captured, FileRef, Portal, PortalFacts, Tally
from archive.capture.mapping import Mapped, read_mapping
from archive.errors import ArchiveError
from archive.metadata.item import Grade, ensure_complete
from tests.portal_rows import portal_of, sqlite_facts, sqlite_rows

_SITE = Path("examples/commune_portal")
_EXAMPLE = _SITE / "archive.toml"
_KIND = """
schema = 1
[[items]]
name = "bai"
class = "news"
query = "SELECT ma, ten, chu FROM bai"
key = "ma"
title = "{ten}"
bodies = [{ text = "{chu}" }]
authors = ["Ban biên tập"]
"""


def _capture(
    mapped: Mapped, path: Path, portal: Portal | None = None
) -> tuple[dict[str, Captured], Tally]:
    tally = Tally()
    rows = sqlite_rows(path, mapped, sqlite_facts(path))
    found = mapped.items(rows, portal or portal_of(), tally)
    return {it.item.source_key.removeprefix("mapping/"): it for it in found}, tally


def _make(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as database:
        for it in statements:
            database.execute(it)
        database.commit()
    return path


def _make_site(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.executescript((_SITE / "site.sql").read_text(encoding="utf-8"))
    return path


def test_the_example_site_is_captured_by_its_file(tmp_path: Path) -> None:
    portal = portal_of("https://binhminh.example.vn", title="Xã Bình Minh",
                       issuers=["Ủy ban nhân dân xã Bình Minh"])  # fmt: skip
    found, tally = _capture(
        read_mapping(_EXAMPLE.read_bytes()), _make_site(tmp_path / "cong-xa.sqlite"), portal
    )

    assert tally.refused == 0
    assert dict(tally.captured) == {
        "news": 8, "legal-document": 2, "procedure": 3, "feedback": 3
    }  # fmt: skip
    for it in found.values():
        ensure_complete(it.item)
        for content in it.contents.values():
            if isinstance(content, FileRef):
                assert (_SITE / "www" / content.path).is_file()
    article, question = found["tin-tuc/1"].item, found["hoi-dap/1"]
    assert article.published == datetime(2026, 6, 14, 2, 15, tzinfo=UTC)
    assert article.addresses == ("https://binhminh.example.vn/chi-tiet.php?bai=le-hoi-trai-cay",)
    assert found["thu-tuc/2"].item.title == "Chứng thực bản sao từ bản chính"
    assert found["van-ban/1"].item.fields["issued"] == "2026-01-15"
    assert question.item.grade is Grade.INTERNAL
    assert [it.name for it in question.item.parts] == ["câu hỏi", "trả lời"]
    assert len(found["hoi-dap/2"].item.parts) == 1
    assert [status for _moment, status, _note in question.item.trail] == ["received", "answered"]
    assert question.private is not None
    assert question.private.contents["private.json"] == '{"name":"Võ Thị Lụa"}'.encode()
    assert "Lụa".encode() not in question.item.as_json()


def test_the_page_shows_a_file_that_is_right() -> None:
    page = Path("docs/how-to/map-a-portal.md").read_text(encoding="utf-8")
    mapped = read_mapping(page.partition("```toml")[2].partition("```")[0].encode())

    facts = PortalFacts(engine="postgresql", tables={})
    assert [it.name for it in mapped.queries(facts)] == ["hoi-dap:items", "hoi-dap:files-0"]


def test_a_correction_and_a_deletion_are_seen(tmp_path: Path) -> None:
    path = _make_site(tmp_path / "cong-xa.sqlite")
    mapped = read_mapping(_EXAMPLE.read_bytes())
    before, _tally = _capture(mapped, path)
    _make(path, "UPDATE articles SET body = 'Đính chính' WHERE id = 2",
          "DELETE FROM articles WHERE id = 3")  # fmt: skip
    after, tally = _capture(mapped, path)

    assert set(tally.gone(it.item.id for it in before.values())) == {before["tin-tuc/3"].item.id}
    assert [it for it in after if after[it] != before[it]] == ["tin-tuc/2"]


def test_keys_of_any_kind_find_what_belongs_to_them(tmp_path: Path) -> None:
    more = """
attachments = [
  { file = "tep/{tep}", query = "SELECT bai, tep FROM tep", item = "bai" },
  { file = "{to_khai}", query = "SELECT bai, to_khai FROM tep", item = "bai", private = true },
]
comments = { query = "SELECT * FROM gop_y", item = "bai", id = "so", text = "noi", moment = "luc", \
shown = "hien", private = { name = "ten" } }
"""
    keys = ["b", "a", "10", "9", "ă", "Z", "đ", "z"]
    path = _make(
        tmp_path / "site.sqlite",
        "CREATE TABLE bai (ma TEXT, ten TEXT, chu TEXT)",
        "CREATE TABLE tep (bai TEXT, tep TEXT, to_khai TEXT)",
        "CREATE TABLE gop_y (bai TEXT, so INTEGER, noi TEXT, luc TEXT, hien INTEGER, ten TEXT)",
        *(f"INSERT INTO bai SELECT '{it}', 'Bài {it}', '<p>{it}</p>'" for it in keys),
        *(f"INSERT INTO tep SELECT '{it}', '{it}.pdf', 'don/{it}.jpg'" for it in [*keys, "khác"]),
        *(f"INSERT INTO gop_y SELECT '{it}', 1, 'Góp ý {it}', '2026-11-01', {it != 'a':d}, 'Lụa'"
          for it in reversed(keys)),
    )  # fmt: skip
    found, tally = _capture(read_mapping((_KIND + more).encode()), path)

    assert tally.refused == 0
    assert sorted(found) == sorted(f"bai/{it}" for it in keys)
    for key in keys:
        it = found[f"bai/{key}"]
        assert FileRef(f"tep/{key}.pdf") in it.contents.values()
        assert [line["text"] for line in it.comments] == ([f"Góp ý {key}"] if key != "a" else [])
        assert it.private is not None
        assert FileRef(f"don/{key}.jpg") in it.private.contents.values()
        assert "Lụa".encode() not in it.item.as_json()


def test_an_item_that_comes_twice_is_refused_by_name(tmp_path: Path) -> None:
    path = _make(
        tmp_path / "site.sqlite",
        "CREATE TABLE bai (ma, ten, chu)",
        "INSERT INTO bai VALUES (1, 'Một', 'x'), (1, 'Hai', 'y'), (NULL, 'Ba', 'z')",
    )
    found, tally = _capture(read_mapping(_KIND.encode()), path)

    assert [it.item.title for it in found.values()] == ["Một"]
    assert [str(it.error) for it in tally.refusals] == [
        "mapping/bai/? of cong-chinh cannot be captured",
        "mapping/bai/1 of cong-chinh cannot be captured",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('name = "bai"', 'name = "Bài viết"'), "missing or used twice"),
        (("SELECT ma", "DELETE FROM bai; SELECT ma"), "not one SELECT"),
        (("FROM bai", "FROM bai; DROP TABLE bai"), "not one SELECT"),
        (('key = "ma"', 'key = "ma) --"'), "no column"),
        (('title = "{ten}"', 'titel = "{ten}"'), "titel"),
        (("schema = 1", "schema = 2"), "schema"),
        (("[[items]]", "[[items"), ""),
    ],
)
def test_a_file_that_is_not_right_says_where(change: tuple[str, str], said: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        read_mapping(_KIND.replace(*change).encode())

    assert said in caught.value.why.format(**caught.value.params)
    assert caught.value.next_step
