"""What a plan is drafted from, one query a number with its source; and the plan as it is kept."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.canonical import digest_of
from ops.catalog.tables.core import JournalRow, Run
from ops.catalog.tables.drills import Drill
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.language.text import N_, speaking
from ops.parts import Seam
from ops.planning.before import find_accepted, find_last, find_rejected
from ops.planning.document import (
    NO_ANNEXES,
    Annexes,
    Figure,
    PlanDocument,
    count_figures,
    document_from,
)
from ops.planning.facts import PlanFacts, read_facts
from ops.planning.item import DraftChange, PlanLine
from ops.planning.money import format_amount, sum_up
from ops.planning.opinions import read_opinions
from ops.planning.prices import load_prices
from ops.planning.proposal import ItemProposal
from ops.planning.propose_assets import HARDWARE
from ops.planning.propose_work import list_own_work, propose
from ops.planning.records import KeptPlan, call_decision, find_in_force
from ops.planning.revision import ask_anew

_OUTCOMES = {
    "ok": "thành công",
    "incomplete": "chưa đầy đủ",
    "failed": "thất bại",
    "missed": "bị lỡ",
    "not_checked": "chưa kiểm tra",
    "skipped": "bỏ qua",
}
_VERDICTS = {**_OUTCOMES, "ok": "đạt", "failed": "không đạt"}
_SEVERITIES = {
    "critical": "mức nghiêm trọng",
    "high": "mức cao",
    "medium": "mức trung bình",
    "low": "mức thấp",
}
_SOFTWARE = frozenset({"software", "licence", "domain", "certificate", "contract", "line"})


def window_of(year: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Give the time that papers of a year report on: 15/12 to 14/12, the end not included."""
    first, after = date(year - 1, 12, 15), date(year, 12, 15)
    return datetime.combine(first, time.min, zone), datetime.combine(after, time.min, zone)


def read_situation(session: Session, estate: Estate, facts: PlanFacts) -> list[Figure]:
    """Give the figures of the year before the plan's, by section."""
    since, until = window_of(facts.year - 1, estate.zone)
    return [
        *_of_hardware(facts),
        *_of_software(facts),
        *_of_backups(session, since, until),
        *_of_security(estate, facts),
        *_of_service(facts),
        *_of_last_plan(facts),
    ]


def _of_hardware(facts: PlanFacts) -> Iterator[Figure]:
    found = [it for it in facts.assets if it.kind in HARDWARE]
    source = "Sổ tài sản"
    yield Figure("hardware", "Thiết bị đang quản lý", str(len(found)), source)
    supports = [it.supported_until for it in found if it.supported_until is not None]
    ended = sum(it < facts.today for it in supports)
    ends = sum(facts.today <= it <= facts.last_day for it in supports)
    yield Figure("hardware", "Đã hết hỗ trợ của nhà sản xuất", str(ended), source)
    yield Figure("hardware", f"Hết hỗ trợ đến cuối năm {facts.year}", str(ends), source)
    out = sum(it.warranty_until is not None and it.warranty_until < facts.today for it in found)
    yield Figure("hardware", "Đã hết bảo hành", str(out), source)
    broken = sum(it.state == "broken" for it in found)
    yield Figure("hardware", "Đang hỏng", str(broken), source)
    known = [it.bought_on for it in found if it.bought_on is not None]
    if known:
        years = sum((facts.today - it).days for it in known) / len(known) / 365.25
        label = f"Tuổi bình quân ({len(known)} thiết bị có ngày mua)"
        yield Figure("hardware", label, f"{years:.1f} năm".replace(".", ","), source)


def _of_software(facts: PlanFacts) -> Iterator[Figure]:
    found = [it for it in facts.assets if it.kind in _SOFTWARE]
    source = "Sổ tài sản"
    yield Figure("software", "Phần mềm, bản quyền, tên miền, hợp đồng", str(len(found)), source)
    ends = sum(it.ends_on is not None and it.ends_on <= facts.last_day for it in found)
    yield Figure("software", f"Hết hạn đến cuối năm {facts.year}", str(ends), source)


def _of_backups(session: Session, since: datetime, until: datetime) -> Iterator[Figure]:
    runs = _count(
        session,
        select(Run.outcome, func.count())
        .where(Run.kind == "backup", Run.started_at >= since, Run.started_at < until)
        .group_by(Run.outcome),
    )
    span = f"từ {since:%d/%m/%Y} đến trước {until:%d/%m/%Y}"
    total = sum(runs.values())
    yield Figure("backup", f"Số lần sao lưu {span}", str(total), "Sổ lượt chạy")
    yield Figure(
        "backup", "Kết quả các lượt đã chạy", count_figures(runs, _OUTCOMES), "Sổ lượt chạy"
    )
    drills = _count(
        session,
        select(Drill.outcome, func.count())
        .where(Drill.ended_at >= since, Drill.ended_at < until)
        .group_by(Drill.outcome),
    )
    yield Figure("backup", "Số lần khôi phục thử", str(sum(drills.values())), "Biên bản diễn tập")
    yield Figure(
        "backup", "Kết quả khôi phục thử", count_figures(drills, _VERDICTS), "Biên bản diễn tập"
    )


