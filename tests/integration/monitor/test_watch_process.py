"""The process of the watch, whole: a host, this machine, a device and a site, kept and told."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ops.alerts.overview import list_alerts
from ops.catalog.open import open_catalog
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.monitor.beat import Beat, read_beat, write_beat
from ops.monitor.samples.sample import THIS_MACHINE
from ops.monitor.series.minutes import read_days
from ops.monitor.series.read import read_gaps, read_latest
from ops.monitor.series.store import open_series, series_url
from ops.service.serve import WATCH as MODULE
from tests.private_server import find_free_port
from tests.ssh_server import SshServer, make_ssh_server, ssh_server
from tests.warm_program import run_warm

__all__ = ["make_ssh_server", "ssh_server"]

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
SECONDS = 240.0
FILE = """
schema = 1
[organisation]
name = "Trung tâm"
[service]
state = "state"
[catalog]
url = "sqlite:///state/giucong.db"
[keys]
repository = "file:repository.key"
[[units]]
name = "xa"
title = "Xã"
[[stores]]
name = "near"
url = "stores/near"
role = "primary"
location = "Ở đây"
medium = "disk"
[monitor]
sample_seconds = 15
probe_seconds = 15
[[hosts]]
name = "web1"
address = "127.0.0.1"
port = {port}
user = "{user}"
identity = "file:{identity}"
known_hosts = "{known_hosts}"
[hosts.thresholds]
disk_percent = 1
[[devices]]
name = "ups"
address = "127.0.0.1"
ports = [{port}]
[[sites]]
name = "xa"
title = "Xã"
unit = "xa"
url = "{url}"
[[sites.files]]
name = "www"
path = "/nowhere"
"""

GONE = """
[[devices]]
name = "gone"
address = "127.0.0.1"
ports = [{port}]
ping = false
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Stay silent."""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "index.html").write_text("<title>Xã</title><p>Chào", encoding="utf-8")
    handler = partial(_Quiet, directory=str(tmp_path / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def estate(tmp_path: Path, ssh_server: SshServer, url: str) -> Estate:
    target = ssh_server.target()
    text = FILE.format(
        port=target.port, user=target.user, identity=target.identity,
        known_hosts=target.known_hosts, url=url,
    )  # fmt: skip
    (tmp_path / "estate.toml").write_text(text, encoding="utf-8")
    (tmp_path / "state").mkdir()
    return load_estate(tmp_path / "estate.toml")


def start(estate: Estate, *, parent: int | None = None) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "GIUCONG_ESTATE": str(estate.path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", MODULE, str(parent or os.getpid())]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


def await_parts(estate: Estate, process: "subprocess.Popen[bytes]", *names: str) -> Beat:
    ends = time.monotonic() + SECONDS
    while True:
        beat = read_beat(estate.service.state)
        fresh = datetime.now(UTC) - timedelta(minutes=5)
        if beat and all(beat.parts.get(it, fresh) > fresh for it in names):
            return beat
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < ends
        time.sleep(0.05)


def end(process: "subprocess.Popen[bytes]") -> tuple[int, bytes]:
    process.send_signal(signal.SIGTERM)
    _nothing, told = process.communicate(timeout=SECONDS)
    return process.returncode, told


def test_what_is_seen_is_kept_and_what_is_red_is_told(estate: Estate) -> None:
    """The watch before stopped an hour ago: that is a gap, and nobody is flooded."""
    before = datetime.now(UTC) - timedelta(hours=1)
    write_beat(estate.service.state, Beat({"samples": before}))
    process = start(estate)
    try:
        await_parts(estate, process, "samples", "probes", "series")
    finally:
        status, told = end(process)

    assert status == 0, told
    assert b"failed" not in told
    now = datetime.now(UTC)
    store = open_series(series_url(estate))
    try:
        points = {(it.subject, it.metric): it.value for it in read_latest(store, before)}
        days = read_days(store, "xa", before.date(), now.date() + timedelta(days=1))
        (gap,) = read_gaps(store, "service:giucong", before - timedelta(days=1), now)
    finally:
        store.close()
    for subject in ("host:web1", f"host:{THIS_MACHINE}"):
        assert points[subject, "up"] == 1.0
        assert 0 < points[subject, "memory_percent"] < 100
        assert 0 < points[subject, "disk_percent[/]"] < 100
    assert points["device:ups", "up"] == 1.0
    assert points["site:xa", "probe_up"] == 1.0
    assert any(day.up for day in days.values())
    assert not any(day.down for day in days.values())
    assert abs(gap.since - before) < timedelta(seconds=2)
    with open_catalog(reveal(estate.catalog.url)) as catalog, catalog.reading() as session:
        codes = {(it.subject, it.code) for it in list_alerts(session)}
    assert ("host:web1/disk:/", "disk_full") in codes
    assert not any(subject.startswith("site:xa") for subject, _code in codes)


def test_it_ends_with_the_service_and_is_refused_to_another_parent(estate: Estate) -> None:
    process = start(estate, parent=os.getppid())
    _nothing, told = process.communicate(timeout=SECONDS)
    assert process.returncode == os.EX_UNAVAILABLE, told
    assert read_beat(estate.service.state) is None


def test_a_catalog_that_is_away_is_said_and_not_a_crash(estate: Estate) -> None:
    shutil.rmtree(estate.service.state)
    estate.service.state.write_text("no folder")
    process = start(estate)
    _nothing, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert b"watch-cannot-run" in told
    assert b"Traceback" not in told


def check(estate: Estate, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "GIUCONG_ESTATE": str(estate.path), "GIUCONG_LANG": "en"}
    program = str(Path(sys.executable).with_name("giucong"))
    return run_warm([program, "monitor.check", *words], environment, SECONDS)


def test_a_check_shows_what_is_red_first_and_tells_nobody(estate: Estate) -> None:
    assert estate.path is not None
    with estate.path.open("a", encoding="utf-8") as file:
        file.write(GONE.format(port=find_free_port()))
    told = check(estate)

    assert told.returncode == 1, told.stderr
    heads = [it for it in told.stdout.splitlines() if it.startswith("● ")]
    assert heads[0] == "● gone at 127.0.0.1 does not answer"
    assert any(it.startswith("● / on web1 is ") and it.endswith(" % full") for it in heads)
    for words in ("this machine", "web1", "ups", "xa"):
        assert any(line.startswith(words) for line in told.stdout.splitlines()), told.stdout
    assert not (estate.service.state / "giucong.db").exists()


def test_a_check_of_one_is_of_one(estate: Estate) -> None:
    site = check(estate, "--site", "xa", "--json")
    document = json.loads(site.stdout)

    assert (site.returncode, document["ok"]) == (0, True), site.stdout
    assert {it["subject"].partition("/")[0] for it in document["items"]} <= {
        "site:xa", "watch:line", "watch:resolver",
    }  # fmt: skip
    for words in (["--site", "xa", "--host", "web1"], ["--site", "none"], ["--host", "none"]):
        assert check(estate, *words).returncode == 2
