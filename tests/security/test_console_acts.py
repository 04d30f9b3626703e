"""What becomes of acts: whose files they are, for how long, how many at once, and who did them."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ops.access.caller import Caller
from ops.access.identity import NotAllowedError
from ops.access.roles import give_role, take_role
from ops.catalog.tables.core import JournalRow
from ops.console.office import act_runs
from ops.console.office.act_runs import ActRun, ActRuns
from ops.console.office.order import Order
from ops.console.office.server import TooManyActsError
from ops.errors import WrongUseError
from tests.console_office import InProcess, build_console_estate, office_in_process
from tests.forks import forks
from tests.people import note_role

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    estate = build_console_estate(tmp_path_factory.mktemp("console") / "estate")
    with office_in_process(estate) as found:
        yield found


def order_of(person: str) -> Order:
    return Order(act="report.make", task="report.make", values={"kind": "activity"},
                 caller=Caller(person, person, ""), language="en")  # fmt: skip


def write_a_file(runs: ActRuns, run: ActRun, _order: bytes) -> None:
    """Stand in for the act's process."""
    (run.folder / "giấy.docx").write_text("nội dung")
    run.code, run.ended = 0, time.monotonic()
    runs.on_end()
    run.done.set()


def change_role(office: InProcess, change: Callable[..., None], word: str, **more: Any) -> None:
    with office.counter.keeper.get()[1].writing() as session:
        change(session, "viewer", "viewer", by="test", now=datetime.now(UTC), **more)
        note_role(session, "viewer", "viewer", word)


def test_who_has_lost_a_role_gets_no_file_of_the_acts_before(
    office: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a session; pages and new acts are refused as well."""
    monkeypatch.setattr(ActRuns, "_do", write_a_file)
    told = office.act("report.make", "viewer", form={"kind": "activity"})
    (file,) = told["files"]
    asked = {"id": told["id"], "name": file["name"]}
    assert office.ask("act-file", "viewer", **asked)["bytes"] > 0
    change_role(office, take_role, "take")
    try:
        for what, more in (
            ("act-file", asked), ("act-state", asked), ("page", {"page": "alerts"}),
            ("act", {"task": "report.make", "form": {"kind": "activity"}}),
        ):  # fmt: skip
            with pytest.raises(NotAllowedError):
                office.ask(what, "viewer", **more)
    finally:
        change_role(office, give_role, "give", request=None)
    assert office.ask("act-file", "viewer", **asked)["bytes"] > 0


def test_files_go_after_an_hour_without_anybody_asking_and_with_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ActRuns, "_do", write_a_file)
    monkeypatch.setattr(act_runs, "_TIDY_SECONDS", 0.05)
    runs = ActRuns(tmp_path / "results", forks())
    try:
        kept = runs.start(order_of("bach"))
        assert kept.files()
        kept.ended -= 3_601.0
        until = time.monotonic() + 60
        while kept.folder.exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        runs.start(order_of("bach"))
    finally:
        runs.close()
    assert not (tmp_path / "results").exists()


def test_nobody_takes_all_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lets long acts run leaves room for others: for the one who takes credentials away."""
    go_on = threading.Event()
    monkeypatch.setattr(act_runs, "_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(ActRuns, "_do", lambda _self, _run, _order: go_on.wait(60))
    runs = ActRuns(tmp_path / "results", forks())
    try:
        for _number in range(4):
            runs.start(order_of("bach"))
        with pytest.raises(TooManyActsError):
            runs.start(order_of("bach"))
        for person in ("chau", "an", "binh", "chi"):
            runs.start(order_of(person))
        with pytest.raises(TooManyActsError):
            runs.start(order_of("dung"))
    finally:
        go_on.set()
        runs.close()


def test_a_file_is_fetched_by_its_path_and_no_site_without_one(office: InProcess) -> None:
    with pytest.raises(WrongUseError, match="must be filled: Tệp hay thư mục"):
        office.act("backup.restore", form={"site": "cong-xa"})


def test_the_same_person_is_no_second_one_and_the_journal_tells_who_from_where(
    office: InProcess,
) -> None:
    """Each act as a process of its own, as always."""
    role = {"person": "auditor", "role": "viewer", "reason": "Thêm việc", "document": "12/QĐ"}

    def prove(person: str) -> dict[str, str]:
        return {
            "password": office.estate.password_of(person),
            "code": office.estate.code_of(person),
        }

    asked = office.act("user.role", form=role, proof=prove("bach"))
    assert asked["code"] == act_runs._EXIT_WAITING
    request = asked["document"]["error"]["values"]["request"]
    own = office.act("approval.approve", form={"id": request}, proof=prove("bach"))
    assert own["code"] not in {0, act_runs._EXIT_WAITING}
    waiting = office.act("user.role", form=role, proof=prove("bach"))
    assert waiting["code"] == act_runs._EXIT_WAITING
    replayed = {
        "password": office.estate.password_of("chau"),
        "code": office.estate.code_of("chau"),
    }
    approved = office.act("approval.approve", "chau", form={"id": request}, proof=replayed)
    assert approved["code"] == 0, approved
    again = office.act("approval.approve", "chau", form={"id": request}, proof=replayed)
    assert again["code"] != 0
    assert office.act("user.role", form=role, proof=prove("bach"))["code"] == 0
    with office.counter.keeper.get()[1].reading() as session:
        query = select(JournalRow).where(JournalRow.via == "console").order_by(JournalRow.sequence)
        rows = [
            (it.action, it.person, it.address)
            for it in session.execute(query).scalars()
            if it.action.startswith(("approval", "user.role"))
        ]
    assert {it[2] for it in rows} == {"10.0.0.7"}
    assert ("approval.approve", "chau", "10.0.0.7") in rows
    assert rows[-1][:2] == ("user.role", "bach")
