"""What is proposed once, what not at all, and what as one item of several."""

import uuid
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ops.assets.asset import AssetRow
from ops.catalog.tables.copies import Medium
from ops.catalog.tables.security import SecurityFinding
from ops.planning.facts import PlanFacts, Repeat
from ops.planning.item import Accepted, Evidence, Item, PlanLine
from ops.planning.prices import Price, PriceTable
from ops.planning.propose_work import propose
from ops.planning.read import plan_draft
from ops.planning.spending import is_recurrent
from ops.register.entry import Entry

TODAY = date(2026, 11, 29)
NOW = datetime(2026, 11, 29, 3, tzinfo=UTC)
PRICES = PriceTable(
    {
        "bao-duong": Price(code="bao-duong", title="Bảo dưỡng", unit="năm", price=1_000_000, vat=8),
        "gia-han.line": Price(code="gia-han.line", title="Kênh", unit="tháng", price=4_000_000),
        "gia-han.contract": Price(code="gia-han.contract", title="Thuê", unit="tháng", price=9),
    }
)
OLD = date(2019, 5, 1)


def device(name: str, **values: Any) -> AssetRow:
    return AssetRow(**{"name": name, "kind": "server", "title": name.upper(), **values})


def facts(*assets: AssetRow, **values: Any) -> PlanFacts:
    return PlanFacts(year=2027, today=TODAY, prices=PRICES, assets=assets, **values)


def upkeep(count: int, first: int = 1) -> list[AssetRow]:
    """Give devices without warranty."""
    return [
        device(
            f"mc-{number}", warranty_until=date(2024, 1, number), supported_until=date(2031, 1, 1)
        )
        for number in range(first, first + count)
    ]


def line_of(key: str, item: Item, **values: Any) -> PlanLine:
    return PlanLine(**{"number": 1, "key": key, "item": item, "decision": "granted", **values})


def test_equal_work_is_one_item_with_its_quantity() -> None:
    found = facts(*upkeep(23), device("ups-1", kind="ups", warranty_until=OLD))
    [servers, ups] = propose(found).proposals

    assert (servers.item.title, servers.item.quantity) == ("Bảo dưỡng, gia hạn hỗ trợ máy chủ", 23)
    assert (servers.item.before_tax, servers.item.goal) == (23_000_000, "23")
    assert servers.item.reason.startswith("Bảo hành hết từ ngày 01/01/2024 đến ngày 23/01/2024")
    assert len(servers.item.evidence) == len(servers.item.assets) == len(servers.causes) == 23
    assert (ups.item.title, ups.causes) == (
        "Bảo dưỡng, gia hạn hỗ trợ bộ lưu điện UPS-1", ("asset:ups-1:warranty",)
    )  # fmt: skip


def test_an_item_of_several_follows_when_one_more_joins_and_stays_where_somebody_changed_it() -> (
    None
):
    [drafted] = plan_draft((), propose(facts(*upkeep(3))).proposals)
    [changed] = plan_draft([drafted.line], propose(facts(*upkeep(4))).proposals)
    assert (changed.verb, changed.line.number, changed.line.item.quantity) == ("changed", 1, 4)

    [fewer] = plan_draft([drafted.line], propose(facts(*upkeep(2, first=2))).proposals)
    assert (fewer.verb, fewer.line.works) == ("changed", {"mc-2": "warranty", "mc-3": "warranty"})

    edited = replace(drafted.line, is_edited=True)
    [added] = plan_draft([edited], propose(facts(*upkeep(4)), [edited]).proposals)
    assert (added.verb, added.line.item.assets) == ("added", ("mc-4",))


def test_what_was_rejected_as_one_of_several_comes_back_rejected_and_the_rest_does_not() -> None:
    rejected = {f"asset:mc-{number}:warranty": "đã có nguồn" for number in (1, 2)}
    [old, new] = plan_draft((), propose(facts(*upkeep(4)), (), rejected).proposals)

    assert (old.verb, old.line.item.assets) == ("rejected", ("mc-1", "mc-2"))
    assert (new.verb, new.line.item.assets) == ("added", ("mc-3", "mc-4"))


