"""What a checkout keeps is read by its owner alone, however open the shell's umask is."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from ops.backups.repositories.guide import NAME
from ops.catalog.open import open_catalog
from ops.status.heartbeat import FILE
from tests.integration.jobs.small_estate import GIUCONG, ROOT, build_estate

FAB = Path(sys.executable).with_name("fab")
FOR_OTHERS = {FILE, NAME}
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def list_open(paths: Iterable[Path]) -> list[Path]:
    """List what its group or others may read, write or enter; but for what is made for others."""
    return [it for it in paths if it.lstat().st_mode & OTHERS and it.name not in FOR_OTHERS]


@pytest.mark.slow
@pytest.mark.parametrize("program", [GIUCONG, FAB], ids=["giucong", "fab"])
def test_tasks_leave_nothing_open_to_others(tmp_path: Path, program: Path) -> None:
    path = build_estate(tmp_path / "estate")
    before = set(path.parent.rglob("*"))
    for task in ("backup.init", "backup.run", "backup.check"):
        words = [program, task, *(["--site", "cong-xa"] if task != "backup.init" else [])]
        subprocess.run(
            words, cwd=ROOT, env={**os.environ, "GIUCONG_ESTATE": str(path)}, umask=0,
            stdin=subprocess.DEVNULL, capture_output=True, check=True,
        )  # fmt: skip
    made = set(path.parent.rglob("*")) - before

    assert {"state", "cache", "stores", "giucong.db"} <= {it.name for it in made}
    assert list_open(made) == []


def test_a_catalog_and_what_sqlite_keeps_beside_it_are_closed(tmp_path: Path) -> None:
    """An older one is closed as it is opened."""
    before = os.umask(0)
    try:
        for was_open in (False, True):
            path = tmp_path / "state/giucong.db"
            if was_open:
                path.chmod(0o644)
            catalog = open_catalog(f"sqlite:///{path}")
            with catalog.writing():
                files = sorted(path.parent.iterdir())
                assert [it.name.removeprefix("giucong.db") for it in files] == ["", "-shm", "-wal"]
                assert list_open([path.parent, *files]) == []
            catalog.close()
    finally:
        os.umask(before)