def _count(session: Session, query: object) -> Counter[str]:
    rows = session.execute(query)  # type: ignore[call-overload] # a select of two columns
    return Counter({str(name): int(count) for name, count in rows if name})


def _of_security(estate: Estate, facts: PlanFacts) -> Iterator[Figure]:
    for system in estate.systems:
        decided = system.decision or "chưa ghi"
        yield Figure(
            "security",
            f"Cấp độ của {system.title or system.name}",
            f"cấp {system.level}, quyết định phê duyệt: {decided}",
            "Tệp khai báo",
        )
    counts = Counter(it.severity for it in facts.weaknesses)
    yield Figure(
        "security",
        "Điểm yếu chưa khắc phục",
        count_figures(counts, _SEVERITIES),
        "Kết quả rà soát an ninh mạng",
    )


def _of_service(facts: PlanFacts) -> Iterator[Figure]:
    grave = sum(it.is_serious for it in facts.incidents)
    yield Figure("service", "Sự cố trong 12 tháng qua", str(len(facts.incidents)), "Sổ theo dõi")
    yield Figure("service", "Trong đó nghiêm trọng", str(grave), "Sổ theo dõi")
    yield Figure("service", "Cảnh báo lặp lại (từ 3 lần)", str(len(facts.repeats)), "Sổ cảnh báo")


def _of_last_plan(facts: PlanFacts) -> Iterator[Figure]:
    if not facts.last_year:
        return
    sums, source = sum_up(facts.last_year), f"Kế hoạch năm {facts.year_before}"
    done = sum(it.accepted_on is not None for it in facts.last_year)
    alive = sum(it.is_alive for it in facts.last_year)
    yield Figure("plan", "Hạng mục được phê duyệt", str(alive), source)
    yield Figure("plan", "Đã nghiệm thu", str(done), source)
    for label, amount in (
        ("Đề nghị", sums.asked),
        ("Được phê duyệt", sums.granted),
        ("Đã thanh toán", sums.paid),
    ):
        yield Figure("plan", label, f"{format_amount(amount)} đồng", source)


SUBMITTED = "plan.submit"
"""The journal's verb of a plan that is handed in."""


def _changed(plan: KeptPlan, why: str, digest: str) -> OpsError:
    return OpsError(
        "the plan {plan} is not what was handed in",
        why=why,
        data="the journal holds the digest of what was handed in: {digest}",
        next_step="`{program} service.journal-verify`, then look for who changed the catalog;"
        " the service's own backup holds it as it was",
        plan=plan.called,
        digest=digest or "–",
    )


def read_frozen(session: Session, plan: KeptPlan) -> PlanDocument | None:
    """Give what was handed in; None where nothing is.

    Its digest stands beside it and, out of reach of whoever changes a row, in the journal's chain.
    """
    if plan.row.frozen is None:
        return None
    query = select(JournalRow.details).where(
        JournalRow.action == SUBMITTED, JournalRow.subject == plan.called
    )
    row = session.execute(query.order_by(JournalRow.sequence.desc()).limit(1)).scalar()
    told = str(json.loads(row).get("digest", "")) if row else ""
    if not digest_of(plan.row.frozen) == plan.row.frozen_sha256 == told:
        raise _changed(plan, N_("its digest is not the one that was journaled then"), told)
    document = document_from(plan.row.frozen)
    if [*map(_said, document.lines)] != [*map(_said, plan.lines)]:
        raise _changed(plan, N_("an item was changed in the catalog"), told)
    return document


def _said(line: PlanLine) -> tuple[object, ...]:
    return line.number, line.key, line.item, line.rejected_for


ANNEXES: Seam[Callable[[Session, Estate, PlanFacts], Annexes]] = Seam("plan-annexes")
"""Who reads what a plan's annexes say: lists, calendars and charts, in Vietnamese."""