ACCEPTED = Accepted(2026, 4, date(2026, 5, 15), "hết hỗ trợ 30/06/2026")
MENDED = Accepted(2026, 4, date(2026, 5, 15), "tình trạng: hỏng")


@pytest.mark.parametrize(
    ("asset", "work", "done", "asked"),
    [
        ({"supported_until": date(2026, 6, 30)}, "support", ACCEPTED, True),
        ({"supported_until": date(2026, 6, 30)}, "", replace(ACCEPTED, said=""), True),
        ({"supported_until": date(2027, 6, 30)}, "support", ACCEPTED, False),
        ({"supported_until": date(2026, 6, 30)}, "warranty", ACCEPTED, False),
        ({"state": "broken"}, "broken", MENDED, True),
        ({"state": "broken"}, "broken", replace(MENDED, year=2024), False),
    ],
)
def test_work_that_was_accepted_is_asked_about_where_the_register_was_not_told(
    asset: dict[str, Any], work: str, done: Accepted, asked: bool
) -> None:
    settled = propose(facts(device("mc-1", **asset), accepted={f"asset:mc-1:{work}": done}))

    assert (settled.proposals == []) == asked
    assert [why.partition(";")[0] for _title, why in settled.left_out] == [
        "đã nghiệm thu ngày 15/05/2026 (mục 4 Kế hoạch năm 2026) nhưng Sổ tài sản chưa ghi"
    ] * asked


def test_what_lives_and_what_is_paid_for_is_not_proposed_and_says_why() -> None:
    young = device("mc-1", bought_on=date(2024, 3, 1), supported_until=date(2027, 6, 1))
    paid = device("mc-2", warranty_until=OLD, maintained_until=date(2028, 2, 1))
    settled = propose(facts(young, paid))

    assert settled.proposals == []
    assert [why.partition(" (")[0] for _title, why in settled.left_out] == [
        "mua ngày 01/03/2024, chưa hết thời gian sử dụng",
        "đã trả tiền bảo dưỡng đến 01/02/2028",
    ]
    ended = device("mc-2", warranty_until=OLD, maintained_until=date(2026, 12, 31))
    [again] = propose(facts(ended)).proposals
    assert again.item.evidence[0].says == "hết bảo dưỡng đã trả tiền 31/12/2026"


def test_a_device_is_never_kept_up_and_replaced_in_one_plan() -> None:
    old = device("mc-1", warranty_until=OLD, supported_until=date(2027, 3, 1), state="broken")
    settled = propose(facts(old))
    assert [it.key for it in settled.proposals] == ["asset:mc-1:support"]
    assert [why for _title, why in settled.left_out] == [
        "thiết bị được thay thế trong Kế hoạch này"
    ]

    # What was put off last year gives way to this year's replacement; what is under contract stays.
    [three] = propose(facts(*upkeep(3))).proposals
    carried = line_of(three.key, three.item, decision="deferred")
    settled = propose(facts(old, last_year=(carried,)))
    assert [(it.item.assets, it.item.quantity) for it in settled.proposals] == [
        (("mc-2", "mc-3"), 2), (("mc-1",), 1),
    ]  # fmt: skip
    bound = replace(carried, decision="granted", granted=3_000_000, contracted=1)
    settled = propose(facts(old, last_year=(bound,)))
    assert [it.key for it in settled.proposals] == [three.key, "asset:mc-1:broken"]

    # A line that somebody has changed counts as well.
    edited = line_of("asset:mc-1:support", propose(facts(old)).proposals[0].item, is_edited=True)
    kept_up = device("mc-1", warranty_until=OLD, supported_until=date(2031, 1, 1))
    assert propose(facts(kept_up), [replace(edited, decision="")]).proposals == []


