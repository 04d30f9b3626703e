"""One write takes one approval, and the minutes of the run name who gave it."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from ops.backups.ransomware.freeze import note_finding, whole_runs
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.copies import WatchFinding
from ops.catalog.tables.core import Run
from ops.journal.journal import Origin
from tests.integration.jobs.small_estate import GIUCONG
from tests.integration.runbooks.driving import Desk, Office

pytestmark = pytest.mark.slow


@pytest.fixture
def catalog(desk: Desk) -> Iterator[Catalog]:
    found = open_catalog(f"sqlite:///{desk.folder}/state/giucong.db")
    yield found
    found.close()


def newest(desk: Desk) -> str:
    listed = json.loads(desk.type("backup.list", "--site", "cong-xa", "--json").stdout)["items"]
    return str(max(listed, key=lambda it: str(it["taken_at"]))["id"])


def note_doubt(catalog: Catalog) -> None:
    with catalog.writing() as session:
        run = session.execute(select(Run).where(*whole_runs("cong-xa"))).scalars().first()
        assert run is not None
        snapshot = str(run.summary["snapshot"])
        signals = [{"page": "/", "measure": "title", "detail": "Hacked"}]
        origin = Origin(via="clock", run=str(run.id))
        finding = WatchFinding(site="cong-xa", before=snapshot, snapshot=snapshot, signals=signals)
        note_finding(session, origin, finding, now=datetime.now(UTC))


def test_who_approves_is_told_first_that_the_backup_is_in_doubt(
    desk: Desk, catalog: Catalog
) -> None:
    office = Office(desk, catalog, ("nva", "backup_admin", "operator"), ("ttb", "approver"))
    note_doubt(catalog)
    words = ("backup.restore", "--site", "cong-xa", "--in-place", "--include", "/cong-xa/files",
             "--confirm", "cong-xa", "--reason", "Bị sửa")  # fmt: skip
    asked = desk.type(*words, "--proof-file", office.prove("nva"))
    assert asked.returncode == 4, asked.stderr
    again = subprocess.run(
        [GIUCONG, *words], env=desk.environ(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    (request,) = json.loads(desk.type("approval.list", "--json").stdout)["items"]
    listed = desk.type("approval.list").stdout
    shown = desk.type(
        "approval.approve", "--id", request["id"], "--person", "ttb", "--dry-run"
    ).stdout.splitlines()

    assert again.returncode == 4, again.stdout
    assert again.stdout.index("in doubt, from") < again.stdout.index("waiting: request")
    assert shown[3].startswith("  WARNING, this backup is in doubt: in doubt, from ")
    (taken,) = [it for it in shown if "when it was taken" in it]
    moment = taken.rpartition("→ ")[2]
    told = datetime.strptime(f"{moment} +0700", "%d/%m/%Y %H:%M:%S %z")
    assert told == datetime.fromisoformat(newest_moment(desk)).replace(microsecond=0)
    assert any(it.startswith("  files: www → ") for it in shown)
    assert not any("databases" in it for it in shown)
    assert "WARNING" in listed
    assert moment in listed


def test_who_chooses_a_copy_in_doubt_is_told_so_again(desk: Desk, catalog: Catalog) -> None:
    note_doubt(catalog)
    values = {"site": "cong-xa", "reason": "Bị sửa", "login": "", "identity": ""}
    good = newest(desk)
    told = desk.begin("restore-site-in-place", f"{good}\n{good}\n", values).stdout

    assert "in doubt, from " in told[told.index("4. (") : told.index("5. (")]


def newest_moment(desk: Desk) -> str:
    listed = json.loads(desk.type("backup.list", "--site", "cong-xa", "--json").stdout)["items"]
    return max(str(it["taken_at"]) for it in listed)


def test_a_defaced_site_comes_back_by_one_approval_which_the_minutes_name(
    desk: Desk, catalog: Catalog
) -> None:
    office = Office(desk, catalog, ("nva", "backup_admin", "operator"), ("ttb", "approver"))
    page = desk.folder / "www/index.php"
    good, before = newest(desk), page.read_bytes()
    page.write_text("defaced")
    assert desk.type("backup.run", "--site", "cong-xa").returncode == 0
    values = {"site": "cong-xa", "reason": "Trang chủ bị sửa", "document": "BB-01/2026"}
    asked = desk.begin(
        "defacement", f"{newest(desk)}\ncó\n{good}\ncó\nx\n", values,
        "--proof-file", office.prove("nva"),
    )  # fmt: skip
    assert (asked.returncode, desk.states()[-1]) == (4, (9, "waiting")), asked.stderr
    assert page.read_bytes() != before
    assert f"then go on with `giucong runbook.resume --run {desk.run}`" in asked.stdout
    office.approve("ttb")
    done = desk.resume("x\n", "--proof-file", office.prove("nva"))
    assert desk.state().standing == "declined"
    assert f"Take back what was done: `giucong runbook.resume --run {desk.run}" in done.stdout

    assert [it for it in desk.states() if it[0] == 9] == [(9, "waiting"), (9, "done")], done.stdout
    assert page.read_bytes() == before
    requests = json.loads(desk.type("approval.list", "--all", "--json").stdout)["items"]
    assert [(it["action"], it["state"]) for it in requests] == [("restore-in-place", "used")]
    record = desk.state().last_of(9)
    assert record is not None
    assert (record.person, record.approved_by) == ("nva", "ttb")


def states_of(desk: Desk) -> list[str]:
    listed = json.loads(desk.type("approval.list", "--all", "--json").stdout)["items"]
    return [it["state"] for it in listed]


def test_a_run_that_is_given_up_leaves_no_approval_to_use(desk: Desk, catalog: Catalog) -> None:
    office = Office(desk, catalog, ("nva", "backup_admin", "operator"), ("ttb", "approver"))
    good = newest(desk)
    values = {"site": "cong-xa", "reason": "Bị mã hóa", "login": "", "identity": ""}
    asked = desk.begin(
        "restore-site-in-place", f"deadbeef\n{good}\n{good}\ncó\n", values,
        "--proof-file", office.prove("nva"),
    )  # fmt: skip
    assert (asked.returncode, desk.states()[-1]) == (4, (7, "waiting")), asked.stderr
    assert desk.state().values["before"] == good
    office.approve("ttb")
    first = desk.run
    late = desk.resume("", "--set", "snapshot=ab12ab12")
    assert late.returncode == 2
    again = desk.begin("restore-site-in-place", "", values)
    assert f"another run of this runbook for it is not over: {first}" in again.stdout
    desk.run = first
    given_up = desk.resume("", "--abandon", "--reason", "Gọi nhầm")

    assert given_up.returncode == 0, given_up.stderr
    assert states_of(desk) == ["refused"]
    assert desk.state().ended_at is not None
    assert desk.resume().returncode == 2
    checked = desk.type("service.journal-verify")
    assert checked.returncode in {0, 3}, checked.stdout + checked.stderr


@pytest.mark.parametrize("is_approved", [False, True])
@pytest.mark.parametrize("who", ["nva", "ttb"])
def test_who_asked_or_approved_takes_a_request_back(
    desk: Desk, catalog: Catalog, is_approved: bool, who: str
) -> None:
    office = Office(desk, catalog, ("nva", "backup_admin", "operator"), ("ttb", "approver"))
    words = ("backup.restore", "--site", "cong-xa", "--in-place", "--confirm", "cong-xa",
             "--reason", "Bị sửa")  # fmt: skip
    assert desk.type(*words, "--proof-file", office.prove("nva")).returncode == 4
    (request,) = json.loads(desk.type("approval.list", "--json").stdout)["items"]
    if is_approved:
        office.approve("ttb")
    back = desk.type(
        "approval.refuse", "--id", request["id"], "--person", who, "--reason", "Thôi",
        "--password-file", office.prove(who),
    )  # fmt: skip

    assert back.returncode == 0, back.stderr
    assert states_of(desk) == ["expired" if who == "nva" and not is_approved else "refused"]
    assert desk.type(*words, "--proof-file", office.prove("nva")).returncode == 4
