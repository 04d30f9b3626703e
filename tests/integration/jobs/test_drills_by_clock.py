"""Two real services on one catalog: a due drill is asked for once, and an overdue one alerts."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import JournalRow, Occurrence, Run
from ops.catalog.tables.sites import KnownSite
from ops.drills.kind import PLAN_JOB
from ops.estate.load.load import load_estate
from ops.jobs.definitions import list_jobs
from ops.schedule.ledger.due import register_jobs
from ops.schedule.ledger.endings import Recording
from tests.integration.jobs.small_estate import GIUCONG, ROOT, build_estate, giucong
from tests.integration.jobs.test_serving import wait_until
from tests.private_server import tie
from tests.smtp_sink import smtp_sink

pytestmark = pytest.mark.slow

MORE = """
[duties]
include = ["duties.local.toml"]
[notices]
relay = "env:GIUCONG_TEST_RELAY"
daily_summary = "00:00"
[[notices.routes]]
people = ["nva"]
"""
WEEKLY = """
schema = 1
[[duties]]
name = "drill-every-week"
title = { vi = "Diễn tập mỗi tuần", en = "Drill every week" }
basis = [{ document = "Trung tâm tự đặt", certainty = "own" }]
valid_from = 2026-01-05
applies = { kind = "site" }
every = { count = 1, unit = "weeks", start = 2026-01-05 }
responsible = "operator"
evidence = { query = "drills" }
"""


@contextmanager
def services(estate: Path, relay: str, count: int = 2) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start so many services on one estate; they are ended by their own handles."""
    environment = {**os.environ, "GIUCONG_ESTATE": str(estate), "GIUCONG_TEST_RELAY": relay}
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(count):
            with (estate.parent / f"service-{number}.log").open("wb") as log:
                command = [*tie(), str(GIUCONG), "service.run"]
                started.append(
                    subprocess.Popen(
                        command, cwd=ROOT, env=environment, stderr=log, stdin=subprocess.DEVNULL
                    )
                )
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def a_window_elsewhere() -> str:
    """Give a window that begins in six hours: what is asked for now has to wait."""
    start = datetime.now(UTC) + timedelta(hours=13)
    return f"{start:%H:%M}-{start + timedelta(hours=2):%H:%M}"


def backdate(catalog: Catalog, estate: Path) -> None:
    """Let the service be down since yesterday, and have known the site since summer."""
    now = datetime.now(UTC)
    plan_job = next(it for it in list_jobs(load_estate(estate)) if it.name == PLAN_JOB)
    with catalog.writing() as session:
        register_jobs(session, [plan_job], now - timedelta(hours=25), Recording())
        session.execute(update(KnownSite).values(since=datetime(2026, 6, 1, tzinfo=UTC)))


def rows(catalog: Catalog, table: Any, **wanted: str) -> list[Any]:
    with catalog.reading() as session:
        return list(session.execute(select(table).filter_by(**wanted)).scalars())


def test_a_due_drill_is_asked_for_once_and_an_overdue_one_alerts(tmp_path: Path) -> None:
    estate = build_estate(tmp_path / "estate", MORE)
    text = estate.read_text(encoding="utf-8")
    schedule = f'[defaults.schedule]\nbackup = "{a_window_elsewhere()}"'
    estate.write_text(text.replace("[defaults.schedule]", schedule), encoding="utf-8")
    (estate.parent / "duties.local.toml").write_text(WEEKLY, encoding="utf-8")
    giucong(estate, "backup.init")
    giucong(estate, "backup.run", "--site", "cong-xa")
    catalog = open_catalog(f"sqlite:///{estate.parent / 'state' / 'giucong.db'}")
    backdate(catalog, estate)
    with smtp_sink() as sink:
        relay = f"mailto://127.0.0.1:{sink.port}/?from=giucong@example.vn&mode=insecure"
        with services(estate, relay) as started:
            wait_until(lambda: any(it.outcome for it in rows(catalog, Run, job=PLAN_JOB)))
            wait_until(lambda: len([it for it in sink.mails if "mỗi tuần" in it.body]) > 1)
            for process in started:
                process.terminate()
            statuses = [process.wait(60) for process in started]
    shown = giucong(estate)
    alerts = json.loads(giucong(estate, "monitor.alerts", "--json").stdout)["items"]
    due = giucong(estate, "drill.list", "--due", "--json")
    (plan_run,) = rows(catalog, Run, job=PLAN_JOB)
    (drill,) = rows(catalog, Occurrence, kind="drill")
    asked = rows(catalog, JournalRow, action="job.asked")
    catalog.close()
    logs = [(estate.parent / f"service-{number}.log").read_text() for number in range(2)]

    assert statuses == [0, 0]
    assert all("event=service-ready" in it and "Traceback" not in it for it in logs)
    assert (plan_run.outcome, plan_run.summary["asked"]) == ("ok", drill.job)
    assert (drill.job, drill.state, drill.trigger) == ("drill/cong-xa", "due", "clock")
    assert timedelta(hours=6) < drill.due_at - datetime.now(UTC) < timedelta(hours=8)
    assert [it.subject for it in asked] == [drill.job]
    overdue = [it["subject"] for it in alerts if it["code"] == "drill_overdue"]
    # The duties that ship may be overdue as well, by the day on which this runs.
    assert overdue.count("drill_overdue:drill-every-week") == 1
    about = [it.subject for it in sink.mails if "mỗi tuần" in it.body]
    assert sorted("cảnh báo đang mở" in it for it in about) == [False, True]
    assert any("chưa có cuộc diễn tập khôi phục nào đạt: Diễn tập mỗi tuần" in it for it in about)
    assert shown.returncode == 1
    assert "no good restore drill by" in shown.stdout
    assert due.returncode == 1
    first = json.loads(due.stdout)["items"][0]
    assert (first["duty"], first["state"]) == ("drill-every-week", "overdue")