def test_a_replacement_that_was_rejected_leaves_the_repair() -> None:
    old = device("mc-1", supported_until=date(2027, 3, 1), state="broken")
    found = propose(facts(old), (), {"asset:mc-1:support": "hết tiền"}).proposals

    assert [(it.key, it.rejected_for) for it in found] == [
        ("asset:mc-1:support", "hết tiền"), ("asset:mc-1:broken", ""),
    ]  # fmt: skip


def test_duties_of_a_plan_before_are_no_items_any_more() -> None:
    owed = line_of("duty:log-review", Item(group="duy-tri", title="Xem nhật ký", unit_price=0))

    assert propose(facts(last_year=(owed,))).proposals == []


@pytest.mark.parametrize(
    ("end", "months"),
    [(date(2026, 3, 1), 12), (date(2026, 12, 31), 12), (date(2027, 5, 20), 8),
     (date(2027, 5, 31), 7)],
)  # fmt: skip
def test_a_price_for_a_month_counts_the_months_that_are_left(end: date, months: int) -> None:
    [found] = propose(facts(device("kenh", kind="line", supported_until=end))).proposals

    assert (found.item.unit, found.item.quantity) == ("tháng", months)
    assert found.item.product == "Đường truyền còn hạn đến hết năm 2027"


def test_months_that_are_paid_for_to_the_years_end_are_the_next_plans() -> None:
    settled = propose(facts(device("kenh", kind="line", supported_until=date(2027, 12, 31))))

    assert settled.proposals == []
    assert [why for _title, why in settled.left_out] == [
        "còn hạn đến hết năm 2027; thuộc Kế hoạch năm 2028"
    ]


def test_months_that_passed_without_a_contract_are_counted_anew() -> None:
    ended = device("kenh", kind="line", supported_until=date(2026, 6, 30))
    item = Item(group="duy-tri", title="Kênh", asset="kenh", unit="tháng", quantity=6,
                unit_price=4_000_000, product="Kênh còn hạn đến hết năm sau")  # fmt: skip
    left = line_of("asset:kenh:renewal", item, granted=item.asked)
    [again] = propose(facts(ended, last_year=(left,))).proposals
    [bound] = propose(facts(ended, last_year=(replace(left, contracted=9),))).proposals

    assert (again.item.quantity, bound.item.asked) == (12, 9)
    assert again.item.product == "Kênh còn hạn đến hết năm 2027"


DAY = date(2026, 5, 15)


def test_what_is_about_no_asset_is_not_proposed_again_once_it_was_accepted() -> None:
    tape = Medium(code="T1", kind="tape", started_on=OLD, renew_on=date(2027, 1, 1))
    seen = SecurityFinding(id=uuid.uuid4(), subject="site:cong", tool="tls", check="c1",
                           severity="high",
                           last_seen_at=datetime(2026, 5, 1, tzinfo=UTC))  # fmt: skip
    values: dict[str, Any] = dict.fromkeys((it.name for it in fields(Entry)), "")
    values |= {"called": "2026-2", "kind": "incident", "is_serious": True}
    entry = Entry(**values | {"occurred_at": NOW, "closed_at": NOW})
    done = {
        key: Accepted(2026, 4, DAY, said)
        for key, said in (
            ("medium:T1:renewal", "thay trước 01/01/2027"), ("alert:host:a", "a: 9 lần"),
            ("incident:2026-2", "sự cố nghiêm trọng"), ("finding:site:cong", "tls c1"),
        )
    }  # fmt: skip
    known = facts(
        media=(tape,), weaknesses=(seen,), incidents=(entry,), accepted=done,
        repeats=(Repeat("host:a", "", 9, "a", DAY, newer=2),),
    )  # fmt: skip
    settled = propose(known)

    assert settled.proposals == []
    assert [why.removeprefix("đã nghiệm thu ngày 15/05/2026 (mục 4 Kế hoạch năm 2026)")
            for _title, why in settled.left_out] == [
        " nhưng danh mục chưa ghi; cập nhật phương tiện T1 rồi lập lại dự thảo", "", "",
        " nhưng chưa rà soát lại",
    ]  # fmt: skip
    # What came or was seen since is asked for, with what came since alone.
    seen.last_seen_at = NOW
    tape.renew_on = date(2027, 3, 1)
    again = replace(known, repeats=(Repeat("host:a", "", 9, "a", DAY, newer=4),))
    found = {it.key: it.item for it in propose(again).proposals}
    assert set(found) == {"medium:T1:renewal", "alert:host:a", "finding:site:cong"}
    assert found["alert:host:a"].reason.startswith("4 lần cảnh báo từ ngày 15/05/2026")