def read_plan_facts(session: Session, estate: Estate, year: int, now: datetime) -> PlanFacts:
    """Read what a plan is drafted from."""
    return read_facts(
        session,
        estate,
        year=year,
        now=now,
        prices=load_prices(estate.planning.prices),
        before=find_last(session, year),
        accepted=find_accepted(session, year),
    )


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a new draft changes, and what is not proposed: title and why of each."""

    changes: list[DraftChange]
    left_out: list[tuple[str, str]]


def decide_changes(
    session: Session, estate: Estate, facts: PlanFacts, plan: KeptPlan | None
) -> Drafted:
    """Give what a new draft changes; its texts are in the language of documents."""
    lines = plan.lines if plan else ()
    held = [it for it in lines if not _follows(it)]
    with speaking(estate.organisation.language):
        settled = propose(facts, held, find_rejected(session, facts.year))
    return Drafted(plan_draft(lines, settled.proposals), settled.left_out)


def plan_draft(lines: Sequence[PlanLine], proposals: Sequence[ItemProposal]) -> list[DraftChange]:
    """Give the changes, in the order of the proposals, then what is withdrawn; pure.

    What a person has changed stays as that person left it, and what was rejected stays rejected: in
    this year's plan, and in the next one, with its reason. A line that nobody has touched follows
    the facts, and goes where they no longer ask for it.

    Args:
        lines: Of the plan as it stands; may be empty.
        proposals: What the facts ask for now, each cause once, and none that such a line holds.
    """
    left = {it.number: it for it in lines if it.key and _follows(it)}
    next_number, found = max((it.number for it in lines), default=0) + 1, []
    for proposal in proposals:
        asked = {*proposal.causes}
        line = next((it for it in left.values() if not asked.isdisjoint(it.causes)), None)
        why = proposal.rejected_for
        if line is None:
            new = PlanLine(
                number=next_number, item=proposal.item, key=proposal.key, rejected_for=why
            )
            found.append(DraftChange("rejected" if why else "added", new))
            next_number += 1
            continue
        del left[line.number]
        now = replace(line, item=proposal.item, key=proposal.key, rejected_for=why)
        if now != line:
            found.append(DraftChange("rejected" if why else "changed", now))
    return [*found, *(DraftChange("withdrawn", it) for it in left.values())]


def _follows(line: PlanLine) -> bool:
    return not (line.is_edited or line.rejected_for or line.decision)


def make_document(
    session: Session,
    estate: Estate,
    facts: PlanFacts,
    plan: KeptPlan,
    lines: tuple[PlanLine, ...],
    *,
    with_annexes: bool = True,
) -> PlanDocument:
    """Put a plan together with the figures of the year before, and the annexes of its papers."""
    [read_annexes] = ANNEXES.parts()
    is_asked = facts.today >= estate.planning.security_since
    before = find_in_force(session, plan.row.year)
    return PlanDocument(
        year=plan.row.year,
        revision=plan.row.revision,
        day=facts.today,
        organisation=facts.lead,
        lines=ask_anew(lines, before),
        last_year=tuple(facts.last_year) if facts.year_before == facts.year - 1 else (),
        figures=tuple(read_situation(session, estate, facts)),
        gaps=tuple(facts.gaps),
        own_work=tuple(list_own_work(facts)),
        security_base=estate.planning.security_base.get(str(facts.year)),
        security_percent=estate.planning.security_percent if is_asked else 0,
        security_basis=estate.planning.security_basis if is_asked else "",
        prices=facts.prices.digest,
        annexes=read_annexes(session, estate, facts) if with_annexes else NO_ANNEXES,
        opinions=read_opinions(session, plan),
        reason=plan.row.reason,
        replaces=call_decision(before.row) if before else "",
        before=before.lines if before else (),
    )


def read_document(
    session: Session, estate: Estate, plan: KeptPlan, now: datetime, *, with_annexes: bool = True
) -> PlanDocument:
    """Give what the papers of a plan say; one that was handed in says what it said then.

    Once it is decided they say what was granted.

    Raises:
        OpsError: It was changed since it was handed in.
        LinesError: The table of prices has mistakes.
    """
    frozen = read_frozen(session, plan)
    if frozen is not None:
        row = plan.row
        handed_in = row.submitted_at.astimezone(estate.zone).date() if row.submitted_at else None
        document = replace(frozen, submission=row.submission, submitted_on=handed_in)
        return _decided(document, plan) if row.decided_at else document
    facts = read_plan_facts(session, estate, plan.row.year, now)
    return make_document(session, estate, facts, plan, plan.lines, with_annexes=with_annexes)


def _decided(document: PlanDocument, plan: KeptPlan) -> PlanDocument:
    lines = (
        replace(it, decision=line.decision, granted=line.granted)
        for it, line in zip(document.lines, plan.lines, strict=True)
    )
    return replace(document, lines=tuple(lines), decision=call_decision(plan.row))
