"""A drill leaves its site to the backups, and ends with the window it was begun in."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select

from ops.catalog.open import open_catalog
from ops.catalog.tables.core import Occurrence, Run
from ops.drills.kind import drill_job
from ops.drills.phases import PHASES
from ops.estate.load.load import load_estate
from ops.jobs.definitions import list_jobs
from ops.journal.journal import Origin
from ops.runbooks.states import list_unfinished
from ops.schedule.ledger import claims, overview
from ops.service.settings import TIME_IS_OVER, ServiceSettings, WorkRequest, format_request
from tests.integration.drills.static_site import StaticSite, make_static_site
from tests.integration.drills.test_killed_drills import await_sandbox
from tests.integration.jobs.small_estate import ROOT, giucong

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ENDLESS = 'serve = "command"\n  command = ["sleep", "86400"]'
WORKER = "tests.integration.drills.window_over"


def request_for(site: StaticSite) -> bytes:
    """Ask the ledger for a drill, claim it, and give the worker's request."""
    estate = load_estate(site.estate)
    now = datetime.now(UTC).replace(microsecond=0)
    url = f"sqlite:///{estate.service.state}/giucong.db"
    job = next(it for it in list_jobs(estate) if it.name == drill_job("cong-xa"))
    origin = Origin(person="", login="giucong", via="clock")
    catalog = open_catalog(url)
    with catalog.writing() as session:
        overview.ask_at(session, job, due_at=now, now=now, origin=origin, arguments={})
        (claim,) = claims.claim_due(session, jobs=[job.name], now=now, limit=1, host="here")
    catalog.close()
    settings = ServiceSettings(
        catalog_url=url, state=estate.service.state, estate=str(site.estate),
        modules=("ops.wiring",), origin=origin,
        heartbeat_every=timedelta(seconds=5), lock_wait=timedelta(seconds=1),
    )  # fmt: skip
    return format_request(WorkRequest(claim, job, settings))


def start_worker(request: bytes) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", WORKER, str(os.getpid())], cwd=ROOT, stdin=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(request)
    process.stdin.close()
    return process


def test_the_site_is_backed_up_meanwhile_and_the_window_s_end_ends_it(tmp_path: Path) -> None:
    site = make_static_site(tmp_path)
    text = site.estate.read_text(encoding="utf-8")
    site.estate.write_text(text.replace('serve = "static"', ENDLESS), encoding="utf-8")
    process = start_worker(request_for(site))
    try:
        below = await_sandbox(site, psutil.Process(process.pid))
        done = giucong(site.estate, "backup.run", "--site", "cong-xa")
        assert process.poll() is None, "the drill was to go on meanwhile"
        assert done.returncode == 0, done.stderr
        twice = giucong(site.estate, "drill.run", "--site", "cong-xa", "--file")
        assert twice.returncode == 11, twice.stderr

        process.send_signal(signal.SIGUSR1)

        assert process.wait(60) == 0
    finally:
        process.kill()
    _gone, alive = psutil.wait_procs(below, timeout=60)
    assert alive == []
    assert list(site.work.iterdir()) == []
    (drill,) = site.list()
    assert (drill.outcome, drill.reason_code) == ("incomplete", "drill_window_over")
    assert tuple(drill.phases) == PHASES
    stopped = drill.phases["rehearse"]
    assert (stopped.outcome, stopped.reason) == ("not_checked", "drill_window_over")
    assert drill.phases["wipe"].outcome == "ok"
    assert drill.minutes is not None
    catalog = open_catalog(f"sqlite:///{site.estate.parent}/state/giucong.db")
    with catalog.reading() as session:
        run = session.execute(select(Run).where(Run.job == "drill/cong-xa")).scalar_one()
        (occurrence,) = session.execute(
            select(Occurrence).where(Occurrence.job == run.job)
        ).scalars()
        assert (run.outcome, run.reason) == ("incomplete", "drill_window_over")
        assert occurrence.state == "ended"
        assert list_unfinished(session) == []
    catalog.close()

    code, _next = site.drill("--file")
    assert code == 0


def test_a_drill_whose_time_is_over_leaves_nothing_of_what_it_restored(tmp_path: Path) -> None:
    site = make_static_site(tmp_path)
    text = site.estate.read_text(encoding="utf-8")
    site.estate.write_text(text.replace('serve = "static"', ENDLESS), encoding="utf-8")
    process = start_worker(request_for(site))
    try:
        below = await_sandbox(site, psutil.Process(process.pid))
        process.send_signal(TIME_IS_OVER)
        process.wait(60)
    finally:
        process.kill()
    _gone, alive = psutil.wait_procs(below, timeout=60)
    (drill,) = site.list()
    catalog = open_catalog(f"sqlite:///{site.estate.parent}/state/giucong.db")
    with catalog.reading() as session:
        run = session.execute(select(Run).where(Run.job == "drill/cong-xa")).scalar_one()
        ended = (run.outcome, run.reason)
    catalog.close()

    assert ended == ("failed", "timed_out")
    assert alive == []
    assert list(site.work.iterdir()) == []
    assert drill.outcome == "incomplete"
