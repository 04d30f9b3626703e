"""Each state of a plan against each act: what is not a step of its way changes nothing."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ops.access.session import at_bench
from ops.canonical import digest_of
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.plans import Plan, PlanItem
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.planning.cli import decide, draft, edit, revise, submit
from ops.planning.cli_work import complete, progress
from ops.planning.decide import DecisionWish, plan_decision
from ops.planning.read import read_frozen
from ops.planning.records import find_in_force, get_plan
from ops.planning.tasks import Draft, Edit, Revise, Submit
from tests.integration.jobs.test_people_tasks import request_of
from tests.integration.jobs.test_planning import (
    TODAY,
    YEAR,
    Desk,
    decide_flags,
    desk_in,
    finish,
    new_device,
    step,
)

pytestmark = pytest.mark.slow

ASKED = 313_866_666
"""Đồng that the replacement of a server costs by the table of prices, with tax."""

ALLOWED: Mapping[str, frozenset[str]] = {
    "draft": frozenset({"draft", "edit", "opinion", "review"}),
    "reviewed": frozenset({"draft", "edit", "opinion", "submit"}),
    "submitted": frozenset({"opinion", "decide", "return"}),
    "returned": frozenset({"draft", "edit", "opinion"}),
    "decided": frozenset({"opinion", "revise", "sign", "accept"}),
    "running": frozenset({"opinion", "revise", "sign", "accept"}),
    "accepted": frozenset({"opinion", "pay", "report"}),
    "reported": frozenset({"opinion"}),
}
"""State → the acts that it allows; every other act is refused."""


@dataclass
class States:
    """A plan in each of its states, kept as copies of the catalog."""

    desk: Desk
    first: int = 0
    second: int = 0
    kept: dict[str, Path] = field(default_factory=dict)

    def keep(self, state: str) -> None:
        with self.desk.catalog.reading() as session:
            assert get_plan(session, YEAR).row.state == state
        self.kept[state] = self.desk.folder / f"{state}.db"
        self._copy(self.desk.folder / "state" / "giucong.db", self.kept[state])

    def go_back_to(self, state: str) -> None:
        self._copy(self.kept[state], self.desk.folder / "state" / "giucong.db")

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)

    def plan(self) -> list[tuple[object, ...]]:
        """Give all rows of plans and items, as they stand."""
        with self.desk.catalog.reading() as session:
            return [
                tuple(row)
                for table in (Plan.__table__, PlanItem.__table__)
                for row in session.execute(select(table))
            ]


def hand_in() -> None:
    submit(Submit(year=YEAR, review=True))
    submit(Submit(year=YEAR, document="15/TTr"))


def record(desk: Desk, granted: int, *flags: str, by: str = "ttb") -> None:
    """Record a decision with a second person."""
    wish = ("plan.record-decision", "--year", str(YEAR), "--number", "99/QĐ-UBND", "--date",
            TODAY, "--signer", "Chủ tịch", "--document", desk.scan, "--reason",
            "Đã ký", "--amount", str(granted), *flags)  # fmt: skip
    desk.approve(request_of(desk.office.ask(*wish)), by)
    done = desk.office.run(*wish)
    assert done.returncode == 0, done.stderr


def draft_of_two(desk: Desk) -> tuple[int, int]:
    """Draft a plan of two items that cost something; gives their numbers."""
    draft(Draft(year=YEAR))
    first, second, *others = sorted(
        desk.items(), key=lambda it: (not it["key"].startswith("asset:"), it["number"])
    )
    assert first["asked"] == second["asked"] == ASKED
    for other in others:
        edit(Edit(year=YEAR, item=other["number"], reject="không làm"))
    return first["number"], second["number"]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[States]:
    with desk_in(tmp_path_factory.mktemp("states") / "estate") as desk:
        yield keep_states(desk)


def keep_states(desk: Desk) -> States:
    found = States(desk)
    found.first, found.second = draft_of_two(desk)
    found.keep("draft")
    submit(Submit(year=YEAR, review=True))
    found.keep("reviewed")
    submit(Submit(year=YEAR, document="15/TTr"))
    found.keep("submitted")
    record(desk, 0, "--returned", "Thiếu báo giá", by="lvc")
    found.keep("returned")
    found.go_back_to("submitted")
    record(desk, ASKED, "--defer", str(found.second), by="lvc")
    found.keep("decided")
    progress(step(found.first, contracted="1000"))
    found.keep("running")
    complete(new_device(found.first, document="02/BB"))
    found.keep("accepted")
    complete(finish(0, report="04/BC"))
    found.keep("reported")
    return found


def acts(states: States) -> Mapping[str, Callable[[], object]]:
    desk, first = states.desk, states.first
    return {
        "draft": lambda: draft(Draft(year=YEAR)),
        "edit": lambda: edit(Edit(year=YEAR, item=first, set=("quantity=3",))),
        "opinion": lambda: edit(Edit(year=YEAR, opinion="Đồng ý")),
        "review": lambda: submit(Submit(year=YEAR, review=True)),
        "submit": lambda: submit(Submit(year=YEAR, document="15/TTr")),
        "decide": lambda: decide(decide_flags(desk, dry_run=True, amount=str(2 * ASKED))),
        "return": lambda: decide(decide_flags(desk, returned="Thiếu", dry_run=True)),
        "revise": lambda: revise(Revise(year=YEAR, reason="Giá đổi")),
        "sign": lambda: progress(step(first, contracted="2000")),
        "accept": lambda: complete(new_device(first, document="02/BB")),
        "pay": lambda: progress(step(first, paid="500")),
        "report": lambda: complete(finish(0, report="04/BC")),
    }


def test_every_state_allows_its_steps_and_no_other(states: States) -> None:
    assert set(ALLOWED) == set(states.kept)
    wrong = []
    for state, allowed in ALLOWED.items():
        for act, run in acts(states).items():
            states.go_back_to(state)
            before = states.plan()
            try:
                run()
            except WrongUseError:
                if act in allowed or states.plan() != before:
                    wrong.append((state, act, "refused"))
            else:
                if act not in allowed:
                    wrong.append((state, act, "done"))

    assert wrong == []


def test_a_draft_that_changes_nothing_makes_nobody_an_author(states: States) -> None:
    states.go_back_to("reviewed")
    with states.desk.catalog.writing() as session:
        session.execute(update(Plan).values(authors=["lvc"]))
    before = states.plan()
    draft(Draft(year=YEAR))

    assert states.plan() == before


def test_what_was_handed_in_is_held_against_the_journal(states: States) -> None:
    def plan_row(**values: object) -> None:
        with states.desk.catalog.writing() as session:
            session.execute(update(Plan).values(**values))

    def price(value: int) -> None:
        with states.desk.catalog.writing() as session:
            row = session.execute(
                select(PlanItem).where(PlanItem.number == states.first)
            ).scalar_one()
            row.body = {**row.body, "unit_price": value}

    def frozen() -> dict[str, object]:
        with states.desk.catalog.reading() as session:
            return dict(session.execute(select(Plan.frozen)).scalar_one() or {})

    states.go_back_to("submitted")
    other = {**frozen(), "prices": "other"}
    for state in ("submitted", "running", "reported"):
        for values in (
            {},
            {"frozen": other},
            {"frozen": other, "frozen_sha256": digest_of(other)},
        ):
            states.go_back_to(state)
            plan_row(**values) if values else price(1)
            told = states.desk.office.run("plan.show", "--year", str(YEAR))
            assert (told.returncode, "is not what was handed in" in told.stderr) == (1, True)
    states.go_back_to("submitted")
    price(1)
    with pytest.raises(OpsError, match="not what was handed in"):
        decide(decide_flags(states.desk, dry_run=True))


def test_a_revision_keeps_its_authors_and_all_that_is_under_contract(states: States) -> None:
    desk = states.desk
    states.go_back_to("running")
    with desk.catalog.writing() as session:  # the first plan was drafted by lvc as well
        session.execute(update(Plan).values(authors=["lvc", "nva"]))
    revise(Revise(year=YEAR, reason="Giá đổi"))
    with desk.catalog.reading() as session:
        assert get_plan(session, YEAR).row.authors == ["lvc", "nva"]
    with pytest.raises(WrongUseError, match="under contract or accepted"):
        edit(Edit(year=YEAR, item=states.first, reject="thôi"))
    states.go_back_to("decided")
    revise(Revise(year=YEAR, reason="Giá đổi"))
    edit(Edit(year=YEAR, item=states.first, reject="thôi"))
    edit(Edit(year=YEAR, add=True, set=("title=Việc mới", "unit_price=5")))
    hand_in()
    progress(step(states.first, contracted="1000"))  # signed while the revision lies there
    with pytest.raises(WrongUseError, match="leaves it out"):
        decide(decide_flags(desk, dry_run=True))


def test_a_revision_goes_on_where_the_plan_was(states: States) -> None:
    desk = states.desk
    states.go_back_to("running")
    revise(Revise(year=YEAR, reason="Thêm việc"))
    edit(Edit(year=YEAR, add=True, set=("title=Việc mới", "unit_price=5")))
    hand_in()
    complete(new_device(states.first, document="02/BB"))  # all of the plan in force is accepted
    record(desk, 2 * ASKED + 5)
    with desk.catalog.reading() as session:
        plan = find_in_force(session, YEAR)
        assert read_frozen(session, get_plan(session, YEAR)) is not None
    assert plan is not None
    first = plan.line(states.first)

    assert (plan.called, plan.row.state) == (f"{YEAR}/1", "running")
    assert (first.accepted, first.accepted_on is not None) == (1000, True)


def test_a_revision_of_a_reported_year_is_not_decided(states: States) -> None:
    states.go_back_to("running")
    revise(Revise(year=YEAR, reason="Thêm việc"))
    hand_in()
    complete(new_device(states.first, document="02/BB"))
    complete(finish(0, report="04/BC"))
    with pytest.raises(WrongUseError, match="is reported"):
        decide(decide_flags(states.desk, dry_run=True))


def test_a_plan_of_which_nothing_was_granted_can_be_reported(states: States) -> None:
    states.go_back_to("submitted")
    record(states.desk, 0, "--defer", str(states.first), "--grant", f"{states.second}=0")
    with states.desk.catalog.reading() as session:
        assert get_plan(session, YEAR).row.state == "accepted"
    complete(finish(0, report="04/BC"))


def test_flags_that_say_nothing_are_refused(states: States) -> None:
    states.go_back_to("draft")
    first = states.first
    for wish in (
        Edit(year=YEAR),
        Edit(year=YEAR, opinion="x", reject="y"),
        Edit(year=YEAR, opinion="x", item=999),
        Edit(year=YEAR, item=first, reject="x", take_up=True),
        Edit(year=YEAR, add=True, reject="x", set=("title=a",)),
        Edit(year=YEAR, item=first, set=("quantity=2",), document="1"),
        Edit(year=YEAR, item=first, quotation="0f3a0f3a"),
        Edit(year=YEAR, item=first, opinion="x" * 3_000),
        Edit(year=YEAR, item=first, set=("unit_price=12.5",)),
    ):
        with pytest.raises(WrongUseError):
            edit(wish)
    states.go_back_to("running")
    for flags in ({"result": "tốt"}, {"document": "01/HĐ"}):
        with pytest.raises(WrongUseError, match="how the item goes on"):
            progress(step(first, **flags))
    refused = states.desk.office.run("plan.revise", "--reason", "x")
    assert (refused.returncode, "plan.revise --help" in refused.stderr) == (2, True)


def test_a_quotation_is_cited_by_its_document(states: States) -> None:
    states.go_back_to("draft")
    quoted = states.desk.keep("bao-gia", number="12/BG", date="05/10/2026")
    edit(Edit(year=YEAR, item=states.first, quotation=quoted))
    again = states.desk.keep("bao-gia-2", number="13/BG", date="06/10/2026")
    edit(Edit(year=YEAR, item=states.first, quotation=again))
    item = next(it for it in states.desk.items() if it["number"] == states.first)
    cited = [it for it in item["evidence"] if it["kind"] == "quotation"]

    assert item["price_basis"] == "Báo giá 13/BG ngày 06/10/2026"
    assert len(cited) == 1
    assert cited[0]["id"].endswith(again.replace("-", "")[-4:]) or again in cited[0]["id"]


def test_a_stop_is_not_planned_where_its_window_cannot_be(states: States) -> None:
    desk = states.desk
    states.go_back_to("running")
    begins = datetime.now(UTC).replace(microsecond=0, second=0).replace(year=YEAR, month=7, day=6)
    flags = {"begins": begins.isoformat(), "until": begins.replace(hour=23, minute=59).isoformat(),
             "stops": "cong-xa"}  # fmt: skip
    with pytest.raises(OpsError):
        progress(step(states.second, **flags))  # put off, so that nobody works on it
    with at_bench(load_estate()) as bench, bench.catalog.reading() as session:
        verbs = set(session.execute(select(JournalRow.action)).scalars())

    assert not any("stop" in it for it in verbs)
    assert desk.office.run("plan.show", "--year", str(YEAR)).returncode == 0


def test_nothing_under_contract_is_put_off(states: States) -> None:
    states.go_back_to("running")
    with states.desk.catalog.reading() as session:
        plan = get_plan(session, YEAR)
    for wish in (
        DecisionWish(year=YEAR, deferred=(states.first,)),
        DecisionWish(year=YEAR, granted={states.first: 999}),
    ):
        with pytest.raises(WrongUseError, match="cannot get"):
            plan_decision(plan, wish, plan)
