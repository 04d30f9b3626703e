"""Opinions on a plan: noted with whose they are, answered later, and a table of the Tờ trình."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.roles import DatedRoles
from ops.language.text import speaking
from ops.planning.cli import draft, edit, submit
from ops.planning.document import PlanDocument
from ops.planning.item import QUOTATION, Evidence
from ops.planning.read import read_document
from ops.planning.records import get_plan
from ops.planning.tasks import Draft, Edit, Submit
from ops.reports.cli import read_wish
from ops.reports.make import compose
from ops.reports.papers.paper import Annex, Paper, Paragraph, Table
from ops.reports.plan_papers import make_papers
from ops.reports.tasks import Make
from tests.integration.jobs.test_planning import YEAR, Desk, desk_in

pytestmark = pytest.mark.slow
FINANCE, DEPARTMENT = "Sở Tài chính", "Sở Khoa học và Công nghệ"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_in(tmp_path / "estate") as found:
        draft(Draft(year=YEAR))
        yield found


def document_of(desk: Desk) -> PlanDocument:
    with desk.catalog.reading() as session:
        plan = get_plan(session, YEAR)
        return read_document(session, load_estate(), plan, datetime.now(UTC), with_annexes=False)


def submission_of(document: PlanDocument) -> Paper:
    with speaking("vi"):
        return make_papers(document, load_estate())["submission"]


def said(paper: Paper) -> str:
    return "\n".join(it.text for it in paper.blocks if isinstance(it, Paragraph))


def test_what_was_said_and_answered_is_a_table_and_stays_when_it_is_handed_in(desk: Desk) -> None:
    note = Edit(year=YEAR, opinion="Rà soát giá", opinion_of=FINANCE, document="20/CV-STC")
    edit(note)
    edit(Edit(year=YEAR, item=1, opinion="Lùi sang quý IV", opinion_of=DEPARTMENT))
    edit(Edit(year=YEAR, opinion_of=FINANCE, answer="Đã rà soát, giảm 5%"))
    document = document_of(desk)
    paper = submission_of(document)
    [annex] = [it for it in paper.blocks if isinstance(it, Annex)]
    table = paper.blocks[-1]

    assert document.opinions == (
        (FINANCE, "", "20/CV-STC", "Rà soát giá", "Đã rà soát, giảm 5%"),
        (DEPARTMENT, "1", "", "Lùi sang quý IV", ""),
    )
    assert "tiếp thu, giải trình" in annex.title
    assert isinstance(table, Table)
    assert table.rows[0] == ("1", FINANCE, "20/CV-STC", "Rà soát giá", "Đã rà soát, giảm 5%")
    assert table.rows[1][3:] == ("Hạng mục 1: Lùi sang quý IV", "..........")
    assert "Bảng tổng hợp, tiếp thu, giải trình ý kiến góp ý (Phụ lục)." in said(paper)
    for line in document.lines:
        if not line.item.is_priced:
            edit(Edit(year=YEAR, item=line.number, reject="không làm"))
    submit(Submit(year=YEAR, review=True))
    submit(Submit(year=YEAR, document="15/TTr-TT"))
    edit(Edit(year=YEAR, opinion="Muộn", opinion_of=FINANCE))

    assert document_of(desk).opinions == document.opinions


def test_a_plan_that_was_handed_in_is_made_again_with_the_names_of_then(desk: Desk) -> None:
    for line in document_of(desk).lines:
        if not line.item.is_priced:
            edit(Edit(year=YEAR, item=line.number, reject="không làm"))
    submit(Submit(year=YEAR, review=True))
    submit(Submit(year=YEAR, document="15/TTr-TT"))
    now = datetime.now(UTC)
    rows = [
        {"from": now.date() - timedelta(days=9), "decides": "Ủy ban nhân dân tỉnh"},
        {"from": now.date() + timedelta(days=9), "decides": "Ủy ban nhân dân thành phố"},
    ]
    estate = load_estate()
    roles = tuple(map(DatedRoles.model_validate, rows))
    organisation = estate.organisation.model_copy(update={"roles": roles})
    estate = estate.model_copy(update={"organisation": organisation})
    wish = Make(kind="submission", out="", year=YEAR)
    later = now + timedelta(days=99)
    then, issued = (
        compose(estate, desk.catalog, read_wish(it, estate, later), later)
        for it in (wish, replace(wish, number=7))
    )

    assert isinstance(then, Paper)
    assert isinstance(issued, Paper)
    assert then.addressees == ("Ủy ban nhân dân tỉnh",)
    assert issued.addressees == ("Ủy ban nhân dân thành phố",)


def test_only_what_there_is_is_enclosed(desk: Desk) -> None:
    document = document_of(desk)
    bare = submission_of(document)
    first, *others = document.lines
    quoted = replace(first.item, evidence=(Evidence(QUOTATION, "ab", "Báo giá 12/BG"),))
    lines = (replace(first, item=quoted), *others)
    with_quotation = submission_of(replace(document, lines=lines))

    assert not any(isinstance(it, Annex) for it in bare.blocks)
    assert "báo giá" not in said(bare).split("Hồ sơ kèm theo:")[1]
    assert "ý kiến" not in said(bare).split("Hồ sơ kèm theo:")[1]
    assert "1 báo giá: Báo giá 12/BG." in said(with_quotation)


@pytest.mark.usefixtures("desk")
def test_an_answer_says_to_whom_and_a_body_said_something() -> None:
    with pytest.raises(WrongUseError, match="to a body"):
        edit(Edit(year=YEAR, answer="Đã sửa"))
    with pytest.raises(WrongUseError, match="belong to an opinion"):
        edit(Edit(year=YEAR, item=1, set=("quarter=2",), opinion_of=FINANCE))
