"""The papers of a decided plan say what was granted; those of a revision what it changes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import pytest

from ops.catalog.open import open_catalog
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.planning.document import PlanDocument
from ops.planning.item import PlanLine
from ops.planning.read import read_document
from ops.planning.records import get_plan
from ops.reports.papers.paper import Paper, Table
from ops.reports.plan_papers import make_papers
from tests.a_year import NOW, write_estate
from tests.unit.ops.reports.a_plan import YEAR, write_plan

pytestmark = pytest.mark.slow
DECISION = "200/QĐ-UBND ngày 30/11/2026"


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Estate, PlanDocument]:
    estate = write_estate(tmp_path_factory.mktemp("estate"), 1)
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        write_plan(estate, catalog)
        with catalog.reading() as session:
            document = read_document(session, estate, get_plan(session, YEAR), NOW)
    priced = (replace(it, item=replace(it.item, unit_price=10**7)) for it in document.lines)
    return estate, replace(document, lines=tuple(priced))


def grant(lines: Sequence[PlanLine]) -> tuple[PlanLine, ...]:
    """Cut the first, put the second off, grant the others."""
    first, second, *rest = lines
    cut = replace(first, decision="cut", granted=7_000_000)
    granted = (replace(it, decision="granted", granted=it.item.asked) for it in rest)
    return (cut, replace(second, decision="deferred"), *granted)


def rows_of(paper: Paper) -> Iterator[tuple[str, ...]]:
    for block in paper.blocks:
        if isinstance(block, Table):
            yield from (*block.rows, *block.totals)


def test_the_plan_is_as_it_was_approved(drafted: tuple[Estate, PlanDocument]) -> None:
    estate, document = drafted
    decided = replace(document, lines=grant(document.lines), decision=DECISION)
    papers = make_papers(decided, estate)
    rows = list(rows_of(papers["plan"]))
    cut, late, *_rest = decided.lines
    summary = dict(it for it in rows if len(it) == 2)

    assert list(papers) == ["plan"]  # nobody is asked for a decision any more
    assert not papers["plan"].draft
    assert papers["plan"].about.endswith(f"(ban hành kèm theo Quyết định số {DECISION})")
    granted = 10**7 * sum(it.item.quantity for it in decided.lines[2:]) + 7_000_000
    shown = f"{granted:,}".replace(",", ".")
    assert summary["Tổng kinh phí được phê duyệt"].startswith(f"{shown} đồng")
    assert not any(it.startswith("Phương án") for it in summary)
    assert (str(cut.number), cut.item.title, "10.000.000", "7.000.000", "cắt giảm") in rows
    assert any(it[0] == str(late.number) and it[-1] == "lùi lại" for it in rows)
    assert [it[6] for it in rows if it[0] == str(cut.number) and len(it) == 12] == ["7.000.000"]
    assert not [it for it in rows if it[0] == str(late.number) and len(it) == 12]


def test_a_revision_tells_what_it_changes_and_why(drafted: tuple[Estate, PlanDocument]) -> None:
    estate, document = drafted
    before = grant(document.lines)
    done = replace(before[2], accepted=6_000_000, accepted_on=date(2027, 2, 1))
    lines = (replace(before[0], decision=""), replace(before[1], rejected_for="Thôi"),
             replace(done, decision=""), PlanLine(number=99, item=done.item))  # fmt: skip
    revised = replace(document, lines=lines, before=before, replaces=DECISION, reason="Giá đổi.")
    papers = make_papers(revised, estate)
    summary = dict(it for it in rows_of(papers["plan"]) if len(it) == 2)
    told = summary[f"Thay đổi so với kế hoạch đã phê duyệt (Quyết định số {DECISION})"]

    assert told.startswith("Giá đổi. Kinh phí ")
    for wanted in (
        f"Đã nghiệm thu, tính theo giá trị nghiệm thu: mục {done.number}.",
        "Bổ sung: mục 99.",
        f"mục {lines[0].number} (7.000.000 đồng thành 10.000.000 đồng)",
        "Không thực hiện nữa: mục ",
    ):
        assert wanted in told
    assert told in repr(papers["submission"].blocks)
    assert f"và thay thế Quyết định số {DECISION}" in repr(papers["decision"].blocks)
