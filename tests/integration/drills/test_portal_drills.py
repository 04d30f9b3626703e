"""A real portal is drilled: WordPress on MariaDB and a register on PostgreSQL, restored and run.

How long each drill took is printed (`pytest -s`).
"""

import json
import os
import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.drills.drilled_portal import (
    Portal,
    damaged,
    make_portal,
    tampered,
    watch_drill,
)
from tests.integration.jobs.small_estate import giucong
from tests.integration.jobs.test_real_portal import PROVINCE, REGISTER
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.portal import PROVINCE_PAGES, REGISTER_PAGES
from tests.postgres_server import PostgresServer, postgres_server
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "mariadb_server", "postgres_server", "ssh_server"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def portal(
    tmp_path_factory: pytest.TempPathFactory,
    mariadb_server: MariadbServer,
    postgres_server: PostgresServer,
    ssh_server: SshServer,
) -> Portal:
    folder = tmp_path_factory.mktemp("drills")
    return make_portal(folder, mariadb_server, postgres_server, ssh_server)


def results_of(drill: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = drill["minutes"]["results"]
    return found


def test_wordpress_comes_back_and_the_stop_watch_agrees(portal: Portal) -> None:
    incident = datetime.now(UTC)
    watched = watch_drill(portal, PROVINCE, "--incident-at", incident.isoformat())

    assert watched.code == 0
    assert watched.verified_at is not None
    drill = read_newest(portal, PROVINCE)
    results = results_of(drill)
    assert drill["isolated"] is True
    assert results["files"] == results["equal_files"] > 2_800
    assert results["entries"] == results["equal_entries"]
    assert [(it["page"], it["verdict"]) for it in results["pages"]] == [
        (page, "same") for page in PROVINCE_PAGES
    ]
    reached = timedelta(seconds=results["rto"]["reached_seconds"])
    # The stop-watch is read once the line has come, by a process that waits for a processor.
    assert -SECOND < watched.verified_at - incident - reached < SECOND * 3
    lost = timedelta(seconds=results["rpo"]["reached_seconds"])
    assert abs(lost - (incident - portal.written_at)) < SECOND
    assert list(portal.work.iterdir()) == []
    print_parts(PROVINCE, results, portal.backed_up_in[PROVINCE])


def test_stock_restic_brings_it_back_as_well(portal: Portal) -> None:
    code, drill = portal.drill(PROVINCE, "--with", "restic")

    assert (code, drill["outcome"], drill["engine"]) == (0, "ok", "restic")
    results = results_of(drill)
    assert results["entries"] == results["equal_entries"]
    assert {it["verdict"] for it in results["pages"]} == {"same"}
    assert drill["minutes"]["copy"]["restored_with"].startswith("restic 0.")
    print_parts(f"{PROVINCE}, restic", results, portal.backed_up_in[PROVINCE])


def test_a_damaged_backup_fails_names_the_file_and_stays_open_until_it_is_mended(
    portal: Portal,
) -> None:
    with damaged([portal.largest_pack(REGISTER)]):
        code, drill = portal.drill(REGISTER)
    assert (code, drill["outcome"], drill["reason_code"]) == (1, "failed", "drill_differs")
    assert re.fullmatch(
        r"/dat-dai/files/www/(tep/tệp \d+\.bin|index\.php)", drill["params"]["path"]
    )
    assert [it["outcome"] for name, it in drill["phases"].items() if name != "conclude"] == [
        "ok", "ok", "failed", "skipped", "skipped", "ok",
    ]  # fmt: skip
    assert [it["drill"] for it in portal.findings(REGISTER)] == [drill["id"]]

    code, drill = portal.drill(REGISTER)
    assert (code, drill["outcome"]) == (0, "ok")
    results = results_of(drill)
    assert [(it["page"], it["verdict"]) for it in results["pages"]] == [
        (page, "same") for page in REGISTER_PAGES
    ]
    assert results["databases"][0]["counts"] == {"public.ho_so": 200}
    assert portal.findings(REGISTER) == []
    print_parts(REGISTER, results, portal.backed_up_in[REGISTER])


def lose_table(site: Path) -> None:
    dump = site / "databases" / "db.sql"
    dump.write_text(re.sub(r"\bho_so\b", "khac", dump.read_text(encoding="utf-8")))


def show_error(site: Path) -> None:
    page = site / "files" / "www" / "index.php"
    page.write_text("<?php http_response_code(500); echo 'Lỗi hệ thống';", encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "reason"), [(lose_table, "tables_missing"), (show_error, "page_failed")]
)
def test_a_copy_that_does_not_come_to_life_fails(portal: Portal, change: Any, reason: str) -> None:
    with tampered(portal, REGISTER, change):
        code, drill = portal.drill(REGISTER)
    assert (code, drill["outcome"], drill["reason_code"]) == (1, "failed", reason)
    assert drill["phases"]["fetch"]["outcome"] == "ok"
    assert list(portal.work.iterdir()) == []


