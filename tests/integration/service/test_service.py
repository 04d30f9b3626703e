"""Real services and workers, killed and stopped, on both databases."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import select

from ops.catalog.open import Catalog
from ops.catalog.tables.core import Occurrence, Run
from ops.jobs.live import is_service_running
from ops.journal.journal import Origin
from ops.schedule.ledger import claims, due, overview
from ops.schedule.ledger.endings import Recording
from ops.service.settings import ServiceSettings
from ops.service.worker_pool import WorkerPool
from tests.integration.service import tiny_jobs
from tests.integration.service.run_tiny_service import read_job
from tests.private_server import is_alive, tie

T = TypeVar("T")
ROOT = Path(__file__).parents[3]
BY_TEST = Origin(via="cli", person="nva")

pytestmark = pytest.mark.slow


@contextmanager
def service(
    url: str, state: Path, jobs: list[dict[str, Any]], **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a service; what is left of it at the end is killed."""
    command = [sys.executable, "-m", "tests.integration.service.run_tiny_service", url]
    with (state / "log").open("ab") as log:
        process = subprocess.Popen(
            [*tie(), *command, str(state), json.dumps(jobs)], cwd=ROOT, stderr=log,
            env={**os.environ, **environment},
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(look: Callable[[], T | None], seconds: float = 240.0) -> T:
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
    return found


def ask_for(catalog: Catalog, job: dict[str, Any]) -> None:
    """Have a person start a job."""
    with catalog.writing() as session:
        overview.trigger(session, read_job(dict(job)), now=datetime.now(UTC), origin=BY_TEST)


def rows(catalog: Catalog, *states: str) -> list[Occurrence]:
    with catalog.reading() as session:
        query = select(Occurrence).order_by(Occurrence.due_at)
        return [row for row in session.execute(query).scalars() if row.state in states]


def ended(catalog: Catalog) -> Occurrence | None:
    return next(iter(rows(catalog, "ended")), None)


def linger_job(folder: Path, **more: Any) -> dict[str, Any]:
    arguments = {"file": str(folder / "pids")}
    return {"name": "linger/a", "kind": "linger", "site": "a", "arguments": arguments, **more}


def read_pids(folder: Path) -> tuple[int, int]:
    """Wait for a lingering job; give its worker's and its child's process id."""
    path = folder / "pids"
    wait_for(lambda: path.exists() or None)
    worker, child = path.read_text().split()
    path.unlink()
    return int(worker), int(child)


def test_two_services_start_each_occurrence_once(
    catalog: Catalog, catalog_url: str, tmp_path: Path
) -> None:
    jobs = [
        {"name": f"note/s{n}", "kind": "note", "site": f"s{n}", "schedule": "0 * * * *",
         "arguments": {"file": str(tmp_path / "lines")}}
        for n in range(10)
    ]  # fmt: skip
    with catalog.writing() as session:
        known = [read_job(dict(job)) for job in jobs]
        due.register_jobs(session, known, datetime.now(UTC) - timedelta(hours=3), Recording())
    calm = {"TINY_STALE": "300"}  # a busy machine may start a worker slowly: that is no loss
    with (
        service(catalog_url, tmp_path, jobs, **calm) as one,
        service(catalog_url, tmp_path, jobs, **calm) as two,
    ):
        wait_for(lambda: len(rows(catalog, "ended")) >= len(jobs) * 3 or None, 900)
        wait_for(lambda: not rows(catalog, "due", "claimed", "running") or None)
        one.terminate()
        two.terminate()
        statuses = one.wait(240), two.wait(240)

    lines = Counter(line.split()[0] for line in (tmp_path / "lines").read_text().splitlines())
    done = Counter(row.job for row in rows(catalog, "ended") if row.outcome == "ok")
    assert statuses == (0, 0)
    assert lines == done
    assert set(lines) == {job["name"] for job in jobs}
    with catalog.reading() as session:
        starts = Counter(session.execute(select(Run.occurrence_id)).scalars())
    assert set(starts.values()) == {1}
    assert "another-service-runs-here" in (tmp_path / "log").read_text()


def test_a_service_that_is_left_alone_shows_that_it_runs(catalog_url: str, tmp_path: Path) -> None:
    with service(catalog_url, tmp_path, []) as one:
        wait_for(lambda: is_service_running(tmp_path) or None)
        with service(catalog_url, tmp_path, []):
            wait_for(lambda: b"another-service" in (tmp_path / "log").read_bytes() or None)
            one.kill()
            one.wait()
            wait_for(lambda: is_service_running(tmp_path) or None)


def test_a_killed_service_takes_its_workers_along_and_the_next_one_ends_their_runs(
    catalog: Catalog, catalog_url: str, tmp_path: Path
) -> None:
    job = linger_job(tmp_path)
    with service(catalog_url, tmp_path, [job]) as process:
        ask_for(catalog, job)
        worker, child = read_pids(tmp_path)
        process.kill()
        wait_for(lambda: not (is_alive(worker) or is_alive(child)) or None)

    assert [row.state for row in rows(catalog, "running", "ended")] == ["running"]
    with service(catalog_url, tmp_path, [job]):
        row = wait_for(lambda: ended(catalog))

    assert (row.outcome, row.reason) == ("failed", "lost")


def test_a_killed_worker_is_noticed_and_its_children_are_gone(
    catalog: Catalog, catalog_url: str, tmp_path: Path
) -> None:
    job = linger_job(tmp_path)
    with service(catalog_url, tmp_path, [job]):
        ask_for(catalog, job)
        worker, child = read_pids(tmp_path)
        os.kill(worker, signal.SIGKILL)
        row = wait_for(lambda: ended(catalog))
        wait_for(lambda: not is_alive(child) or None)

    assert (row.outcome, row.reason) == ("failed", "lost")
    with catalog.reading() as session:
        run = session.execute(select(Run)).scalar_one()
    assert (run.outcome, run.reason, run.ended_at is not None) == ("failed", "lost", True)


def test_a_worker_survives_the_signal_by_which_restic_asks_whether_it_lives(
    catalog: Catalog, catalog_url: str, tmp_path: Path
) -> None:
    job = linger_job(tmp_path)
    with service(catalog_url, tmp_path, [job]):
        ask_for(catalog, job)
        worker, child = read_pids(tmp_path)
        os.kill(worker, signal.SIGHUP)
        time.sleep(1)

        assert is_alive(worker)
        assert is_alive(child)
        assert [row.state for row in rows(catalog, "running", "ended")] == ["running"]


def test_a_lost_run_is_tried_again_where_its_job_allows_it(
    catalog: Catalog, catalog_url: str, tmp_path: Path
) -> None:
    job = linger_job(tmp_path, tries=2)
    with service(catalog_url, tmp_path, [job]):
        ask_for(catalog, job)
        first, _child = read_pids(tmp_path)
        os.kill(first, signal.SIGKILL)
        second, _child = read_pids(tmp_path)
        os.kill(second, signal.SIGKILL)
        row = wait_for(lambda: ended(catalog))

    assert first != second
    assert (row.outcome, row.reason, row.attempts) == ("failed", "lost", 2)


def test_a_stopped_service_stops_its_workers_and_the_work_waits_for_the_next(
    catalog: Catalog, catalog_url: str, tmp_path: Path
) -> None:
    job = linger_job(tmp_path, tries=2)
    with service(catalog_url, tmp_path, [job]) as process:
        ask_for(catalog, job)
        worker, child = read_pids(tmp_path)
        process.terminate()
        status = process.wait(240)

    assert status == 0
    assert not is_alive(worker)
    assert [(row.state, row.attempts) for row in rows(catalog, "due", "ended")] == [("due", 0)]
    with service(catalog_url, tmp_path, [job]):
        again, _child = read_pids(tmp_path)
    assert again != worker
    if is_alive(child):
        os.kill(child, signal.SIGKILL)


def test_a_run_beyond_its_limit_is_ended_as_timed_out(
    catalog: Catalog, catalog_url: str, tmp_path: Path
) -> None:
    job = linger_job(tmp_path, limit_seconds=8)
    with service(catalog_url, tmp_path, [job]):
        ask_for(catalog, job)
        worker, child = read_pids(tmp_path)
        row = wait_for(lambda: ended(catalog))

        assert (row.outcome, row.reason) == ("failed", "timed_out")
        wait_for(lambda: not (is_alive(worker) or is_alive(child)) or None)


def run_until(
    stop_at: datetime, job: dict[str, Any], catalog: Catalog, catalog_url: str, state: Path
) -> Occurrence:
    """Run a job in a worker whose window ends at a moment; give what is recorded of it."""
    ask_for(catalog, job)
    pool = WorkerPool(
        ServiceSettings(catalog_url=catalog_url, state=state, modules=(tiny_jobs.__name__,))
    )
    with catalog.writing() as session:
        (claim,) = claims.claim_due(
            session, jobs=["linger/a"], now=datetime.now(UTC), limit=1, host="here"
        )
    worker = pool.start(claim, read_job(dict(job)), 0, stop_at=stop_at)
    assert worker.process.wait(300) == 0
    (row,) = rows(catalog, "ended")  # not tried again before the next window
    return row


def test_a_run_whose_window_is_over_before_it_began_is_recorded(
    catalog: Catalog, catalog_url: str, tmp_path: Path
) -> None:
    job = linger_job(tmp_path, tries=3)
    row = run_until(datetime.now(UTC), job, catalog, catalog_url, tmp_path)

    assert (row.outcome, row.reason) == ("failed", "window_over")
    assert not (tmp_path / "pids").exists()


@pytest.mark.parametrize("kind", ["linger", "note"])
def test_a_run_that_meets_the_end_of_its_window_stops_until_the_next(
    catalog: Catalog, catalog_url: str, tmp_path: Path, kind: str
) -> None:
    job = linger_job(tmp_path, tries=3) | {"kind": kind}
    stop_at = datetime.now(UTC) + timedelta(seconds=5 if kind == "linger" else 300)
    row = run_until(stop_at, job, catalog, catalog_url, tmp_path)

    if kind == "note":  # what is done in time is not touched
        assert row.outcome == "ok"
        return
    assert (row.outcome, row.reason) == ("failed", "window_over")
    assert datetime.now(UTC) >= stop_at
    if not (tmp_path / "pids").exists():
        return  # the machine is so busy that it had not begun
    _worker, child = read_pids(tmp_path)
    if is_alive(child):  # what a runner has started is its own to end
        os.kill(child, signal.SIGKILL)


def test_every_way_to_fail_is_recorded_with_its_reason_and_no_secret(
    catalog: Catalog, catalog_url: str, tmp_path: Path
) -> None:
    kinds = ["refuse", "crash", "leave", "unheard-of"]
    jobs: list[dict[str, Any]] = [{"name": kind, "kind": kind, "site": kind} for kind in kinds]
    with service(catalog_url, tmp_path, jobs):
        for job in jobs:
            ask_for(catalog, job)
        wait_for(lambda: len(rows(catalog, "ended")) == len(jobs) or None)
    found = {row.job: row for row in rows(catalog, "ended")}

    assert {row.outcome for row in found.values()} == {"failed"}
    assert found["refuse"].reason == "ops"
    assert found["refuse"].params["what"] == "the store {name} is full"
    assert found["refuse"].params["params"] == {"name": "near"}
    assert (found["crash"].reason, found["leave"].reason) == ("crashed", "crashed")
    assert found["unheard-of"].params["params"] == {"kind": "unheard-of"}
    told = (tmp_path / "log").read_text() + str([row.params for row in found.values()])
    assert "hunter2" not in told
    assert "Traceback" not in told


def test_systemd_hears_when_it_is_ready_and_when_it_stops(
    catalog: Catalog, catalog_url: str, tmp_path: Path
) -> None:
    del catalog
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(60)
        heard = ""
        with service(catalog_url, tmp_path, [], NOTIFY_SOCKET=str(path),
                     WATCHDOG_USEC="1000000") as process:  # fmt: skip
            while "WATCHDOG=1" not in heard:
                heard += listener.recv(4096).decode() + "\n"
            process.terminate()
            while "STOPPING=1" not in heard:
                heard += listener.recv(4096).decode() + "\n"
            status = process.wait(240)

    assert heard.startswith("READY=1\n")
    assert "STATUS=0 jobs, 0 running" in heard
    assert status == 0
