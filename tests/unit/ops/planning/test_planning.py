"""The plan's pure parts: what facts propose, what a draft changes, money to the đồng, prices."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from ops.assets.asset import AssetRow
from ops.catalog.tables.copies import Medium
from ops.catalog.tables.plans import Plan
from ops.catalog.tables.security import SecurityFinding
from ops.drills.findings import Finding
from ops.drills.rotation.read import Overdue
from ops.errors import Problem, WrongUseError
from ops.monitor.forecast import Outlook
from ops.monitor.trend import Forecast
from ops.planning.calendar_file import write_calendar
from ops.planning.carried import is_whole
from ops.planning.document import Figure, PlanDocument, document_from
from ops.planning.facts import OpenDuty, PlanFacts, Repeat
from ops.planning.item import (
    GROUPS,
    PRIORITIES,
    USES,
    Evidence,
    Item,
    PlanLine,
    item_from,
)
from ops.planning.money import by_group, plan_shortage, security_share, sum_up, tenths_of
from ops.planning.prices import Price, PriceTable, read_prices
from ops.planning.proposal import ItemProposal
from ops.planning.propose_work import list_own_work
from ops.planning.propose_work import propose as settle
from ops.planning.read import plan_draft
from ops.planning.records import KeptPlan
from ops.planning.typed import change_item
from ops.planning.work import plan_money
from ops.register.entry import Entry
from ops.told_text import clean_text

NOW = datetime(2026, 11, 29, 3, tzinfo=UTC)
TODAY = date(2026, 11, 29)
PRICES = PriceTable(
    {
        "thay-the.server": Price(code="thay-the.server", title="Máy chủ", unit="bộ",
                                 price=285_000_000, vat=10, quotation="12/BG"),
        "bao-duong": Price(code="bao-duong", title="Bảo dưỡng", unit="năm", price=1_000_001, vat=8),
    }
)  # fmt: skip


def asset(name: str, kind: str, **values: object) -> AssetRow:
    return AssetRow(name=name, kind=kind, title=name.upper(), **values)  # type: ignore[arg-type] # fields by name


def entry(called: str, kind: str, **values: object) -> Entry:
    blank = dict.fromkeys(
        ("title", "unit", "site", "reporter", "document", "cause", "result", "opened_by",
         "closed_by"), "",
    )  # fmt: skip
    moments = dict.fromkeys(("acknowledged_at", "restored_at", "closed_at"))
    base = {"id": "0" * 32, "called": called, "kind": kind, "is_serious": False,
            "has_personal_data": False, "occurred_at": NOW, "received_at": NOW}  # fmt: skip
    return Entry(**{**blank, **moments, **base, **values})  # type: ignore[arg-type] # fields by name


FACTS = PlanFacts(
    year=2027,
    today=TODAY,
    lead="Trung tâm",
    source="Ngân sách",
    titles={"cong": "Cổng xã"},
    prices=PRICES,
    assets=(
        asset("mc-1", "server", supported_until=date(2026, 3, 31)),
        asset("mc-2", "server", supported_until=date(2031, 1, 1), warranty_until=date(2027, 6, 15)),
        asset("mc-3", "server", supported_until=date(2028, 1, 1), warranty_until=date(2028, 1, 1)),
        asset("dn", "domain", supported_until=date(2027, 8, 20), price=700_000),
        asset("ups", "ups", state="broken"),
    ),
    outlooks=(
        Outlook("host:web1", "disk", "/var", Forecast("fills", on=date(2027, 5, 1), days=40)),
        Outlook("host:web1", "disk", "/", Forecast("not_filling")),
        Outlook("site:cong", "certificate", "", Forecast("fills", on=date(2027, 9, 1))),
        Outlook("store:near", "store", "", None),
    ),
    drill_findings=(
        Finding(id="f1", drill="d1", site="cong", scope="site", store="", engine="ours",
                from_paper=False, code="x", params={}, owner="", due=TODAY, opened_at=NOW,
                fixed_by="", closed_at=None),
    ),
    overdue_drills=(
        Overdue(duty="drill-site", title={"vi": "Khôi phục thử trang"}, due_on=TODAY,
                subjects=("cong",), choice=None, hindrance=""),
    ),
    duties=(
        OpenDuty("log-review", "Xem nhật ký", "QCVN 12", "2026-10-31", TODAY, is_law=True),
    ),
    media=(
        Medium(code="O1", kind="disk", started_on=date(2022, 1, 1), renew_on=date(2027, 1, 1)),
        Medium(code="O2", kind="disk", started_on=date(2026, 1, 1), renew_on=date(2031, 1, 1)),
    ),
    repeats=(Repeat("host:web1/disk:/var", "", 7, "a" * 32, TODAY),),
    difficulties=(entry("2026-001", "difficulty", title="Thiếu người"),),
    incidents=(
        entry("2026-002", "incident", title="Bị thay trang", is_serious=True),
        entry("2026-003", "incident", title="Chậm"),
    ),
    weaknesses=(
        SecurityFinding(id=uuid.uuid4(), subject="site:cong", tool="tls", check="c1",
                        severity="high"),
        SecurityFinding(id=uuid.uuid4(), subject="site:cong", tool="tls", check="c2",
                        severity="low"),
    ),
    last_year=(
        PlanLine(number=3, item=Item(group="nang-cap", title="Việc cũ"), decision="deferred"),
        PlanLine(number=4, item=Item(group="nang-cap", title="Việc xong"), decision="granted",
             accepted_on=TODAY),
    ),
)  # fmt: skip


def propose(facts: PlanFacts, **rejected: str) -> list[ItemProposal]:
    return settle(facts, (), rejected).proposals


def test_each_fact_proposes_its_item_with_evidence() -> None:
    found = {it.key: it.item for it in propose(FACTS)}

    assert set(found) == {
        "plan:2026:3", "asset:mc-1:support", "asset:mc-2:warranty", "asset:dn:renewal",
        "asset:ups:broken", "capacity:host:web1:disk:/var", "certificate:cong",
        "medium:O1:renewal", "alert:host:web1/disk:/var",
        "incident:2026-002", "finding:site:cong",
    }  # fmt: skip
    assert all(it.evidence and it.reason for it in found.values())
    assert all(it.group in GROUPS and it.use in USES and it.priority in PRIORITIES
               for it in found.values())  # fmt: skip
    assert found["asset:mc-1:support"].asked == 313_500_000
    assert found["asset:mc-1:support"].price_basis.startswith("Báo giá 12/BG")
    assert found["asset:mc-2:warranty"].quarter == 2
    assert (found["asset:dn:renewal"].unit_price, found["asset:dn:renewal"].vat_percent) == (
        700_000,
        0,
    )
    assert found["finding:site:cong"].use == "đ"
    assert not found["finding:site:cong"].is_priced
    assert [(it.title, it.basis) for it in list_own_work(FACTS)] == [
        ("Khắc phục tồn tại và khôi phục thử lại: Cổng xã", ""),
        ("Tổ chức diễn tập: Khôi phục thử trang", ""),
        ("Xem nhật ký", "QCVN 12"),
        ("Giải quyết khó khăn, vướng mắc: Thiếu người", ""),
    ]


def test_what_is_carried_over_again_and_again_says_so_once() -> None:
    line = PlanLine(number=3, item=Item(group="nang-cap", title="Việc", reason="Cần"), key="k",
                decision="granted", granted=9, contracted=7_000_000)  # fmt: skip
    for year in (2027, 2028, 2029):
        [proposal] = propose(PlanFacts(year=year, today=TODAY, last_year=(line,)))
        line = replace(line, item=proposal.item)

    assert line.item.reason == (
        "Chuyển tiếp từ kế hoạch năm 2028 (đã ký hợp đồng 7.000.000 đồng, chưa nghiệm thu). Cần"
    )
    assert [(it.kind, it.id) for it in line.item.evidence] == [("plan", "2028-3")]


def test_facts_that_ask_for_nothing_propose_nothing() -> None:
    assert propose(PlanFacts(year=2027, today=TODAY)) == []


def test_a_draft_keeps_what_people_did_and_withdraws_what_nobody_asks_for() -> None:
    proposals = propose(FACTS, **{"asset:dn:renewal": "đã có nguồn khác"})
    drafted = plan_draft((), proposals)
    lines = [it.line for it in drafted]
    kinds = {it.line.key: it.verb for it in drafted}
    by_key = {it.key: it for it in lines}
    edited = [
        replace(it, item=replace(it.item, quantity=2), is_edited=True)
        if it.key == "asset:mc-1:support" else it
        for it in lines
    ]  # fmt: skip
    held = [it for it in edited if it.is_edited or it.rejected_for]
    again = settle(FACTS, held, {}).proposals
    fewer = [it for it in again if it.key != "asset:ups:broken"]

    assert [it.number for it in lines] == list(range(1, len(lines) + 1))
    assert kinds["asset:dn:renewal"] == "rejected"
    assert by_key["asset:dn:renewal"].rejected_for == "đã có nguồn khác"
    assert plan_draft(edited, again) == []
    assert [(it.verb, it.line.key) for it in plan_draft(edited, fewer)] == [
        ("withdrawn", "asset:ups:broken")
    ]


items = st.builds(
    Item,
    group=st.sampled_from(list(GROUPS)),
    title=st.just("Việc"),
    quarter=st.integers(1, 4),
    quantity=st.integers(1, 50),
    unit_price=st.none() | st.integers(0, 10**9),
    vat_percent=st.sampled_from([0, 5, 8, 10]),
    use=st.sampled_from(list(USES)),
    priority=st.sampled_from(list(PRIORITIES)),
)


@given(st.lists(items, max_size=12), st.integers(0, 100))
def test_money_adds_up_to_the_dong_however_it_is_cut(found: list[Item], percent: int) -> None:
    lines = [PlanLine(number=n, item=it) for n, it in enumerate(found, start=1)]
    sums = sum_up(lines)
    shortage = plan_shortage(lines, percent)
    share = security_share(lines, 15)

    assert sums.asked == sums.amount == sum(it.asked for it in found)
    assert sums.amount - sums.tax == sum(it.before_tax for it in found)
    assert sum(sum_up(own).asked for own in by_group(lines).values()) == sums.asked
    assert shortage.kept_amount <= shortage.budget <= sums.asked
    assert len(shortage.kept) + len(shortage.fallen) == len(lines)
    more = share.lacking
    assert (share.amount + more) * 100 >= (share.of + more) * 15
    assert more == 0 or (share.amount + more - 1) * 100 < (share.of + more - 1) * 15


def test_what_must_be_done_falls_last() -> None:
    lines = [
        PlanLine(number=n, item=Item(group="duy-tri", title=name, unit_price=100, priority=name))
        for n, name in enumerate(("nen", "can", "bat-buoc"), start=1)
    ]

    assert [it.number for it in plan_shortage(lines, 67).fallen] == [1]
    assert [it.number for it in plan_shortage(lines, 34).fallen] == [2, 1]


def test_nothing_that_is_needed_less_is_done_in_the_place_of_what_must_be() -> None:
    lines = [
        PlanLine(number=n, item=Item(group="duy-tri", title="x", unit_price=price, priority=name))
        for n, (name, price) in enumerate(
            (("bat-buoc", 40), ("bat-buoc", 50), ("bat-buoc", 5), ("can", 5)), start=1
        )
    ]

    assert [it.number for it in plan_shortage(lines, 50).kept] == [1, 3]


@pytest.mark.parametrize(
    ("contracted", "accepted", "paid", "fits"),
    [(100, 0, 0, True), (101, 0, 0, False), (50, 60, 0, False), (50, 50, 51, False),
     (50, 50, 50, True)],
)  # fmt: skip
def test_nobody_pays_more_than_was_accepted_signed_or_granted(
    contracted: int, accepted: int, paid: int, fits: bool
) -> None:
    line = PlanLine(
        number=1, item=Item(group="duy-tri", title="x"), decision="granted", granted=100
    )
    if fits:
        changed = plan_money(line, contracted=contracted, accepted=accepted, paid=paid)

        assert (changed.contracted, changed.accepted, changed.paid) == (contracted, accepted, paid)
        return
    with pytest.raises(WrongUseError):
        plan_money(line, contracted=contracted, accepted=accepted, paid=paid)
    with pytest.raises(WrongUseError):
        plan_money(replace(line, decision="deferred"), contracted=0)


def test_a_plan_is_whole_when_all_that_was_granted_is_accepted() -> None:
    item = Item(group="duy-tri", title="x")
    done = PlanLine(number=1, item=item, decision="granted", granted=1, accepted_on=TODAY)
    deferred = PlanLine(number=2, item=item, decision="deferred")

    assert is_whole([done, deferred])
    assert is_whole([deferred, PlanLine(number=3, item=item, decision="cut")])
    assert not is_whole([done, replace(done, number=3, accepted_on=None)])


def test_an_item_changes_by_what_a_person_types() -> None:
    item = change_item(
        Item(group="duy-tri", title="x"),
        {"quarter": "3", "unit_price": "12.500.000", "use": "đ", "title": "Tên mới",
         "is_recurrent": "không"},
    )  # fmt: skip

    assert (item.quarter, item.unit_price, item.use) == (3, 12_500_000, "đ")
    assert (item.title, item.is_recurrent) == ("Tên mới", False)
    assert item_from(item.as_values()) == item


@pytest.mark.parametrize(
    ("name", "text"),
    [("quarter", "5"), ("quantity", "0"), ("unit_price", "-1"), ("use", "g"), ("title", ""),
     ("group", "khác"), ("evidence", "x"), ("vat_percent", "٣"), ("reason", "x" * 2001),
     ("is_recurrent", "maybe")],
)  # fmt: skip
def test_what_does_not_fit_is_refused(name: str, text: str) -> None:
    with pytest.raises(WrongUseError):
        change_item(Item(group="duy-tri", title="x", quantity=1), {name: text})


def test_a_typed_price_is_no_longer_that_of_a_quotation() -> None:
    asset = Evidence("asset", "ups-1")
    quoted = Item(group="duy-tri", title="x", unit_price=9, price_basis="Báo giá BG-12",
                  evidence=(asset, Evidence("quotation", "ab", "Báo giá BG-12")))  # fmt: skip
    typed = change_item(quoted, {"unit_price": "15000000"})

    assert (typed.price_basis, typed.evidence) == ("Giá tạm tính do đơn vị nhập", (asset,))
    assert change_item(quoted, {"unit_price": "8", "price_basis": "Y"}).price_basis == "Y"
    assert change_item(quoted, {"unit_price": ""}).price_basis == ""
    assert change_item(quoted, {"unit_price": "9", "quantity": "2"}).evidence == quoted.evidence


def test_only_another_body_is_stored_as_who_leads() -> None:
    assert {it.item.lead for it in propose(FACTS)} == {""}


def test_an_item_that_nobody_could_pay_is_refused() -> None:
    with pytest.raises(WrongUseError):
        change_item(Item(group="duy-tri", title="x"), {"unit_price": str(10**14), "quantity": "2"})


def test_every_mistake_of_a_table_of_prices_is_told() -> None:
    problems: list[Problem] = []
    lines: list[list[object]] = [
        ["Mã", "Tên", "ĐVT", "Đơn giá", "Thuế GTGT", "Ngày báo giá"],
        ["A", "Máy chủ", "bộ", "285.000.000", "10%", "05/10/2026"],
        ["B", "", "bộ", "nhiều", "101", "32/10/2026"],
        ["a", "Máy chủ", "bộ", 5.0, "", ""],
        ["", "", "", "", "", ""],
        ["ngắn"],
        ["c", "Cáp", "m", "12,5", 0.1, ""],
        ["d", "Đĩa", "cái", 1_000.0, 0.08, ""],
    ]
    found = read_prices(lines, problems)

    assert found["a"] == Price(code="a", title="Máy chủ", unit="bộ", price=285_000_000, vat=10,
                               quoted_on=date(2026, 10, 5))  # fmt: skip
    assert (found["d"].price, found["d"].vat) == (1_000, 8)  # a cell of 8 % holds 0.08
    assert [it.key for it in problems] == ["3", "3", "3", "3", "4", "6", "6", "7"]
    problems.clear()
    assert read_prices([["tên"]], problems) == {}
    assert problems[0].params["heads"] == "mã, đơn giá"


def test_what_is_frozen_reads_back_the_same() -> None:
    lines = tuple(it.line for it in plan_draft((), propose(FACTS)))
    document = PlanDocument(
        year=2027, revision=1, day=TODAY, organisation="Trung tâm", lines=lines,
        last_year=tuple(FACTS.last_year), figures=(Figure("plan", "a", "b", "c"),),
        gaps=("chưa đo",), security_percent=15, security_basis="Luật", prices="x",
    )  # fmt: skip

    assert document_from(document.as_values()) == document


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_calendar_holds_any_text_as_text(title: str, reason: str) -> None:
    """No title begins a line of its own, and nobody's text becomes a property."""
    said = f"{title}\r\nBEGIN:VALARM\nATTACH:file:///etc/passwd;,\\{reason}"
    item = Item(group="duy-tri", title=clean_text(said), reason=clean_text(reason), quarter=4)
    line = PlanLine(number=1, item=item, decision="granted", granted=1)
    raw = write_calendar(kept_plan(line), ())
    [event] = Calendar.from_ical(raw).walk("VEVENT")

    assert raw.count(b"BEGIN:VEVENT") == 1
    assert not any(it.startswith((b"BEGIN:VALARM", b"ATTACH")) for it in raw.splitlines())
    assert max(map(len, raw.split(b"\r\n"))) <= 75
    assert "BEGIN:VALARM" in str(event["summary"])
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (
        date(2027, 10, 1), date(2028, 1, 1),
    )  # fmt: skip


