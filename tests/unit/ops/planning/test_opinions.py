"""An opinion follows its item to another number, and says so; one without an answer is told."""

from typing import Any

from ops.catalog.tables.plans import PlanNote
from ops.planning.opinions import list_stale, list_unanswered, opinions_of


def note(**values: Any) -> PlanNote:
    blank = dict.fromkeys(("body", "text", "result", "document", "code"), "")
    return PlanNote(**{"kind": "opinion", "item": 0, **blank, **values})


NOTES = [
    note(body="Sở Tài chính", item=5, code="3", text="Giảm mục 3", document="20/CV"),
    note(body="Sở Tài chính", item=5, code="5", result="Đã giảm"),
    note(body="Sở Xây dựng", text="Lùi mục 2 và mục 4"),
]


def test_an_opinion_says_the_number_that_its_item_has_now() -> None:
    rows = opinions_of(NOTES)

    assert rows[0] == (
        "Sở Tài chính", "5", "20/CV", "Giảm mục 3 (mục 3 nay là mục 5)", "Đã giảm"
    )  # fmt: skip
    assert list_unanswered(rows) == ["Sở Xây dựng"]


def test_a_review_names_the_opinions_whose_numbers_moved() -> None:
    assert list_stale(NOTES, {"3": 5, "4": 2}) == [
        ("Sở Tài chính", "3", 5),
        ("Sở Xây dựng", "4", 2),
    ]
    assert list_stale(NOTES, {}) == []
