"""Reports that are asked for once: noted, told of, red when their day has passed, answered."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

import ops.wiring  # noqa: F401 - who asks for parts needs them given
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import Notice
from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.journal import journal
from ops.journal.journal import Origin
from ops.reports.requests import (
    AskedReport,
    end_it,
    end_request,
    find_request,
    list_requests,
    note_it,
    note_request,
    remind,
    show_requests,
)
from ops.reports.tasks import NoteRequest, Requests
from ops.status.facts import gather_facts
from ops.status.problem_wording import explain_problem
from ops.status.problems import REPORT_OVERDUE, find_problems
from tests.a_year import write_estate

NOW = datetime(2026, 3, 31, 2, 0, tzinfo=UTC)
ORIGIN = Origin(via="cli", person="nva")
ASKED = AskedReport(
    kind="activity", requester="Văn phòng UBND", reference="99/VP", about="An ninh quý I",
    due=date(2026, 4, 5), first=date(2026, 1, 1), last=date(2026, 3, 31),
)  # fmt: skip
RELAY = """
[notices]
relay = "json://localhost/"
[[notices.routes]]
severity = "warning"
people = ["nva"]
"""


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Estate:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    made = write_estate(tmp_path, 1, more=RELAY)
    monkeypatch.setenv("GIUCONG_ESTATE", str(made.path))
    return made


@pytest.fixture
def catalog(estate: Estate) -> Iterator[Catalog]:
    opened = open_catalog(reveal(estate.catalog.url))
    yield opened
    opened.close()


def note(catalog: Catalog, estate: Estate, asked: AskedReport = ASKED) -> str:
    with catalog.writing() as session:
        return note_request(session, ORIGIN, asked, zone=estate.zone, now=NOW).called


def test_requests_are_listed_until_they_are_answered(catalog: Catalog, estate: Estate) -> None:
    first, second = note(catalog, estate), note(catalog, estate)
    with catalog.writing() as session:
        end_request(session, Origin(via="cli", document="05/BC"), find_request(session, second))
    with catalog.reading() as session:
        every, still_open = list_requests(session), list_requests(session, only_open=True)

        assert [it.called for it in every] == ["2026-001", "2026-002"] == [first, second]
        assert [(it.called, it.asked) for it in still_open] == [(first, ASKED)]
        assert every[1].answer == "05/BC"
        with pytest.raises(WrongUseError, match="answered"):
            find_request(session, second, is_open=True)
    assert journal.verify(catalog).broken_at is None


@pytest.mark.parametrize(
    "changes",
    [
        {"requester": " "},
        {"kind": "nonsense"},
        {"about": "x" * 301},
        {"last": None},
        {"last": date(2025, 1, 1)},
    ],
)
def test_what_is_no_request_is_refused(
    catalog: Catalog, estate: Estate, changes: dict[str, object]
) -> None:
    values = {it: getattr(ASKED, it) for it in AskedReport.__dataclass_fields__}
    with pytest.raises(WrongUseError):
        note(catalog, estate, AskedReport(**{**values, **changes}))
    with catalog.reading() as session:
        assert list_requests(session) == []


def test_the_day_itself_is_in_time_and_the_next_is_red(catalog: Catalog, estate: Estate) -> None:
    called = note(catalog, estate)
    last_minute = datetime(2026, 4, 5, 16, 59, tzinfo=UTC)  # 23:59 in Đồng Nai
    found = {}
    for now in (last_minute, last_minute + timedelta(minutes=1)):
        problems = find_problems(gather_facts(estate, catalog, now))
        found[now] = [it for it in problems if it.code == REPORT_OVERDUE]

    before, after = found.values()
    assert before == []
    (problem,) = after
    assert problem.level == "red"
    told = explain_problem(problem, "Asia/Ho_Chi_Minh")
    assert called in told.what
    assert "05/04/2026" in told.what
    assert f"report.make --kind activity --request {called}" in told.next_step


def test_it_is_told_of_once_when_near_and_once_when_over(catalog: Catalog, estate: Estate) -> None:
    called = note(catalog, estate)
    told = [remind(catalog, datetime(2026, 4, day, 2, 0, tzinfo=UTC)) for day in (1, 2, 3, 6, 7)]
    with catalog.reading() as session:
        keys = session.execute(select(Notice.subject_key)).scalars().all()

    assert told == [0, 1, 0, 1, 0]
    assert sorted(keys) == [f"report_request:{called}:{it}" for it in ("near", "over")]


@pytest.mark.usefixtures("estate")
def test_at_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    wish = NoteRequest(requester="Thanh tra", due="1/1/2026", reference="7/TTr")

    assert note_it(NoteRequest(requester="Thanh tra", due="1/1/2026", dry_run=True)) == 0
    assert show_requests(Requests(all=True)) == 0
    assert note_it(wish) == 0
    assert show_requests(Requests(json=True)) == 1
    printed = capsys.readouterr().out
    listed = json.loads(printed[printed.index("{") :])
    assert listed["items"][0]["requester"] == "Thanh tra"
    assert listed["items"][0]["is_overdue"] is True
    called = listed["items"][0]["request"]
    with pytest.raises(WrongUseError, match="paper, or with a reason"):
        end_it(NoteRequest(end=called))
    assert end_it(NoteRequest(end=called, reason="Đã rút yêu cầu")) == 0
    assert show_requests(Requests()) == 0
    with pytest.raises(WrongUseError, match="no request"):
        end_it(NoteRequest(end="2026-999", reason="x"))
