"""Propose items about work: what failed, was not proven, came again or was left over; pure."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from ops.planning.carried import causes_of
from ops.planning.facts import REPEATED, PlanFacts
from ops.planning.item import QUOTATION, Evidence, Item, OwnWork, PlanLine
from ops.planning.money import format_amount
from ops.planning.proposal import ItemProposal, Settled, settle
from ops.planning.propose_assets import (
    count_months,
    is_monthly,
    propose_renewal,
    propose_repairs,
    propose_support,
    propose_warranty,
)
from ops.planning.propose_things import (
    priced,
    propose_capacity,
    propose_certificates,
    propose_media,
    tell_day,
    tell_done,
)
from ops.planning.records import call_line

Proposer = Callable[[PlanFacts], Iterator[ItemProposal]]
NOTHING: Mapping[str, str] = MappingProxyType({})
MOST_NAMED = 20
_MOST_SITES = 5
_GRAVE = ("critical", "high")
_MOST_REASON = 300


_DIFFICULTY = "vuong-mac"
"""Code of the price of seeing to a difficulty."""


def list_own_work(facts: PlanFacts) -> Iterator[OwnWork]:
    """Yield what costs nothing: failed and overdue drills, duties without evidence, difficulties.

    A plan tells it as a shortcoming and a task; a missed duty is no item with a price.
    """
    failed = dict.fromkeys(facts.titles.get(it.site, it.site) for it in facts.drill_findings)
    if failed:
        due = min(it.due for it in facts.drill_findings)
        named = "; ".join([*failed][:_MOST_SITES])
        more = len(failed) - _MOST_SITES
        named += f"; và {more} trang thông tin khác" if more > 0 else ""
        yield OwnWork(
            f"Khắc phục tồn tại và khôi phục thử lại: {named}",
            f"khôi phục thử không đạt, hạn khắc phục {tell_day(due)}",
        )
    for it in facts.overdue_drills:
        yield OwnWork(
            f"Tổ chức diễn tập: {it.title.get('vi') or it.duty}",
            f"hạn {tell_day(it.due_on)}, chưa có cuộc diễn tập nào đạt ({len(it.subjects)} đối"
            " tượng)",
        )
    for duty in facts.duties:
        due_on = f"kỳ đến hạn {tell_day(duty.due_on)} " if duty.due_on else "kỳ gần nhất "
        basis = duty.basis.partition("; ")[0]
        yield OwnWork(duty.title, f"{due_on}chưa có minh chứng", basis)
    for entry in () if facts.prices.find(_DIFFICULTY) else facts.difficulties:
        since = entry.received_at
        yield OwnWork(
            f"Giải quyết khó khăn, vướng mắc: {entry.title}",
            f"ghi sổ theo dõi ngày {since:%d/%m/%Y}, chưa giải quyết xong",
        )


_A_YEAR = "trong 12 tháng qua"
_REPEATS = (
    "Xử lý dứt điểm các cảnh báo lặp lại",
    "Mỗi đối tượng có từ 3 lần cảnh báo trở lên trong 12 tháng qua.",
)
_WEAK = (
    "Khắc phục điểm yếu an ninh mạng",
    "Kết quả rà soát an ninh mạng còn điểm yếu chưa khắc phục.",
)


def propose_repeats(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Things about which alerts came again and again. Prices: `sua-chua.bao-dong`, `sua-chua`."""
    for it in facts.repeats[:MOST_NAMED]:
        key = f"alert:{it.subject}"
        done = facts.accepted.get(key)
        count, since = (it.newer, f"từ ngày {tell_day(done.on)}") if done else (it.count, _A_YEAR)
        yield ItemProposal(
            key=key,
            why_not=tell_done(done) if count < REPEATED else "",
            item=Item(
                group="sua-chua",
                title=f"Xử lý dứt điểm cảnh báo lặp lại: {facts.call(it.subject)}",
                reason=f"{count} lần cảnh báo {since}, lần cuối {tell_day(it.last_on)}.",
                evidence=(Evidence("alert", it.newest, f"{facts.call(it.subject)}: {count} lần"),),
                site=it.site if it.site in facts.titles else "",
                risk="Sự cố tái diễn, dịch vụ gián đoạn ngoài kế hoạch.",
                measure="Số lần cảnh báo trong năm",
                measure_unit="lần",
                base=str(count),
                goal="dưới 3",
                measured_by="Sổ cảnh báo",
                product="Báo cáo nguyên nhân và biện pháp",
                **priced(facts, "sua-chua.bao-dong", "sua-chua"),
            ),
            together=_REPEATS,
        )


_NOT_CLOSED = "Sổ theo dõi chưa đóng"


