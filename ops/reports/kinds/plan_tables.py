"""The tables of a plan's papers: money, tasks, targets, risks, what falls; pure."""

from collections.abc import Iterable, Sequence
from itertools import count

from ops.planning.document import PlanDocument
from ops.planning.item import CLAUSES, FORMS, GROUPS, PRIORITIES, USES, Item, Line
from ops.planning.money import Shortage, by_group, group_by, sum_up
from ops.reports.papers.money import format_amount
from ops.reports.papers.paper import Column, Table

NO_PRICE = "chưa có giá"


def number_lines(lines: Iterable[Line]) -> dict[int, str]:
    """Give each line the number that papers call it by: through the groups, in their order."""
    ordered = (it for own in by_group(lines).values() for it in own)
    return {line.number: str(place) for place, line in zip(count(1), ordered, strict=False)}


def money_table(document: PlanDocument) -> Table:
    """Give what is bought and for how much, by group; each group and the whole added up."""
    numbers = number_lines(document.lines)
    rows: list[tuple[str, ...]] = []
    for place, (group, own) in enumerate(by_group(document.lines).items()):
        sums = sum_up(own)
        rows.append((_roman(place), GROUPS[group], "", "", "", format_amount(sums.tax),
                     format_amount(sums.asked)))  # fmt: skip
        rows += [_money_row(numbers[it.number], it.item) for it in own]
    sums = document.sums
    total = ("", "Tổng cộng", "", "", "", format_amount(sums.tax), format_amount(sums.asked))
    return Table(
        (
            Column("STT", 0.55, "center"), Column("Nội dung", 3.0), Column("ĐVT", 0.7, "center"),
            Column("SL", 0.55, "right"), Column("Đơn giá", 1.35, "right"),
            Column("Thuế GTGT", 1.25, "right"), Column("Thành tiền", 1.45, "right"),
        ),
        tuple(rows),
        (total,),
        "Kinh phí theo nhóm (đồng)",
    )  # fmt: skip


def _money_row(number: str, item: Item) -> tuple[str, ...]:
    price = NO_PRICE if item.unit_price is None else format_amount(item.unit_price)
    tax, asked = (
        (format_amount(item.tax), format_amount(item.asked)) if item.is_priced else ("", "")
    )
    return (number, item.title, item.unit, format_amount(item.quantity), price, tax, asked)


def _roman(place: int) -> str:
    return ("I", "II", "III", "IV", "V", "VI", "VII", "VIII")[place]


def basis_table(document: PlanDocument) -> Table:
    """Give for each item where its money is from, its clause, its form, and whose price it is."""
    numbers = number_lines(document.lines)
    rows = [
        (
            numbers[it.number],
            it.item.source or "–",
            it.item.use,
            CLAUSES[it.item.clause],
            FORMS[it.item.form],
            it.item.price_basis or NO_PRICE,
        )
        for own in by_group(document.lines).values()
        for it in own
    ]
    return Table(
        (
            Column("STT", 0.5, "center"), Column("Nguồn", 1.3), Column("Mục chi", 0.6, "center"),
            Column("Khoản (NĐ 224)", 1.15), Column("Hình thức thực hiện", 2.1),
            Column("Căn cứ giá", 2.3),
        ),
        tuple(rows),
        caption="Nguồn kinh phí, hình thức thực hiện và căn cứ giá",
    )  # fmt: skip


def use_table(document: PlanDocument) -> Table:
    """Give the money by the uses of Điều 10(2)."""
    return _sums_table(
        [
            (f"{use}) {USES[use]}", own)
            for use, own in group_by(document.lines, USES, lambda it: it.item.use).items()
        ],
        document,
        "Nội dung chi (khoản 2 Điều 10 Quy chế)",
    )


def source_table(document: PlanDocument) -> Table:
    """Give the money by source, recurrent and investment apart."""
    sources = sorted({it.item.source for it in document.chosen})
    parts = [
        (f"{source or 'Chưa rõ nguồn'} – {'chi thường xuyên' if is_recurrent else 'chi đầu tư'}",
         [it for it in document.chosen
          if it.item.source == source and it.item.is_recurrent == is_recurrent])
        for source in sources
        for is_recurrent in (True, False)
    ]  # fmt: skip
    return _sums_table([it for it in parts if it[1]], document, "Nguồn và tính chất chi")


