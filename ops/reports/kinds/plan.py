"""The Kế hoạch of a year, and what the papers that go with it share; pure.

What each section holds: law.md 2.1 and 2.2. No law fixes a form; these are the usual headings. The
first page answers what a reader asks first: how much, why now, what if not, who answers, against
last year, and what falls if less is granted. All figures are those of the document, so papers of a
plan that was handed in say what it said then.
"""

from collections.abc import Iterator
from dataclasses import replace

from ops.estate.model.estate import Estate
from ops.estate.model.organisation import title_on
from ops.planning.document import PlanDocument
from ops.planning.item import GROUPS, SECURITY_USE, Line
from ops.planning.money import by_group, plan_shortage, security_share, sum_up
from ops.reports.kinds.plan_tables import (
    basis_table,
    call_kind,
    last_year_table,
    money_table,
    number_lines,
    progress_table,
    risk_table,
    shortage_table,
    source_table,
    target_table,
    task_table,
    use_table,
)
from ops.reports.papers.money import MOST, amount_in_words, format_amount
from ops.reports.papers.paper import (
    Annex,
    Block,
    Column,
    Heading,
    Letterhead,
    Paper,
    Paragraph,
    Signature,
    Table,
)

LOWER_SHARES = (80, 60)
BASES = (
    "Căn cứ Nghị định số 224/2026/NĐ-CP ngày 24 tháng 6 năm 2026 của Chính phủ",
    "Căn cứ Luật An ninh mạng số 116/2025/QH15",
    "Căn cứ khoản 4 Điều 14 Quy chế ban hành kèm theo Quyết định số 57/2018/QĐ-UBND",
)
"""What the papers rest on, as law.md part 0 gives it; an office checks it before it signs."""

_NO_DATA = "Chưa có số liệu."


def make_plan(document: PlanDocument, estate: Estate) -> Paper:
    """Give the Kế hoạch."""
    return Paper(
        kind="Kế hoạch",
        about=about_of(document),
        letterhead=letterhead_of(document, estate, "KH"),
        bases=BASES,
        blocks=tuple(_plan_blocks(document, estate)),
        signatures=(Signature(post="Giám đốc"),),
        recipients=(authority_of(document, estate) or "Ủy ban nhân dân", "Các đơn vị liên quan",
                    "Lưu: VT"),
        draft=True,
    )  # fmt: skip


def about_of(document: PlanDocument) -> str:
    """Give what the plan is about."""
    groups = "duy trì, bảo dưỡng, sửa chữa, nâng cấp kỹ thuật, đầu tư phát triển"
    revised = f" (sửa đổi lần {document.revision})" if document.revision else ""
    return f"{groups.capitalize()} Cổng thông tin điện tử năm {document.year}{revised}"


def letterhead_of(document: PlanDocument, estate: Estate, sign: str) -> Letterhead:
    """Give the letterhead of a draft: number and day stay blank."""
    return Letterhead(
        authority=authority_of(document, estate),
        body=document.organisation,
        place=estate.organisation.place or "…",
        year=document.day.year,
        sign=f"{sign}-{abbreviate(document.organisation)}",
    )


def authority_of(document: PlanDocument, estate: Estate) -> str:
    """Give the body above on the plan's day; empty for none."""
    row = title_on(estate.organisation.names, document.day)
    return row.parent if row and row.parent else estate.organisation.authority


def abbreviate(name: str) -> str:
    """Give the initials of a name as signs have them: `TTCNTTTT`."""
    return "".join(word[0] for word in name.split() if word.casefold() != "và").upper()


def words_of(amount: int) -> str:
    """Give an amount in words; empty above what words are for."""
    return amount_in_words(amount) if amount <= MOST else ""


