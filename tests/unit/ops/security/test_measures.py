"""What rests on a text is proven together: no better than the worst of it."""

from datetime import UTC, datetime

import pytest

from ops.duties.evidence.verdicts import Standing
from ops.duties.table.models import Basis
from ops.security.compliance import ControlRow
from ops.security.measures import choose_rows, rests_on, sum_up

NOW = datetime(2026, 12, 1, tzinfo=UTC)
ESTATE = {
    "systems": [{"name": "cao", "level": 3}, {"name": "thap", "level": 1}],
    "sites": [{"name": "a", "system": "cao"}, {"name": "b", "system": "thap"}],
}


def a_row(outcome: Standing, subject: str = "", reason: str = "") -> ControlRow:
    return ControlRow("duty", "x", ("", ""), (), subject, None, outcome, reason)


@pytest.mark.parametrize(
    ("outcomes", "is_past", "expected"),
    [
        (("ok", "ok"), False, "ok"),
        (("ok", "stated"), False, "stated"),
        (("ok", "stated", "not_checked"), False, "incomplete"),
        (("ok", "failed"), False, "incomplete"),
        (("ok", "failed"), True, "not_checked"),
        (("ok",), True, "ok"),
    ],
)
def test_the_sum_is_no_better_than_the_worst(
    outcomes: tuple[Standing, ...], is_past: bool, expected: str
) -> None:
    piece = sum_up([a_row(it) for it in outcomes], NOW, is_past=is_past)

    assert piece.outcome == expected
    assert (piece.details["of"], piece.details["proven"]) == (len(outcomes), outcomes.count("ok"))


def test_other_levels_and_what_is_not_due_yet_are_left_out() -> None:
    rows = [
        a_row("ok", "cao"), a_row("ok", "a"), a_row("ok", "thap"), a_row("ok", "b"), a_row("ok"),
        a_row("not_checked", "cao", "nothing_yet"),
    ]  # fmt: skip

    assert [it.subject for it in choose_rows(rows, ESTATE, (3, 4, 5))] == ["cao", "a", ""]
    assert len(choose_rows(rows, ESTATE, ())) == 5


def test_a_duty_rests_on_a_text_whatever_else_it_rests_on() -> None:
    bases = [Basis(document=it, certainty="S") for it in ("TCVN 14423:2026", "QCVN 12:2026/BCA")]

    assert rests_on(bases, ["QCVN 12:2026/BCA"])
    assert not rests_on(bases, ["NĐ 331/2026/NĐ-CP"])
