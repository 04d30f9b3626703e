"""Shortcomings follow from the figures; praise has a measure and no exception."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

import ops.wiring  # noqa: F401 - who asks for parts needs them given
from ops.backups.copies.rule_32110 import RulePart
from ops.catalog.open import open_catalog
from ops.duties.evidence.due import Period
from ops.duties.evidence.verdicts import Records
from ops.duties.table.load import SHIPPED_DUTIES, read_duties
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.language.text import speaking
from ops.planning.item import Item, PlanLine
from ops.reports import tasks
from ops.reports.cli import read_wish
from ops.reports.figures.checked import DrillRow, FindingCounts, Uptime, Uptimes
from ops.reports.figures.figure import Figure, Timespan, report_year
from ops.reports.figures.gather import YearFacts, gather
from ops.reports.figures.owed import Duties, DutyCount, Owed, find_unjudged
from ops.reports.figures.plans import PlanResult, PlanYear, plan_years, tell_result
from ops.reports.kinds.judgement import write_bad, write_good
from ops.reports.kinds.kind import Frame
from ops.reports.kinds.spending import write_spending
from ops.reports.make import make_frame
from ops.reports.papers.paper import Block, Paragraph, Table
from tests.a_year import name_of, write_estate

NOW = datetime(2026, 12, 20, tzinfo=UTC)
SITE, OTHER = name_of(0), name_of(1)
RULE = tuple(RulePart(it, "ok") for it in ("copies", "media", "places", "locked", "errors"))
RECORDS = Records(date(2025, 12, 1))
NONE = dict.fromkeys(("low", "medium", "high", "critical"), 0)
BAD = FindingCounts(
    opened=NONE, fixed=NONE, open={**NONE, "high": 2}, accepted=NONE, open_at={f"site:{SITE}": 2}
)
DUTIES = {it.name: it for it in read_duties((SHIPPED_DUTIES,)).duties}


def a_count(name: str, **owed: int) -> DutyCount:
    """Give what became of a duty of both sites alike."""
    one = Owed(**owed)
    return DutyCount(duty=DUTIES[name], by_subject={SITE: one, OTHER: one}, by_month=(one + one,),
                     judged_from=date(2026, 1, 1))  # fmt: skip


def duties(*counts: DutyCount) -> Figure[Duties]:
    return Figure(Duties({it.duty.name: it for it in counts}, RECORDS), "duties")


def a_drill(site: str, outcome: str = "ok") -> DrillRow:
    return DrillRow(
        id="0", site=site, scope="site", source="backup", started_at=NOW, outcome=outcome,
        rto=None, rpo=None, rto_target=None, rpo_target=None,
    )  # fmt: skip


def a_line(**changes: Any) -> PlanLine:
    item = Item(group="duy-tri", title="Thay ổ đĩa", use="c", source="Ngân sách")
    return PlanLine(number=7, item=item, decision="granted", granted=10**7, **changes)


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    return write_estate(tmp_path_factory.mktemp("judged"), 2)


@pytest.fixture(scope="module")
def perfect(estate: Estate) -> YearFacts:
    """Give figures in which nothing lacks."""
    with open_catalog(reveal(estate.catalog.url)) as catalog, catalog.reading() as session:
        facts = gather(session, None, estate, report_year(2026, estate.zone), NOW)
    up = (Uptime(up=1000),)
    return replace(
        facts,
        duties=duties(a_count("daily-backup", met=348), a_count("malware-scan", met=2)),
        last_ok=Figure({SITE: NOW, OTHER: NOW}, "runs"),
        rule=Figure({SITE: RULE, OTHER: RULE}, "snapshots"),
        drills=Figure([a_drill(SITE), a_drill(OTHER)], "drills"),
        uptimes=Figure(Uptimes({SITE: up, OTHER: up}, {}), "samples"),
        findings=Figure(replace(BAD, open=NONE, open_at={}), "findings"),
        plans=Figure((), "plan"),
    )  # fmt: skip


@pytest.fixture
def frames(estate: Estate) -> Iterator[Callable[[str], Frame]]:
    def give(kind: str) -> Frame:
        site = SITE if kind == "site" else ""
        wish = read_wish(tasks.Make(kind=kind, out="", year=2026, site=site), estate, NOW)
        return make_frame(estate, wish, NOW)

    with speaking("vi"):
        yield give


def told(blocks: Iterator[Block]) -> str:
    return "\n".join(it.text for it in blocks if isinstance(it, Paragraph))


def test_where_nothing_lacks_all_is_said_with_its_measure(
    perfect: YearFacts, frames: Callable[[str], Frame]
) -> None:
    good = told(write_good(perfect, frames("annual")))

    assert "696/696" in good
    assert "2/2 trang thông tin đáp ứng quy tắc 3-2-1-1-0" in good
    assert "2/2 cuộc diễn tập" in good
    assert "(4/4)" in good
    alone = replace(perfect, sites=perfect.sites[:1])
    for facts, kind, site in ((perfect, "annual", ""), (alone, "site", SITE)):
        assert "không cho thấy tồn tại nào" in told(write_bad(facts, frames(kind), site))


BROKEN = (RulePart("locked", "failed"), *RULE[:3])
FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "days": ({"duties": duties(a_count("daily-backup", met=300, missed=48))}, "96/696", "48/348"),
    "duty": (
        {"duties": duties(a_count("daily-backup", met=348), a_count("malware-scan", missed=2))},
        "Quét mã độc bản sao lưu quan trọng (4/4)", "(2/2)",
    ),
    "never": ({"last_ok": Figure({}, "runs")}, "2 trang thông tin chưa có", "Chưa có bản sao lưu"),
    "rule": ({"rule": Figure({SITE: BROKEN, OTHER: RULE}, "snapshots")}, "1/2 trang", "3-2-1-1-0"),
    "drill": (
        {"drills": Figure([a_drill(SITE, "failed"), a_drill(SITE), a_drill(OTHER)], "drills")},
        "1/3 cuộc diễn tập", "1/2 cuộc diễn tập",
    ),
    "drill finding": ({"drill_findings": Figure({SITE: 1}, "drills")}, "1 tồn tại", "1 tồn tại"),
    "undrilled": ({"drills": Figure([a_drill(OTHER)], "drills")}, "1/2 trang", "Chưa được diễn"),
    "finding": ({"findings": Figure(BAD, "findings")}, "2 điểm yếu", "2 điểm yếu"),
    "unaudited": ({"findings": Figure(None, "findings")}, "Chưa có lượt rà", "Chưa có lượt rà"),
    "unwatched": ({"uptimes": Figure(None, "samples")}, "2/2 trang thông tin", "Chưa có số đo"),
    "down": (
        {"uptimes": Figure(Uptimes({SITE: (Uptime(up=9, down=66, outages=1),),
                                    OTHER: (Uptime(up=9),)}, {}), "samples")},
        "66 phút, 1 lần", "66 phút, 1 lần",
    ),
}  # fmt: skip
"""What is planted, and what is told of it in the year's report and in a site's."""


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_a_shortcoming_of_the_whole_and_of_its_site(
    perfect: YearFacts, frames: Callable[[str], Frame], fault: str
) -> None:
    changes, of_all, of_site = FAULTS[fault]
    facts = replace(perfect, **changes)
    alone = replace(facts, sites=facts.sites[:1])

    assert of_all in told(write_bad(facts, frames("annual")))
    assert of_site in (said := told(write_bad(alone, frames("site"), SITE)))
    assert "không cho thấy tồn tại" not in said


def test_what_is_only_partly_good_is_not_praised(
    perfect: YearFacts, frames: Callable[[str], Frame]
) -> None:
    facts = replace(
        perfect,
        duties=duties(
            a_count("daily-backup", met=347, stated=1), a_count("malware-scan", unknown=2)
        ),
        rule=Figure({SITE: RULE}, "snapshots"),
        drills=Figure([a_drill(SITE)], "drills"),  # and none of the other site
    )  # fmt: skip

    failed = replace(facts, drills=Figure([a_drill(SITE), a_drill(OTHER, "failed")], "drills"))
    for it in (facts, failed):
        assert told(write_good(it, frames("annual"))) == (
            "Số liệu chưa cho thấy mặt nào đạt trọn vẹn để nêu ưu điểm."
        )


def test_days_without_records_are_not_judged(perfect: YearFacts) -> None:
    window, whole = perfect.window, a_count("daily-backup", met=1)
    gap = Period(date(2026, 3, 3), date(2026, 3, 6))
    before = Period(date(2025, 12, 15), date(2025, 12, 31))

    assert [*find_unjudged(whole, RECORDS, window)] == [(before, "not_in_force")]
    assert [*find_unjudged(whole, Records(date(2026, 1, 1), (gap,)), window)] == [
        (before, "no_records"), (gap, "no_records"),
    ]  # fmt: skip
    early = replace(whole, judged_from=window.first)
    assert [*find_unjudged(early, RECORDS, window)] == []


def test_a_line_without_a_word_about_its_difference_is_an_open_blank(
    perfect: YearFacts, frames: Callable[[str], Frame]
) -> None:
    lines = (
        (a_line(), "not_begun", ""),
        (a_line(contracted=10**7), "carried", "nhà thầu xin lùi"),
        (a_line(paid=10**7, accepted_on=date(2026, 5, 1)), "accepted", ""),
    )
    results = tuple(PlanResult(line=it, result=how, told=why) for it, how, why in lines)  # type: ignore[arg-type] # of `Result`
    plan = PlanYear(year=2026, decision="1/QĐ", decided_on=None, results=results, works=())
    blocks = list(write_spending(replace(perfect, plans=Figure((plan,), "plan")), frames("annual")))
    table = [it for it in blocks if isinstance(it, Table)][-1]

    assert [row[-1] for row in table.rows] == [
        "chưa giải trình: ..........",
        "nhà thầu xin lùi",
        "–",
    ]
    assert "30.000.000 đồng" in told(iter(blocks))


def test_without_a_plan_no_money_is_told(
    perfect: YearFacts, frames: Callable[[str], Frame]
) -> None:
    nothing = PlanYear(year=2026, decision="", decided_on=None, results=(), works=())
    blocks = write_spending(replace(perfect, plans=Figure((nothing,), "plan")), frames("annual"))

    assert "chưa ghi Kế hoạch năm 2026 nào được phê duyệt" in told(blocks)


def test_the_plan_of_a_report_is_that_of_its_budget_year(estate: Estate) -> None:
    assert [*plan_years(report_year(2026, estate.zone))] == [2026]
    for first, last, years in (
        (date(2026, 1, 1), date(2026, 3, 31), [2026]),
        (date(2025, 12, 1), date(2025, 12, 20), [2025, 2026]),
        (date(2025, 12, 16), date(2027, 1, 2), [2026, 2027]),
    ):
        assert [*plan_years(Timespan(first, last, estate.zone))] == years


@pytest.mark.parametrize(
    ("line", "is_again", "result"),
    [
        (a_line(), False, "not_begun"),
        (a_line(), True, "carried"),
        (a_line(contracted=1), False, "under_contract"),
        (a_line(accepted_on=date(2026, 5, 1)), True, "accepted"),
        (replace(a_line(), decision="deferred", granted=0), True, "deferred"),
        (replace(a_line(), decision="cut", granted=0), False, "not_granted"),
    ],
)
def test_what_became_of_a_line(line: PlanLine, is_again: bool, result: str) -> None:
    assert tell_result(line, is_again=is_again) == result


def test_a_report_that_was_due_within_hours_is_named_first(
    perfect: YearFacts, frames: Callable[[str], Frame]
) -> None:
    """A missed report of 24 hours stands before what was missed more often."""
    often = [
        a_count(it, met=1, missed=9) for it in DUTIES
        if DUTIES[it].due.unit != "hours" and it != "daily-backup"
    ][:12]  # fmt: skip
    facts = replace(perfect, duties=duties(*often, a_count("incident-first-report", missed=1)))
    assert "II): Báo cáo đầu tiên về sự cố nghiêm trọng (2/2)" in told(
        write_bad(facts, frames("annual"))
    )
