"""Restores in place after the disasters they exist for, and what the journal keeps of them."""

import json
import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from sqlalchemy import select

from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from tests.integration.jobs.small_estate import build_estate, copy_estate, giucong

_RESTORE = ("backup.restore", "--site", "cong-xa", "--in-place")
_CONFIRMED = (*_RESTORE, "--confirm", "cong-xa")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = build_estate(tmp_path_factory.mktemp("made") / "estate")
    _www(path).chmod(0o751)
    (_www(path) / "data" / "live.db").chmod(0o660)
    _back_up(path)
    return path


@pytest.fixture
def estate(made: Path, tmp_path: Path) -> Path:
    return copy_estate(made, tmp_path / "estate")


def _back_up(estate: Path) -> None:
    assert giucong(estate, "backup.init").returncode == 0
    done = giucong(estate, "backup.run", "--site", "cong-xa")
    assert done.returncode == 0, done.stderr


def _www(estate: Path) -> Path:
    return estate.parent / "www"


def _remove_logs(live: Path) -> None:
    for suffix in ("-wal", "-shm"):
        live.with_name(live.name + suffix).unlink(missing_ok=True)


def _check_restored(estate: Path, done: CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    live = _www(estate) / "data" / "live.db"
    with closing(sqlite3.connect(live)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM uploads").fetchone() == (20,)
    assert stat.S_IMODE(live.stat().st_mode) == 0o660
    assert stat.S_IMODE(_www(estate).stat().st_mode) == 0o751
    assert (_www(estate) / "index.php").read_text() == "<?php // trang chủ"
    assert not list(_www(estate).rglob(".giucong-*"))


def _journal(estate: Path) -> list[dict[str, Any]]:
    url = f"sqlite:///{estate.parent}/state/giucong.db"
    with open_catalog(url) as catalog, catalog.readers.connect() as connection:
        wanted = JournalRow.action == "backup.restore"
        query = select(JournalRow.details).where(wanted).order_by(JournalRow.sequence)
        return [json.loads(row.details) for row in connection.execute(query)]


@pytest.mark.parametrize("kept_bytes", [0, 20], ids=["no database", "a header alone"])
def test_a_damaged_database_is_kept_aside_and_a_fresh_one_put_there(
    estate: Path, kept_bytes: int
) -> None:
    live = _www(estate) / "data" / "live.db"
    damaged = live.read_bytes()[:kept_bytes] + os.urandom(4096 - kept_bytes)
    damaged += live.read_bytes()[4096:]
    _remove_logs(live)
    with live.open("r+b") as file:
        file.write(damaged)
    owner = (live.stat().st_uid, live.stat().st_gid)
    done = giucong(estate, *_CONFIRMED)

    _check_restored(estate, done)
    (kept,) = live.parent.glob("live.db.damaged-*Z")
    assert kept.read_bytes() == damaged
    assert str(kept) in done.stdout
    assert (live.stat().st_uid, live.stat().st_gid) == owner
    assert _journal(estate)[-1]["kept_aside"] == [str(kept)]


def test_a_site_that_is_gone_as_a_whole_comes_back(estate: Path) -> None:
    shutil.rmtree(_www(estate))
    refused = giucong(estate, *_RESTORE)

    assert refused.returncode == 2
    assert f"not there now, and made anew: {_www(estate)}, " in refused.stdout
    assert not _www(estate).exists()
    dry = giucong(estate, *_RESTORE, "--dry-run")
    assert (dry.returncode, _www(estate).exists()) == (0, False)
    done = giucong(estate, *_CONFIRMED)

    _check_restored(estate, done)
    (row,) = _journal(estate)
    assert row["outcome"] == "ok"
    assert row["put_back"] == [str(_www(estate)), str(_www(estate) / "data" / "live.db")]


def test_what_was_planted_is_named_because_it_stays(estate: Path) -> None:
    planted = _www(estate) / "uploads" / "x.php"
    planted.write_text("<?php system($_GET['c']);")
    (_www(estate) / "shell\x1b").mkdir()
    (_www(estate) / "shell\x1b" / "inside").touch()
    dry = giucong(estate, *_RESTORE, "--dry-run")
    done = giucong(estate, *_CONFIRMED)
    part = giucong(estate, *_CONFIRMED, "--include", "/cong-xa/files/www/index.php")

    _check_restored(estate, done)
    for told in (dry.stdout, done.stdout):
        assert "not in the backup, so they stay: 2 entries" in told
        assert "/uploads/x.php" in told
        assert "\x1b" not in told
        assert "inside" not in told.partition("so they stay")[2]
        assert "cache" not in told
        assert "live.db-" not in told
    assert planted.exists()
    assert "not in the backup" not in part.stdout
    (told_of,) = _journal(estate)[0]["left_there"].values()
    assert "/uploads/x.php" in told_of


def test_a_database_that_is_gone_comes_back_and_its_old_log_cannot_spoil_it(estate: Path) -> None:
    live = _www(estate) / "data" / "live.db"
    live.unlink()
    _remove_logs(live)
    live.with_name("live.db-wal").write_bytes(b"left behind")
    done = giucong(estate, *_CONFIRMED, "--include", "cong-xa/databases")

    _check_restored(estate, done)
    (kept,) = live.parent.glob("live.db.damaged-*Z-wal")
    assert kept.read_bytes() == b"left behind"


def test_what_has_no_place_to_go_back_to_is_refused(tmp_path: Path) -> None:
    estate = build_estate(tmp_path / "estate")
    disk = estate.parent / "disk"
    disk.mkdir()
    _www(estate).rename(disk / "www")
    text = estate.read_text("utf-8").replace('= "www', '= "disk/www')
    text = text.replace('name = "disk/www"', 'name = "www"')
    estate.write_text(text, "utf-8")
    _back_up(estate)
    shutil.rmtree(disk)
    refused = giucong(estate, *_CONFIRMED)

    assert refused.returncode == 1
    assert f"has no place to go back to: {disk} is not there" in refused.stderr
    assert "is a disk not mounted?" in refused.stderr
    assert not disk.exists()


def test_a_restore_that_fails_half_way_is_journaled_with_what_is_back(estate: Path) -> None:
    live = _www(estate) / "data" / "live.db"
    live.unlink()
    _remove_logs(live)
    live.mkdir()
    (_www(estate) / "index.php").write_text("hacked")
    failed = giucong(estate, *_CONFIRMED)

    assert failed.returncode == 1
    assert "could not be put back" in failed.stderr
    assert (_www(estate) / "index.php").read_text() == "<?php // trang chủ"
    (row,) = _journal(estate)
    assert (row["outcome"], row["in_place"]) == ("failed", True)
    assert row["put_back"] == [str(_www(estate))]
    assert row["half_written"] == str(live)
    assert str(live) in row["text"]


def test_what_is_newer_is_told_before_anything_is_asked_and_the_folders_time_comes_back(
    estate: Path,
) -> None:
    www, before = _www(estate), _www(estate).stat().st_mtime_ns
    (www / "index.php").write_text("<?php // sửa sau")
    (www / "tin mới.html").write_text("đăng sau bản sao lưu")
    tried = giucong(estate, *_RESTORE, "--dry-run")
    done = giucong(estate, *_CONFIRMED)

    for told in (tried, done):
        assert f"{www}: newer than the backup, and overwritten: 1\n    index.php" in told.stdout
        assert "newer than the backup, not in it, left alone: 1\n    tin mới.html" in told.stdout
        assert "live.db" not in told.stdout.partition("would")[0].partition("restored")[0]
    _check_restored(estate, done)
    assert (www / "tin mới.html").exists()
    assert www.stat().st_mtime_ns == before
