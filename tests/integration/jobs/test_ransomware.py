"""A site whose files are really encrypted is caught; it stays frozen until somebody has looked.

Real repositories, the operator's program, and a script that does what ransomware does.
"""

import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ops.catalog.open import open_catalog
from ops.catalog.tables.alerts import Alert
from ops.catalog.tables.core import JournalRow
from ops.status.daily_summary import tell_problems
from tests.integration.jobs.small_estate import ROOT, build_estate, copy_estate, giucong

pytestmark = pytest.mark.slow

SITE = "cong-xa"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
MIRROR = """
[[stores]]
name = "beside"
url = "stores/beside"
role = "mirror"
of = "near"
location = "phòng bên"
medium = "disk"
"""
WORDS = (
    "ủy ban",
    "nhân dân",
    "thông báo",
    "văn bản",
    "lịch tiếp công dân",
    "<?php",
    "echo",
    "$row",
)


def _write_site(www: Path) -> None:
    chance = random.Random(1)
    for number in range(60):
        text = " ".join(chance.choices(WORDS, k=300))
        path = www / "inc" / f"trang-{number}.php"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{text} {number}", encoding="utf-8")
    for number in range(20):
        (www / "uploads" / f"anh-{number}.jpg").write_bytes(JPEG + os.urandom(4_000))


def _back_up(estate: Path, *flags: str) -> dict[str, Any]:
    done = giucong(estate, "backup.run", "--site", SITE, "--json", *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["items"][0]
    return found


def _encrypt(folder: Path, *suffix: str) -> None:
    command = [sys.executable, "-m", "tests.ransomware", str(folder), *suffix]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)


def _measures(result: dict[str, Any]) -> set[str]:
    return {it["measure"] for it in result["summary"]["watch"].get("signals", ())}


def _objects(estate: Path, store: str) -> set[str]:
    folder = estate.parent / "stores" / store / SITE
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "locks"
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = build_estate(tmp_path_factory.mktemp("made") / "estate", MIRROR)
    _write_site(path.parent / "www")
    assert giucong(path, "backup.init").returncode == 0
    assert _back_up(path)["summary"]["watch"] == {}
    return path


@pytest.fixture
def estate(made: Path, tmp_path: Path) -> Path:
    return copy_estate(made, tmp_path / "estate")


def test_encrypted_and_renamed_files_freeze_the_site_until_somebody_has_looked(
    estate: Path,
) -> None:
    assert giucong(estate, "backup.copy").returncode == 0
    _encrypt(estate.parent / "www" / "inc", ".locked")
    _encrypt(estate.parent / "www" / "uploads", ".locked")

    shown = giucong(estate, "backup.run", "--site", SITE)
    assert shown.returncode == 0  # the backup is a good one
    assert "looks like the work of ransomware" in shown.stdout
    told = " ".join(shown.stdout.split())
    assert "files seem to be encrypted" in told
    assert "new extension: .locked (80 files)" in told

    for task in ("backup.forget", "backup.prune"):
        refused = giucong(estate, task, "--site", SITE, "--confirm", SITE)
        assert refused.returncode == 1, task
        assert "nothing of the site is deleted, in any store" in refused.stdout
    alone = giucong(estate)
    assert alone.returncode == 1
    assert "ransomware" in alone.stdout
    assert f"backup.accept --site {SITE}" in alone.stdout.replace("\n      ", " ")
    sites = json.loads(giucong(estate, "backup.status", "--json").stdout)["items"]
    assert len(sites[0]["frozen"]["signals"]) == 3

    rehearsed = giucong(estate, "backup.accept", "--site", SITE, "--reason", "thử", "--dry-run")
    assert "would let the rules delete" in rehearsed.stdout
    assert giucong(estate, "backup.prune", "--site", SITE).returncode == 1
    unexplained = giucong(estate, "backup.accept", "--site", SITE, "--reason", " ")
    assert unexplained.returncode == 2

    accepted = giucong(estate, "backup.accept", "--site", SITE, "--reason", "Đã khôi phục")
    assert accepted.returncode == 0, accepted.stderr
    assert giucong(estate, "backup.forget", "--site", SITE, "--confirm", SITE).returncode == 0
    catalog = open_catalog(f"sqlite:///{estate.parent}/state/giucong.db")
    with catalog.reading() as session:
        rows = session.execute(
            select(JournalRow.action, JournalRow.reason)
            .where(JournalRow.action.in_(("backup.freeze", "backup.accept")))
            .order_by(JournalRow.sequence)
        ).all()
    catalog.close()
    assert [tuple(row) for row in rows] == [
        ("backup.freeze", ""),
        ("backup.accept", "Đã khôi phục"),
    ]
    again = giucong(estate, "backup.accept", "--site", SITE, "--reason", "thử")
    assert "Nothing is frozen" in again.stdout


