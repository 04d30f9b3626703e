"""Copies of real sites for rehearsals: backed up by their sources, restored into a work folder."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backup.archiver.create import create_snapshot
from backup.progress import SILENT
from backup.repository.locks import hold_lock
from backup.restorer.restore import RestoreRequest, restore_snapshot
from ops.backups.pages.noting import note_pages
from ops.backups.sources.manifest import make_manifest
from ops.backups.sources.site import make_request
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.sandbox.make_plan import plan_rehearsal
from ops.sandbox.plan import RehearsalPlan
from tests.backing_up import make_repository
from tests.integration.jobs.small_estate import ESTATE
from tests.mariadb_server import MariadbServer
from tests.portal import PhpSite, fill_in
from tests.private_server import find_free_port

BOARD_PAGES = ("/?p=1", "/?p=40", "/thong-bao/40.html?p=40", "/tep.txt")
_PASSWORD = 'mật khẩu "bảng"'  # noqa: S105 -- of accounts that live for a minute


def write_estate(folder: Path, site: str) -> Estate:
    """Write an estate of one site; gives it loaded."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keys").mkdir(exist_ok=True)
    (folder / "keys" / "repository.key").write_text("bí mật\n", encoding="utf-8")
    (folder / "state").mkdir(exist_ok=True)
    path = folder / "estate.toml"
    path.write_text(f"{ESTATE.partition('[[sites]]')[0]}{site}", encoding="utf-8")
    return load_estate(path)


def describe_site(
    name: str, url: str, pages: tuple[str, ...], folder: Path, database: str = ""
) -> str:
    """Give a site's block of an estate file."""
    return f"""
[[sites]]
name = "{name}"
title = "{name}"
unit = "xa"
url = "{url}"
pages = {json.dumps(list(pages))}
  [[sites.files]]
  name = "www"
  path = "{folder}"
{database}"""


def take_copy(estate: Estate, name: str, work: Path, *, url: str = "") -> RehearsalPlan:
    """Back a site up as it is now, restore it below a folder, and plan its rehearsal.

    Args:
        estate: Has the site.
        name: Of the site.
        work: Folder of the drill.
        url: Where the site is noted; its own address unless given.
    """
    site = next(it for it in estate.sites if it.name == name)
    work.mkdir(parents=True)
    pages = note_pages(url or site.url, site.pages)
    repository = make_repository()
    request, reading = make_request(
        estate,
        site,
        manifest=lambda reading: make_manifest(estate, reading, estate_version=""),
        now=datetime.now(UTC),
    )
    reading.take_pages = lambda: pages
    with hold_lock(repository) as lock:
        result = create_snapshot(
            repository, replace(request, workers=0), lock=lock, progress=SILENT
        )
    restore = RestoreRequest(target=os.fsencode(work / "restored"))
    restore_snapshot(repository, result.tree_id, restore, SILENT)
    return plan_copy(estate, name, work)


def plan_copy(estate: Estate, name: str, work: Path) -> RehearsalPlan:
    """Plan the rehearsal of a copy that lies there already."""
    site = next(it for it in estate.sites if it.name == name)
    restored = work / "restored" / name
    manifest: dict[str, Any] = json.loads((restored / "manifest.json").read_text("utf-8"))
    plan = plan_rehearsal(
        estate, site, manifest=manifest, restored=restored, work=work,
        incident_at=datetime.now(UTC),
    )  # fmt: skip
    return replace(plan, deadline_seconds=120.0)


def make_board(folder: Path, server: MariadbServer) -> PhpSite:
    """Make a small site on MariaDB, with an account of its own; not yet running."""
    database = server.new_database()
    site = PhpSite(folder, find_free_port(), database, f"r{database[:20]}", _PASSWORD)
    folder.mkdir(parents=True)
    (folder / "tep.txt").write_text("Tệp đính kèm của thông báo\n", encoding="utf-8")
    words = {"database": database, "user": database[:20], "socket": str(server.socket),
             "password": _PASSWORD}  # fmt: skip
    fill_in("board.php", folder / "index.php", words)
    quoted = _PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
    reading = "SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE, SHOW CREATE ROUTINE"
    accounts = {f"{database[:20]}@localhost": "ALL", f"{site.reader}@localhost": reading,
                "web@10.0.0.7": "ALL"}  # fmt: skip
    for account, rights in accounts.items():
        server.run(f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{quoted}'")
        server.run(f"GRANT {rights} ON {database}.* TO {account}")
    server.run(f"GRANT SELECT ON mysql.* TO {site.reader}@localhost")
    server.run(
        "CREATE TABLE posts (id INT PRIMARY KEY, title TEXT, body TEXT, made DATETIME,"
        " made_gmt DATETIME) DEFAULT CHARSET utf8mb4;"
        "CREATE TABLE comments (id INT PRIMARY KEY, body TEXT, seen TIMESTAMP NULL)",
        database,
    )
    rows = ",".join(
        f"({it}, 'Thông báo số {it} 🏛️', 'Nội dung \"{it}\"', '2026-11-01 08:00:00',"
        " '2026-11-01 01:00:00')"
        for it in range(1, 41)
    )
    server.run(f"INSERT INTO posts VALUES {rows}", database)  # noqa: S608 -- our own
    server.run("INSERT INTO comments VALUES (1, 'Góp ý', '2026-11-02 03:00:00')", database)
    return site


def describe_board(
    name: str, site: PhpSite, server: MariadbServer, key: Path, url: str = ""
) -> str:
    """Give its block of an estate file; the password goes into a file."""
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_text(f"{_PASSWORD}\n", encoding="utf-8")
    database = f"""
  [[sites.databases]]
  name = "db"
  engine = "mariadb"
  socket = "{server.socket}"
  database = "{site.database}"
  user = "{site.reader}"
  password = "file:{key}"
"""
    return describe_site(name, url or site.address, BOARD_PAGES, site.folder, database)
