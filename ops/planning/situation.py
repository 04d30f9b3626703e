"""What is known of the year before a plan: figures with their sources, one query a number."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import Run
from ops.catalog.tables.drills import Drill
from ops.estate.model.estate import Estate
from ops.planning.document import Figure, count_figures
from ops.planning.facts import Facts
from ops.planning.money import format_amount, sum_up
from ops.planning.propose_things import HARDWARE

_OUTCOMES = {
    "ok": "thành công",
    "incomplete": "chưa đủ",
    "failed": "thất bại",
    "missed": "bỏ lỡ",
    "not_checked": "chưa kiểm tra",
    "skipped": "bỏ qua",
}
_SEVERITIES = {"critical": "nghiêm trọng", "high": "cao", "medium": "trung bình", "low": "thấp"}
_SOFTWARE = frozenset({"software", "licence", "domain", "certificate", "contract", "line"})


def window_of(year: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Give the time that papers of a year report on: 15/12 to 14/12, the end not included."""
    first, after = date(year - 1, 12, 15), date(year, 12, 15)
    return datetime.combine(first, time.min, zone), datetime.combine(after, time.min, zone)


def read_situation(session: Session, estate: Estate, facts: Facts) -> list[Figure]:
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


def _of_hardware(facts: Facts) -> Iterator[Figure]:
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


def _of_software(facts: Facts) -> Iterator[Figure]:
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
    yield Figure("backup", f"Phiên sao lưu {span}", str(total), "Sổ phiên chạy")
    yield Figure("backup", "Kết quả", count_figures(runs, _OUTCOMES), "Sổ phiên chạy")
    drills = _count(
        session,
        select(Drill.outcome, func.count())
        .where(Drill.ended_at >= since, Drill.ended_at < until)
        .group_by(Drill.outcome),
    )
    yield Figure("backup", "Lần khôi phục thử", str(sum(drills.values())), "Biên bản diễn tập")
    yield Figure(
        "backup", "Kết quả khôi phục thử", count_figures(drills, _OUTCOMES), "Biên bản diễn tập"
    )


def _count(session: Session, query: object) -> Counter[str]:
    rows = session.execute(query)  # type: ignore[call-overload] # a select of two columns
    return Counter({str(name): int(count) for name, count in rows if name})


def _of_security(estate: Estate, facts: Facts) -> Iterator[Figure]:
    for system in estate.systems:
        decided = f", theo {system.decision}" if system.decision else ", chưa ghi số quyết định"
        yield Figure(
            "security",
            f"Cấp độ của {system.title or system.name}",
            f"cấp {system.level}{decided}",
            "Tệp khai báo",
        )
    counts = Counter(it.severity for it in facts.weaknesses)
    yield Figure(
        "security", "Điểm yếu chưa khắc phục", count_figures(counts, _SEVERITIES), "Kết quả rà quét"
    )


def _of_service(facts: Facts) -> Iterator[Figure]:
    grave = sum(it.is_serious for it in facts.incidents)
    yield Figure("service", "Sự cố trong 12 tháng qua", str(len(facts.incidents)), "Sổ theo dõi")
    yield Figure("service", "Trong đó nghiêm trọng", str(grave), "Sổ theo dõi")
    yield Figure("service", "Báo động lặp lại (từ 3 lần)", str(len(facts.repeats)), "Sổ báo động")


def _of_last_plan(facts: Facts) -> Iterator[Figure]:
    if not facts.last_year:
        return
    sums, source = sum_up(facts.last_year), f"Kế hoạch năm {facts.year - 1}"
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
