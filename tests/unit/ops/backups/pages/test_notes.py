"""Pages against what was noted of them: the same, changed by a share, missing, not checked."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ops.backups.pages.notes import (
    Fetched,
    Jump,
    PageNote,
    PageRules,
    Problem,
    describe_note,
    learn,
    note_answer,
    read_note,
)
from ops.backups.pages.page_text import read_html
from ops.backups.pages.verdict import compare_pages, excuse_pages
from ops.language.text import speaking

AT = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
WORDS = ["thông", "báo", "lịch", "tiếp", "công", "dân", "tháng", "mười", "hai", "của", "xã"]
ARTICLE = " ".join(f"{WORDS[n % 11]}{n // 11}" for n in range(600))


def note(body: str, rules: PageRules = PageRules(), **changes: object) -> PageNote:  # noqa: B008 -- a value
    fields = {"status": 200, "content_type": "text/html; charset=UTF-8", "body": body.encode()}
    answer = Fetched("https://cong.example.vn/tin", **{**fields, **changes})  # type: ignore[arg-type]  # the test names fields
    return note_answer("/tin", answer, AT, rules)


def page(text: str, title: str = "Tin", number: int = 0) -> str:
    return f"<title>{title}</title><script nonce='{number}'></script><p>{text}</p>"


def counted(visits: int) -> str:
    return f"{ARTICLE} lượt truy cập: {visits}"


def verdict(noted: PageNote, found: PageNote | None) -> tuple[str, float]:
    (compared,) = compare_pages([noted], [found] if found else [])
    return compared.verdict, compared.alike


def test_the_same_words_are_the_same_page() -> None:
    found = note(page("Chào\n  bạn", number=7))

    assert verdict(note(page("Chào bạn")), found) == ("same", 1.0)


def test_a_counter_moves_and_is_masked() -> None:
    noted = learn(note(page(counted(1204))), note(page(counted(1205))), [])

    assert 0.9 < noted.stays < 1
    assert verdict(noted, note(page(counted(1388)))) == ("same", 1.0)


def test_what_moved_between_backups_is_masked_too() -> None:
    """A clock that shows minutes, or a block that is made anew each hour, is alike in two looks."""
    yesterday = note(page(f"{ARTICLE} Thứ Năm, 26/11/2026 09:14 tin hay hôm nay một hai"))
    today = note(page(f"{ARTICLE} Thứ Sáu, 27/11/2026 22:01 tin hay hôm nay ba bốn"))
    found = note(page(f"{ARTICLE} Chủ Nhật, 29/11/2026 00:59 tin hay hôm nay năm sáu"))
    noted = learn(today, today, [yesterday])

    assert noted.looks == 3
    compared, alike = verdict(noted, found)
    assert compared == "same"
    assert alike > 0.99


def test_a_page_that_has_taken_the_place_of_another_is_not_held_against_it() -> None:
    before, now = note(page("trang cũ khác hẳn " * 50)), note(page(ARTICLE))

    assert learn(now, now, [before]).stays == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "Hacked by nobody",
        f"{' '.join(ARTICLE.split()[:300])} lượt truy cập: 1388",
        " ".join(sorted(ARTICLE.split())),
        f"{ARTICLE} lượt truy cập: 1388 {'mua thuốc rẻ tại đây ' * 100}",
    ],
    ids=["replaced", "half of it", "other order", "spam"],
)
def test_a_page_that_moves_still_fails_when_it_is_another(text: str) -> None:
    noted = learn(note(page(counted(1204))), note(page(counted(1205))), [])

    assert verdict(noted, note(page(text)))[0] == "changed"


def test_what_moves_may_not_be_lost() -> None:
    """A frame that stays does not stand for a page whose content is gone."""
    frame = " ".join(ARTICLE.split()[:200])
    blocks = [" ".join(f"{name}{n}" for n in range(400)) for name in ("a", "b", "c")]
    noted = learn(note(page(f"{frame} {blocks[0]}")), note(page(f"{frame} {blocks[1]}")), [])

    assert verdict(noted, note(page(f"{frame} {blocks[2]}"))) == ("same", 1.0)
    assert verdict(noted, note(page(frame)))[0] == "changed"


def test_a_page_on_which_little_stays_is_not_checked_unless_words_are_asked_for() -> None:
    rules = PageRules(must_contain=("Cổng xã",))
    texts = [" ".join(["Cổng xã kính chào", *(f"{name}{n}" for n in range(90))]) for name in "abc"]
    for asked, expected in ((PageRules(), "not_checked"), (rules, "same")):
        first, again, found = (note(page(it), rules=asked) for it in texts)
        noted = learn(first, again, [])
        assert noted.moves_much
        assert verdict(noted, found)[0] == expected


def test_words_that_are_asked_for_have_to_stand_there() -> None:
    rules = PageRules(must_contain=("Lịch tiếp công dân", "TIN"))
    good, bad = (
        note(page(it), rules=rules) for it in ("LỊCH tiếp  công dân", "xin lỗi, lỗi hệ thống")
    )

    assert (good.problem, bad.problem, bad.detail) == ("", "lacks", "Lịch tiếp công dân")
    assert verdict(good, bad) == ("missing", 0.0)
    assert verdict(bad, good) == ("not_checked", 0.0)


def test_ignored_parts_are_not_read() -> None:
    rules = PageRules(ignore=("#dem", ".thang", "form"))
    source = (
        "<p>đầu</p><div id='dem'><div>1</div>2</div>"
        "<ul class='a thang'><li>3</ul><form>4</form><img class=thang>{} đuôi"
    )
    one, other = (note(source.format(it), rules=rules) for it in ("cuối", "cuối"))

    assert read_html(source.format("cuối"), rules.ignore).text == "đầu cuối đuôi"
    assert verdict(one, other) == ("same", 1.0)


def test_another_title_or_heading_is_a_change_unless_it_moves() -> None:
    noted = note(page(f"<h1>Tin xã</h1>{ARTICLE}", "Tin"))
    other_title, other_heading = (
        note(page(f"<h1>{it}</h1>{ARTICLE}", title))
        for it, title in (("Tin xã", "Tin khác"), ("Đã bị chiếm", "Tin"))
    )

    assert verdict(noted, other_title) == ("changed", 1.0)
    assert verdict(noted, other_heading)[0] == "changed"
    assert verdict(learn(noted, other_title, []), other_title) == ("same", 1.0)
    assert verdict(learn(noted, other_heading, []), other_heading) == ("same", 1.0)


def test_what_does_not_come_is_missing() -> None:
    good = note(page("Chào"))

    assert verdict(good, None) == ("missing", 0.0)
    assert verdict(good, note("<html><script>x</script>")) == ("missing", 0.0)
    error = (
        "<b>Fatal error</b>: Uncaught Exception: no in /var/www/a.php:1 thrown in a on line <b>1"
    )
    assert verdict(good, note(page(f"Chào <br> {error}"))) == ("missing", 0.0)
    assert verdict(good, note("không có", status=404)) == ("missing", 0.0)
    assert verdict(good, note("", status=None, problem="timeout")) == ("missing", 0.0)


def test_words_may_differ_beside_later_rows_or_a_cache_and_nothing_else_may() -> None:
    noted = note(page("một hai ba bốn năm sáu bảy tám chín mười"))
    others = {
        "moved": note(page("một hai ba bốn năm sáu bảy khác hẳn rồi")),
        "other": note(page("hoàn toàn là một nội dung khác hẳn")),
        "named": note(page("một hai ba bốn năm sáu bảy tám chín mười", title="Bị chiếm")),
        "gone": None,
    }

    def excused(name: str, **why: bool) -> tuple[str, str]:
        found = others[name]
        compared = compare_pages([noted], [found] if found else [])
        (one,) = excuse_pages(compared, **{"rows_are_later": False, "has_caches": False, **why})
        return one.verdict, one.why

    assert excused("moved") == ("changed", "words")
    assert excused("moved", rows_are_later=True) == ("not_checked", "later")
    assert excused("moved", has_caches=True) == ("not_checked", "cached")
    for name, verdict in (("other", "changed"), ("named", "changed"), ("gone", "missing")):
        assert excused(name, rows_are_later=True, has_caches=True)[0] == verdict


@pytest.mark.parametrize("problem", ["unreachable", "late"])
def test_what_was_not_well_when_noted_proves_nothing(problem: Problem) -> None:
    failed = note("", status=None, problem=problem)

    assert verdict(failed, failed) == ("not_checked", 0.0)
    assert verdict(note("lỗi", status=500), note("lỗi", status=500)) == ("not_checked", 0.0)


def test_bytes_that_are_no_text_are_the_same_or_not() -> None:
    pdf = note("%PDF một", content_type="application/pdf")

    assert verdict(pdf, note("%PDF một", content_type="application/pdf")) == ("same", 1.0)
    assert verdict(pdf, note("%PDF hai", content_type="application/pdf")) == ("changed", 0.0)


@pytest.mark.parametrize(
    "noted",
    [
        learn(
            note(page("<h1>Chào</h1> lượt 1 a b c d"), PageRules(("Chào",), ("#dem",), 0.8)),
            note(page("<h1>Chào</h1> lượt 2 a b c d")),
            [],
        ),
        replace(note(page("Chào <a href='//bet.example'>casino</a>")), jumps=(Jump("size", "9"),)),
        note("", status=500),
        note("", status=None, problem="timeout"),
    ],
)
def test_a_note_goes_through_the_manifest(noted: PageNote) -> None:
    with speaking("vi"):
        values = {**describe_note(noted), "at": {"utc": "2026-11-24T18:00:00.000Z"}}

    assert read_note(json.loads(json.dumps(values))) == noted
    assert bool(values["reason"]) == bool(noted.problem)


def test_a_note_of_an_earlier_version_is_read_and_compared_by_its_hash() -> None:
    values = {**describe_note(note(page("Chào"))), "at": {"utc": "2026-11-24T18:00:00.000Z"}}
    values["text"] = {"sha256": values["text"]["sha256"], "sketch": "ab"}
    del values["rules"]

    assert verdict(read_note(values), note(page("Chào"))) == ("same", 1.0)
    assert verdict(read_note(values), note(page("Chào bạn")))[0] == "changed"
