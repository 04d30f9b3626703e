"""`make demo`'s program from start to end, twice, what it shows, and what it leaves behind."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from examples.estate import build_estate
from examples.failure import DemoFailedError
from examples.steps import compare_restored
from ops.terminal.output import text_width
from tests.form_checker import read_shown

ROOT = Path(__file__).parents[2]
SITE = "cong-xa"
WIDE, MOST_LINES = 80, 60
MOST_PAGES = 12
YEAR_OF_BACKUPS = 10
"""So many backups of a site are left of the year at least, after its thinning."""

pytestmark = pytest.mark.slow


def run_demo(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run the demo as a process, in Vietnamese."""
    return subprocess.run(
        [sys.executable, "-m", "examples.demo", *flags, str(folder)],
        cwd=ROOT,
        env={**os.environ, "GIUCONG_LANG": "vi"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def list_with_restic(folder: Path) -> list[dict[str, object]]:
    """List the snapshots as stock restic sees them."""
    ended = subprocess.run(
        [
            "restic",
            "--no-cache",
            "--json",
            f"--repo={folder / 'stores' / 'near' / SITE}",
            f"--password-file={folder / 'keys' / 'repository.key'}",
            "snapshots",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    snapshots: list[dict[str, object]] = json.loads(ended.stdout)
    return snapshots


def read_status(folder: Path) -> subprocess.CompletedProcess[str]:
    """Go on with `fab` from the estate file that the demo leaves."""
    return subprocess.run(
        [Path(sys.executable).with_name("fab"), "backup.status", "--json"],
        cwd=ROOT,
        env={**os.environ, "GIUCONG_ESTATE": str(folder / "estate.toml")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def check_year(folder: Path) -> None:
    """The year left a journal that holds together, with moments that rise, and a real span."""
    with closing(sqlite3.connect(folder / "state" / "giucong.db")) as catalog:
        moments = [at for (at,) in catalog.execute("SELECT at FROM journal ORDER BY sequence")]
        outcomes = catalog.execute(
            "SELECT DISTINCT outcome FROM runs WHERE kind = 'backup' ORDER BY outcome"
        ).fetchall()
        plans = catalog.execute("SELECT state FROM plans ORDER BY year").fetchall()
        alerts = catalog.execute("SELECT acked_by, closed_at FROM alerts").fetchall()
    assert moments == sorted(moments)
    first, last = map(datetime.fromisoformat, (moments[0], moments[-1]))
    assert timedelta(days=360) < last - first < timedelta(days=370)
    assert {"ok", "failed"} <= {it for (it,) in outcomes}
    assert plans[0][0] != "draft"
    assert any(who == "nva" and closed for who, closed in alerts)


def check_plan(folder: Path) -> None:
    """What was accepted in the year before is not asked for again, and the plan stays short."""
    with closing(sqlite3.connect(folder / "state" / "giucong.db")) as catalog:
        years: dict[int, set[str]] = {}
        query = (
            "SELECT plans.year, plan_items.key FROM plan_items JOIN plans ON plans.id = plan_id"
            " WHERE accepted_on IS NOT NULL OR state NOT IN ('running', 'accepted', 'reported')"
        )
        for year, key in catalog.execute(query):
            years.setdefault(year, set()).add(key)
    accepted, proposed = (years[it] for it in sorted(years))
    assert accepted
    assert proposed
    assert not accepted & proposed
    (plan,) = (folder / "papers").glob("ke-hoach-*.pdf")
    assert len(read_shown(plan.read_bytes()).pages) <= MOST_PAGES


def check_screen(shown: str, folder: Path) -> None:
    """By default there is a line for each step, and nothing is wider than a screen."""
    lines = [it.replace(str(folder), "var/demo") for it in shown.splitlines()]

    assert len(lines) < MOST_LINES
    assert [it for it in lines if text_width(it) > WIDE] == []
    assert "khoảng" in lines[0]
    assert [int(it) for it in re.findall(r"^ *(\d+)/21 ", shown, re.MULTILINE)] == [*range(1, 22)]
    assert re.search(r"^ 8/21 .* giống hệt: 68 tệp .* \d+$", shown, re.MULTILINE)
    assert re.search(r"^ +đạt 3-2-1-1-0 +cong-xa, phuong-tan-lap$", shown, re.MULTILINE)
    assert re.search(r"^ +đang cảnh báo +so-cong-thuong: cố ý", shown, re.MULTILINE)


def check_status(told: str) -> None:
    """One site meets every part of 3-2-1-1-0 and is well; the one left so on purpose is red."""
    sites = {it["name"]: it for it in json.loads(told)["items"]}
    assert {it["part"]: it["outcome"] for it in sites[SITE]["rule"]} == dict.fromkeys(
        ("copies", "media", "places", "locked", "errors"), "ok"
    )
    assert (sites[SITE]["state"], sites["so-cong-thuong"]["state"]) == ("ok", "red")


@pytest.mark.timeout(1800)
def test_the_demo_runs_the_main_job_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = run_demo(folder, "--verbose")
    key = (folder / "keys" / "repository.key").read_text()

    assert first.returncode == 0, first.stdout + first.stderr
    assert re.findall(r"── (\d+)/21 · ", first.stdout) == [str(it) for it in range(1, 22)]
    assert "giống hệt: 68 tệp" in first.stdout
    assert "ĐẠT" in first.stdout  # the drill: started apart from everything, its pages read
    assert "trang thông tin không truy cập được" in first.stdout.split("── 16/21")[1]
    assert "nva đã đăng nhập tại http://127.0.0.1:" in first.stdout.split("── 21/21")[1]
    assert "Mọi bước đều thành công" in first.stdout
    snapshots = len(list_with_restic(folder))
    assert snapshots > YEAR_OF_BACKUPS
    check_year(folder)
    check_plan(folder)
    assert not (folder / "kept.json").exists()  # what was started for a moment is ended

    again = run_demo(folder)

    assert again.returncode == 0, again.stdout + again.stderr
    check_screen(again.stdout, folder)
    log = (folder / "output.log").read_text(encoding="utf-8")
    assert re.findall(r"── +(\d+)/21 · ", log) == [str(it) for it in range(1, 22)]
    assert "$ fab backup.run --site cong-xa\n" in log
    assert (folder / "keys" / "repository.key").read_text() == key
    paths = [snapshot["paths"] for snapshot in list_with_restic(folder)]
    assert paths == [[f"/{SITE}"]] * (snapshots + 3)
    status = read_status(folder)
    assert status.returncode in {0, 1}, status.stderr
    assert SITE in status.stdout
    check_status(status.stdout)


def test_where_a_step_fails_all_that_its_command_said_is_shown(tmp_path: Path) -> None:
    build_estate(tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "year-is-made").touch()  # without it: nothing was ever initialised
    ended = run_demo(tmp_path)

    assert ended.returncode == 1
    assert "── 4/21 · " in ended.stdout
    assert f"$ fab backup.run --site {SITE}\n" in ended.stdout
    assert "lỗi: " in ended.stdout.split("── 4/21")[1]
    assert "Traceback" not in ended.stdout + ended.stderr
    assert "dừng ở bước" in ended.stderr


def test_a_restored_copy_that_differs_ends_the_demo(tmp_path: Path) -> None:
    build_estate(tmp_path)
    sources, restored = tmp_path / "sources", tmp_path / "restored" / SITE
    shutil.copytree(sources, restored / "files", symlinks=True)
    database = restored / "files" / "www" / "du-lieu" / "cong-xa.sqlite"
    (restored / "databases").mkdir()
    database.rename(restored / "databases" / "db.sqlite")
    (restored / "files" / "www" / "index.php").write_bytes(b"changed")

    with pytest.raises(DemoFailedError, match=r"index\.php: content differs"):
        compare_restored(tmp_path)
