"""Whoever only reads a backup never waits for whoever works on the site."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup.repository.locks import hold_lock
from ops.backups.ransomware.freeze import note_finding
from ops.backups.repositories.open import open_repository
from ops.catalog.open import open_catalog
from ops.catalog.tables.copies import WatchFinding
from ops.estate.load.load import load_estate
from ops.journal.journal import Origin
from tests.integration.jobs.small_estate import GIUCONG, build_estate, giucong
from tests.mariadb_server import MariadbServer, mariadb_server

__all__ = ["mariadb_server"]

pytestmark = pytest.mark.slow

PART = """
  [[sites.databases]]
  name = "cms"
  engine = "mariadb"
  socket = "{socket}"
  database = "{database}"
  user = "root"
"""
SILENT = """
[[stores]]
name = "offsite"
url = "sftp://127.0.0.1:{port}//xa"
role = "copy"
of = "near"
key = "file:keys/repository.key"
location = "Biên Hòa"
medium = "disk"
identity = "file:keys/offsite"
known_hosts = "keys/known_hosts"
"""


@pytest.fixture
def silent() -> Iterator[int]:
    """Listen on a port where nobody ever says a word; gives it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def estate(tmp_path: Path, mariadb_server: MariadbServer, silent: int) -> Path:
    live = mariadb_server.new_database()
    mariadb_server.run("CREATE TABLE posts (title TEXT); INSERT INTO posts VALUES ('Chào')", live)
    part = PART.format(socket=mariadb_server.socket, database=live)
    path = build_estate(tmp_path / "estate", part)
    assert giucong(path, "backup.init").returncode == 0
    done = giucong(path, "backup.run", "--site", "cong-xa")
    assert done.returncode == 0, done.stderr
    keys = path.parent / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / "offsite")]
    subprocess.run(words, check=True)
    public = " ".join((keys / "offsite.pub").read_text().split()[:2])
    (keys / "known_hosts").write_text(f"[127.0.0.1]:{silent} {public}\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(SILENT.format(port=silent))
    return path


@contextmanager
def at_work(estate: Path, *words: str, mark: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a task that stands still in the middle of its work: once `mark` holds a file."""
    process = subprocess.Popen(
        [GIUCONG, *words],
        env={**os.environ, "GIUCONG_ESTATE": str(estate), "GIUCONG_LANG": "en"},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        ends = time.monotonic() + 60
        while not any(it.stat().st_size for it in mark.glob("*")):
            assert process.poll() is None, "it has ended already"
            assert time.monotonic() < ends
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGSTOP)
        yield process
    finally:
        with_group(process, signal.SIGCONT)
        with_group(process, signal.SIGTERM)
        process.wait(60)


def with_group(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def read_all(estate: Path, tmp_path: Path, fresh: str) -> list[subprocess.CompletedProcess[str]]:
    """Restore aside, load, and drill."""
    load = ("backup.load", "--site", "cong-xa", "--database", "cms", "--user", "root", "--into")
    return [
        giucong(estate, "backup.restore", "--site", "cong-xa", "--target", str(tmp_path / fresh)),
        giucong(estate, *load, fresh),
        giucong(estate, "drill.run", "--site", "cong-xa", "--file"),
    ]


def assert_read(estate: Path, tmp_path: Path, fresh: str) -> None:
    done = read_all(estate, tmp_path, fresh)
    assert [it.returncode for it in done] == [0, 0, 0], [it.stderr for it in done]
    assert (tmp_path / fresh / "cong-xa" / "files" / "www" / "index.php").exists()


def test_beside_a_backup(estate: Path, tmp_path: Path) -> None:
    for number in range(200):
        (estate.parent / "www" / f"mới {number}").write_bytes(os.urandom(200_000))
    locks = estate.parent / "stores" / "near" / "cong-xa" / "locks"
    with at_work(estate, "backup.run", "--site", "cong-xa", mark=locks):
        assert_read(estate, tmp_path, "beside_backup")
        words = ("backup.restore", "--site", "cong-xa", "--in-place", "--include",
                 "/cong-xa/files/www", "--confirm", "cong-xa")  # fmt: skip
        refused = giucong(estate, *words)
        assert refused.returncode == 11
        assert 'another run works on "cong-xa"' in refused.stderr


def test_a_load_of_what_is_in_doubt_says_so_first(estate: Path) -> None:
    signals = [{"page": "/", "measure": "title", "detail": ""}]
    finding = WatchFinding(site="cong-xa", before="before", snapshot="now", signals=signals)
    with open_catalog(f"sqlite:///{estate.parent}/state/giucong.db") as catalog:
        past = datetime.now(UTC) - timedelta(days=1)
        with catalog.writing() as session:
            note_finding(session, Origin(via="clock"), finding, now=past)
    words = ("--site", "cong-xa", "--database", "cms", "--user", "root", "--into", "fresh")
    told = giucong(estate, "backup.load", *words, "--dry-run")

    assert told.returncode == 0, told.stderr
    assert "in doubt, from" in told.stdout
    assert "a file may be younger than the rows" in " ".join(told.stdout.split())
    assert told.stdout.index("in doubt, from") < told.stdout.index("fresh")


def test_beside_a_copy_to_a_store_that_says_nothing(estate: Path, tmp_path: Path) -> None:
    state = estate.parent / "state" / "locks"
    words = ("backup.copy", "--site", "cong-xa", "--to", "offsite")
    for it in state.glob("cong-xa*"):
        it.unlink()
    with at_work(estate, *words, mark=state):
        assert_read(estate, tmp_path, "beside_copy")


def test_beside_a_prune_a_reader_says_that_it_waits(estate: Path, tmp_path: Path) -> None:
    repository = open_repository(load_estate(estate), "cong-xa")
    words = ("backup.restore", "--site", "cong-xa", "--target", str(tmp_path / "beside_prune"))
    with hold_lock(repository, exclusive=True):
        reader = subprocess.Popen(
            [GIUCONG, *words],
            env={**os.environ, "GIUCONG_ESTATE": str(estate), "GIUCONG_LANG": "en"},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert reader.stderr is not None
        told = next((it for it in reader.stderr if "waiting" in it), "")
        time.sleep(1)
        assert reader.poll() is None, told
    rest = reader.communicate(timeout=60)[1]

    assert reader.returncode == 0, rest
    assert "waiting up to 10 minutes" in told
    assert "--store offsite" in told
