"""What a restore gives back where a database was saved alone since the last whole backup."""

import json
import re
import sqlite3
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from tests.integration.jobs.small_estate import build_estate, copy_estate, giucong

pytestmark = pytest.mark.slow

_RETENTION = """
  retention = { keep_last = 1, minimum_days = 0 }
[defaults.retention]
minimum_days = 0
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site saved whole, then its database twice; a row is new each time."""
    path = build_estate(tmp_path_factory.mktemp("made") / "estate", _RETENTION)
    assert giucong(path, "backup.init").returncode == 0
    back_up(path)
    for name in ("nine o'clock", "ten o'clock"):
        add_row(path, name)
        time.sleep(1 - time.time() % 1)  # lists show seconds: each its own
        back_up(path, "--database", "db")
    add_row(path, "eleven o'clock")
    return path


@pytest.fixture
def estate(made: Path, tmp_path: Path) -> Path:
    return copy_estate(made, tmp_path / "estate")


def back_up(estate: Path, *more: str) -> None:
    done = giucong(estate, "backup.run", "--site", "cong-xa", *more)
    assert done.returncode == 0, done.stderr


def live(estate: Path) -> Path:
    return estate.parent / "www" / "data" / "live.db"


def add_row(estate: Path, name: str) -> None:
    with closing(sqlite3.connect(live(estate))) as database:
        database.execute("INSERT INTO uploads VALUES (?, 0)", (name,))
        database.commit()


def rows_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        query = "SELECT name FROM uploads WHERE size = 0 ORDER BY rowid"
        return [name for (name,) in database.execute(query)]


def snapshots(estate: Path) -> list[dict[str, Any]]:
    told = giucong(estate, "backup.list", "--site", "cong-xa", "--json").stdout
    found: list[dict[str, Any]] = json.loads(told)["items"]
    return found


