"""The papers of a plan and of a year in three structures: their bodies agree, by the day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from itertools import chain

import pytest

import ops.wiring  # noqa: F401 - who asks for parts needs them given
from ops.catalog.open import open_catalog
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.estate.organisation_rules import check_roles
from ops.language.text import speaking
from ops.planning.document import PlanDocument
from ops.planning.item import Item, PlanLine
from ops.reports.figures.figure import report_year
from ops.reports.kinds.kind import Ask
from ops.reports.kinds.office import UNFILLED
from ops.reports.kinds.table import find_kind
from ops.reports.make import Wish, make_frame
from ops.reports.papers.paper import Paper, Paragraph, date_line, number_line
from ops.reports.plan_papers import make_papers
from tests.golden_texts import assert_golden
from tests.unit.ops.estate.conftest import SITE, SMALL, Load, load

__all__ = ["load"]
BARE = SMALL.replace('authority = "Ủy ban nhân dân tỉnh"\n', "").replace(
    'roles = [{ from = 2018-01-01, sites_to = "Sở" }]\n', 'place = "Đồng Nai"\n'
)
UNDER_COMMITTEE = """
[[organisation.names]]
name = "Trung tâm Chuyển đổi số"
parent = "Ủy ban nhân dân thành phố Đồng Nai"
from = 2026-04-30
[[reports.letterheads]]
from = 2026-01-01
abbreviation = "TTCĐS"
[[reports.letterheads]]
kind = "decision"
from = 2026-01-01
signs_for = ["KT. CHỦ TỊCH"]
post = "Phó Chủ tịch"
"""
UNDER_DEPARTMENT = """
[[organisation.names]]
name = "Trung tâm Chuyển đổi số"
parent = "Sở Khoa học và Công nghệ"
from = 2025-03-01
[[organisation.roles]]
from = 2026-04-30
decides = "Ủy ban nhân dân thành phố Đồng Nai"
opinions = ["Sở Tài chính"]
[[reports.letterheads]]
kind = "submission"
from = 2026-01-01
abbreviation = "SKHCN"
signer = "Trần Thị B"
[[reports.letterheads]]
kind = "decision"
from = 2026-01-01
signs_for = ["TM. ỦY BAN NHÂN DÂN"]
"""
TWO_TIERS = """
[[organisation.names]]
name = "Trung tâm Công nghệ thông tin và Truyền thông"
parent = "Sở Thông tin và Truyền thông"
from = 2018-01-01
[[organisation.names]]
name = "Trung tâm Chuyển đổi số"
parent = "Sở Khoa học và Công nghệ"
from = 2025-03-01
[[organisation.roles]]
from = 2018-01-01
decides = "Ủy ban nhân dân tỉnh Đồng Nai"
opinions = ["Sở Tài chính", "Sở Kế hoạch và Đầu tư"]
[[organisation.roles]]
from = 2025-07-01
opinions = ["Sở Tài chính"]
[[organisation.roles]]
from = 2026-04-30
decides = "Ủy ban nhân dân thành phố Đồng Nai"
"""
STRUCTURES = {
    "under-the-committee": (UNDER_COMMITTEE, [date(2026, 11, 20)]),
    "under-a-department": (UNDER_DEPARTMENT, [date(2026, 11, 20)]),
    "two-tiers": (TWO_TIERS, [date(2024, 11, 20), date(2025, 11, 20), date(2026, 4, 30)]),
}


def papers_of(estate: Estate, day: date) -> Iterator[Paper]:
    """Yield Kế hoạch, Tờ trình, Quyết định and Báo cáo năm of a day."""
    item = Item(
        group="duy-tri", title="Gia hạn tên miền", unit_price=1_000_000, risk="Mất tên miền"
    )
    document = PlanDocument(
        year=day.year + 1, revision=0, day=day, organisation=estate.organisation.name_on(day),
        lines=(PlanLine(number=1, item=item),), submission="12/TTr-SKHCN", submitted_on=day,
    )  # fmt: skip
    yield from make_papers(document, estate).values()
    kind, window = find_kind("annual"), report_year(day.year, estate.zone)
    now = datetime.combine(day, time(12), estate.zone).astimezone(UTC)
    catalog = open_catalog(reveal(estate.catalog.url))
    with catalog, catalog.reading() as session, speaking("vi"):
        ask = Ask(estate=estate, catalog=catalog, session=session, series=None, window=window,
                  site="", of="", now=now)  # fmt: skip
        frame = make_frame(estate, Wish(kind=kind, window=window, day=day), now)
        yield kind.find("write")(kind.find("gather")(ask), frame)


def tell(paper: Paper, bodies: set[str]) -> str:
    """Write what stands around a paper's text, and each paragraph that names a body."""
    head = paper.letterhead
    named = [it.text for it in paper.blocks if isinstance(it, Paragraph)]
    signed = chain.from_iterable((*it.authority, it.post, it.name) for it in paper.signatures)
    lines = [
        head.authority, head.body, number_line(head), date_line(head), paper.kind, paper.about,
        *(f"Kính gửi: {it}" for it in paper.addressees), paper.issuer, *paper.bases,
        *(it for it in named if any(body in it for body in bodies)),
        *(f"Nơi nhận: {it}" for it in paper.recipients), *(f"Ký: {it}" for it in signed if it),
    ]  # fmt: skip
    return "".join(f"{it}\n" for it in lines if it)


@pytest.mark.parametrize("name", STRUCTURES)
def test_all_papers_name_the_bodies_of_the_structure_and_the_day(name: str, load: Load) -> None:
    more, days = STRUCTURES[name]
    estate = load(more + SITE, small=BARE)
    told = ""
    for day in days:
        roles = estate.organisation.roles_on(day)
        bodies = {roles.decides, roles.submits, roles.owner, *roles.opinions} - {roles.body}
        for paper in papers_of(estate, day):
            told += f"== {paper.kind}, {day:%d/%m/%Y}\n{tell(paper, bodies)}\n"
    assert_golden(f"papers/{name}.txt", told)


def test_where_nobody_decides_there_are_dots_and_never_a_name(load: Load) -> None:
    named = '[[organisation.names]]\nname = "TT"\nparent = "Sở A"\nfrom = 2018-01-01\n'
    estate = load(named + SITE, small=BARE)
    _plan, submission, decision, annual = papers_of(estate, date(2026, 11, 20))
    [remark] = check_roles(estate, date(2026, 11, 20))

    assert submission.addressees == (UNFILLED,)
    assert decision.letterhead.body == UNFILLED
    assert annual.addressees == (UNFILLED,)
    assert remark.params == {"keys": "decides, owner"}
    assert not any("Sở A" in it for it in (*submission.addressees, decision.issuer))


def test_who_submits_in_place_of_the_organisation_is_asked_about(load: Load) -> None:
    estate = load(UNDER_DEPARTMENT + SITE, small=BARE)
    [remark] = check_roles(estate, date(2026, 11, 20))
    said = replace_roles(estate, submits="Trung tâm Chuyển đổi số")

    assert remark.params["submits"] == "Sở Khoa học và Công nghệ"
    assert [*check_roles(said, date(2026, 11, 20))] == []
    assert said.organisation.roles_on(date(2026, 11, 20)).opinions == ("Sở Tài chính",)


def replace_roles(estate: Estate, **changes: object) -> Estate:
    [row] = estate.organisation.roles
    rows = (row.model_copy(update=changes),)
    organisation = estate.organisation.model_copy(update={"roles": rows})
    return estate.model_copy(update={"organisation": organisation})
