"""What an acceptance does to the register of assets, and what it asks first."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ops.assets.asset import AssetRow
from ops.assets.succession import Successor
from ops.errors import WrongUseError
from ops.planning.item import Item, PlanLine
from ops.planning.on_assets import AssetNews, plan_assets

OLD = AssetRow(
    name="mc-1", kind="server", title="Máy chủ web", host="web1", serial="S1", state="broken",
    bought_on=date(2019, 5, 1), supported_until=date(2026, 6, 30),
    maintained_until=date(2026, 1, 1),
)  # fmt: skip
NAME = AssetRow(name="dn", kind="domain", title="a.vn", supported_until=date(2027, 1, 31))
NEW = Successor(
    serial="S2", bought_on=date(2026, 5, 15), warranty_until=date(2029, 5, 15),
    supported_until=date(2033, 5, 15), price=203_500_000,
)  # fmt: skip
DAY = date(2028, 1, 31)


def line(*works: str, asset: str = "mc-1") -> PlanLine:
    causes = tuple(f"asset:{name}:{work}" for name in asset.split() for work in works)
    item = Item(group="sua-chua", title="x", asset=asset, causes=causes)
    return PlanLine(number=3, item=item, decision="granted")


def test_a_replacement_retires_the_old_one_and_registers_the_new() -> None:
    [old, new] = plan_assets(line("support"), AssetNews(successors={"": NEW}), [OLD])

    assert (old.asset.state, old.before) == ("retired", {"state": "broken"})
    assert new.before is None
    assert new.asset == AssetRow(
        name="mc-1-2026", kind="server", title="Máy chủ web", host="web1", serial="S2",
        bought_on=NEW.bought_on, warranty_until=NEW.warranty_until,
        supported_until=NEW.supported_until, price=203_500_000,
    )  # fmt: skip
    later = replace(NEW, serial="S3", bought_on=date(2032, 1, 1), warranty_until=date(2035, 1, 1))
    again = plan_assets(
        line("support", asset="mc-1-2026"), AssetNews(successors={"": later}), [new.asset]
    )
    assert again[1].asset.name == "mc-1-2032"


def test_several_are_replaced_each_by_its_own() -> None:
    both = line("support", asset="mc-1 mc-1-2026")
    other = replace(OLD, name="mc-1-2026", serial="S9")
    news = AssetNews(successors={"mc-1": NEW, "mc-1-2026": replace(NEW, serial="S3")})
    with pytest.raises(WrongUseError, match="already"):
        plan_assets(both, news, [OLD, other])
    third = replace(other, name="mc-2")
    found = plan_assets(line("support", asset="mc-1 mc-2"), AssetNews(successors={
        "mc-1": NEW, "mc-2": replace(NEW, serial="S3")}), [OLD, third])  # fmt: skip
    assert [(it.asset.name, it.asset.serial) for it in found if it.before is None] == [
        ("mc-1-2026", "S2"), ("mc-2-2026", "S3"),
    ]  # fmt: skip


def test_what_is_renewed_kept_up_or_repaired_goes_on() -> None:
    moved = plan_assets(line("renewal", asset="dn"), AssetNews(ends={"": DAY}), [NAME])
    assert [it.asset.ends_on for it in moved] == [DAY]
    [paid] = plan_assets(line("warranty"), AssetNews(ends={"mc-1": DAY}), [OLD])
    assert (paid.asset.maintained_until, paid.asset.supported_until) == (DAY, OLD.supported_until)
    [works] = plan_assets(line("broken"), AssetNews(), [OLD])
    assert works.asset.state == "in-use"
    both = line("warranty", asset="mc-1 mc-2")
    found = plan_assets(both, AssetNews(ends={"": DAY, "mc-2": date(2029, 1, 1)}),
                        [OLD, replace(OLD, name="mc-2")])  # fmt: skip
    assert [it.asset.maintained_until for it in found] == [DAY, date(2029, 1, 1)]


def test_a_person_may_say_that_nothing_changes() -> None:
    assert plan_assets(line("support"), AssetNews(unchanged="đã cập nhật bằng bảng tính"), []) == []
    assert plan_assets(line(asset=""), AssetNews(), []) == []


@pytest.mark.parametrize(
    ("given", "news", "said"),
    [
        (line("support"), {}, "does not know yet"),
        (line("support"), {"ends": {"": DAY}}, "does not know yet"),
        (line("warranty"), {}, "does not know yet"),
        (line("renewal"), {}, "does not know yet"),
        (line(), {}, "does not know yet"),  # a person added the item
        (line("warranty", asset="mc-1 dn"), {"ends": {"mc-1": DAY}}, "does not know yet"),
        (line("support", asset="gone"), {"successors": {"": NEW}}, "has no asset gone"),
        (line("warranty"), {"successors": {"": NEW}}, "does not replace"),
        (line("support", asset="mc-1 dn"), {"successors": {"mc-1": NEW}}, "replaces dn too"),
        (line(asset=""), {"ends": {"": DAY}}, "not about the asset"),
        (line("renewal"), {"ends": {"dn": DAY}}, "not about the asset dn"),
        (line("support"), {"successors": {"": NEW}, "unchanged": "x"}, "stays as it is"),
        (line("support"), {"successors": {"": replace(NEW, serial="s1")}}, "serial of mc-1"),
        (line("support"), {"successors": {"": replace(NEW, name="dn")}}, "already"),
        (
            line("support"),
            {"successors": {"": replace(NEW, warranty_until=date(2019, 5, 1))}},
            "end after",
        ),
        (line("renewal", asset="dn"), {"ends": {"": NAME.supported_until}}, "would move nothing"),
    ],
)
def test_what_does_not_fit_or_lacks_is_refused(
    given: PlanLine, news: dict[str, Any], said: str
) -> None:
    with pytest.raises(WrongUseError) as told:
        plan_assets(given, AssetNews(**news), [OLD, NAME])

    assert said in told.value.what.format(**told.value.params)
