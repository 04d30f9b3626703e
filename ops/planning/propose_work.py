"""Propose items about work: what failed, was not proven, came again or was left over; pure."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ops.alerts.subjects import name_subject
from ops.planning.facts import PlanFacts
from ops.planning.item import Evidence, Item
from ops.planning.money import format_amount
from ops.planning.propose_things import (
    ItemProposal,
    priced,
    propose_capacity,
    propose_certificates,
    propose_media,
    propose_renewal,
    propose_repairs,
    propose_support,
    propose_warranty,
    tell_day,
)

Proposer = Callable[[PlanFacts], Iterator[ItemProposal]]
MOST_NAMED = 20
_GRAVE = ("critical", "high")
_MOST_REASON = 300


def propose_drill_repairs(facts: PlanFacts) -> Iterator[ItemProposal]:
    """What failed drills have shown is mended and drilled again. Prices: `dien-tap`."""
    for it in facts.drill_findings:
        title = facts.titles.get(it.site, it.site)
        yield ItemProposal(
            f"drill-finding:{it.site}:{it.scope}:{it.code}",
            Item(
                group="sua-chua",
                title=f"Khắc phục và khôi phục thử lại {title}",
                reason=f"Lần khôi phục thử ngày {it.opened_at:%d/%m/%Y} không đạt; hạn khắc phục"
                f" {tell_day(it.due)}.",
                evidence=(
                    Evidence("drill", it.drill, "không đạt"),
                    Evidence("drill-finding", it.id, it.code),
                ),
                site=it.site,
                priority="bat-buoc",
                risk="Khi mất dữ liệu có thể không khôi phục được trang này.",
                measure="Khôi phục thử đạt",
                measure_unit="lần",
                base="0",
                goal="1",
                measured_by="Biên bản diễn tập",
                product="Biên bản khôi phục thử đạt",
                **_own_work(facts, "dien-tap"),
            ),
        )


def propose_overdue_drills(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Drills that duties ask for in vain. Prices: `dien-tap`."""
    for it in facts.overdue_drills:
        title = it.title.get("vi") or it.duty
        yield ItemProposal(
            f"overdue-drill:{it.duty}",
            Item(
                group="duy-tri",
                title=f"Tổ chức diễn tập: {title}",
                reason=f"Hạn hoàn thành {tell_day(it.due_on)}, đến nay chưa có cuộc diễn tập nào"
                f" đạt ({len(it.subjects)} đối tượng).",
                evidence=tuple(
                    Evidence("duty", f"{it.duty}:{name}" if name else it.duty, "quá hạn")
                    for name in it.subjects[:MOST_NAMED]
                ),
                priority="bat-buoc",
                risk="Không chứng minh được bản sao lưu khôi phục được trong thời gian yêu cầu.",
                measure="Số cuộc diễn tập đạt",
                measure_unit="lần",
                base="0",
                goal=str(len(it.subjects)),
                measured_by="Biên bản diễn tập",
                product="Biên bản diễn tập",
                **_own_work(facts, "dien-tap"),
            ),
        )