def read_newest(portal: Portal, site: str) -> dict[str, Any]:
    done = giucong(portal.estate, "drill.show", "--site", site, "--json")
    found: dict[str, Any] = json.loads(done.stdout)["items"][0]
    return found


def print_parts(what: str, results: dict[str, Any], backed_up_in: float) -> None:
    rto = results["rto"]
    print(f"\n{what}: backup {backed_up_in:.1f} s, drill until verified"
          f" {rto['reached_seconds']:.1f} s: {rto['parts']}")  # fmt: skip


def test_the_restore_share_is_timed_beside_restic_and_mariadb_by_hand(
    portal: Portal, tmp_path: Path
) -> None:
    """For the figure: `pytest -s tests/integration/drills/test_portal_drills.py -k share`."""
    code, drill = portal.drill(PROVINCE)
    assert code == 0
    database = results_of(drill)["databases"][0]
    ours = drill["phases"]["fetch"]["facts"]["seconds_restore"], database["seconds"]
    by_hand = restore_by_hand(portal, tmp_path)

    print(f"\nrestore share: drill {sum(ours):.2f} s (files {ours[0]:.2f}, database {ours[1]:.2f}),"
          f" by hand {sum(by_hand):.2f} s (restic {by_hand[0]:.2f}, mariadb {by_hand[1]:.2f}):"
          f" {sum(by_hand) / sum(ours):.2f} times as fast")  # fmt: skip
    restored = [it for it in (tmp_path / "by-hand").rglob("*") if it.is_file()]
    assert len(restored) == results_of(drill)["files"]


def restore_by_hand(portal: Portal, folder: Path) -> tuple[float, float]:
    """Restore with stock restic, then make and load the database; gives the seconds of each."""
    home = portal.estate.parent
    environment = {**os.environ, "RESTIC_CACHE_DIR": str(folder / "cache")}
    restic = ["restic", "-r", str(home / "stores" / "near" / PROVINCE), "--password-file",
              str(home / "keys" / "repository.key"), "restore", "latest", "--path", f"/{PROVINCE}",
              "--target", str(folder / "by-hand")]  # fmt: skip
    begun = time.monotonic()
    subprocess.run(restic, check=True, capture_output=True, env=environment)
    restored = time.monotonic()
    client = ["mariadb", f"--socket={portal.mariadb.socket}", "--user=root", "--binary-mode"]
    try:
        subprocess.run([*client, "--execute=CREATE DATABASE by_hand"], check=True)
        with (folder / "by-hand" / PROVINCE / "databases" / "db.sql").open("rb") as dump:
            subprocess.run([*client, "by_hand"], stdin=dump, check=True)
        loaded = time.monotonic()
    finally:
        portal.mariadb.run("DROP DATABASE IF EXISTS by_hand")
    return restored - begun, loaded - restored
