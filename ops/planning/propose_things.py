"""Propose items about things that fill up, run out or are to be renewed; pure.

Each proposer takes the facts and yields proposals with the rows behind them. The codes under which
the table of prices is asked stand beside each.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from ops.planning.facts import PlanFacts
from ops.planning.item import Accepted, Evidence, Item
from ops.planning.proposal import ItemProposal


def priced(facts: PlanFacts, *codes: str, unit: str = "lần") -> dict[str, Any]:
    """Give unit, price, VAT and quotation of the first code that the table of prices has."""
    found = facts.prices.find(*codes)
    common = {"source": facts.source}
    if found is None:
        return {**common, "unit": unit}
    return {
        **common,
        "unit": found.unit,
        "unit_price": found.price,
        "vat_percent": found.vat,
        "price_basis": found.basis,
    }


def tell_day(day: date) -> str:
    """Give `31/03/2027`."""
    return f"{day:%d/%m/%Y}"


def tell_done(done: Accepted | None, but: str = "") -> str:
    """Say that a plan before has had this work accepted, and what does not tell so yet."""
    if done is None:
        return ""
    on = f"đã nghiệm thu ngày {tell_day(done.on)} (mục {done.number} Kế hoạch năm {done.year})"
    return f"{on} nhưng {but}" if but else on


def _why_done(facts: PlanFacts, key: str, because: str, but: str) -> str:
    """Say that accepted work has done this, and its list says what it said then; else empty."""
    done = facts.accepted.get(key)
    return tell_done(done, but) if done and done.said in {"", because} else ""


def propose_capacity(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Disks and stores that will be full by the end of the year are enlarged.

    Prices: `mo-rong.disk`, `mo-rong.store`, `mo-rong`.
    """
    for it in facts.outlooks:
        forecast = it.forecast
        if it.kind == "certificate" or forecast is None:
            continue
        on = facts.today if forecast.verdict == "full" else forecast.on
        if on is None or on > facts.last_day:
            continue
        thing = facts.call(it.subject, it.of)
        what = "số tệp" if it.kind == "inodes" else "dung lượng"
        until = f" (khoảng {tell_day(forecast.first)}" if forecast.first else ""
        until += f" – {tell_day(forecast.last)})" if until and forecast.last else ")" * bool(until)
        says = "đã đầy" if forecast.verdict == "full" else f"dự báo đầy {tell_day(on)}{until}"
        yield ItemProposal(
            key=f"capacity:{it.subject}:{it.kind}:{it.of}",
            item=Item(
                group="nang-cap",
                title=f"Mở rộng {what} {thing}",
                reason=f"Theo số đo {forecast.days} ngày gần nhất: {says}.",
                evidence=(Evidence("forecast", f"{it.subject}/{it.kind}:{it.of}", says),),
                quarter=facts.quarter_of(on),
                use="b",
                clause="34",
                priority="bat-buoc" if on.year < facts.year else "can",
                risk="Đĩa đầy làm gián đoạn dịch vụ, không ghi được bản sao lưu.",
                measure=f"{what[:1].upper()}{what[1:]} đã dùng",
                measure_unit="%",
                base=f"{forecast.level:.0f}" if forecast.level and it.kind != "store" else "",
                goal="dưới 80" if it.kind != "store" else "",
                measured_by="Giám sát dung lượng",
                product="Dung lượng đã mở rộng, đo lại sau khi lắp",
                **priced(facts, f"mo-rong.{it.kind}", "mo-rong"),
            ),
        )


def propose_certificates(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Certificates that probes saw and the register of assets does not hold.

    Only those that end within the plan's year and were issued for so long that nobody renews them
    by itself: more than 100 days left. Prices: `gia-han.certificate`.
    """
    registered = {it.title.casefold() for it in facts.assets if it.kind == "certificate"}
    for it in facts.outlooks:
        end = it.forecast.on if it.forecast else None
        name = it.subject.partition(":")[2]
        left = (end - facts.today).days if end else 0
        is_due = end is not None and end <= facts.last_day and left > _RENEWED_BY_ITSELF
        title = facts.titles.get(name, name)
        if it.kind != "certificate" or end is None or not is_due or title.casefold() in registered:
            continue
        key = f"certificate:{name}"
        yield ItemProposal(
            key=key,
            why_not=_why_done(
                facts, key, tell_day(end), "chứng chỉ TLS đang dùng vẫn là chứng chỉ cũ"
            ),
            item=Item(
                group="duy-tri",
                title=f"Gia hạn chứng chỉ TLS của {title}",
                reason=f"Theo kết quả giám sát, chứng chỉ TLS hết hạn ngày {tell_day(end)}.",
                evidence=(Evidence("forecast", f"{it.subject}/certificate", tell_day(end)),),
                site=name if name in facts.titles else "",
                quarter=facts.quarter_of(end),
                use="đ",
                clause="34.5",
                priority="bat-buoc",
                risk="Trình duyệt cảnh báo không an toàn, người dân không truy cập được trang.",
                measured_by="Giám sát chứng chỉ TLS",
                product="Chứng chỉ TLS mới đã cài đặt",
                **priced(facts, "gia-han.certificate", unit="năm"),
            ),
        )


_RENEWED_BY_ITSELF = 100
"""Days; what ACME renews is issued for 90 at most."""


def propose_media(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Media that are to be renewed by then. Prices: `phuong-tien.KIND`, `phuong-tien`."""
    for medium in facts.media:
        if medium.renew_on is None or medium.renew_on > facts.last_day:
            continue
        day = tell_day(medium.renew_on)
        key, because = f"medium:{medium.code}:renewal", f"thay trước {day}"
        but = f"danh mục chưa ghi; cập nhật phương tiện {medium.code} rồi lập lại dự thảo"
        yield ItemProposal(
            key=key,
            why_not=_why_done(facts, key, because, but),
            item=Item(
                group="sua-chua",
                title=f"Thay phương tiện lưu trữ rời {medium.code}",
                reason=f"Phương tiện lưu trữ rời dùng từ {tell_day(medium.started_on)}, phải thay"
                f" trước {day}.",
                evidence=(Evidence("medium", medium.code, because),),
                quarter=facts.quarter_of(medium.renew_on),
                use="a",
                priority="bat-buoc",
                risk="Phương tiện lưu trữ rời quá hạn có thể hỏng bất ngờ; bản sao lưu ngoại tuyến"
                " không đọc được.",
                measure="Phương tiện lưu trữ rời còn hạn",
                measure_unit="chiếc",
                base="0",
                goal="1",
                measured_by="Danh mục phương tiện lưu trữ rời",
                product="Phương tiện lưu trữ rời mới đã ghi và đọc lại",
                **priced(facts, f"phuong-tien.{medium.kind}", "phuong-tien", unit="chiếc"),
            ),
        )