def _sums_table(
    parts: Sequence[tuple[str, Sequence[Line]]], document: PlanDocument, head: str
) -> Table:
    rows = [
        (name, str(len(own)), format_amount(sum_up(own).asked), _percent(own, document))
        for name, own in parts
    ]
    sums = document.sums
    total = (
        "Tổng cộng",
        str(sums.count),
        format_amount(sums.asked),
        "100,0" if sums.asked else "–",
    )
    columns = (
        Column(head, 3),
        Column("Số hạng mục", 0.9, "right"),
        Column("Thành tiền (đồng)", 1.4, "right"),
        Column("Tỷ lệ (%)", 0.8, "right"),
    )
    return Table(columns, tuple(rows), (total,))


def _percent(lines: Sequence[Line], document: PlanDocument) -> str:
    whole = document.sums.asked
    if not whole:
        return "–"
    tenths = (sum_up(lines).asked * 1000 + whole // 2) // whole
    return f"{tenths // 10},{tenths % 10}"


def task_table(lines: Sequence[Line], numbers: dict[int, str]) -> Table:
    """Give who does what until when, and on what ground."""
    rows = [
        (numbers[it.number], it.item.title, _why(it.item), f"Quý {_quarter(it.item)}",
         "; ".join(filter(None, (it.item.lead, it.item.support))) or "–", it.item.product or "–")
        for it in lines
    ]  # fmt: skip
    return Table(
        (
            Column("STT", 0.5, "center"), Column("Hoạt động", 2.3), Column("Lý do, căn cứ", 2.8),
            Column("Thời gian", 0.95, "center"), Column("Chủ trì, phối hợp", 1.4),
            Column("Sản phẩm", 1.3),
        ),
        tuple(rows),
    )  # fmt: skip


def _why(item: Item) -> str:
    named = ", ".join(f"{call_kind(it.kind)} {_short(it.id)}" for it in item.evidence[:3])
    more = f" và {len(item.evidence) - 3} dòng nữa" if len(item.evidence) > 3 else ""  # noqa: PLR2004 - as above
    return f"{item.reason} [{named}{more}]" if named else item.reason


_KINDS = {
    "asset": "tài sản", "forecast": "dự báo", "medium": "phương tiện rời", "drill": "diễn tập",
    "drill-finding": "tồn tại", "duty": "nghĩa vụ", "alert": "báo động", "register": "sổ theo dõi",
    "finding": "điểm yếu", "plan": "kế hoạch",
}  # fmt: skip


def call_kind(kind: str) -> str:
    """Give the kind of a row of evidence in Vietnamese."""
    return _KINDS.get(kind, kind)


_HEX = frozenset("0123456789abcdef")
_SHORT = 8


def _short(id_: str) -> str:
    """Give the end of an id as people call it; a name as it stands."""
    is_id = len(id_) >= 32 and not set(id_) - _HEX - {"-"}  # noqa: PLR2004 - digits of an id
    return id_[-_SHORT:] if is_id else id_


def _quarter(item: Item) -> str:
    return _roman(item.quarter - 1)


def target_table(document: PlanDocument) -> Table | None:
    """Give the targets: unit, base, goal, data source; None where no item has one."""
    numbers = number_lines(document.lines)
    rows = [
        (numbers[it.number], f"{it.item.measure} – {it.item.title}", it.item.measure_unit or "–",
         it.item.base or "–", it.item.goal or "–", it.item.measured_by or "–")
        for own in by_group(document.lines).values()
        for it in own
        if it.item.measure
    ]  # fmt: skip
    if not rows:
        return None
    return Table(
        (
            Column("STT", 0.5, "center"), Column("Chỉ tiêu", 3.2), Column("ĐVT", 0.9, "center"),
            Column("Hiện nay", 0.8, "center"), Column("Đích", 0.8, "center"),
            Column("Nguồn số liệu", 1.5),
        ),
        tuple(rows),
    )  # fmt: skip


def progress_table(document: PlanDocument) -> Table:
    """Give items and money by quarter."""
    quarters = group_by(document.lines, ("1", "2", "3", "4"), lambda it: str(it.item.quarter))
    rows = [
        (f"Quý {_roman(int(name) - 1)}", str(len(own)), format_amount(sum_up(own).asked),
         "; ".join(it.item.title for it in own[:6])
         + (f"; và {len(own) - 6} hạng mục khác" if len(own) > 6 else ""))  # noqa: PLR2004 - as many as fit
        for name, own in quarters.items()
    ]  # fmt: skip
    sums = document.sums
    total = ("Cả năm", str(sums.count), format_amount(sums.asked), "")
    return Table(
        (Column("Thời gian", 0.9, "center"), Column("Số hạng mục", 0.8, "right"),
         Column("Kinh phí (đồng)", 1.3, "right"), Column("Công việc chính", 4)),
        tuple(rows), (total,),
    )  # fmt: skip


def risk_table(document: PlanDocument) -> Table:
    """Give for each item how much it is needed, and what may happen without it."""
    numbers = number_lines(document.lines)
    rows = [
        (numbers[it.number], it.item.title, PRIORITIES[it.item.priority], it.item.risk or "–")
        for priority in PRIORITIES
        for own in by_group(document.lines).values()
        for it in own
        if it.item.priority == priority
    ]
    return Table(
        (Column("STT", 0.5, "center"), Column("Hạng mục", 2.6),
         Column("Mức cần thiết", 1.0, "center"), Column("Rủi ro nếu không thực hiện", 3.4)),
        tuple(rows),
    )  # fmt: skip


def shortage_table(shortages: Sequence[Shortage], numbers: dict[int, str]) -> Table:
    """Give what falls at each share of the money."""
    rows = [
        (f"{it.percent} %", format_amount(it.budget), format_amount(it.kept_amount),
         tell_fallen(it, numbers))
        for it in shortages
    ]  # fmt: skip
    return Table(
        (Column("Được cấp", 0.8, "center"), Column("Số tiền (đồng)", 1.3, "right"),
         Column("Thực hiện được (đồng)", 1.4, "right"), Column("Hạng mục phải dừng", 4)),
        tuple(rows),
    )  # fmt: skip


def tell_fallen(shortage: Shortage, numbers: dict[int, str]) -> str:
    """Name what falls, the most needed first."""
    if not shortage.fallen:
        return "không có"
    named = [f"({numbers[it.number]}) {it.item.title} [{PRIORITIES[it.item.priority]}]"
             for it in shortage.fallen[:8]]  # fmt: skip
    more = len(shortage.fallen) - len(named)
    return "; ".join(named) + (f"; và {more} hạng mục khác" if more else "")


def last_year_table(document: PlanDocument) -> Table | None:
    """Give per line of the plan before: granted, accepted, paid; None where there was none."""
    alive = [it for it in document.last_year if it.is_in]
    if not alive:
        return None
    rows = [
        (str(place), it.item.title, format_amount(it.granted), format_amount(it.accepted),
         format_amount(it.paid), _standing(it))
        for place, it in enumerate(alive, start=1)
    ]  # fmt: skip
    sums = sum_up(alive)
    total = ("", "Tổng cộng", format_amount(sums.granted), format_amount(sums.accepted),
             format_amount(sums.paid), "")  # fmt: skip
    return Table(
        (Column("STT", 0.5, "center"), Column("Hạng mục", 2.8), Column("Được duyệt", 1.2, "right"),
         Column("Nghiệm thu", 1.2, "right"), Column("Đã chi", 1.2, "right"),
         Column("Tình trạng", 1.2)),
        tuple(rows), (total,),
    )  # fmt: skip


def _standing(line: Line) -> str:
    if line.decision == "deferred":
        return "lùi lại"
    if line.accepted_on:
        return f"nghiệm thu {line.accepted_on:%d/%m/%Y}"
    return "chưa xong" if line.is_alive else "chưa quyết định"
