"""Propose items about assets: what is replaced, kept up, renewed, repaired; pure.

The codes under which the table of prices is asked stand beside each proposer.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from ops.assets.asset import AssetRow
from ops.planning.facts import PlanFacts
from ops.planning.item import Evidence, Item
from ops.planning.proposal import ItemProposal
from ops.planning.propose_things import priced, tell_day, tell_done
from ops.planning.spending import end_of_life

HARDWARE = frozenset({"server", "storage", "network", "ups"})
RENEWED = frozenset({"domain", "certificate", "contract", "line", "licence", "software"})
_KINDS = {
    "server": "máy chủ",
    "storage": "thiết bị lưu trữ",
    "network": "thiết bị mạng",
    "ups": "bộ lưu điện",
    "line": "đường truyền",
    "software": "phần mềm",
    "licence": "bản quyền",
    "domain": "tên miền",
    "certificate": "chứng chỉ TLS",
    "contract": "hợp đồng",
    "medium": "phương tiện lưu trữ rời",
}
_RISKS = {
    "line": "Đường truyền bị cắt, Cổng và các trang thành phần không truy cập được.",
    "software": "Phần mềm không còn bản vá, lỗ hổng mới bị khai thác.",
    "licence": "Phần mềm ngừng chạy hoặc không còn bản vá; sử dụng trái điều khoản bản quyền.",
    "domain": "Tên miền bị thu hồi, người dân không truy cập được Cổng.",
    "certificate": "Trình duyệt cảnh báo không an toàn, người dân không truy cập được Cổng.",
    "contract": "Dịch vụ theo hợp đồng ngừng, không được hỗ trợ khi có sự cố.",
}
_USES = {"line": "a", "licence": "b", "software": "b"}


def call(asset: AssetRow) -> str:
    """Name an asset with its kind, which its title may begin with already."""
    kind = _KINDS[asset.kind]
    if asset.title.casefold().startswith(kind):
        return f"{kind}{asset.title[len(kind) :]}"
    return f"{kind} {asset.title}"


def _of_asset(
    facts: PlanFacts,
    asset: AssetRow,
    work: str,
    because: str,
    end: date | None = None,
    *,
    together: tuple[str, str] | None = None,
    **said: Any,
) -> ItemProposal:
    """Give what an asset asks for: in the quarter in which something ends, or the first one."""
    item = Item(
        evidence=(Evidence("asset", asset.name, because),),
        asset=asset.name,
        quarter=facts.quarter_of(end) if end else 1,
        **{
            "measure_unit": "thiết bị",
            "goal": "1",
            "measured_by": "Sổ tài sản",
            **said,
        },
    )
    return ItemProposal(
        key=f"asset:{asset.name}:{work}",
        item=_for_months(facts, item, end),
        why_not=_why_done(facts, asset, work, because, end),
        together=together,
        end=end,
    )


def _why_done(facts: PlanFacts, asset: AssetRow, work: str, because: str, end: date | None) -> str:
    """Say which accepted work has done this already; empty where none has.

    Where the register says of the asset what it said then, it was not told of the work, and a
    person has to be asked. A plan asks for what ends by its last day.
    """
    done = facts.find_accepted(asset.name, work)
    if done is None:
        return ""
    if end is None:
        is_told = done.year < facts.year - 1  # it works for more than a year by now
    else:
        is_told = done.said != because if done.said else end > date(done.year, 12, 31)
    if is_told:
        return ""
    return tell_done(
        done, f"Sổ tài sản chưa ghi; cập nhật tài sản {asset.name} rồi lập lại dự thảo"
    )


def _for_months(facts: PlanFacts, item: Item, end: date | None) -> Item:
    """Count the months that are left of the year where the price is for a month."""
    return replace(item, quantity=count_months(facts, end) or 1) if is_monthly(item) else item


def is_monthly(item: Item) -> bool:
    """Say whether the price of an item is for a month."""
    return item.unit.casefold().endswith("tháng")


def count_months(facts: PlanFacts, end: date | None) -> int:
    """Give the months of the plan's year after an end; 0 where that is the year's own."""
    first = max(end + timedelta(days=1), date(facts.year, 1, 1)) if end else date(facts.year, 1, 1)
    return 13 - first.month if first.year == facts.year else 0


def _paid_before(
    facts: PlanFacts, asset: AssetRow, code: str, unit: str, basis: str
) -> dict[str, Any]:
    """Give the price of the table, else what was paid for the asset, with the basis for that."""
    known = priced(facts, f"{code}.{asset.kind}", unit=unit)
    if "unit_price" in known or asset.price is None:
        return known
    return {**known, "unit_price": asset.price, "price_basis": f"{basis}; chưa có báo giá"}


def propose_support(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Hardware whose support ends by the end of the year is replaced.

    Prices: `thay-the.KIND`, else what the asset cost.
    """
    for asset in facts.assets:
        end = asset.supported_until
        if asset.kind not in HARDWARE or end is None or end > facts.last_day:
            continue
        what, is_past = _KINDS[asset.kind], end < facts.today
        bought = f" ngày {tell_day(asset.bought_on)}" if asset.bought_on else ""
        basis = f"Tạm tính theo nguyên giá mua{bought}, đã có thuế"
        proposal = _of_asset(
            facts,
            asset,
            "support",
            f"hết hỗ trợ {tell_day(end)}",
            end,
            together=(
                f"Thay thế {what}",
                "Nhà sản xuất ngừng hỗ trợ {when}; sau đó không còn bản vá, linh kiện chính hãng.",
            ),
            group="sua-chua",
            title=f"Thay thế {call(asset)}",
            reason=f"Nhà sản xuất {'đã' if is_past else 'sẽ'} ngừng hỗ trợ từ {tell_day(end)};"
            " sau ngày đó không còn bản vá và linh kiện chính hãng.",
            use="a",
            priority="bat-buoc" if is_past else "can",
            risk=f"Hỏng {what} không sửa được, lỗ hổng mới không được vá; dịch vụ có thể dừng"
            " kéo dài.",
            measure="Thiết bị hết hỗ trợ được thay thế",
            product=f"{what[:1].upper()}{what[1:]} mới đã nghiệm thu, chuyển dịch vụ xong",
            **_paid_before(facts, asset, "thay-the", "bộ", basis),
        )
        young = _why_young(facts, asset)
        yield replace(proposal, why_not=young) if young and not proposal.why_not else proposal