def _plan_blocks(document: PlanDocument, estate: Estate) -> Iterator[Block]:
    numbers = number_lines(document.lines)
    yield from _summary(document, numbers)
    yield from _state(document)
    yield from _aims(document)
    yield Heading("IV. NỘI DUNG, NHIỆM VỤ")
    for place, (group, own) in enumerate(by_group(document.lines).items(), start=1):
        yield Heading(f"{place}. {GROUPS[group]}", 2)
        yield task_table(own, numbers)
    yield from _across(document, numbers)
    yield from _money(document)
    yield Heading("VI. TIẾN ĐỘ")
    yield progress_table(document)
    yield from _organisation(document, estate)
    belongs = f"Kèm theo Kế hoạch năm {document.year} của {document.organisation}"
    yield Annex("PHỤ LỤC I", "BẢNG RỦI RO NẾU KHÔNG THỰC HIỆN", belongs)
    yield risk_table(document)
    yield Annex("PHỤ LỤC II", "MINH CHỨNG CỦA TỪNG HẠNG MỤC", belongs)
    yield _evidence_table(document, numbers)
    yield Paragraph("Mã trong cột Số hiệu là mã trong hệ thống Giữ Cổng của Trung tâm.", "note")


def _summary(document: PlanDocument, numbers: dict[int, str]) -> Iterator[Block]:
    """Yield the first page: what a reader asks first."""
    sums, lines = document.sums, document.chosen
    must = [it for it in lines if it.item.priority == "bat-buoc"]
    rows = [
        ("Cần bao nhiêu?", _tell_amount(document)),
        ("Vì sao năm nay?", _tell_why(document, must)),
        ("Nếu không làm?", tell_risks(must or lines, numbers)),
        ("Ai chịu trách nhiệm?", _tell_leads(lines, document)),
        ("So với năm trước?", _tell_before(document)),
    ]
    share = security_share(document.lines, document.security_percent)
    lacking = "" if share.is_enough else f" Cảnh báo: còn thiếu {format_amount(share.lacking)} đồng"
    lacking += "" if share.is_enough else " cho an ninh mạng để đạt tỷ lệ."
    reached = f"{tell_tenths(share.tenths)} % ({format_amount(share.amount)} đồng)"
    told = (
        f"{reached if share.is_known else 'Chưa tính được, vì chưa có giá'}; yêu cầu tối thiểu"
        f" {document.security_percent} % ({document.security_basis}).{lacking}"
    )
    rows.append(("Tỷ lệ an ninh mạng?", told))
    yield Heading("TÓM TẮT")
    yield Table((Column("Câu hỏi", 1.1), Column("Trả lời", 4)), tuple(rows))
    if sums.asked:
        shortages = [plan_shortage(document.lines, it) for it in LOWER_SHARES]
        table = shortage_table(shortages, numbers)
        yield replace(table, caption="Nếu chỉ được cấp một phần kinh phí")


def _tell_amount(document: PlanDocument) -> str:
    sums = document.sums
    unpriced = f" Còn {sums.unpriced} hạng mục chưa có giá, chưa cộng vào." if sums.unpriced else ""
    recurrent = sum(it.item.asked for it in document.chosen if it.item.is_recurrent)
    return (
        f"{format_amount(sums.asked)} đồng ({words_of(sums.asked)}) cho {sums.count} hạng mục;"
        f" trong đó chi thường xuyên {format_amount(recurrent)} đồng, chi đầu tư"
        f" {format_amount(sums.asked - recurrent)} đồng.{unpriced}"
    )


def _tell_why(document: PlanDocument, must: list[Line]) -> str:
    first = "; ".join(it.item.title for it in must[:4])
    more = f"; và {len(must) - 4} hạng mục khác" if len(must) > 4 else ""  # noqa: PLR2004 - as many as fit
    named = f": {first}{more}" if must else ""
    return f"{len(must)} trong {len(document.chosen)} hạng mục là bắt buộc{named}."