def propose_register(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Difficulties that are open, and serious incidents. Prices: `vuong-mac`, `su-co`.

    Without a price the Center sees to a difficulty itself (`list_own_work`).
    """
    for it in facts.difficulties if facts.prices.find(_DIFFICULTY) else ():
        key = f"difficulty:{it.called}"
        yield ItemProposal(
            key=key,
            why_not=tell_done(facts.accepted.get(key), _NOT_CLOSED),
            item=Item(
                group="nang-cap",
                title=f"Giải quyết khó khăn, vướng mắc: {it.title}",
                reason=f"Ghi sổ theo dõi ngày {it.received_at:%d/%m/%Y}, chưa giải quyết xong.",
                evidence=(Evidence("register", it.called, "khó khăn, vướng mắc"),),
                site=it.site,
                priority="nen",
                risk="Vướng mắc kéo dài, đơn vị tiếp tục kiến nghị.",
                measured_by="Sổ theo dõi",
                product="Kết quả giải quyết ghi sổ",
                **priced(facts, _DIFFICULTY),
            ),
        )
    for it in facts.incidents:
        if not it.is_serious:
            continue
        cause = f" Nguyên nhân: {it.cause[:_MOST_REASON]}" if it.cause else ""
        key, but = f"incident:{it.called}", "" if it.closed_at else _NOT_CLOSED
        yield ItemProposal(
            key=key,
            why_not=tell_done(facts.accepted.get(key), but),
            item=Item(
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
    for subject, shown in found.items():
        key = f"finding:{subject}"
        done = facts.accepted.get(key)
        seen = [it for it in shown if done and it.last_seen_at.date() > done.on]
        own = seen or shown
        grave = [it for it in own if it.severity in _GRAVE]
        name = subject.partition(":")[2]
        yield ItemProposal(
            key=key,
            why_not="" if seen else tell_done(done, "chưa rà soát lại"),
            item=Item(
                group="sua-chua",
                title=f"Khắc phục điểm yếu an ninh mạng của {facts.call(subject)}",
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
            together=_WEAK,
        )


def propose_unfinished(facts: PlanFacts) -> Iterator[ItemProposal]:
    """Lines of the plan before that were put off, or decided and not accepted."""
    year, done = (
        facts.year_before,
        {call_line(it.year, it.number) for it in facts.accepted.values()},
    )
    for line in facts.last_year:
        is_left = line.is_alive and line.accepted_on is None
        is_owed = line.key.startswith(_OWED) and not line.is_begun
        if is_owed or (line.decision != "deferred" and not is_left):
            continue
        if any(it.kind == "plan" and it.id in done for it in line.item.evidence):
            continue  # it was put off here, and accepted where it came from
        why = "chưa nghiệm thu"
        if line.decision == "deferred":
            why = "cấp có thẩm quyền cho lùi lại"
        elif line.contracted:
            why = f"đã ký hợp đồng {format_amount(line.contracted)} đồng, chưa nghiệm thu"
        said, item = Evidence("plan", call_line(year, line.number), why), _left_of(facts, line)
        reason = _CARRIED.sub("", item.reason)
        yield ItemProposal(
            key=line.key or causes_of(year, line)[0],
            item=replace(
                item,
                reason=f"Chuyển tiếp từ kế hoạch năm {year} ({why}). {reason}".strip(),
                evidence=(said, *(it for it in item.evidence if it.kind != "plan")),
                quarter=1,
                is_recurrent=line.item.is_recurrent if line.is_edited else None,
            ),
            is_bound=line.is_begun,
        )


def _left_of(facts: PlanFacts, line: PlanLine) -> Item:
    """Give an item that asks at most for what is left of its contract, else of what it got.

    Months that nobody is under contract for have passed; those of the plan's year are counted.
    """
    item, year = line.item, facts.year_before
    if is_monthly(item) and not line.is_begun:
        ends = [it.ends_on for it in facts.assets if line.works.get(it.name) == "renewal"]
        months = sum(count_months(facts, end) for end in ends if end)
        product = _LASTS.sub(rf"\1 {facts.year}", item.product)
        return replace(item, quantity=months, product=product) if months else item
    left = line.contracted or line.granted
    if not line.is_alive or item.asked <= left:
        return item
    basis = "hợp đồng đã ký" if line.contracted else f"mức được phê duyệt trong Kế hoạch năm {year}"
    return replace(
        item,
        unit="gói",
        quantity=1,
        unit_price=left,
        vat_percent=0,
        price_basis=f"Theo {basis}, đã có thuế",
        evidence=tuple(it for it in item.evidence if it.kind != QUOTATION),
    )


_LASTS = re.compile(r"(còn hạn đến hết năm) (?:sau|\d+)$")

_OWED = ("duty:", "overdue-drill:", "drill-finding:", "difficulty:")
"""Causes that are own work by now, without a price; plans before had items of them."""

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
    propose_repeats,
    propose_register,
    propose_weaknesses,
)


def propose(
    facts: PlanFacts, held: Sequence[PlanLine] = (), rejected: Mapping[str, str] = NOTHING
) -> Settled:
    """Give what the facts ask for, in the order of the proposers, and what is left out.

    Args:
        facts: What the service knows.
        held: Lines of the plan that stay as people have left them.
        rejected: Cause → why plans before this one have rejected it.
    """
    found = (it for proposer in PROPOSERS for it in proposer(facts))
    return settle(found, held, rejected, facts.today)
