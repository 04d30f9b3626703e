"""Minimums, holds and brakes against a real repository, as typed and as the clock runs them."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import select, update

from ops.access.identity import login_at_terminal
from ops.access.session import at_bench
from ops.backups.retention.holds import list_holds, place_hold
from ops.backups.retention.job import forget_and_prune
from ops.backups.retention.tasks import PlaceHold
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.retention import Deletion, ExpectedSnapshot, RetentionLook
from ops.estate.load.load import load_estate
from ops.jobs.run_now import run_by_hand
from ops.schedule.ledger.job import JobResult
from tests.integration.jobs.small_estate import (
    BACK_UP,
    INIT,
    build_used_estate,
)
from tests.integration.jobs.test_people_tasks import Office, request_of
from tests.people import origin_of

pytestmark = pytest.mark.slow

KEEP_ONE = """
  [sites.retention]
  keep_last = 1
  keep_daily = 0
  keep_weekly = 0
  keep_monthly = 0
  keep_yearly = 0
  minimum_days = 0
"""
MORE = """
[[people]]
name = "ttb"
title = "Trần Thị B"
"""
KEY = 'repository = "file:keys/repository.key"'
FORGET = ("backup.forget", "--site", "cong-xa", "--confirm", "cong-xa")
HOLD = ("backup.hold", "--site", "cong-xa", "--reason", "Thanh tra", "--reference", "05/QĐ-TTr")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """A site with three backups of which the rules keep one; two people, one at this terminal."""
    return Office(
        build_used_estate(tmp_path / "estate", KEEP_ONE + MORE, (INIT, *[BACK_UP] * 3), let_in)
    )


def let_in(text: str) -> str:
    """Say in an estate's text who sits at this terminal, and where credentials are kept."""
    text = text.replace(KEY, f'{KEY}\ncredentials = "file:keys/credentials.key"')
    return text.replace('name = "nva"', f'name = "nva"\nlogin = "{login_at_terminal()}"')


def appoint_both(office: Office) -> str:
    """Give both people credentials and roles; gives the TOTP secret of the second."""
    office.add("nva")
    for role in ("security_officer", "backup_admin"):
        assert office.role("nva", role).returncode == 0
    secret, _codes = office.add("ttb")
    assert office.role("ttb", "approver").returncode == 0
    return secret


