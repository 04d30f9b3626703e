"""The one JSON document of a task: its shape, its times, what a failure and an act become."""

import json
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import pytest

from ops.catalog.open import open_catalog
from ops.cli.collections import load_tasks
from ops.errors import OpsError
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.language.formats import format_moment
from ops.terminal.document import plain, write_document
from ops.terminal.output import write_json, write_line

OPS = Path(__file__).parents[4] / "ops"


@dataclass(frozen=True)
class Row:
    name: str
    at: datetime


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def test_moments_are_in_utc_and_the_rest_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    here = timezone(timedelta(hours=7))
    write_json(
        [{"at": datetime(2026, 1, 1, 7, tzinfo=here), "kept": "2026-01-01T07:00:00.5+07:00",
          "on": date(2026, 1, 2), "took": timedelta(seconds=90), "where": Path("/srv"),
          "id": UUID(int=7), "tên": "Cổng", "row": Row("x", datetime(2026, 1, 1, tzinfo=UTC)),
          "cause": {"what": "it is {age} old", "params": {"age": 3}}, "none": None, "set": {2, 1},
          "text": "2026-01-01 and more", "bad": "2026-13-41T07:00:00+07:00"}],
        minutes={"begun": "2026-01-01T07:00:00+07:00"},
    )  # fmt: skip

    assert told(capsys) == {
        "schema": 1,
        "items": [
            {"at": "2026-01-01T00:00:00Z", "kept": "2026-01-01T00:00:00.500000Z",
             "on": "2026-01-02", "took": 90.0, "where": "/srv",
             "id": "00000000-0000-0000-0000-000000000007", "tên": "Cổng",
             "row": {"name": "x", "at": "2026-01-01T00:00:00Z"}, "cause": "it is 3 old",
             "none": None, "set": [1, 2], "text": "2026-01-01 and more",
             "bad": "2026-13-41T07:00:00+07:00"}
        ],
        "minutes": {"begun": "2026-01-01T07:00:00+07:00"},
    }  # fmt: skip


@pytest.mark.parametrize("items", [{"a": {}}, "text", ["text"], [None]])
def test_what_is_no_list_of_rows_is_refused(items: object) -> None:
    with pytest.raises(TypeError):
        write_json(items)  # type: ignore[arg-type]  # what is refused


def test_lines_of_a_task_are_told_within_and_a_failure_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def act() -> int:
        write_line("đang làm")
        raise OpsError("the site {site} waits", next_step="`fab x`", site="cong-xa")

    assert write_document(act) == 1
    document = told(capsys)
    assert (document["items"], document["told"]) == ([], ["đang làm"])
    assert document["error"] == {
        "what": "the site cong-xa waits", "why": "", "data": "", "next_step": "`fab x`",
        "values": {"site": "cong-xa"},
    }  # fmt: skip


def test_an_act_that_lasts_is_an_item_and_one_that_is_undone_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog = open_catalog(f"sqlite:///{tmp_path}/catalog.db")
    origin = Origin(via="cli")

    def act() -> int:
        with catalog.writing() as session:
            journal.append(session, origin, [Entry("hold.placed", "cong-xa", {"days": 3})])
        with suppress(RuntimeError), catalog.writing() as session:
            journal.append(session, origin, [Entry("hold.placed", "cong-xb")])
            raise RuntimeError
        return 0

    codes = write_document(act), write_document(act, dry_run=True)
    catalog.close()
    first, second = capsys.readouterr().out.split("\n}\n", 1)

    assert codes == (0, 0)
    act_told = {"action": "hold.placed", "subject": "cong-xa", "details": {"days": 3}}
    assert json.loads(first + "}")["items"] == [act_told]
    assert json.loads(second)["items"] == []


def test_every_task_but_the_service_itself_takes_json() -> None:
    without = {
        f"{name}.{task}"
        for name, collection in load_tasks().collections.items()
        for task, body in collection.tasks.items()
        if "json" not in {it.name for it in body.get_arguments()}
    }
    assert without == {"console.run", "service.run"}


def test_nothing_else_writes_json_to_standard_output() -> None:
    writing = re.compile(r"json\.dump\(.*stdout|(?:stdout\.write|write_line|write_out)\(.*json\.")
    found = {
        str(path.relative_to(OPS))
        for path in OPS.rglob("*.py")
        if writing.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"terminal/document.py"}, found


def test_who_sits_at_a_terminal_reads_the_lines_meanwhile(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert write_document(lambda: write_line("Gõ tên:")) == 0
    captured = capsys.readouterr()
    assert captured.err == "Gõ tên:\n"
    assert json.loads(captured.out)["told"] == ["Gõ tên:"]


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+07:00", "9999-12-31T23:59:59-07:00"])
def test_a_text_at_the_calendars_edge_is_told_as_it_stands(text: str) -> None:
    assert plain({"title": text}) == {"title": text}
    day = f"{datetime.fromisoformat(text):%d/%m/%Y}"
    assert format_moment(datetime.fromisoformat(text), "UTC").startswith(day)
