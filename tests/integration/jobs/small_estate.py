"""A small estate in a folder, with one site of files and a live SQLite database."""

import atexit
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path

from tests.warm_program import run_warm, warm_words

ROOT = Path(__file__).parents[3]
GIUCONG = Path(sys.executable).with_name("giucong")

ESTATE = """
schema = 1
[organisation]
name = "Trung tâm Công nghệ thông tin"
language = "vi"
[service]
state = "state"
scratch = "scratch"
cache = "cache"
[catalog]
url = "sqlite:///state/giucong.db"
[keys]
repository = "file:keys/repository.key"
[[stores]]
name = "near"
url = "stores/near"
role = "primary"
location = "đây"
medium = "disk"
[[units]]
name = "xa"
title = "Xã Bình Minh"
[[people]]
name = "nva"
title = "Nguyễn Văn A"
mail = "nva@example.vn"
[defaults.schedule]
full_read = ""
[[sites]]
name = "cong-xa"
title = "Cổng xã Bình Minh"
unit = "xa"
  [[sites.files]]
  name = "www"
  path = "www"
  exclude = ["cache/**"]
  [[sites.databases]]
  name = "db"
  engine = "sqlite"
  database = "www/data/live.db"
"""


def build_estate(folder: Path, more: str = "") -> Path:
    """Build it; gives the estate file."""
    shutil.rmtree(folder, ignore_errors=True)
    www = folder / "www"
    (www / "uploads").mkdir(parents=True)
    (www / "data").mkdir()
    (www / "cache").mkdir()
    (www / "cache" / "page.html").write_text("made anew every hour")
    (www / "index.php").write_text("<?php // trang chủ")
    for number in range(20):
        (www / "uploads" / f"anh-{number}.jpg").write_bytes(os.urandom(2_000))
    with closing(sqlite3.connect(www / "data" / "live.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE uploads (name TEXT PRIMARY KEY, size INTEGER)")
        database.executemany(
            "INSERT INTO uploads VALUES (?, 2000)", [(f"anh-{n}.jpg",) for n in range(20)]
        )
        database.commit()
    path = folder / "estate.toml"
    path.write_text(ESTATE + more, encoding="utf-8")
    return path


INIT, BACK_UP = ("backup.init",), ("backup.run", "--site", "cong-xa")
Tasks = tuple[tuple[str, ...], ...]
Change = Callable[[str], str]


def build_used_estate(
    folder: Path, more: str = "", tasks: Tasks = (INIT, BACK_UP), change: Change = str
) -> Path:
    """Build it as it is after some tasks; gives the estate file.

    A process makes each such estate once, and each test gets a copy of its own.

    Args:
        folder: Where.
        more: Lines for the end of the estate file.
        tasks: Each with its flags; all have to end well.
        change: Makes the estate file's text from the usual one, before the tasks.
    """
    return copy_estate(_make_used(more, tasks, change), folder)


def copy_estate(made: Path, folder: Path) -> Path:
    """Copy a folder that holds an estate, with all that came of it; gives the estate file."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(made.parent, folder, symlinks=True)
    return folder / made.name


@cache
def _make_used(more: str, tasks: Tasks, change: Change) -> Path:
    folder = tempfile.mkdtemp(prefix="giucong-used-")
    atexit.register(shutil.rmtree, folder)
    path = build_estate(Path(folder) / "estate", more)
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    for words in tasks:
        ended = giucong(path, *words)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    return path


def giucong(
    estate: Path, *arguments: str, language: str = "en", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the operator's program as a process; nobody sits at the terminal."""
    variables = _environment(estate, language, environment)
    return run_warm([str(GIUCONG), *arguments], variables, timeout=120)


def giucong_words() -> list[str]:
    """Give the words that start the operator's program, for whoever and wherever it is."""
    return warm_words(GIUCONG)


def giucong_afresh(
    estate: Path, *arguments: str, language: str = "en", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Do the same from the very start, as our own child: for who asks how long it takes."""
    return subprocess.run(
        [GIUCONG, *arguments],
        cwd=ROOT,
        env=_environment(estate, language, environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _environment(estate: Path, language: str, more: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "GIUCONG_ESTATE": str(estate), "GIUCONG_LANG": language, **more}