def test_files_encrypted_in_place_under_their_old_names_are_caught(estate: Path) -> None:
    (estate.parent / "www" / "inc" / "trang-0.php").write_text("sửa một trang")
    assert _measures(_back_up(estate)) == set()

    _encrypt(estate.parent / "www" / "inc")

    assert _measures(_back_up(estate)) == {"encrypted", "hardened"}


def test_pictures_that_never_compressed_are_caught_by_their_beginnings(estate: Path) -> None:
    _encrypt(estate.parent / "www" / "uploads")

    assert _measures(_back_up(estate)) == {"encrypted"}


def test_a_full_read_an_upgrade_and_an_upload_are_usual(estate: Path) -> None:
    www = estate.parent / "www"
    assert _measures(_back_up(estate, "--full-read")) == set()
    for path in (www / "inc").iterdir():
        path.write_text(path.read_text(encoding="utf-8") + "\n// 6.8.1", encoding="utf-8")
    for number in range(40):
        (www / "inc" / f"moi-{number}.php").write_text(f"<?php echo {number};" * 40)
    assert _measures(_back_up(estate)) == set()
    for number in range(300):
        (www / "uploads" / f"hoi-nghi-{number}.jpg").write_bytes(JPEG + os.urandom(9_000))
    assert _measures(_back_up(estate)) == set()


def test_a_change_that_was_accepted_beforehand_freezes_nothing(estate: Path) -> None:
    _encrypt(estate.parent / "www" / "inc", ".gpg")

    found = _back_up(estate, "--accept-size")["summary"]["watch"]

    assert found["signals"] == []
    assert {it["measure"] for it in found["accepted"]} >= {"encrypted", "hardened"}
    assert giucong(estate, "backup.prune", "--site", SITE, "--confirm", SITE).returncode == 0


def test_a_mirror_keeps_everything_of_a_frozen_site_and_takes_what_is_new(estate: Path) -> None:
    assert giucong(estate, "backup.copy").returncode == 0
    before = _objects(estate, "beside")
    _encrypt(estate.parent / "www" / "inc", ".locked")
    _back_up(estate)
    gone = next(it for it in before if it.startswith("snapshots/"))
    (estate.parent / "stores" / "near" / SITE / gone).unlink()

    assert giucong(estate, "backup.copy").returncode == 0

    assert before < _objects(estate, "beside")
    assert _objects(estate, "near") - _objects(estate, "beside") == set()


def test_people_are_told_once_with_the_figures_and_again_when_it_is_over(estate: Path) -> None:
    _encrypt(estate.parent / "www" / "inc")
    _back_up(estate)
    catalog = open_catalog(f"sqlite:///{estate.parent}/state/giucong.db")
    now = datetime.now(UTC)
    tell_problems(catalog, now)
    tell_problems(catalog, now)
    with catalog.reading() as session:
        (alert,) = session.execute(select(Alert)).scalars()
    assert (alert.subject, alert.severity, alert.times) == (f"frozen:{SITE}", "critical", 1)
    assert alert.params["figures"]["sealed"] >= 25
    listed = giucong(estate, "monitor.alerts").stdout
    assert "ransomware" in listed

    giucong(estate, "backup.accept", "--site", SITE, "--reason", "Đã khôi phục")
    tell_problems(catalog, now)
    with catalog.reading() as session:
        (alert,) = session.execute(select(Alert)).scalars()
    catalog.close()
    assert alert.closed_at is not None
