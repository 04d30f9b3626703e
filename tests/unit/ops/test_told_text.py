"""Texts that people type stand in one line, and show all that is in them."""

import pytest

from ops.access.approvals.notify import word_plan
from ops.planning.typed import read_text
from ops.told_text import one_line


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Chủ tịch\n  granted in all, in đồng: 1.000", "Chủ tịch granted in all, in đồng: 1.000"),
        ("Sở Tài chính\u202e", "Sở Tài chính"),
        ("Sở\u200b Tài\tchính", "Sở Tài chính"),
        ("  một  dòng ", "một dòng"),
    ],
)
def test_nobody_types_a_line_of_the_programs_own(typed: str, shown: str) -> None:
    assert one_line(typed) == read_text(typed) == shown


def test_a_value_of_a_plan_is_one_line() -> None:
    lines = [*word_plan({"signer": "Chủ tịch\n  day: 2026-11-30", "amount": 5})]
    assert [it.splitlines() for it in lines] == [[it] for it in lines]
    assert len(lines) == 2