def restore(estate: Path, target: Path, *more: str) -> str:
    done = giucong(estate, "backup.restore", "--site", "cong-xa", "--target", str(target), *more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_folder_gets_the_newest_of_each_part_up_to_the_moment(
    estate: Path, tmp_path: Path
) -> None:
    whole, nine, ten = snapshots(estate)
    then = datetime.fromisoformat(nine["taken_at"]) + timedelta(milliseconds=1)
    told = restore(estate, tmp_path / "now")
    told_then = restore(estate, tmp_path / "then", "--at", then.isoformat())
    files = restore(estate, tmp_path / "files", "--include", "/cong-xa/files")
    alone = restore(estate, tmp_path / "alone", "--include", "/cong-xa/databases")
    one = restore(estate, tmp_path / "one", "--snapshot", whole["id"][:8])
    at = "cong-xa/databases/db.sqlite"
    manifest = json.loads((tmp_path / "now" / "cong-xa" / "manifest.json").read_text("utf-8"))

    assert (whole["id"][:8] in told, ten["id"][:8] in told) == (True, True)
    assert "are of different moments" in told
    assert rows_in(tmp_path / "now" / at) == ["nine o'clock", "ten o'clock"]
    assert manifest["databases"][0]["tables"] == {"uploads": 22}
    assert manifest["files"][0]["name"] == "www"
    assert (nine["id"][:8] in told_then, ten["id"][:8] in told_then) == (True, False)
    assert rows_in(tmp_path / "then" / at) == ["nine o'clock"]
    assert (ten["id"][:8] in files, "different moments" in files) == (False, False)
    assert (whole["id"][:8] in alone, "different moments" in alone) == (False, False)
    assert rows_in(tmp_path / "alone" / at) == ["nine o'clock", "ten o'clock"]
    assert (tmp_path / "alone" / at).parent.parent.joinpath("files").exists() is False
    assert "different moments" not in one
    assert rows_in(tmp_path / "one" / at) == []


def test_the_time_that_a_list_shows_names_that_snapshot(estate: Path, tmp_path: Path) -> None:
    _whole, nine, ten = snapshots(estate)
    listed = giucong(estate, "backup.list", "--site", "cong-xa").stdout
    (line,) = [it for it in listed.splitlines() if nine["id"][:8] in it]
    found = re.search(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d \+07:00", line)
    assert found is not None, listed
    told = restore(estate, tmp_path / "then", "--at", found[0])

    assert nine["taken_at"] < ten["taken_at"]
    assert f"database db · {nine['id'][:8]} · {found[0]}" in told
    assert "apart: a row may name a file that is not there" in " ".join(told.split())


def test_how_far_files_and_rows_lie_apart_is_said_before_the_question(estate: Path) -> None:
    whole = snapshots(estate)[0]
    words = ("backup.restore", "--site", "cong-xa", "--in-place", "--snapshot", whole["id"][:8])
    asked = giucong(estate, *words)

    assert asked.returncode == 2
    assert "its databases are as of" in asked.stdout
    assert "a file may be younger than the rows" in " ".join(asked.stdout.split())


_FAR = """
[[stores]]
name = "far"
url = "stores/far"
role = "copy"
of = "near"
key = "file:keys/far.key"
location = "xa"
medium = "disk"
"""


def test_a_store_that_is_behind_says_so(tmp_path: Path) -> None:
    estate = build_estate(tmp_path / "estate", _FAR)
    assert giucong(estate, "backup.init").returncode == 0
    back_up(estate)
    copied = giucong(estate, "backup.copy", "--site", "cong-xa", "--to", "far")
    assert copied.returncode == 0, copied.stdout + copied.stderr
    level = restore(estate, tmp_path / "level", "--store", "far")
    back_up(estate)
    behind = restore(estate, tmp_path / "behind", "--store", "far")
    newest = restore(estate, tmp_path / "newest")

    assert "has a newer one" not in level
    assert "this is the newest in far; near has a newer one, of " in behind
    assert "has a newer one" not in newest


def test_in_place_no_row_is_lost_that_was_saved_and_both_moments_are_told(estate: Path) -> None:
    whole, nine, ten = snapshots(estate)
    index = estate.parent / "www" / "index.php"
    index.write_text("hacked")
    words = ("backup.restore", "--site", "cong-xa", "--in-place", "--confirm", "cong-xa")
    asked = giucong(estate, *words[:-2])
    untouched = index.read_text()
    at_nine = giucong(estate, *words, "--snapshot", nine["id"][:8])
    rows_at_nine = rows_in(live(estate))
    index.write_text("hacked again")
    done = giucong(estate, *words)
    catalog = open_catalog(f"sqlite:///{estate.parent}/state/giucong.db")
    with catalog.reading() as session:
        rows = session.query(JournalRow).filter_by(action="backup.restore").all()
        noted = json.loads(rows[-1].details)
    catalog.close()

    assert untouched == "hacked"
    assert at_nine.returncode == 0, at_nine.stderr
    assert whole["id"][:8] in at_nine.stdout  # one of a database alone means the site as of then
    assert f"database db · {nine['id'][:8]}" in at_nine.stdout
    assert rows_at_nine == ["nine o'clock"]
    assert asked.returncode == 2
    assert whole["id"][:8] in asked.stdout
    assert f"database db · {ten['id'][:8]}" in asked.stdout
    assert done.returncode == 0, done.stderr
    assert rows_in(live(estate)) == ["nine o'clock", "ten o'clock"]
    assert index.read_text() == "<?php // trang chủ"
    assert (noted["snapshot"], noted["databases_of"]) == (whole["id"], {"db": ten["id"]})


def test_runs_of_a_database_alone_count_and_are_forgotten_by_a_rule_of_their_own(
    estate: Path,
) -> None:
    whole, _nine, ten = snapshots(estate)
    site, *_own = json.loads(giucong(estate, "backup.status", "--json").stdout)["items"]
    table = giucong(estate, "backup.status").stdout
    forgotten = giucong(estate, "backup.forget", "--site", "cong-xa", "--confirm", "cong-xa")

    moment = datetime.fromisoformat(site["databases"]["db"])
    assert moment == datetime.fromisoformat(ten["taken_at"])
    assert "database alone" in table
    assert forgotten.returncode == 0, forgotten.stderr
    assert [it["id"] for it in snapshots(estate)] == [whole["id"], ten["id"]]
