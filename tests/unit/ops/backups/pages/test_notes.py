"""Pages against what was noted of them: the same, changed by a share, missing, not checked."""

import json
from datetime import UTC, datetime

import pytest

from ops.backups.pages.notes import (
    Answer,
    PageNote,
    Problem,
    compare_pages,
    describe_note,
    note_answer,
    read_note,
)
from ops.backups.pages.page_text import liken, take_fingerprint
from ops.language.text import speaking

AT = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
WORDS = ["thông", "báo", "lịch", "tiếp", "công", "dân", "tháng", "mười", "hai", "của", "xã"]
ARTICLE = " ".join(f"{WORDS[n % 11]}{n // 11}" for n in range(600))


def note(body: str, **changes: object) -> PageNote:
    fields = {"status": 200, "content_type": "text/html; charset=UTF-8", "body": body.encode()}
    answer = Answer("https://cong.example.vn/tin", **{**fields, **changes})  # type: ignore[arg-type]  # the test names fields
    return note_answer("/tin", answer, AT)


def page(text: str, title: str = "Tin", number: int = 0) -> str:
    return f"<title>{title}</title><script nonce='{number}'></script><p>{text}</p>"


def verdict(noted: PageNote, found: PageNote | None) -> tuple[str, float]:
    (compared,) = compare_pages([noted], [found] if found else [])
    return compared.verdict, compared.alike


def test_the_same_words_are_the_same_page() -> None:
    found = note(page("Chào\n  bạn", number=7))

    assert verdict(note(page("Chào bạn")), found) == ("same", 1.0)


def test_a_page_that_counts_its_visitors_has_changed_a_little() -> None:
    changed, alike = verdict(
        note(page(f"{ARTICLE} lượt truy cập: 1204")), note(page(f"{ARTICLE} lượt truy cập: 1205"))
    )

    assert changed == "changed"
    assert alike > 0.9


def test_a_page_that_was_replaced_has_nothing_in_common() -> None:
    assert verdict(note(page(ARTICLE)), note(page("Hacked by nobody"))) == ("changed", 0.0)


@pytest.mark.parametrize("kept", [0.25, 0.5, 0.8])
def test_the_share_is_near_the_truth(kept: float) -> None:
    words = ARTICLE.split()
    whole = take_fingerprint(ARTICLE)
    part = take_fingerprint(" ".join(words[: int(len(words) * kept)]))

    assert liken(whole, part) == pytest.approx(kept, abs=0.15)


def test_of_short_texts_the_share_is_exact() -> None:
    one, other = take_fingerprint("một hai ba bốn"), take_fingerprint("một hai ba năm")

    assert liken(one, other) == pytest.approx(1 / 3)
    assert liken(take_fingerprint(""), one) == 0.0


def test_another_title_is_a_change() -> None:
    assert verdict(note(page("Chào", "Tin")), note(page("Chào", "Tin khác"))) == ("changed", 1.0)


def test_what_does_not_come_is_missing() -> None:
    good = note(page("Chào"))

    assert verdict(good, None) == ("missing", 0.0)
    assert verdict(good, note("không có", status=404)) == ("missing", 0.0)
    assert verdict(good, note("", status=None, problem="timeout")) == ("missing", 0.0)


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
    "noted", [note(page("Chào")), note("", status=500), note("", status=None, problem="timeout")]
)
def test_a_note_goes_through_the_manifest(noted: PageNote) -> None:
    with speaking("vi"):
        values = {**describe_note(noted), "at": {"utc": "2026-11-24T18:00:00.000Z"}}

    assert read_note(json.loads(json.dumps(values))) == noted
    assert bool(values["reason"]) == bool(noted.problem)