def approve(office: Office, request: str, secret: str) -> None:
    ended = office.run(
        "approval.approve", "--id", request, "--person", "ttb",
        "--password-file", office.write("ttb", pyotp.TOTP(secret).now()),
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr


def stored(office: Office) -> set[str]:
    """Give the ids of the snapshots that lie in the folder."""
    folder = office.estate.parent / "stores/near/cong-xa/snapshots"
    return {path.name for path in folder.iterdir()}


def in_order(office: Office) -> list[str]:
    listed = json.loads(office.run("backup.list", "--site", "cong-xa", "--json").stdout)["items"]
    return [it["id"] for it in listed]


def catalog_of(office: Office) -> Catalog:
    return open_catalog(f"sqlite:///{office.estate.parent}/state/giucong.db")


def deletions(office: Office) -> Sequence[Deletion]:
    catalog = catalog_of(office)
    with catalog.reading() as session:
        found = list(session.execute(select(Deletion).order_by(Deletion.planned_at)).scalars())
    catalog.close()
    return found


def run_job(office: Office) -> JobResult:
    """Run what the clock runs."""
    estate = load_estate(office.estate)
    with at_bench(estate) as bench:
        return run_by_hand(
            bench, forget_and_prune, job="forget/cong-xa", kind="forget", site="cong-xa"
        )


def set_minimum(office: Office, days: int) -> None:
    text = office.estate.read_text(encoding="utf-8")
    text = re.sub(r"minimum_days = \d+", f"minimum_days = {days}", text)
    office.estate.write_text(text, encoding="utf-8")


def test_a_deletion_record_is_what_really_vanished(office: Office) -> None:
    before = stored(office)
    assert run_job(office).outcome == "ok"
    (record,) = deletions(office)

    assert len(before - stored(office)) == 2
    assert set(record.removed) == before - stored(office)
    assert {it["id"] for it in record.planned} == set(record.removed)
    assert record.rule["keep_last"] == 1
    assert record.ended_at is not None
    row = [it for it in office.journal() if it.action == "backup.delete"][-1]
    told: dict[str, Any] = json.loads(row.details)
    assert (told["deletion"], told["plan"]) == (str(record.id), record.plan_digest)
    assert told["removed"] == sorted(record.removed)
    assert run_job(office).summary["forgotten"] == 0
    assert len(deletions(office)) == 1


def test_nothing_below_the_minimum_goes_by_rule(office: Office) -> None:
    set_minimum(office, 30)
    before = stored(office)
    planned = office.run("backup.forget", "--site", "cong-xa", "--dry-run")

    assert run_job(office).summary["forgotten"] == 0
    assert office.run(*FORGET).returncode == 0
    assert stored(office) == before
    assert "younger than 30 days" in planned.stdout
    assert deletions(office) == []


def test_a_lowered_minimum_counts_for_older_snapshots_when_two_agree(office: Office) -> None:
    """One edit of the estate and one command used to delete snapshots that were minutes old."""
    before = stored(office)
    set_minimum(office, 30)
    assert run_job(office).summary["forgotten"] == 0
    set_minimum(office, 0)
    checked = office.run("estate.check")
    assert run_job(office).summary["forgotten"] == 0
    assert office.run(*FORGET).returncode == 0
    assert stored(office) == before
    assert "the minimum was lowered from 30 to 0 days" in checked.stdout + checked.stderr

    lower = ("backup.lower-minimum", "--site", "cong-xa", "--reason", "Trung tâm quyết định lại")
    alone = office.run(*lower)
    secret = appoint_both(office)
    rehearsed = office.run(*lower, "--dry-run")
    request = request_of(office.ask(*lower))
    assert run_job(office).summary["forgotten"] == 0
    approve(office, request, secret)
    done = office.run(*lower)
    assert (alone.returncode, rehearsed.returncode, done.returncode) == (1, 0, 0), done.stderr
    assert run_job(office).summary["forgotten"] == 2
    agreed = [it for it in office.journal() if it.action == "backup.minimum-lowered"]
    assert [(it.subject, it.requested_by) for it in agreed] == [("cong-xa", "nva")]
    assert '"approved_by":"ttb"' in agreed[0].details


def test_below_the_minimum_takes_a_second_person(office: Office) -> None:
    set_minimum(office, 30)
    first, second, newest = in_order(office)
    command = (*FORGET, "--snapshot", first[:10], "--document", "7/BB")
    no_reason = office.run(*command)
    alone = office.run(*command, "--reason", "Lộ dữ liệu cá nhân")
    secret = appoint_both(office)
    waiting = office.ask(*command, "--reason", "Lộ dữ liệu cá nhân")
    request = request_of(waiting)
    own = office.run("approval.approve", "--id", request, "--password-file", office.write("nva"))
    last = office.run(*FORGET, "--snapshot", newest, "--reason", "x")

    assert (no_reason.returncode, alone.returncode, own.returncode) == (2, 1, 1)
    assert "always takes a second person" in alone.stderr
    assert "younger than the minimum of 30 days" in waiting.stdout
    assert (last.returncode, "newest whole one" in last.stderr) == (1, True)
    assert len(stored(office)) == 3

    approve(office, request, secret)
    done = office.run(*command, "--reason", "Lộ dữ liệu cá nhân")
    assert done.returncode == 0, done.stderr
    assert stored(office) == {second, newest}
    (record,) = deletions(office)
    assert (record.removed, record.approved_by, record.requested_by) == ([first], "ttb", "nva")
    assert (record.basis, record.rule) == ("7/BB", {"named": True})
    listed = office.run("backup.list", "--site", "cong-xa", "--deletions", "--json")
    assert json.loads(listed.stdout)["items"][0]["removed"] == [first]
    assert str(record.request).endswith(request)


def test_a_hold_stops_every_path_until_two_people_release_it(office: Office) -> None:
    first, second, newest = in_order(office)
    rehearsed = office.run(*HOLD, "--snapshot", first[:10], "--dry-run")
    placed = office.run(*HOLD, "--snapshot", first[:10])
    planned = office.run("backup.forget", "--site", "cong-xa", "--dry-run")
    (hold,) = json.loads(office.run("backup.hold", "--list", "--json").stdout)["items"]
    assert (rehearsed.returncode, placed.returncode) == (0, 0), placed.stderr
    assert (hold["snapshot"], hold["reference"]) == (first, "05/QĐ-TTr")
    assert "held" in planned.stdout

    assert run_job(office).summary["forgotten"] == 1
    assert office.run(*FORGET).returncode == 0
    assert stored(office) == {first, newest}
    assert second not in stored(office)
    release = ("backup.release", "--hold", hold["id"][-8:], "--reason", "Kết thúc thanh tra")
    alone = office.run(*release)
    secret = appoint_both(office)
    named = office.run(*FORGET, "--snapshot", first, "--reason", "x")
    request = request_of(office.ask(*release))
    own = office.run("approval.approve", "--id", request, "--password-file", office.write("nva"))
    still = request_of(office.run(*release))
    assert (alone.returncode, named.returncode, own.returncode) == (1, 1, 1)
    assert "is held: 05/QĐ-TTr" in named.stderr
    assert still == request

    approve(office, request, secret)
    assert office.run(*release).returncode == 0
    assert office.run(*release).returncode == 2
    assert office.run(*FORGET).returncode == 0
    assert stored(office) == {newest}
    released = [it for it in office.journal() if it.action == "backup.release"][-1]
    assert '"approved_by":"ttb"' in released.details


def test_a_hold_is_there_after_the_catalog_was_opened_again(office: Office) -> None:
    catalog = catalog_of(office)
    wish = PlaceHold(site="cong-xa", reason="Thanh tra", reference="05/QĐ-TTr")
    with catalog.writing() as session:
        place_hold(session, origin_of("nva"), wish, now=datetime.now(UTC))
    catalog.close()

    catalog = catalog_of(office)
    with catalog.reading() as session:
        assert [it.reference for it in list_holds(session, "cong-xa")] == ["05/QĐ-TTr"]
    catalog.close()
    assert run_job(office).summary["forgotten"] == 0
    assert len(stored(office)) == 3


def test_a_store_that_shrank_stops_forget_and_prune_until_somebody_accepts(office: Office) -> None:
    folder = office.estate.parent / "stores/near/cong-xa"
    packs = {path for path in (folder / "data").rglob("*") if path.is_file()}
    for path in (folder / "snapshots").iterdir():
        path.unlink()
    office.run("backup.reindex")  # the index follows the store; what is expected does not
    job = run_job(office)
    by_hand = office.run(*FORGET)
    pruned = office.run("backup.prune", "--site", "cong-xa", "--confirm", "cong-xa")
    vietnamese = office.run(*FORGET, language="vi")

    assert (job.outcome, job.reason, job.params["expected"]) == ("failed", "nothing_seen", 3)
    assert (by_hand.returncode, pruned.returncode, vietnamese.returncode) == (1, 1, 1)
    assert "no snapshot is seen, and there were 3" in pruned.stdout
    assert "--accept --reason" in by_hand.stdout
    assert "không thấy bản sao lưu nào" in vietnamese.stdout
    assert {path for path in (folder / "data").rglob("*") if path.is_file()} == packs

    accept = ("backup.forget", "--site", "cong-xa", "--accept")
    assert office.run(*accept).returncode == 2
    assert office.run(*accept, "--reason", "Kho mới", "--dry-run").returncode == 0
    assert run_job(office).reason == "nothing_seen"
    assert office.run(*accept, "--reason", "Kho mới").returncode == 0
    assert office.run("backup.run", "--site", "cong-xa").returncode == 0
    assert run_job(office).outcome == "ok"
    accepted: JournalRow = [it for it in office.journal() if it.action == "backup.accept"][-1]
    assert accepted.reason == "Kho mới"


def test_a_wrong_clock_stops_forget(office: Office) -> None:
    assert office.run(*HOLD).returncode == 0
    assert run_job(office).outcome == "ok"
    for shift, reason in (
        (timedelta(days=1), "clock_behind"),
        (-timedelta(days=90), "clock_ahead"),
    ):
        catalog = catalog_of(office)
        with catalog.writing() as session:
            session.execute(update(RetentionLook).values(looked_at=datetime.now(UTC) + shift))
        catalog.close()
        told = office.run(*FORGET)

        assert run_job(office).reason == reason
        assert told.returncode == 1
        assert "the clock says" in told.stdout
    assert len(stored(office)) == 3


def test_a_run_that_was_cut_off_is_completed_and_is_no_shrink(office: Office) -> None:
    first, second, newest = in_order(office)
    catalog = catalog_of(office)
    with catalog.writing() as session:
        planned = [{"id": it, "taken_at": "2026-11-24T00:00:00+07:00"} for it in (first, second)]
        session.add(
            Deletion(
                site="cong-xa", store="near", run="", rule={}, basis="", planned=planned,
                removed=[], plan_digest="", planned_at=datetime.now(UTC),
            )
        )  # fmt: skip
    catalog.close()
    for name in (first, second):
        (office.estate.parent / "stores/near/cong-xa/snapshots" / name).unlink()

    assert run_job(office).outcome == "ok"
    (record,) = deletions(office)
    assert set(record.removed) == {first, second}
    assert record.ended_at is not None
    catalog = catalog_of(office)
    with catalog.reading() as session:
        assert session.execute(select(ExpectedSnapshot.id)).scalars().all() == [newest]
    catalog.close()