def propose_duties(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Duties without evidence. Prices: `nghia-vu.NAME`."""
    for it in facts.duties:
        due = f"đến hạn {tell_day(it.due_on)}, " if it.due_on else ""
        yield ItemProposal(
            f"duty:{it.name}",
            Item(
                group="duy-tri",
                title=it.title,
                reason=f"Kỳ gần nhất {due}chưa có minh chứng. Căn cứ: {it.basis}.",
                evidence=(Evidence("duty", f"{it.name}@{it.period}", "chưa có minh chứng"),),
                priority="bat-buoc" if it.is_law else "can",
                risk="Không có minh chứng khi bị thanh tra, kiểm tra.",
                measure="Kỳ có minh chứng",
                measure_unit="kỳ",
                base="0",
                goal="đủ",
                measured_by="Bảng nghĩa vụ",
                product="Minh chứng theo kỳ",
                **_own_work(facts, f"nghia-vu.{it.name}"),
            ),
        )


def _own_work(facts: PlanFacts, code: str) -> dict[str, Any]:
    """Give the price of work that costs nothing unless the table says otherwise."""
    known = {"form": "tu-lam", **priced(facts, code)}
    if "unit_price" in known:
        return known
    return {**known, "unit_price": 0, "price_basis": "Trung tâm tự thực hiện, không phát sinh chi"}


def propose_repeats(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Things about which alerts came again and again. Prices: `sua-chua.bao-dong`, `sua-chua`."""
    for it in facts.repeats[:MOST_NAMED]:
        yield ItemProposal(
            f"alert:{it.subject}",
            Item(
                group="sua-chua",
                title=f"Xử lý dứt điểm cảnh báo lặp lại: {name_subject(it.subject)}",
                reason=f"{it.count} lần cảnh báo trong 12 tháng qua, lần cuối"
                f" {tell_day(it.last_on)}.",
                evidence=(Evidence("alert", it.newest, f"{it.count} lần"),),
                site=it.site if it.site in facts.titles else "",
                risk="Sự cố tái diễn, dịch vụ gián đoạn ngoài kế hoạch.",
                measure="Số lần cảnh báo trong năm",
                measure_unit="lần",
                base=str(it.count),
                goal="dưới 3",
                measured_by="Sổ cảnh báo",
                product="Báo cáo nguyên nhân và biện pháp",
                **priced(facts, "sua-chua.bao-dong", "sua-chua"),
            ),
        )


def propose_register(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Difficulties that are open, and serious incidents. Prices: `vuong-mac`, `su-co`."""
    for it in facts.difficulties:
        yield ItemProposal(
            f"difficulty:{it.called}",
            Item(
                group="nang-cap",
                title=f"Giải quyết khó khăn, vướng mắc: {it.title}",
                reason=f"Ghi sổ theo dõi ngày {it.received_at:%d/%m/%Y}, chưa giải quyết xong.",
                evidence=(Evidence("register", it.called, "khó khăn, vướng mắc"),),
                site=it.site,
                priority="nen",
                risk="Vướng mắc kéo dài, đơn vị tiếp tục kiến nghị.",
                measured_by="Sổ theo dõi",
                product="Kết quả giải quyết ghi sổ",
                **priced(facts, "vuong-mac"),
            ),
        )
    for it in facts.incidents:
        if not it.is_serious:
            continue
        cause = f" Nguyên nhân: {it.cause[:_MOST_REASON]}" if it.cause else ""
        yield ItemProposal(
            f"incident:{it.called}",
            Item(
                group="sua-chua",
                title=f"Khắc phục nguyên nhân sự cố: {it.title}",
                reason=f"Sự cố nghiêm trọng ngày {it.occurred_at:%d/%m/%Y}.{cause}",
                evidence=(Evidence("register", it.called, "sự cố nghiêm trọng"),),
                site=it.site,
                use="đ",
                clause="34.5",
                priority="bat-buoc",
                risk="Sự cố có thể lặp lại theo cùng nguyên nhân.",
                measure="Sự cố nghiêm trọng cùng nguyên nhân",
                measure_unit="vụ",
                base="1",
                goal="0",
                measured_by="Sổ theo dõi",
                product="Biên bản khắc phục",
                **priced(facts, "su-co"),
            ),
        )


def propose_weaknesses(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Open findings of audits, one item for each host or site. Prices: `khac-phuc`."""
    found = defaultdict(list)
    for it in facts.weaknesses:
        found[it.subject].append(it)
    for subject, own in found.items():
        grave = [it for it in own if it.severity in _GRAVE]
        name = subject.partition(":")[2]
        yield ItemProposal(
            f"finding:{subject}",
            Item(
                group="sua-chua",
                title=f"Khắc phục điểm yếu an ninh mạng của {facts.titles.get(name, name)}",
                reason=f"Kết quả rà soát còn {len(own)} điểm yếu chưa khắc phục, trong đó"
                f" {len(grave)} mức cao hoặc nghiêm trọng.",
                evidence=tuple(
                    Evidence("finding", it.id.hex, f"{it.tool} {it.check}")
                    for it in sorted(own, key=lambda it: it.severity not in _GRAVE)[:MOST_NAMED]
                ),
                site=name if name in facts.titles else "",
                use="đ",
                clause="34.5",
                priority="bat-buoc" if grave else "can",
                risk="Bị khai thác để chiếm quyền, thay đổi giao diện hoặc lộ dữ liệu.",
                measure="Điểm yếu chưa khắc phục",
                measure_unit="điểm",
                base=str(len(own)),
                goal="0",
                measured_by="Kết quả rà soát an ninh mạng",
                product="Kết quả rà soát lại",
                **priced(facts, "khac-phuc", unit="gói"),
            ),
        )


def propose_unfinished(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Lines of the year before that were put off, or decided and not accepted."""
    for line in facts.last_year:
        is_left = line.is_alive and line.accepted_on is None
        if line.decision != "deferred" and not is_left:
            continue
        why = "chưa nghiệm thu"
        if line.decision == "deferred":
            why = "cấp có thẩm quyền cho lùi lại"
        elif line.contracted:
            why = f"đã ký hợp đồng {format_amount(line.contracted)} đồng, chưa nghiệm thu"
        said = Evidence("plan", f"{facts.year - 1}-{line.number}", why)
        reason = _CARRIED.sub("", line.item.reason)
        yield ItemProposal(
            line.key or f"plan:{facts.year - 1}:{line.number}",
            replace(
                line.item,
                reason=f"Chuyển tiếp từ kế hoạch năm {facts.year - 1} ({why}). {reason}".strip(),
                evidence=(said, *(it for it in line.item.evidence if it.kind != "plan")),
                quarter=1,
            ),
        )


_CARRIED = re.compile(r"^Chuyển tiếp từ kế hoạch năm \d+ \([^()]*\)\. ?")


PROPOSERS: Sequence[Proposer] = (
    propose_unfinished,
    propose_support,
    propose_warranty,
    propose_renewal,
    propose_repairs,
    propose_capacity,
    propose_certificates,
    propose_media,
    propose_drill_repairs,
    propose_overdue_drills,
    propose_duties,
    propose_repeats,
    propose_register,
    propose_weaknesses,
)


def propose(facts: PlanFacts) -> list[ItemProposal]:
    """Give what the facts ask for, in the order of the proposers; each cause once."""
    found: dict[str, ItemProposal] = {}
    for proposer in PROPOSERS:
        for proposal in proposer(facts):
            found.setdefault(proposal.key, proposal)
    return list(found.values())
