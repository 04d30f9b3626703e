"""What is overdue and what drills have shown, in words, as problems and as notices."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ops.alerts.decisions import decide_alerts, job_subject, subject_of
from ops.alerts.drafts import Draft
from ops.alerts.notice_wording import NoticeRow, word_notice
from ops.drills.findings import Finding
from ops.drills.rotation.due import explain_overdue, tell_command
from ops.drills.rotation.read import DrillStanding, Overdue, find_overdue
from ops.drills.rotation.rotation import Choice, Need, State
from ops.duties.table.load import SHIPPED_DUTIES, read_duties
from ops.status.daily_summary import STATES, draft_problem
from ops.status.facts import Facts
from ops.status.problem_wording import explain_problem
from ops.status.problems import find_in_drills, find_problems, told_by_findings

NOW = datetime(2027, 2, 15, 5, tzinfo=UTC)
PAPER = Choice("cong", "site", "ours", from_paper=True, store="near")
OVERDUE = Overdue(
    duty="drill-from-paper",
    title={"vi": "Diễn tập với khóa in trên giấy", "en": "Drill with the keys from paper"},
    due_on=date(2026, 12, 31),
    subjects=("",),
    choice=PAPER,
    hindrance="by_people",
)
FINDING = Finding(
    id="f1", drill="d1", site="xa", scope="site", store="near", engine="ours", from_paper=False,
    code="drill_stopped", params={"run": "r1"}, owner="nva", due=date(2027, 2, 14),
    opened_at=NOW, fixed_by="", closed_at=None,
)  # fmt: skip
STANDING = DrillStanding((OVERDUE,), (FINDING,), NOW.date())


def draft_all(standing: DrillStanding) -> list[Draft]:
    """Give what is told of drills."""
    found = find_in_drills(standing)
    return [draft_problem(it, it.occasion) for it in found if it.code in STATES]


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")


@pytest.mark.parametrize(
    ("choice", "command"),
    [
        (Choice("xa", "site", "ours", from_paper=False, store=""), "giucong drill.run --site xa"),
        (
            Choice("xa", "file", "ours", from_paper=False, store="offsite", path="a/b"),
            "giucong drill.run --site xa --file --store offsite",
        ),
        (
            Choice("xa", "site", "restic", from_paper=False, store="near"),
            "giucong drill.run --site xa --with restic --store near",
        ),
        (PAPER, "giucong drill.run --site cong --from-paper --store near"),
    ],
)
def test_the_command_runs_just_that_drill(choice: Choice, command: str) -> None:
    overdue = replace(OVERDUE, choice=choice)

    assert explain_overdue(overdue.as_params()).next_step.strip("`") == command
    assert tell_command(overdue.as_params()["choice"]) == f"`{command}`"


def test_overdue_and_late_findings_are_red_and_name_the_next_step() -> None:
    found = list(find_in_drills(STANDING))
    told = [explain_problem(it, "Asia/Ho_Chi_Minh") for it in found]

    assert [(it.level, it.site, it.subject) for it in found] == [
        ("red", "", "drill_overdue:drill-from-paper"),
        ("red", "xa", "drill_finding_overdue:f1"),
    ]
    assert told[0].what == "no good restore drill by 31/12/2026: Drill with the keys from paper"
    assert "only people can do it" in told[0].why
    assert "nva was to have it fixed by 14/02/2027" in told[1].why
    assert told[1].next_step == "`giucong drill.show --drill d1`"
    assert all(it.data for it in told)


def test_a_finding_that_has_time_can_wait_for_the_day() -> None:
    standing = replace(STANDING, overdue=(), findings=(replace(FINDING, due=NOW.date()),))
    (problem,) = find_in_drills(standing)

    assert problem.level == "yellow"
    told = explain_problem(problem, "Asia/Ho_Chi_Minh")
    assert "nva sees to it that it is fixed by 15/02/2027" in told.why
    assert draft_all(standing) == []


def test_at_a_glance_they_stand_among_the_problems() -> None:
    facts = Facts(
        now=NOW, zone="Asia/Ho_Chi_Minh", sites=(), is_service_running=True, has_relay=True,
        drills=STANDING,
    )  # fmt: skip

    assert [(it.level, it.site) for it in find_problems(facts)] == [("red", ""), ("red", "xa")]
    assert told_by_findings(STANDING) == {job_subject("drill/xa")}


def test_each_is_told_once_for_each_period() -> None:
    overdue, finding = draft_all(STANDING)
    opened = decide_alerts((), (overdue, finding), ()).opened
    later = draft_all(replace(STANDING, overdue=(replace(OVERDUE, due_on=date(2027, 12, 31)),)))

    assert opened == (overdue, finding)
    assert subject_of(overdue) == subject_of(later[0])
    assert overdue.subject_key != later[0].subject_key
    assert (overdue.severity, finding.severity) == ("warning", "warning")


@pytest.mark.parametrize("language", ["en", "vi"])
def test_the_notices_say_what_why_and_what_to_type(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", language)
    for draft in draft_all(STANDING):
        told = NoticeRow(draft.severity, draft.code, draft.params, "", draft.site, NOW)
        message = word_notice(told, organisation="Trung tâm", zone="Asia/Ho_Chi_Minh")
        assert "giucong drill." in message.body
        assert ("31/12/2026" in message.title) == (draft.code == "drill_overdue")
        assert "{" not in message.title + message.body


def an_entry(subject: str, state: State, day: int, finding: str = "") -> Need:
    return Need(
        duty="drill-stock-restic", subject=subject, state=state, due_on=date(2026, 12, day),
        ready_on=date(2026, 12, 1), choice=None, hindrance="no_backup", finding=finding,
    )  # fmt: skip


def test_what_is_overdue_is_gathered_by_duty() -> None:
    entries = [
        an_entry("a", "overdue", 1), an_entry("b", "overdue", 2), an_entry("c", "due", 3),
        an_entry("d", "overdue", 1, "f"),
    ]  # fmt: skip
    (found,) = find_overdue(entries, read_duties((SHIPPED_DUTIES,)).duties)

    assert (found.subjects, found.due_on) == (("a", "b"), date(2026, 12, 1))
    assert found.title["en"] == "Drill each site with stock restic"
    told = explain_overdue(replace(found, subjects=("a", "b", "c", "d", "e")).as_params())
    assert told.what.endswith("(a, b, c and 2 more)")
    assert told.next_step == "`giucong drill.list --due`"
