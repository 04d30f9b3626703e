"""A revision: it asks for what is left to do, tells what it changes, and keeps what is bound."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ops.catalog.tables.plans import Plan
from ops.errors import WrongUseError
from ops.planning.decide import DecisionWish, plan_decision
from ops.planning.document import PlanDocument, document_from
from ops.planning.item import Item, PlanLine
from ops.planning.money import sum_up
from ops.planning.records import KeptPlan, call_decision
from ops.planning.revision import ask_anew, check_bound

NOW = datetime(2027, 3, 1, tzinfo=UTC)
ITEM = Item(group="duy-tri", title="Thuê đường truyền", unit_price=92_000_000, vat_percent=10)
DONE = PlanLine(
    number=1, item=ITEM, decision="cut", granted=80_000_000, contracted=60_000_000,
    accepted=50_000_000, paid=50_000_000, accepted_on=date(2027, 2, 1),
)  # fmt: skip
SIGNED = replace(DONE, number=2, accepted=0, paid=0, accepted_on=None)
OPEN = replace(SIGNED, number=3, contracted=0)


def kept(*lines: PlanLine, revision: int = 0) -> KeptPlan:
    row = Plan(
        year=2027, revision=revision, state="decided", decision="118/QĐ-UBND",
        decided_on=date(2027, 1, 20), decided_at=NOW,
    )  # fmt: skip
    return KeptPlan(row, lines)


BEFORE = kept(DONE, SIGNED, OPEN)


def test_finished_work_asks_for_what_it_cost() -> None:
    drafted = [replace(it, contracted=0, accepted=0, accepted_on=None) for it in BEFORE.lines]
    lines = ask_anew(drafted, BEFORE)

    assert [it.amount for it in lines] == [50_000_000, 101_200_000, 101_200_000]
    assert lines[0].tax == 4_545_455
    assert sum_up(lines).amount == 252_400_000
    decided = plan_decision(kept(*drafted, revision=1), DecisionWish(year=2027, amount=252_400_000),
                            BEFORE)  # fmt: skip
    assert [(it.decision, it.granted, it.contracted) for it in decided] == [
        ("granted", 50_000_000, 50_000_000),  # its contract ended with what it cost
        ("granted", 101_200_000, 60_000_000),
        ("granted", 101_200_000, 0),
    ]


def test_what_the_papers_asked_counts_where_work_was_accepted_since() -> None:
    wish = DecisionWish(year=2027, amount=101_200_000)
    [line] = plan_decision(kept(DONE, revision=1), wish, kept(DONE), {1: 101_200_000})

    assert (line.decision, line.granted, line.contracted) == ("granted", 101_200_000, 60_000_000)


@pytest.mark.parametrize("line", [DONE, SIGNED])
def test_an_edit_below_what_is_bound_is_refused(line: PlanLine) -> None:
    cheaper = replace(line, item=replace(ITEM, unit_price=10_000_000))
    with pytest.raises(WrongUseError, match="under contract"):
        check_bound([cheaper], BEFORE)
    with pytest.raises(WrongUseError, match="stays"):
        check_bound([replace(line, rejected_for="Thôi")], BEFORE)
    check_bound([line, replace(OPEN, item=cheaper.item), replace(OPEN, rejected_for="x")], BEFORE)


def test_a_decided_plan_counts_what_was_granted() -> None:
    late = replace(OPEN, number=4, decision="deferred", granted=0)
    document = PlanDocument(
        year=2027, revision=1, day=date(2027, 3, 1), organisation="Trung tâm", reason="Giá đổi",
        lines=(replace(OPEN, decision="cut"), late), replaces=call_decision(BEFORE.row),
        before=BEFORE.lines,
    )  # fmt: skip
    decided = replace(document, decision="200/QĐ-UBND ngày 01/04/2027")

    assert document.replaces == "118/QĐ-UBND ngày 20/01/2027"
    assert (decided.sums.count, decided.sums.amount) == (1, 80_000_000)
    assert [it.number for it in decided.lowered] == [3, 4]
    assert document_from(document.as_values()) == document


@pytest.mark.parametrize("change", [{"title": "Sửa nhà để xe"}, {"asset": "mc-csdl"}])
@pytest.mark.parametrize("line", [DONE, SIGNED])
def test_what_was_signed_or_accepted_does_not_become_something_else(
    line: PlanLine, change: dict[str, str]
) -> None:
    other = replace(ITEM, **change)  # type: ignore[arg-type] # fields by name
    with pytest.raises(WrongUseError, match="stay as they were"):
        check_bound([replace(line, item=other)], BEFORE)
    check_bound([replace(OPEN, item=other)], BEFORE)
