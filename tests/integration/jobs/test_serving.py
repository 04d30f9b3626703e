"""The real service over a real estate: a backup is made, its failure is noticed and mailed."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ops.status.heartbeat import read_heartbeat
from tests.integration.jobs.small_estate import GIUCONG, INIT, ROOT, build_used_estate, giucong
from tests.private_server import tie
from tests.smtp_sink import Mail, Sink, smtp_sink

pytestmark = pytest.mark.slow

MORE = """
[notices]
relay = "env:GIUCONG_TEST_RELAY"
[[notices.routes]]
people = ["nva"]
"""


@contextmanager
def service(estate: Path, relay: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "GIUCONG_ESTATE": str(estate), "GIUCONG_TEST_RELAY": relay}
    with (estate.parent / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [*tie(), GIUCONG, "service.run"],
            cwd=ROOT,
            env=environment,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not look():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.2)


def last_outcome(estate: Path) -> str | None:
    sites = json.loads(giucong(estate, "backup.status", "--json").stdout)["items"]
    last = sites[0]["last_backup"]
    return last["outcome"] if last else None


def failures(sink: Sink) -> list[Mail]:
    """Give the mails about runs; others remind of duties whose day has come."""
    return [mail for mail in sink.mails if "loại bỏ" in mail.subject]


def test_the_service_backs_up_and_tells_people_when_it_cannot(tmp_path: Path) -> None:
    estate = build_used_estate(tmp_path / "estate", MORE, tasks=(INIT,))
    with smtp_sink() as sink:
        relay = f"mailto://127.0.0.1:{sink.port}/?from=giucong@example.vn&mode=insecure"
        with service(estate, relay) as process:
            wait_until(lambda: giucong(estate, "service.status").returncode == 0)
            giucong(estate, "service.trigger", "--job", "backup/cong-xa")
            wait_until(lambda: last_outcome(estate) == "ok")
            (estate.parent / "stores").rename(estate.parent / "unmounted")
            giucong(estate, "service.trigger", "--job", "check/cong-xa")
            giucong(estate, "service.trigger", "--job", "forget/cong-xa")
            wait_until(lambda: bool(failures(sink)))
            process.terminate()
            status = process.wait(60)
    told = (estate.parent / "service.log").read_text()

    assert status == 0
    assert failures(sink)[0].recipients == ("nva@example.vn",)
    assert "lần loại bỏ bản cũ" in failures(sink)[0].subject
    assert "nơi lưu “near” không có kho sao lưu" in failures(sink)[0].body
    assert "giucong monitor.ack --alert " in failures(sink)[0].body
    assert read_heartbeat(estate.parent / "state") is not None
    assert told.startswith("event=service-ready")  # no priority where systemd does not listen
    assert "Traceback" not in told
    failed = [it for it in told.splitlines() if "job=forget/cong-xa" in it and "=failed" in it]
    assert "site=cong-xa outcome=failed reason=repository_missing" in failed[0]


STORM = """
import os, signal, sys, time
service, deadline = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
while time.monotonic() < deadline:
    for _ in range(400):
        os.kill(service, signal.SIGCHLD)
        os.kill(service, signal.SIGCHLD)
    time.sleep(0.001)
while "Z" not in open(f"/proc/{service}/stat").read().rpartition(")")[2]:  # until it has ended
    os.kill(service, signal.SIGTERM)
    os.kill(service, signal.SIGCHLD)
    os.kill(service, signal.SIGTERM)
"""


def test_a_storm_of_signals_neither_freezes_the_service_nor_hides_the_stop(tmp_path: Path) -> None:
    estate = build_used_estate(tmp_path / "estate", tasks=(INIT,))
    with service(estate, "") as process:
        wait_until(lambda: giucong(estate, "service.status").returncode == 0)
        subprocess.run([sys.executable, "-c", STORM, str(process.pid), "4"], check=True)
        status = process.wait(60)
    told = (estate.parent / "service.log").read_text()

    assert status == 0
    assert "event=service-stopped" in told
    assert "Traceback" not in told


def test_a_changed_estate_counts_by_itself_and_a_broken_one_does_not(tmp_path: Path) -> None:
    estate = build_used_estate(tmp_path / "estate", tasks=(INIT,))
    good = estate.read_text(encoding="utf-8")
    log, state = estate.parent / "service.log", estate.parent / "state"
    own = estate.parent / "stores/near/giucong/snapshots"

    def jobs() -> str:
        with closing(sqlite3.connect(f"file:{state}/giucong.db?mode=ro", uri=True)) as database:
            query = "SELECT name FROM jobs WHERE retired_at IS NULL"
            return " ".join(name for (name,) in database.execute(query))

    with service(estate, ""):
        wait_until(lambda: "service-ready" in log.read_text())
        estate.write_text(good + "[[sites", encoding="utf-8")
        wait_until(lambda: "jobs-not-read" in log.read_text())
        kept = jobs()
        estate.write_text(good.replace("cong-xa", "cong-moi"), encoding="utf-8")
        wait_until(lambda: "backup/cong-moi" in jobs())
        wait_until(lambda: bool(list(own.glob("*"))))  # the new one is in the stores
    told = json.loads(giucong(estate, "service.jobs", "--json").stdout)["items"]

    assert "backup/cong-xa" in kept
    assert "backup/cong-xa" not in jobs()
    assert told[0]["job"]["name"] == "backup/cong-moi"
