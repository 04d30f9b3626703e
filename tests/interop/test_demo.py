"""`make demo`'s program from start to end, twice, and what it leaves behind."""

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

from examples.demo import build_estate, compare_restored
from examples.failure import DemoFailedError

ROOT = Path(__file__).parents[2]
SITE = "cong-xa"
YEAR_OF_BACKUPS = 10
"""So many backups of a site are left of the year at least, after its thinning."""

pytestmark = pytest.mark.slow


def run_demo(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the demo as a process, in Vietnamese."""
    return subprocess.run(
        [sys.executable, "-m", "examples.demo", str(folder)],
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


@pytest.mark.timeout(1800)
def test_the_demo_runs_the_main_job_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = run_demo(folder)
    key = (folder / "keys" / "repository.key").read_text()

    assert first.returncode == 0, first.stdout + first.stderr
    assert re.findall(r"── (\d+)/21 · ", first.stdout) == [str(it) for it in range(1, 22)]
    assert "giống hệt: 68 tệp" in first.stdout
    assert "ĐẠT" in first.stdout  # the drill: started apart from everything, its pages read
    assert "trang ngừng hoạt động" in first.stdout.split("── 16/21")[1]
    assert "nva đã đăng nhập tại http://127.0.0.1:" in first.stdout.split("── 21/21")[1]
    assert "Mọi bước đều thành công" in first.stdout
    snapshots = len(list_with_restic(folder))
    assert snapshots > YEAR_OF_BACKUPS
    check_year(folder)
    assert not (folder / "kept.json").exists()  # what was started for a moment is ended

    again = run_demo(folder)

    assert again.returncode == 0, again.stdout + again.stderr
    assert (folder / "keys" / "repository.key").read_text() == key
    paths = [snapshot["paths"] for snapshot in list_with_restic(folder)]
    assert paths == [[f"/{SITE}"]] * (snapshots + 3)
    status = read_status(folder)
    assert status.returncode in {0, 1}, status.stderr
    assert SITE in status.stdout


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
