"""A site that goes on living while it is backed up: every row of the copy finds its upload."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.jobs.small_estate import INIT, build_used_estate, giucong

pytestmark = pytest.mark.slow

# As a portal does: first the upload is stored, then the row that points to it.
_PORTAL = """
import itertools, os, pathlib, sqlite3, sys
www = pathlib.Path(sys.argv[1])
database = sqlite3.connect(www / "data" / "live.db", timeout=30, isolation_level=None)
for number in itertools.count():
    name = f"tai-lieu-{number}.pdf"
    (www / "uploads" / name).write_bytes(os.urandom(3_000))
    database.execute("INSERT INTO uploads VALUES (?, 3000)", (name,))
    print(number, flush=True)
"""


def test_every_row_finds_its_upload_though_the_portal_never_stopped(tmp_path: Path) -> None:
    estate = build_used_estate(tmp_path / "estate", tasks=(INIT,))
    command = [sys.executable, "-c", _PORTAL, str(estate.parent / "www")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as portal:
        assert portal.stdout is not None
        portal.stdout.readline()
        runs = [giucong(estate, "backup.run", "--site", "cong-xa", "--json") for _run in range(3)]
        assert portal.poll() is None, "the portal was thrown out"
        portal.send_signal(signal.SIGKILL)
        portal.stdout.read()
    restored = tmp_path / "restored"
    done = giucong(estate, "backup.restore", "--site", "cong-xa", "--target", str(restored))
    site = restored / "cong-xa"
    with closing(sqlite3.connect(site / "databases" / "db.sqlite")) as database:
        intact = database.execute("PRAGMA integrity_check").fetchone()
        rows = database.execute("SELECT name, size FROM uploads").fetchall()
    uploads = {it.name: it.stat().st_size for it in (site / "files/www/uploads").iterdir()}

    assert [run.returncode for run in runs] == [0, 0, 0], runs[-1].stderr
    assert done.returncode == 0, done.stderr
    assert intact == ("ok",)
    assert len(rows) > 20
    assert [name for name, size in rows if uploads.get(name) != size] == []
    manifest = json.loads((site / "manifest.json").read_text())
    assert manifest["databases"][0]["tables"]["uploads"] == len(rows)
    assert not list((tmp_path / "estate" / "scratch").rglob("*.sqlite"))


def test_a_damaged_live_database_is_saved_as_it_is_and_told(tmp_path: Path) -> None:
    estate = build_used_estate(tmp_path / "estate", tasks=(INIT,))
    live = estate.parent / "www" / "data" / "live.db"
    with closing(sqlite3.connect(live)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.executemany(
            "INSERT INTO uploads VALUES (?, 1)", [(f"x{n}" * 9,) for n in range(5_000)]
        )
        database.commit()
    descriptor = os.open(live, os.O_WRONLY)
    os.pwrite(descriptor, b"\xff" * 4096, 40 * 4096)
    os.close(descriptor)
    ended = giucong(estate, "backup.run", "--site", "cong-xa")
    listed = json.loads(giucong(estate, "backup.list", "--site", "cong-xa", "--json").stdout)[
        "items"
    ]

    assert ended.returncode == 3, ended.stderr
    assert "the live database db is damaged" in ended.stdout
    assert len(listed) == 1