def kept_plan(*lines: PlanLine) -> KeptPlan:
    row = Plan(year=2027, revision=0, state="decided", authors=["nva"], made_at=NOW, made_by="nva")
    return KeptPlan(row, lines)


def test_a_base_below_the_plans_own_sum_is_not_known() -> None:
    line = PlanLine(number=1, item=Item(group="bao-duong", title="x", unit_price=100, use="đ"))
    share = security_share([line], 15, base=1)
    assert share == security_share([line], 15)
    assert share != security_share([line], 15, base=100)


def test_a_share_is_rounded_down_wherever_it_is_told() -> None:
    lines = [
        PlanLine(number=1, item=Item(group="duy-tri", title="x", use="đ", unit_price=1_726)),
        PlanLine(number=2, item=Item(group="duy-tri", title="y", use="c", unit_price=8_274)),
    ]

    assert security_share(lines, 10).tenths == 172
    assert tenths_of(1_726, 10_000) == 172  # as the tables reckon it


def test_what_has_no_room_for_more_files_is_told_in_files() -> None:
    fills = Forecast("fills", on=date(2027, 5, 1), days=40)
    found = replace(FACTS, outlooks=(Outlook("host:web1", "inodes", "/var", fills),))
    [item] = [it.item for it in propose(found) if it.key.startswith("capacity:")]

    assert item.title.startswith("Mở rộng số tệp ")
    assert item.measure == "Số tệp đã dùng"
