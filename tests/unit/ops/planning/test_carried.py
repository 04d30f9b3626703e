"""Work that goes from one year's plan into the next: one line holds it, and it is paid once."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

import ops.wiring  # noqa: F401 - who asks for parts needs them given
from ops.access.approvals.ask import Agreed
from ops.access.approvals.require import Permit
from ops.access.session import Bench
from ops.catalog.columns import new_id
from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.plans import Plan
from ops.errors import WrongUseError
from ops.estate.model.references import reveal
from ops.planning import decide
from ops.planning.carried import with_contracts
from ops.planning.decide import DecisionWish, record_decision, review_plan, submit_plan
from ops.planning.item import Evidence, Item, PlanLine
from ops.planning.on_assets import AssetNews
from ops.planning.read import decide_changes, read_plan_facts
from ops.planning.records import (
    find_in_force,
    find_plan,
    get_plan,
    read_notes,
    save_draft,
    write_line,
)
from ops.planning.revision import check_bound
from ops.planning.work import Acceptance, Step, accept_item, note_step
from tests.a_year import NOW, ORIGIN, write_estate

pytestmark = pytest.mark.slow

GRANTED, SIGNED = 129_600_000, 100_000_000


def line(number: int, key: str, **values: Any) -> PlanLine:
    item = Item(group="sua-chua", title=f"Việc {number}", unit_price=120_000_000, vat_percent=8)
    given = {"item": item, "decision": "granted", "granted": GRANTED, **values}
    return PlanLine(number=number, key=key, **given)


WALL = line(1, "asset:fw:support", contracted=SIGNED)
ADDED, DONE = line(2, ""), line(3, "k", contracted=5, accepted=5, accepted_on=date(2026, 3, 1))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    estate = write_estate(tmp_path, 1)

    def agree(bench: Bench, _wish: object, record: Any) -> None:
        with bench.catalog.writing() as session:
            record(session, Agreed(bench, Permit("needed", approved_by="ttb")))

    monkeypatch.setattr(decide, "ask_second_person", agree)
    monkeypatch.setattr(decide, "get_whole", lambda *_: SimpleNamespace(id=new_id(), number=""))
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        found = Bench(estate, catalog, ORIGIN)
        write_decided(found, 2026, WALL, ADDED, DONE)
        yield found


def write_decided(bench: Bench, year: int, *lines: PlanLine) -> None:
    with bench.catalog.writing() as session:
        plan = Plan(
            id=new_id(), year=year, state="running", authors=["nva"], made_at=NOW, made_by="nva",
            decision="9/QĐ", decided_on=date(year - 1, 12, 20), decided_at=NOW, reviewed_at=NOW,
        )  # fmt: skip
        session.add(plan)
        session.flush()
        for it in lines:
            write_line(session, plan.id, it)


def draft(bench: Bench, year: int) -> Mapping[str, PlanLine]:
    with bench.catalog.writing() as session:
        facts = read_plan_facts(session, bench.estate, year, NOW)
        changes = decide_changes(session, bench.estate, facts, find_plan(session, year)).changes
        plan = save_draft(session, ORIGIN, year, changes, now=NOW)
    return {it.key: it for it in plan.lines}


def hand_in(bench: Bench, year: int) -> None:
    review_plan(bench, year, NOW)
    submit_plan(bench, year, "15/TTr", NOW)


def accept(bench: Bench, year: int, number: int) -> None:
    given = Acceptance(number=number, document="1/BB", day=date(2026, 12, 1),
                       news=AssetNews(unchanged="chưa nhập"))  # fmt: skip
    accept_item(bench, year, given, NOW)


def test_a_line_that_was_carried_is_signed_accepted_and_paid_once(bench: Bench) -> None:
    note_step(bench, 2026, Step(number=1, contracted=SIGNED, document="42/HĐ"), NOW)
    drafted = draft(bench, 2027)
    wall, added = drafted[WALL.key], drafted["plan:2026:2"]
    assert (wall.item.asked, added.item.asked) == (SIGNED, GRANTED)
    assert wall.item.price_basis == "Theo hợp đồng đã ký, đã có thuế"
    less = replace(wall, item=replace(wall.item, unit_price=SIGNED - 1))
    with bench.catalog.reading() as session:
        plan = get_plan(session, 2027)
        [bound] = with_contracts(session, plan, [less])
    with pytest.raises(WrongUseError, match="are under contract"):
        check_bound([bound], None)
    hand_in(bench, 2027)
    with pytest.raises(WrongUseError, match="are under"):
        record_decision(bench, DecisionWish(year=2027, deferred=(wall.number,), amount=GRANTED))
    record_decision(bench, DecisionWish(year=2027, amount=SIGNED + GRANTED))

    with bench.catalog.reading() as session:
        old, new = find_in_force(session, 2026), find_in_force(session, 2027)
        assert old is not None
        assert new is not None
        assert (old.row.state, new.row.state) == ("accepted", "decided")
        assert new.line(wall.number).contracted == SIGNED
        assert [(it.item, it.document) for it in read_notes(session, new)] == [
            (wall.number, "42/HĐ")
        ]
        verbs = list(session.execute(select(JournalRow.action)).scalars())
        assert verbs.count("plan.carry-over") == 2
    for number in (1, 2):
        with pytest.raises(WrongUseError, match="carried into the plan for 2027"):
            note_step(bench, 2026, Step(number=number, contracted=GRANTED), NOW)
    note_step(bench, 2026, Step(number=DONE.number, paid=5), NOW)
    accept(bench, 2027, wall.number)
    note_step(bench, 2027, Step(number=wall.number, paid=SIGNED), NOW)


def test_until_the_decision_the_old_line_holds_the_work(bench: Bench) -> None:
    wall = draft(bench, 2027)[WALL.key]
    hand_in(bench, 2027)
    accept(bench, 2026, WALL.number)

    with pytest.raises(WrongUseError, match="accepted meanwhile"):
        record_decision(bench, DecisionWish(year=2027, amount=SIGNED + GRANTED))
    wish = DecisionWish(year=2027, granted={wall.number: 0}, amount=GRANTED)
    record_decision(bench, wish)
    with pytest.raises(WrongUseError, match="carried into the plan for 2027"):
        accept(bench, 2026, ADDED.number)


def test_what_got_nothing_stays_under_its_contract(bench: Bench) -> None:
    wall = draft(bench, 2027)[WALL.key]
    hand_in(bench, 2027)
    record_decision(bench, DecisionWish(year=2027, granted={wall.number: 0}, amount=GRANTED))

    accept(bench, 2026, WALL.number)


def test_a_year_without_a_decided_plan_forgets_no_contract(bench: Bench) -> None:
    draft(bench, 2027)
    wall = draft(bench, 2028)[WALL.key]

    assert wall.item.asked == SIGNED
    assert wall.item.evidence[0] == Evidence(
        "plan", "2026-1", "đã ký hợp đồng 100.000.000 đồng, chưa nghiệm thu"
    )
