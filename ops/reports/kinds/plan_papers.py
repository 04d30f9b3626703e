"""The papers that go with a plan, Tờ trình and draft of the Quyết định; and all as files."""

from collections.abc import Iterator, Mapping

from ops.estate.model.estate import Estate
from ops.planning.document import PlanDocument
from ops.planning.item import GROUPS, PRIORITIES
from ops.planning.money import by_group, security_share, sum_up
from ops.reports.kinds.plan import (
    BASES,
    abbreviate,
    about_of,
    authority_of,
    letterhead_of,
    make_plan,
    tell_risks,
    tell_tenths,
    words_of,
)
from ops.reports.kinds.plan_tables import money_table, number_lines, progress_table, source_table
from ops.reports.papers.docx import write_docx
from ops.reports.papers.money import format_amount
from ops.reports.papers.paper import (
    Annex,
    Block,
    Heading,
    Letterhead,
    Paper,
    Paragraph,
    Signature,
)
from ops.reports.papers.pdf import write_pdf


def write_papers(document: PlanDocument, estate: Estate) -> dict[str, bytes]:
    """Give all papers of a plan as DOCX and PDF: name of the file → its content.

    Raises:
        PaperError: One cannot be written as PDF.
    """
    papers: Mapping[str, Paper] = {
        "ke-hoach": make_plan(document, estate),
        "to-trinh": make_submission(document, estate),
        "du-thao-quyet-dinh": make_decision(document, estate),
    }
    files: dict[str, bytes] = {}
    revision = f"-sua-doi-{document.revision}" if document.revision else ""
    for name, paper in papers.items():
        stem = f"{name}-{document.year}{revision}"
        files[f"{stem}.docx"] = write_docx(paper)
        files[f"{stem}.pdf"] = write_pdf(paper)[0]
    return files


