"""Each backup says whether it read everything: files here and on a host, databases on servers."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from tests.integration.jobs.host_estate import add_host
from tests.integration.jobs.small_estate import giucong
from tests.postgres_server import PostgresServer, postgres_server
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "postgres_server", "ssh_server"]

pytestmark = pytest.mark.slow


def _run(estate: Path, *words: str) -> dict[str, Any]:
    done = giucong(estate, "backup.run", "--site", "cong-xa", "--json", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)["items"][0]["summary"]
    return summary


def _journaled(estate: Path) -> dict[str, str]:
    catalog = open_catalog(f"sqlite:///{estate.parent}/state/giucong.db")
    with catalog.reading() as session:
        rows = session.execute(
            select(JournalRow.details).where(JournalRow.action == "job.ended")
        ).scalars()
        summaries = [json.loads(it)["summary"] for it in rows]
    catalog.close()
    return {it["snapshot"]: it["method"] for it in summaries}


def test_files_on_a_host_and_a_database_are_read_in_full_when_asked(
    tmp_path: Path, ssh_server: SshServer, postgres_server: PostgresServer
) -> None:
    there = tmp_path / "there"
    there.mkdir()
    for number in range(5):
        (there / f"trang-{number}.html").write_text(f"trang {number}")
    database = postgres_server.new_database().partition("@/")[2].partition("?")[0]
    parts = f"""
  [[sites.databases]]
  name = "pg"
  engine = "postgresql"
  socket = "{postgres_server.folder}"
  database = "{database}"
  user = "giucong"
  [[sites.files]]
  name = "portal"
  host = "web1"
  path = "{there}"
"""
    estate = add_host(tmp_path / "estate", ssh_server, parts)
    first, again, full, alone = (
        _run(estate), _run(estate), _run(estate, "--full-read"), _run(estate, "--database", "pg"),
    )  # fmt: skip
    listed = json.loads(giucong(estate, "backup.list", "--site", "cong-xa", "--json").stdout)[
        "items"
    ]
    told = giucong(estate, "backup.list", "--site", "cong-xa", language="vi").stdout
    status = json.loads(giucong(estate, "backup.status", "--json").stdout)["items"][0]

    methods = [it["method"] for it in (first, again, full, alone)]
    assert methods == ["full", "incremental", "full", "incremental"]
    assert full["new_files"] == first["new_files"] > again["new_files"] + 5
    assert {it["id"]: it["method"] for it in listed} == _journaled(estate)
    assert ("đầy đủ" in told, "gia tăng" in told) == (True, True)
    taken = [datetime.fromisoformat(it["taken_at"]) for it in (again, alone)]
    assert taken[0] < datetime.fromisoformat(status["full_at"]) < taken[1]
