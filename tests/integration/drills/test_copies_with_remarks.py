"""A drill takes the way of a restore, and says what was said of its copy when it was made."""

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.drills.static_site import PAGE, StaticSite, make_static_site
from tests.integration.jobs.small_estate import giucong
from tests.web_server import say, web_server

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path: Path) -> StaticSite:
    return make_static_site(tmp_path)


@contextmanager
def changing(site: StaticSite) -> Iterator[sqlite3.Connection]:
    """Change the live database."""
    with closing(sqlite3.connect(site.estate.parent / "www" / "data" / "live.db")) as database:
        yield database
        database.commit()


def back_up(site: StaticSite, *more: str) -> dict[str, Any]:
    with web_server({"/": say(PAGE.encode())}) as address:
        text = site.estate.read_text(encoding="utf-8")
        site.estate.write_text(re.sub('url = "http:[^"]*"', f'url = "{address}"', text), "utf-8")
        done = giucong(site.estate, "backup.run", "--site", "cong-xa", "--json", *more)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["items"][0]
    return found


@pytest.mark.parametrize("engine", ["ours", "restic"])
def test_the_newest_run_of_a_database_is_rehearsed_with_the_newest_whole_copy(
    site: StaticSite, engine: str
) -> None:
    whole = site_snapshots(site)[0]["id"]
    with changing(site) as database:
        database.executemany("INSERT INTO uploads VALUES (?, 0)", [("sau",), ("sau nữa",)])
    back_up(site, "--database", "db")
    alone = site_snapshots(site)[-1]["id"]

    code, drill = site.drill("--with", engine)
    shown = giucong(site.estate, "drill.show", "--site", "cong-xa")

    copy, results = drill["minutes"]["copy"], drill["minutes"]["results"]
    assert (code, drill["outcome"]) == (0, "ok"), drill["minutes"]["shortcomings"]
    assert drill["snapshot"] == whole
    assert copy["databases_of"]["db"]["snapshot"] == alone
    assert results["databases"][0]["counts"] == {"uploads": 22}
    assert results["equal_files"] == results["files"]
    assert "Database db" in shown.stdout
    assert alone[:16] in shown.stdout


def test_a_copy_whose_backup_had_warned_is_passed_with_remarks_at_best(site: StaticSite) -> None:
    shutil.rmtree(site.estate.parent / "www" / "uploads")
    with changing(site) as database:
        database.execute("DROP TABLE uploads")
        database.execute("CREATE TABLE khac (so INTEGER)")
    warned = back_up(site)

    code, drill = site.drill()
    shown = giucong(site.estate, "drill.show", "--site", "cong-xa")
    shown_vi = giucong(site.estate, "drill.show", "--site", "cong-xa", language="vi")

    assert warned["reason"] == "suspicious"
    assert (code, drill["outcome"], drill["reason_code"]) == (3, "incomplete", "drill_copy_warned")
    assert "MINUTES OF A RESTORE DRILL  PASSED WITH REMARKS" in shown.stdout
    assert "the folder uploads of www is gone or empty" in " ".join(shown.stdout.split())
    assert "the table uploads of the database db is gone" in " ".join(shown.stdout.split())
    assert "ĐẠT, CÒN TỒN TẠI" in shown_vi.stdout

    accepted = back_up(site, "--accept-size")
    code, drill = site.drill()

    assert accepted["reason"] == ""
    assert (code, drill["outcome"]) == (0, "ok"), drill["minutes"]["shortcomings"]


def site_snapshots(site: StaticSite) -> list[dict[str, Any]]:
    told = giucong(site.estate, "backup.list", "--site", "cong-xa", "--json").stdout
    found: list[dict[str, Any]] = json.loads(told)["items"]
    return sorted(found, key=lambda it: it["taken_at"])
