"""`make demo`'s program from start to end, twice, and what it leaves behind."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from examples.demo import DemoFailedError, build_estate, compare_restored

ROOT = Path(__file__).parents[2]
SITE = "cong-xa"

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
        timeout=240,
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


@pytest.mark.timeout(600)
def test_the_demo_runs_the_main_job_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = run_demo(folder)
    key = (folder / "keys" / "repository.key").read_text()

    assert first.returncode == 0, first.stdout + first.stderr
    assert re.findall(r"── (\d+)/19 · ", first.stdout) == [str(it) for it in range(1, 20)]
    assert "giống hệt: 68 tệp" in first.stdout
    assert "ĐẠT" in first.stdout  # the drill: started apart from everything, its pages read
    assert "trang ngừng hoạt động" in first.stdout.split("── 16/19")[1]
    assert "Không có báo động nào." in first.stdout.split("── 16/19")[1]
    assert "Mọi bước đều thành công" in first.stdout
    assert len(list_with_restic(folder)) == 3

    again = run_demo(folder)

    assert again.returncode == 0, again.stdout + again.stderr
    assert (folder / "keys" / "repository.key").read_text() == key
    snapshots = list_with_restic(folder)
    assert [snapshot["paths"] for snapshot in snapshots] == [[f"/{SITE}"]] * 6
    status = read_status(folder)
    assert status.returncode == 0, status.stderr
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