def make_submission(document: PlanDocument, estate: Estate) -> Paper:
    """Give the Tờ trình."""
    above = authority_of(document, estate) or "Ủy ban nhân dân"
    return Paper(
        kind="Tờ trình",
        about=f"Về việc đề nghị phê duyệt Kế hoạch {_lower(about_of(document))}",
        letterhead=letterhead_of(document, estate, "TTr"),
        addressees=(above,),
        bases=BASES,
        blocks=tuple(_submission_blocks(document, above)),
        signatures=(Signature(post="Giám đốc"),),
        recipients=("Như trên", "Lưu: VT"),
        draft=True,
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _submission_blocks(document: PlanDocument, above: str) -> Iterator[Block]:
    numbers, sums = number_lines(document.lines), document.sums
    must = [it for it in document.chosen if it.item.priority == "bat-buoc"]
    yield Paragraph(
        f"{document.organisation} kính trình {above} xem xét, phê duyệt Kế hoạch"
        f" {_lower(about_of(document))}, như sau:"
    )
    yield Heading("I. SỰ CẦN THIẾT")
    yield Heading("1. Cơ sở pháp lý", 2)
    yield Paragraph(
        "Khoản 4 Điều 14 Quy chế ban hành kèm theo Quyết định số 57/2018/QĐ-UBND giao lập kế hoạch"
        " hằng năm về duy trì, bảo dưỡng, sửa chữa, nâng cấp kỹ thuật hoặc đầu tư phát triển, trình"
        " phê duyệt để thực hiện; điểm b khoản 1 Điều 20 Nghị định số 224/2026/NĐ-CP yêu cầu lập kế"
        " hoạch kinh phí hằng năm."
    )
    yield Heading("2. Hiện trạng", 2)
    for section in ("hardware", "security", "service"):
        for it in document.of_section(section)[:4]:
            yield Paragraph(f"{it.label}: {it.value} ({it.source.lower()}).", "item")
    yield Heading("3. Rủi ro nếu không thực hiện", 2)
    yield Paragraph(tell_risks(must or document.chosen, numbers))
    yield Heading("II. NỘI DUNG CHÍNH")
    counts = "; ".join(f"{_lower(GROUPS[it])}: {len(own)} hạng mục, {format_amount(sum_up(own).asked)} đồng"  # noqa: E501 - a sentence in one piece
                       for it, own in by_group(document.lines).items())  # fmt: skip
    yield Paragraph(
        f"Kế hoạch gồm {sums.count} hạng mục ({counts}). Nguyên tắc: việc bắt buộc làm trước; không"
        " chi trùng trong thời gian bảo hành; giá theo báo giá của nhà cung cấp."
    )
    yield Paragraph(_tell_priorities(document))
    yield Heading("III. KINH PHÍ DỰ KIẾN")
    yield Paragraph(
        f"Tổng kinh phí: {format_amount(sums.asked)} đồng. Bằng chữ: {words_of(sums.asked)}."
    )
    yield money_table(document)
    yield source_table(document)
    share = security_share(document.lines, document.security_percent)
    yield Paragraph(
        f"Tỷ lệ chi cho an ninh mạng: {tell_tenths(share.tenths)} % (tối thiểu"
        f" {document.security_percent} %)."
    )
    yield Heading("IV. TIẾN ĐỘ")
    yield progress_table(document)
    yield Heading("V. TỔ CHỨC THỰC HIỆN")
    yield Paragraph(
        f"{document.organisation} chủ trì thực hiện, báo cáo tiến độ và kết quả theo quy định."
    )
    yield Heading("VI. KIẾN NGHỊ")
    yield Paragraph(f"{document.organisation} kính trình {above} xem xét, phê duyệt./.")
    yield Paragraph(
        "Hồ sơ kèm theo: dự thảo Quyết định; Kế hoạch; báo giá; ý kiến góp ý và bảng tiếp thu.",
        "note",
    )


def _tell_priorities(document: PlanDocument) -> str:
    told = []
    for priority, name in PRIORITIES.items():
        own = [it for it in document.chosen if it.item.priority == priority]
        told.append(f"{name}: {len(own)} hạng mục, {format_amount(sum_up(own).asked)} đồng")
    return "Theo mức cần thiết: " + "; ".join(told) + "."


def make_decision(document: PlanDocument, estate: Estate) -> Paper:
    """Give the draft of the Quyết định, which the body above issues."""
    above = authority_of(document, estate) or "Ủy ban nhân dân"
    sums = document.sums
    text = (
        Paragraph("QUYẾT ĐỊNH:", "article"),
        Paragraph(f"Điều 1. Phê duyệt Kế hoạch {_lower(about_of(document))} của {document.organisation}, với các nội dung chủ yếu sau:", "article"),  # noqa: E501 - a sentence in one piece
        Paragraph(f"1. Số hạng mục: {sums.count}."),
        Paragraph(f"2. Tổng kinh phí: {format_amount(sums.asked)} đồng. Bằng chữ: {words_of(sums.asked)}."),  # noqa: E501 - a sentence in one piece
        Paragraph("3. Nguồn kinh phí và danh mục: theo Phụ lục kèm theo Quyết định này."),
        Paragraph("Điều 2. Tổ chức thực hiện", "article"),
        Paragraph(f"{document.organisation} chủ trì thực hiện Kế hoạch, quản lý, sử dụng kinh phí đúng quy định, báo cáo kết quả."),  # noqa: E501 - a sentence in one piece
        Paragraph("Điều 3. Hiệu lực", "article"),
        Paragraph(f"Quyết định này có hiệu lực kể từ ngày ký. Thủ trưởng các đơn vị liên quan và {document.organisation} chịu trách nhiệm thi hành Quyết định này./."),  # noqa: E501 - a sentence in one piece
        Annex("PHỤ LỤC", "DANH MỤC VÀ KINH PHÍ", "Kèm theo Quyết định số …"),
        money_table(document),
        source_table(document),
    )  # fmt: skip
    return Paper(
        kind="Quyết định",
        about=f"Phê duyệt Kế hoạch {_lower(about_of(document))}",
        letterhead=Letterhead(
            authority="", body=above, place=estate.organisation.place or "…",
            year=document.day.year, sign=f"QĐ-{abbreviate_body(above)}",
        ),
        bases=(*BASES, f"Xét đề nghị của {document.organisation}"),
        blocks=text,
        signatures=(Signature(post="Chủ tịch" if "nhân dân" in above.casefold() else "Giám đốc"),),
        recipients=("Như Điều 3", document.organisation, "Lưu: VT"),
        draft=True,
    )  # fmt: skip


def abbreviate_body(name: str) -> str:
    """Give what signs call a body: a People's Committee is UBND, others are their initials."""
    return "UBND" if "nhân dân" in name.casefold() else abbreviate(name)
