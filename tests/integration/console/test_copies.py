"""The pages of copies over a real backup: hostile names, a file got byte-equal, one put back."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import select

from ops.access.caller import Caller, acting_for
from ops.access.identity import NotAllowedError
from ops.access.prompts import ask_proof
from ops.backups.ransomware.freeze import accept_findings, note_finding, whole_runs
from ops.catalog.columns import new_id
from ops.catalog.tables.copies import WatchFinding
from ops.catalog.tables.core import Run
from ops.catalog.tables.index import Snapshot
from ops.errors import WrongUseError
from ops.language.text import _
from ops.runbooks.library import find_runbook
from ops.runbooks.states import CatalogStates
from runbooks.state import RunState, StepRecord
from tests.console_office import (
    OTHER_SITE,
    InProcess,
    Running,
    build_console_estate,
    office_in_process,
)
from tests.integration.jobs.small_estate import giucong
from tests.people import origin_of

pytestmark = pytest.mark.slow

HOSTILE = {
    b"<img src=x onerror=alert(1)>.html": b"html",
    "quay\u202efdp.exe".encode(): b"rtl",
    b"hai\ndong '\" &amp; %2e%2e.txt": b"newline",
    b"kh\xf4ng-\xff-utf8.bin": bytes(range(256)) * 40,
    b"[a]*?!\\.txt": b"pattern",
    "báo cáo quý 3.pdf".encode(): b"%PDF",
}
"""Names of files that a site could hold, with what is in them."""


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """An office over a site with hostile names that was backed up."""
    folder = tmp_path_factory.mktemp("copies") / "estate"
    estate = build_console_estate(folder, OTHER_SITE.replace('path = "www"', 'path = "www-khac"'))
    (folder / "www-khac").mkdir()
    for name, content in HOSTILE.items():
        (folder / "www" / "uploads" / os.fsdecode(name)).write_bytes(content)
    for words in (["backup.init"], ["backup.run", "--site", "cong-xa"]):
        done = giucong(estate.path, *words, SUDO_USER="bach")
        assert done.returncode == 0, done.stderr
    with office_in_process(estate) as office:
        yield office


def snapshot_of(office: InProcess) -> str:
    return str(office.page("site", site="cong-xa")["snapshots"]["items"][0]["id"])


@pytest.mark.parametrize("name", HOSTILE)
def test_each_file_has_its_versions_and_no_other_has(backed_up: InProcess, name: bytes) -> None:
    folder = quote("/cong-xa/files/www/uploads")
    listed = backed_up.page("restore", site="cong-xa", folder=folder)["items"]
    quoted = f"{folder}/{quote(name)}"
    assert quoted in [it["quoted"] for it in listed]
    page = backed_up.page("restore", site="cong-xa", path=quoted)
    assert [it["quoted"] for it in page["items"]] == [quoted]
    assert page["items"][0]["size"] == len(HOSTILE[name])


def test_a_path_as_deep_as_somebody_likes_is_not_there_and_no_more(backed_up: InProcess) -> None:
    for depth in (500, 6_000):
        assert backed_up.page("restore", site="cong-xa", path="a/" * depth + "b")["items"] == []
    for argument in ("path", "folder"):
        with pytest.raises(WrongUseError, match="too long"):
            backed_up.page("restore", site="cong-xa", **{argument: "a/" * 7_000})


@pytest.mark.parametrize("name", sorted(HOSTILE)[-3:])
def test_a_file_of_any_name_comes_back_byte_equal_and_nothing_else_does(
    backed_up: InProcess, name: bytes
) -> None:
    quoted = quote(b"/cong-xa/files/www/uploads/" + name)
    page = backed_up.page("restore", site="cong-xa", path=quoted)
    form = {"site": "cong-xa", "snapshot": page["items"][0]["newest_snapshot"], "include": quoted}
    told = backed_up.act("backup.restore", form=form)
    assert told["code"] == 0, told
    assert [it["name"] for it in told["files"]] == [f"cong-xa/files/www/uploads/{quote(name)}"]
    request = {"id": told["id"], "name": told["files"][0]["name"]}
    answer = backed_up.counter.hand_out({**request, "token": backed_up.tokens["bach"]})
    assert answer.file is not None
    assert answer.file.read_bytes() == HOSTILE[name]
    for other in ("../given", "cong-xa/../../x", "/etc/passwd", "%2e%2e/given", ""):
        with pytest.raises(WrongUseError):
            backed_up.ask("act-file", id=told["id"], name=other)
    with pytest.raises(WrongUseError):
        backed_up.ask("act-file", "chau", **request)


def test_no_name_of_a_file_becomes_markup_or_turns_the_page_round(backed_up: InProcess) -> None:
    pages = [
        backed_up.html("restore", site="cong-xa", folder=quote("/cong-xa/files/www/uploads")),
        backed_up.html("restore", site="cong-xa", name="*", all="1"),
        *(backed_up.html("restore", site="cong-xa",
               path=quote(b"/cong-xa/files/www/uploads/" + it)) for it in HOSTILE),
    ]  # fmt: skip
    for page in pages:
        assert "<img src=x" not in page
        assert "\u202e" not in page
        assert "hai\ndong" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;.html" in pages[0]
    assert "hai\\ndong" in pages[0]


@pytest.mark.parametrize("include", ["%2e%2e", "*", "/cong-xa/%00", "x" * 20_000])
def test_a_path_that_is_none_is_refused(backed_up: InProcess, include: str) -> None:
    form = {"site": "cong-xa", "snapshot": snapshot_of(backed_up), "include": include}
    with pytest.raises(WrongUseError):
        backed_up.act("backup.restore", form=form)


def test_putting_back_waits_for_another_person_and_is_done_then(backed_up: InProcess) -> None:
    live = backed_up.estate.path.parent / "www" / "index.php"
    before = live.read_bytes()
    live.write_bytes(b"defaced")
    form = {"site": "cong-xa", "snapshot": snapshot_of(backed_up), "confirm": "cong-xa",
            "include": "/cong-xa/files/www/index.php", "reason": "bị sửa trái phép"}  # fmt: skip

    proof = backed_up.estate.proof_of
    asked = backed_up.act("backup.restore.in-place", form=form, proof=proof("bach"))
    assert asked["code"] == 4, asked
    assert live.read_bytes() == b"defaced"
    (request,) = backed_up.page("restore", site="cong-xa")["requests"]
    decided = {"id": request["id"], "reason": "đã xem"}
    approved = backed_up.act("approval.approve", "chau", form=decided, proof=proof("chau"))
    assert approved["code"] == 0, approved
    done = backed_up.act("backup.restore.in-place", form=form, proof=proof("bach"))
    assert done["code"] == 0, done
    assert live.read_bytes() == before


def test_a_step_whose_task_takes_two_people_waits_and_goes_on(backed_up: InProcess) -> None:
    """The shipped runbook, at the step that puts a site back."""
    live = backed_up.estate.path.parent / "www" / "index.php"
    before = live.read_bytes()
    live.write_bytes(b"defaced again")
    run = stand_before(backed_up, 7, snapshot=snapshot_of(backed_up), before="0" * 8)
    assert 'name="proof_password"' in backed_up.html("runbooks", run=run)
    form = {"run": run, "step": "7", "reason": "bị sửa trái phép"}
    with acting_for(Caller("bach", "bach", "")), pytest.raises(WrongUseError) as refused:
        ask_proof("bach", "")  # as the step's task would, without
    assert "where the page asks" in refused.value.next_step
    proof = {it: backed_up.estate.proof_of(it) for it in ("bach", "chau")}
    asked = backed_up.act("runbook.resume", form=form, proof=proof["bach"])
    assert asked["code"] == 4, asked
    page = backed_up.page("runbooks", run=run)
    assert (page["run"]["standing"], page["next"]["number"]) == ("waiting", 7)
    assert proof["bach"]["code"] not in str(page)
    (request,) = backed_up.page("approvals", "chau")["items"]
    decided = {"id": request["id"]}
    approved = backed_up.act("approval.approve", "chau", form=decided, proof=proof["chau"])
    assert approved["code"] == 0, approved
    done = backed_up.act("runbook.resume", form=form)
    assert done["code"] == 0, done
    assert live.read_bytes() == before
    assert backed_up.page("runbooks", run=run)["next"]["number"] == 9


def stand_before(office: InProcess, number: int, **values: str) -> str:
    """Keep a run of the shipped runbook whose steps before that one are done; gives its id."""
    estate, catalog = office.counter.keeper.get()
    runbook = find_runbook(estate.path, "restore-site-in-place")
    now = datetime.now(UTC)
    records = tuple(
        StepRecord(number=it.number, attempt=1, kind=it.kind, state="done", person="bach",
                   started_at=now, ended_at=now)
        for it in runbook.steps[: number - 1]
    )  # fmt: skip
    state = RunState(
        id=str(new_id()), runbook=runbook.id, text=runbook.text, person="bach", started_at=now,
        values={"site": "cong-xa", "reason": "bị sửa trái phép", **values}, records=records,
        standing="failed",
    )  # fmt: skip
    CatalogStates(catalog, origin_of("bach")).save(state)
    return state.id


def test_a_contact_of_a_unit_sees_the_own_sites_and_nothing_of_others(backed_up: InProcess) -> None:
    seen = backed_up.page("sites", "unit-contact")
    assert [it["name"] for it in seen["items"]] == ["cong-xa"]
    for name in ("sites", "restore"):
        assert "cong-khac" not in backed_up.html(name, "unit-contact")
    page = backed_up.html("site", "unit-contact", site="cong-xa")
    assert "cong-khac" not in page
    assert "/act/service.trigger" not in page
    for name in ("site", "restore"):
        with pytest.raises(NotAllowedError):
            backed_up.page(name, "unit-contact", site="cong-khac")


def test_nothing_is_shown_of_a_site_that_there_is_not(backed_up: InProcess) -> None:
    with pytest.raises(WrongUseError, match="no site"):
        backed_up.page("restore", "viewer", site="không-có")


def test_a_restore_begins_with_what_is_in_doubt_and_the_moment_before(
    backed_up: InProcess,
) -> None:
    good = snapshot_of(backed_up)
    done = giucong(backed_up.estate.path, "backup.run", "--site", "cong-xa", SUDO_USER="bach")
    assert done.returncode == 0, done.stderr
    signals = [{"page": "/", "measure": "title", "detail": "Hacked <b>"}]
    _estate, catalog = backed_up.counter.keeper.get()
    with catalog.writing() as session:
        query = select(Run).where(*whole_runs("cong-xa")).order_by(Run.started_at.desc())
        run = session.execute(query).scalars().first()
        assert run is not None
        origin = replace(origin_of("bach"), run=str(run.id))
        finding = WatchFinding(
            site="cong-xa", before=good, snapshot=str(run.summary["snapshot"]), signals=signals
        )
        note_finding(session, origin, finding, now=datetime.now(UTC))
    backed_up.counter.keeper.documents.forget()  # what people share may be some seconds old
    doubtful, before = (
        backed_up.html("restore", site="cong-xa", **chosen) for chosen in ({}, {"snapshot": good})
    )
    site = backed_up.html("site", site="cong-xa")
    with catalog.writing() as session:
        accept_findings(session, origin, "cong-xa", "Giao diện mới", now=datetime.now(UTC))
    accepted = backed_up.html("restore", site="cong-xa")

    assert doubtful.index("đáng ngờ") < doubtful.index("Chọn tệp")
    assert "Hacked &lt;b&gt;" in doubtful
    assert f"snapshot={good}" in doubtful
    assert "đáng ngờ" not in before
    assert "đáng ngờ" not in accepted
    assert "có thể đã bị sửa giao diện" in site
    assert "/act/backup.accept" in site


def test_a_backup_that_a_wrong_clock_has_dated_ahead_is_marked(backed_up: InProcess) -> None:
    assert _("dated ahead of now") not in backed_up.html("site", site="cong-xa")
    _estate, catalog = backed_up.counter.keeper.get()
    newest = select(Snapshot).where(Snapshot.id == snapshot_of(backed_up))
    with catalog.writing() as session:
        row = session.execute(newest).scalar_one()
        before, row.taken_at = row.taken_at, datetime.now(UTC) + timedelta(days=400)
    try:
        assert backed_up.html("site", site="cong-xa").count(_("dated ahead of now")) == 1
    finally:
        with catalog.writing() as session:
            session.execute(newest).scalar_one().taken_at = before


def test_an_alert_leads_to_the_runs_of_its_own_job(backed_up: InProcess) -> None:
    whole = backed_up.page("runs", "viewer")["items"]
    named = backed_up.page("runs", "viewer", job="backup/cong-xa")["items"]
    assert {it["job"] for it in named} == {"backup/cong-xa"}
    assert len(whole) >= len(named)
    assert backed_up.page("runs", "viewer", job="backup/khac")["items"] == []


def test_a_failing_backup_is_followed_from_its_site_to_its_cause(backed_up: InProcess) -> None:
    folder = backed_up.estate.path.parent
    (folder / "www").rename(folder / "gone")
    try:
        failed = giucong(backed_up.estate.path, "backup.run", "--site", "cong-xa", SUDO_USER="bach")
    finally:
        (folder / "gone").rename(folder / "www")
    assert failed.returncode != 0
    run = backed_up.page("site", site="cong-xa")["runs"]["ended"][0]
    assert f"/run?id={run['id']}" in backed_up.html("site", site="cong-xa")
    assert backed_up.page("runs", outcome="failed")["items"][0]["id"] == run["id"]
    told = backed_up.page("run", id=run["id"])
    assert str(folder / "www") in str(told["run"]["told"])
    assert [it["subject"] for it in told["acts"]]
    assert "next" in backed_up.html("run", id=run["id"])


def test_a_run_that_was_asked_for_says_how_far_it_is(backed_up: InProcess) -> None:
    running = Running(backed_up.estate)
    try:
        running.start("service.run")
        assert backed_up.act("service.trigger", form={"job": "backup/cong-xa"})["code"] == 0
        until = time.monotonic() + 100
        while not (ended := _asked_runs(backed_up)) and time.monotonic() < until:
            time.sleep(0.2)
    finally:
        running.end()
    page = backed_up.page("run", id=ended[0])
    assert page["run"]["outcome"] == "ok", page
    assert page["asked"]["requested_by"] == "bach"
    assert page["live"] is not None
    assert not page["live"]["errors"]


def _asked_runs(office: InProcess) -> list[str]:
    """Give the backups of the site that somebody has asked for; the service's own is another."""
    found = office.page("runs", kind="backup", site="cong-xa", outcome="ok")["items"]
    ended = [it["id"] for it in found]
    return [it for it in ended if office.page("run", id=it)["asked"]]


def test_a_restore_that_the_disk_has_no_room_for_is_refused(tmp_path: Path) -> None:
    from ops.backups.restore.targets import NoRoomError, refuse_full

    here = tmp_path.stat().st_dev
    refuse_full(tmp_path / "target", 1, beside=here)
    with pytest.raises(NoRoomError):
        refuse_full(tmp_path / "not" / "there", 1 << 60, beside=here)