def tell_risks(lines: list[Line], numbers: dict[int, str]) -> str:
    """Name what may happen without the lines, and which they are."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.item.risk:
            found.setdefault(line.item.risk, []).append(numbers[line.number])
    told = [f"{risk.rstrip('.')} (mục {', '.join(own[:6])}{', …' if len(own) > 6 else ''})"  # noqa: PLR2004 - as many as fit
            for risk, own in list(found.items())[:4]]  # fmt: skip
    return "; ".join(told) + "." if told else "Chưa nêu."


def _tell_leads(lines: list[Line], document: PlanDocument) -> str:
    leads = list(dict.fromkeys(it.item.lead for it in lines if it.item.lead))
    return f"{'; '.join(leads[:5]) or document.organisation}. Hạng mục nào do ai: mục IV."


def _tell_before(document: PlanDocument) -> str:
    if not document.last_year:
        return f"Hệ thống không có kế hoạch năm {document.year - 1} để so sánh."
    before = sum_up(document.last_year)
    asked = document.sums.asked
    apart = asked - before.granted
    change = "bằng" if not apart else f"{'tăng' if apart > 0 else 'giảm'} {format_amount(abs(apart))} đồng so với"  # fmt: skip # noqa: E501 - a sentence in one piece
    return (
        f"Năm {document.year - 1} được duyệt {format_amount(before.granted)} đồng, đã nghiệm thu"
        f" {format_amount(before.accepted)} đồng, đã chi {format_amount(before.paid)} đồng; năm"
        f" {document.year} đề nghị {change} số được duyệt."
    )


def tell_tenths(tenths: int) -> str:
    """Give tenths of a percent as `12,3`."""
    return f"{tenths // 10},{tenths % 10}"


_SECTIONS = (
    ("1. Hạ tầng, thiết bị", "hardware"),
    ("2. Phần mềm, bản quyền", "software"),
    ("3. Sao lưu, lưu trữ, khôi phục thử", "backup"),
    ("4. An ninh mạng", "security"),
    ("5. Mức độ sẵn sàng, sự cố", "service"),
)


def _state(document: PlanDocument) -> Iterator[Block]:
    yield Heading(f"I. HIỆN TRẠNG VÀ KẾT QUẢ THỰC HIỆN NĂM {document.year - 1}")
    for title, section in _SECTIONS:
        yield Heading(title, 2)
        yield from _figures(document, section)
    yield Heading(f"6. Kết quả kế hoạch năm {document.year - 1}", 2)
    table = last_year_table(document)
    if table is None:
        yield Paragraph(f"Hệ thống không có kế hoạch năm {document.year - 1}.")
    else:
        yield from _figures(document, "plan")
        yield table
    yield Heading("7. Tồn tại, nguyên nhân", 2)
    grave = [it for it in document.chosen if it.item.priority == "bat-buoc"]
    if not grave:
        yield Paragraph("Không có tồn tại ở mức bắt buộc phải xử lý.")
    for line in grave[:_MOST_NAMED]:
        yield Paragraph(f"{line.item.title}: {line.item.reason}", "item")
    if len(grave) > _MOST_NAMED:
        yield Paragraph(f"Và {len(grave) - _MOST_NAMED} tồn tại khác, xem mục IV.", "item")
    for gap in document.gaps:
        yield Paragraph(f"Chưa kiểm tra: {gap}", "item")


_MOST_NAMED = 12


def _figures(document: PlanDocument, section: str) -> Iterator[Block]:
    found = document.of_section(section)
    if not found:
        yield Paragraph(_NO_DATA)
        return
    yield Table(
        (Column("Nội dung", 3), Column("Số liệu", 2), Column("Nguồn", 1.3)),
        tuple((it.label, it.value, it.source) for it in found),
    )


def _aims(document: PlanDocument) -> Iterator[Block]:
    yield Heading("II. MỤC ĐÍCH, YÊU CẦU")
    yield Paragraph(
        "Bảo đảm Cổng thông tin điện tử và các trang thành phần hoạt động liên tục, an toàn; dữ"
        " liệu được sao lưu, lưu trữ và khôi phục được.", "item",
    )  # fmt: skip
    yield Paragraph(
        "Mỗi hạng mục có lý do gắn với minh chứng, có đơn vị chủ trì, thời gian, sản phẩm và căn cứ"
        " giá; không chi trùng trong thời gian bảo hành.", "item",
    )  # fmt: skip
    yield Heading("III. MỤC TIÊU, CHỈ TIÊU")
    table = target_table(document)
    yield table if table is not None else Paragraph("Chưa đặt chỉ tiêu.")


def _across(document: PlanDocument, numbers: dict[int, str]) -> Iterator[Block]:
    """Yield what the fixed groups hold of security and of backups and drills."""
    places = len(by_group(document.lines))
    security = [numbers[it.number] for it in document.chosen if it.item.use == SECURITY_USE]
    proofs = [
        numbers[it.number] for it in document.chosen
        if any(row.kind in {"drill", "drill-finding", "medium", "duty"} for row in it.item.evidence)
    ]  # fmt: skip
    for place, (title, own) in enumerate(
        (("An ninh mạng", security), ("Sao lưu, lưu trữ, diễn tập khôi phục", proofs)), places + 1
    ):
        yield Heading(f"{place}. {title}", 2)
        told = ", ".join(sorted(own, key=int))
        yield Paragraph(
            f"Gồm các hạng mục số {told} nêu trên." if own else "Không có hạng mục riêng."
        )


def _money(document: PlanDocument) -> Iterator[Block]:
    sums = document.sums
    yield Heading("V. KINH PHÍ")
    yield money_table(document)
    yield Paragraph(f"Bằng chữ: {words_of(sums.asked)}.")
    if sums.unpriced:
        yield Paragraph(
            f"{sums.unpriced} hạng mục chưa có giá không nằm trong tổng số; phải có báo giá trước"
            " khi trình.", "note",
        )  # fmt: skip
    yield use_table(document)
    yield source_table(document)
    share = security_share(document.lines, document.security_percent)
    verdict = "đạt" if share.is_enough else "CHƯA ĐẠT"
    reached = f"{tell_tenths(share.tenths)} %, {verdict}"
    reached = reached if share.is_known else "chưa tính được, vì chưa có giá;"
    yield Paragraph(
        f"Tỷ lệ chi cho an ninh mạng: {reached}"
        f" mức tối thiểu {document.security_percent} % theo {document.security_basis}."
    )
    yield basis_table(document)


def _organisation(document: PlanDocument, estate: Estate) -> Iterator[Block]:
    above = authority_of(document, estate) or "Ủy ban nhân dân"
    yield Heading("VII. TỔ CHỨC THỰC HIỆN")
    yield Paragraph(
        f"1. {document.organisation}: chủ trì thực hiện kế hoạch, theo dõi tiến độ, nghiệm thu,"
        " quyết toán; thông báo tạm ngừng trước ít nhất 07 ngày làm việc khi bảo trì làm gián đoạn"
        " dịch vụ; báo cáo kết quả trong báo cáo năm."
    )
    yield Paragraph(f"2. {above}: xem xét, phê duyệt hoặc trình phê duyệt; bố trí kinh phí.")
    yield Paragraph(
        "3. Các đơn vị quản lý trang thành phần: phối hợp kiểm tra dữ liệu sau khi bảo dưỡng, nâng"
        " cấp và khôi phục thử./."
    )


def _evidence_table(document: PlanDocument, numbers: dict[int, str]) -> Table:
    rows = [
        (numbers[line.number], line.item.title, call_kind(it.kind), it.id, it.says or "–")
        for own in by_group(document.lines).values()
        for line in own
        for it in line.item.evidence
    ] or [("", "Không có", "", "", "")]
    return Table(
        (Column("STT", 0.5, "center"), Column("Hạng mục", 2.2), Column("Loại", 0.9),
         Column("Số hiệu", 2.4), Column("Nội dung", 1.5)),
        tuple(rows),
    )  # fmt: skip
