"""A backup dated a year ahead is the newest of nothing, is told, and two people set it right."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.jobs.small_estate import GIUCONG
from tests.integration.jobs.test_people_tasks import Office, request_of
from tests.integration.jobs.test_retention import FORGET, appoint_both, approve, office, stored

__all__ = ["office"]

pytestmark = pytest.mark.slow

REDATE = ("backup.redate", "--site", "cong-xa", "--reason", "đồng hồ máy chạy nhanh")


def run_ahead(office: Office, *arguments: str) -> None:
    """Run a task as a machine does whose clock is a year ahead."""
    environment = {**os.environ, "GIUCONG_ESTATE": str(office.estate), "GIUCONG_LANG": "en"}
    ended = subprocess.run(
        ["faketime", "-f", "+365d", str(GIUCONG), *arguments],
        env=environment, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr


def listed(office: Office) -> dict[str, datetime]:
    """Give the snapshots of the site with their moments."""
    told = json.loads(office.run("backup.list", "--site", "cong-xa", "--json").stdout)
    return {it["id"]: datetime.fromisoformat(it["taken_at"]) for it in told["items"]}


def restic(office: Office, *arguments: str) -> str:
    folder = office.estate.parent
    ended = subprocess.run(
        ["restic", "-r", str(folder / "stores/near/cong-xa"), "--no-cache",
         "--password-file", str(folder / "keys/repository.key"), *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ended.stdout


@pytest.fixture
def ahead(office: Office) -> str:
    """The site after a run of a clock that was ahead, and a good one; gives the id of the first."""
    www = office.estate.parent / "www"
    before = set(listed(office))
    (www / "index.php").write_text("of the year to come")
    run_ahead(office, "backup.run", "--site", "cong-xa")
    (found,) = set(listed(office)) - before
    (www / "index.php").write_text("newest of all")
    assert office.run("backup.run", "--site", "cong-xa").returncode == 0
    return found


def test_it_is_never_the_newest(office: Office, ahead: str, tmp_path: Path) -> None:
    target = tmp_path / "restored"

    restored = office.run("backup.restore", "--site", "cong-xa", "--target", str(target))
    status = json.loads(office.run("backup.status", "--json").stdout)["items"]
    alone = office.run()

    assert restored.returncode == 0, restored.stderr
    assert [it.read_text() for it in target.rglob("index.php")] == ["newest of all"]
    (site,) = (it for it in status if it["name"] == "cong-xa")
    newest = datetime.fromisoformat(site["newest_at"])
    assert newest < datetime.now(UTC) + timedelta(minutes=1)
    assert "backup.redate" in alone.stdout
    assert ahead in listed(office)
    told = json.loads(office.run("backup.list", "--site", "cong-xa", "--json").stdout)["items"]
    assert [it["id"] for it in told if it["is_ahead"]] == [ahead]
    shown = office.run("backup.list", "--site", "cong-xa").stdout.splitlines()
    assert [ahead[:8] in it for it in shown if "dated ahead of now" in it] == [True]


def test_it_hides_no_failure_after_it(office: Office, ahead: str) -> None:
    """Its run says ok, until the day it is dated on."""
    assert ahead
    (office.estate.parent / "www").rename(office.estate.parent / "gone")
    failed = office.run("backup.run", "--site", "cong-xa")
    (office.estate.parent / "gone").rename(office.estate.parent / "www")

    jobs = json.loads(office.run("service.jobs", "--json").stdout)["items"]
    (last,) = (it for it in jobs if it["job"]["name"] == "backup/cong-xa")
    assert failed.returncode == 1
    assert last["last"]["outcome"] == "failed", last


def test_it_takes_no_ones_place_and_is_not_deleted(office: Office, ahead: str) -> None:
    newest = max(
        (at, it) for it, at in listed(office).items() if at < datetime.now(UTC) + timedelta(hours=1)
    )[1]

    stopped = office.run(*FORGET)
    accepted = office.run(
        "backup.forget", "--site", "cong-xa", "--accept", "--reason", "đã xem", "--confirm",
        "cong-xa",
    )  # fmt: skip
    forgot = office.run(*FORGET)

    assert stopped.returncode == 1  # a clock is wrong: somebody has to look first
    assert (accepted.returncode, forgot.returncode) == (0, 0), forgot.stderr
    assert stored(office) == {ahead, newest}


def test_two_people_set_it_right(office: Office, ahead: str) -> None:
    alone = office.run(*REDATE)
    secret = appoint_both(office)
    held = office.run(
        "backup.hold", "--site", "cong-xa", "--snapshot", ahead, "--reason", "Thanh tra",
        "--reference", "05/QĐ-TTr",
    )  # fmt: skip
    assert held.returncode == 0, held.stderr
    before = listed(office)
    wrong = office.run(*REDATE, "--to", "2020-01-01 08:00", "--dry-run")
    request = request_of(office.ask(*REDATE))
    approve(office, request, secret)
    ended = office.run(*REDATE)

    assert "always takes a second person" in alone.stderr
    assert "was not made then" in wrong.stderr
    assert ended.returncode == 0, ended.stderr
    after = listed(office)
    assert ahead not in after
    (new,) = after.keys() - before.keys()
    order = sorted(after, key=lambda it: after[it])
    assert order.index(new) == len(order) - 2  # older than the good one since, newer than the rest
    assert len(after) == len(before)
    told = json.loads(restic(office, "snapshots", "--json"))
    assert {it["original"] for it in told if it["id"] == new} == {ahead}
    restic(office, "check")
    assert restic(office, "dump", new, "/cong-xa/files/www/index.php") == "of the year to come"
    assert office.run(*FORGET).returncode == 0
    assert new in stored(office)  # what was held still is
    assert "backup.redate" not in office.run().stdout