def test_what_was_put_off_and_accepted_where_it_came_from_is_not_carried_again() -> None:
    item = Item(group="dau-tu", title="Tường lửa", evidence=(Evidence("plan", "2025-4", "x"),))
    put_off = line_of("asset:fw:support", item, decision="deferred")
    done = {"asset:fw:support": Accepted(2025, 4, DAY, "")}

    assert propose(facts(last_year=(put_off,), accepted=done)).proposals == []
    assert len(propose(facts(last_year=(put_off,))).proposals) == 1


def test_a_draft_takes_over_what_was_rejected_since() -> None:
    [drafted] = plan_draft((), propose(facts(*upkeep(1))).proposals)
    rejected = {"asset:mc-1:warranty": "đã có nguồn"}
    [again] = plan_draft([drafted.line], propose(facts(*upkeep(1)), (), rejected).proposals)

    assert (again.verb, again.line.number) == ("rejected", 1)
    assert again.line.rejected_for == "đã có nguồn"


def test_two_contracts_of_twelve_months_are_twenty_four() -> None:
    both = [device(it, kind="contract", supported_until=date(2026, 12, 31)) for it in ("a", "b")]
    [found] = propose(facts(*both)).proposals

    assert (found.item.quantity, found.item.goal) == (24, "2")


@pytest.mark.parametrize(
    ("group", "form", "price", "day", "found"),
    [
        ("sua-chua", "65.1", 14_500_000, TODAY, True),
        ("bao-duong", "65.1", 900_000_000, TODAY, True),
        ("nang-cap", "65.2", 900_000_000, TODAY, False),
        ("nang-cap", "65.1", 30_000_000, TODAY, None),
        ("nang-cap", "65.1", None, TODAY, None),
        ("nang-cap", "65.1", 9_000_000, TODAY, True),
        ("dau-tu", "65.3", 500_000_000, TODAY, True),
        ("sua-chua", "65.1", 14_500_000, date(2025, 11, 1), True),
        ("dau-tu", "65.2", 500_000_000, date(2025, 11, 1), None),
    ],
)
def test_spending_is_classified_by_the_rules_of_the_day(
    group: str, form: str, price: int | None, day: date, found: bool | None
) -> None:
    item = Item(group=group, title="x", form=form, unit_price=price, quantity=3)

    assert is_recurrent(item, day) is found


def test_what_replaces_a_device_is_no_investment() -> None:
    old = device("ups-1", kind="ups", supported_until=date(2027, 6, 1), price=14_500_000)
    [found] = propose(facts(old)).proposals

    assert (found.item.group, found.item.is_recurrent) == ("sua-chua", True)
    assert found.item.evidence == (Evidence("asset", "ups-1", "hết hỗ trợ 01/06/2027"),)


def test_a_target_claims_no_base_that_nobody_has_counted() -> None:
    """Of all devices of a register some are in support: the goal counts those of the item alone."""
    old = [device(f"mc-{it}", supported_until=date(2027, 6, 1)) for it in (1, 2, 3)]
    young = device("mc-4", supported_until=date(2031, 6, 1))
    [found] = propose(facts(*old, young)).proposals

    assert (found.item.measure, found.item.base, found.item.goal) == (
        "Thiết bị hết hỗ trợ được thay thế", "", "3"
    )  # fmt: skip
