"""The small estate with a second site, an included file, known hosts, a signing key and a copy."""

import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ops.access.session import at_bench
from ops.catalog.open import Catalog, open_catalog
from ops.estate.load.load import load_estate
from ops.estate.model.references import reveal
from ops.jobs.run_now import run_by_hand
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult
from tests.integration.jobs.small_estate import build_estate, giucong

KEYS = """signing = "file:keys/signing.key"
credentials = "file:keys/credentials.key"
[[stores]]"""
FAR = """
[[stores]]
name = "far"
url = "stores/far"
role = "copy"
of = "near"
location = "Biên Hòa"
medium = "disk"
key = "file:keys/far.key"
[[hosts]]
name = "web1"
address = "192.0.2.10"
user = "giucong"
identity = "file:keys/web1"
known_hosts = "known_hosts"
"""
SECOND = """
[[sites]]
name = "so-y-te"
title = "Sở Y tế"
unit = "xa"
  [[sites.files]]
  name = "www"
  path = "www/uploads"
"""


def build_signed_estate(folder: Path) -> Path:
    """Build it, make its repositories; gives the estate file."""
    path = build_estate(folder, FAR)
    text = path.read_text(encoding="utf-8")
    text = text.replace("schema = 1", 'schema = 1\ninclude = ["sites.d/*.toml"]', 1)
    text = text.replace("[[stores]]", KEYS, 1)
    path.write_text(text, encoding="utf-8")
    (folder / "sites.d").mkdir()
    (folder / "sites.d/so-y-te.toml").write_text(SECOND, encoding="utf-8")
    (folder / "known_hosts").write_text("192.0.2.10 ssh-ed25519 AAAA\n")
    (folder / "keys").mkdir(mode=0o700)
    (folder / "keys/far.key").write_text(f"{uuid.uuid4().hex}\n")
    (folder / "keys/credentials.key").write_text(f"{uuid.uuid4().hex}\n")
    made = giucong(path, "backup.init")
    assert made.returncode == 0, made.stderr
    return path


@contextmanager
def reset_each_time(folder: Path, pristine: Path) -> Iterator[Path]:
    """Give an estate's folder as it was made; its paths are absolute, so it stays at its place."""
    if not pristine.exists():
        shutil.copytree(folder, pristine, symlinks=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(pristine, folder, symlinks=True)


def run(estate: Path, *arguments: str, code: int = 0, **environment: str) -> str:
    """Run a task that has to end with a code; gives what it wrote."""
    ended = giucong(estate, *arguments, **environment)
    assert ended.returncode == code, (arguments, ended.stdout, ended.stderr)
    return ended.stdout + ended.stderr


def read_table(database: Path, table: str) -> list[tuple[Any, ...]]:
    """Read all rows of a table, by its first column."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()  # noqa: S608 -- a test's own words


def run_job(
    estate: Path, work: Callable[[RunContext], JobResult], kind: str, site: str
) -> JobResult:
    """Run a job in this process, recorded as the service would."""
    with at_bench(load_estate(estate)) as bench:
        return run_by_hand(bench, work, job=f"{kind}/{site}", kind=kind, site=site)


def open_estate_catalog(estate: Path) -> Catalog:
    """Open the estate's catalog."""
    return open_catalog(reveal(load_estate(estate).catalog.url))