def _why_young(facts: PlanFacts, asset: AssetRow) -> str:
    """Say that a device is meant to last beyond the plan's year; empty where it is not."""
    life = end_of_life(asset, facts.today)
    if life is None or asset.bought_on is None or life[0] <= facts.last_day:
        return ""
    return (
        f"mua ngày {tell_day(asset.bought_on)}, chưa hết thời gian sử dụng ({life[1]}); nếu nhà sản"
        " xuất ngừng hỗ trợ trước đó thì thêm hạng mục và nêu lý do"
    )


def propose_warranty(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Hardware whose warranty or paid upkeep ends before, and whose support does not, is kept up.

    Nothing is paid twice: the quarter is the one in which the warranty ends (NĐ 224/2026 Điều 59).
    Prices: `bao-duong.KIND`, `bao-duong`.
    """
    for asset in facts.assets:
        ends = [it for it in (asset.warranty_until, asset.maintained_until) if it is not None]
        support = asset.supported_until
        is_replaced = support is not None and support <= facts.last_day
        if asset.kind not in HARDWARE or not ends or is_replaced:
            continue
        end, kind = max(ends), _KINDS[asset.kind]
        what = "Bảo hành" if end == asset.warranty_until else "Bảo dưỡng đã trả tiền"
        proposal = _of_asset(
            facts,
            asset,
            "warranty",
            f"hết {what.casefold()} {tell_day(end)}",
            end,
            together=(
                f"Bảo dưỡng, gia hạn hỗ trợ {kind}",
                f"{what} hết {{when}}, thiết bị còn trong thời gian được hỗ trợ.",
            ),
            group="bao-duong",
            title=f"Bảo dưỡng, gia hạn hỗ trợ {call(asset)}",
            reason=f"{what} {'đã hết' if end < facts.today else 'sẽ hết'} ngày {tell_day(end)},"
            " thiết bị còn trong thời gian được hỗ trợ.",
            risk="Khi hỏng phải mua linh kiện ngoài hợp đồng, thời gian khắc phục không có cam"
            " kết.",
            measure="Thiết bị hết bảo hành có hợp đồng bảo dưỡng",
            product="Biên bản bảo dưỡng theo kỳ",
            **priced(facts, f"bao-duong.{asset.kind}", "bao-duong", unit="năm"),
        )
        if end < facts.last_day:  # what is covered to the year's end is the next one's
            yield proposal
        elif end == asset.maintained_until:
            yield replace(proposal, why_not=f"đã trả tiền bảo dưỡng đến {tell_day(end)}")


def propose_renewal(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Lines, licences, software, domains, certificates, contracts that end are renewed.

    Prices: `gia-han.KIND`, else what it cost.
    """
    for asset in facts.assets:
        end = asset.ends_on
        if asset.kind not in RENEWED or end is None or end > facts.last_day:
            continue
        kind = _KINDS[asset.kind]
        what = f"{kind[:1].upper()}{kind[1:]}"
        is_security = asset.kind == "certificate"
        proposal = _of_asset(
            facts,
            asset,
            "renewal",
            f"hết hạn {tell_day(end)}",
            end,
            together=(f"Gia hạn {kind}", f"{what} hết hạn {{when}}."),
            group="duy-tri",
            title=f"Gia hạn {call(asset)}",
            reason=f"{what} {'đã' if end < facts.today else 'sẽ'} hết hạn ngày {tell_day(end)}.",
            use="đ" if is_security else _USES.get(asset.kind, "c"),
            clause="34.5" if is_security else "34.4",
            priority="bat-buoc",
            risk=_RISKS[asset.kind],
            measure=f"{what} còn hiệu lực cả năm",
            measure_unit=kind,
            measured_by="Sổ tài sản, giám sát chứng chỉ TLS" if is_security else "Sổ tài sản",
            product=f"{what} còn hạn đến hết năm sau",
            **_paid_before(
                facts, asset, "gia-han", "năm", "Tạm tính theo giá kỳ trước, đã có thuế"
            ),
        )
        yield _within_year(facts, proposal, what) if is_monthly(proposal.item) else proposal


def _within_year(facts: PlanFacts, proposal: ItemProposal, what: str) -> ItemProposal:
    """Tell that months are paid for to the year's end, and from the next on by the next plan."""
    until = f"còn hạn đến hết năm {facts.year}"
    why = (
        "" if count_months(facts, proposal.end) else f"{until}; thuộc Kế hoạch năm {facts.year + 1}"
    )
    item = replace(proposal.item, product=f"{what} {until}")
    return replace(proposal, item=item, why_not=proposal.why_not or why)


def propose_repairs(facts: PlanFacts) -> Iterator[ItemProposal]:
    """What the register calls broken is repaired. Prices: `sua-chua.KIND`, `sua-chua`."""
    for asset in facts.assets:
        if asset.state != "broken":
            continue
        yield _of_asset(
            facts,
            asset,
            "broken",
            "tình trạng: hỏng",
            together=(f"Sửa chữa {_KINDS[asset.kind]}", "Sổ tài sản ghi thiết bị đang hỏng."),
            group="sua-chua",
            title=f"Sửa chữa {call(asset)}",
            reason="Sổ tài sản ghi thiết bị đang hỏng.",
            use="a",
            priority="bat-buoc",
            risk="Không có thiết bị dự phòng khi thiết bị còn lại hỏng.",
            measure="Thiết bị hỏng được sửa chữa",
            product="Biên bản sửa chữa, nghiệm thu",
            **priced(facts, f"sua-chua.{asset.kind}", "sua-chua"),
        )
