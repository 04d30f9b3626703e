"""A drill that is killed in any phase goes on there, and leaves nothing behind."""

import os
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from ops.access.session import at_bench
from ops.drills.phases import PHASES
from ops.drills.records import KeptDrill
from ops.drills.stop import sweep
from ops.estate.load.load import load_estate
from ops.jobs.site_lock import hold_site_lock
from tests.integration.drills.static_site import StaticSite, make_static_site
from tests.integration.jobs.small_estate import ROOT, giucong

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> StaticSite:
    return make_static_site(tmp_path_factory.mktemp("killed"))


def start_drill(site: StaticSite, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*words, "drill.run", "--site", "cong-xa"],
        cwd=ROOT,
        env={**os.environ, "GIUCONG_ESTATE": str(site.estate), "GIUCONG_LANG": "en"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def resume(site: StaticSite) -> KeptDrill:
    """Take the newest drill's runbook up; gives the drill."""
    stopped = site.newest()
    assert stopped.ended_at is None
    done = giucong(site.estate, "runbook.resume", "--run", stopped.run)
    assert done.returncode == 0, done.stdout + done.stderr
    return site.newest()


@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_drill_is_taken_up_at_that_phase(site: StaticSite, phase: str) -> None:
    module = "tests.integration.drills.killed"
    process = start_drill(site, sys.executable, "-m", module, phase)
    assert process.wait(120) == -signal.SIGKILL

    drill = resume(site)

    assert (drill.outcome, drill.reason_code) == ("ok", "")
    again = {name: it.attempt for name, it in drill.phases.items()}
    assert again == {name: 2 if name == phase else 1 for name in PHASES}
    assert list(site.work.iterdir()) == []


def find_sandboxed(process: psutil.Process) -> list[psutil.Process]:
    """Find what runs below a drill, once something runs inside its sandbox; else nothing."""
    found, inside = [], False
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            inside |= "ops.sandbox.inside" in child.cmdline()
            found.append(child)
    return found if inside else []


def test_killed_from_outside_while_the_site_runs_it_ends_its_servers(site: StaticSite) -> None:
    process = start_drill(site, str(Path(sys.executable).with_name("giucong")))
    below = await_sandbox(site, psutil.Process(process.pid))
    process.kill()
    process.wait(60)
    _gone, alive = psutil.wait_procs(below, timeout=60)
    assert alive == []

    drill = resume(site)

    assert drill.outcome == "ok"
    assert drill.phases["rehearse"].attempt == 2
    assert list(site.work.iterdir()) == []


def await_sandbox(site: StaticSite, process: psutil.Process) -> list[psutil.Process]:
    """Wait until the newest drill is being rehearsed; gives what runs below it."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        below = find_sandboxed(process)
        if below and "rehearse" in site.newest().phases:
            return below
        time.sleep(0.02)
    raise AssertionError(process)


def test_a_new_drill_of_the_site_wipes_and_concludes_the_one_that_stopped(site: StaticSite) -> None:
    module = "tests.integration.drills.killed"
    process = start_drill(site, sys.executable, "-m", module, "scan")
    assert process.wait(120) == -signal.SIGKILL
    stopped = site.newest()
    (left,) = site.work.iterdir()
    assert (left.name, stat.S_IMODE(left.stat().st_mode)) == (stopped.id, 0o700)

    done = giucong(site.estate, "drill.run", "--site", "cong-xa", "--file", "--json")

    assert done.returncode == 0, done.stderr
    assert list(site.work.iterdir()) == []
    (given_up,) = [it for it in site.list() if it.id == stopped.id]
    assert (given_up.outcome, given_up.reason_code) == ("incomplete", "drill_phase_missing")


def test_what_a_stopped_drill_left_is_swept_when_nobody_takes_it_up(site: StaticSite) -> None:
    module = "tests.integration.drills.killed"
    process = start_drill(site, sys.executable, "-m", module, "scan")
    assert process.wait(120) == -signal.SIGKILL
    stopped = site.newest()
    estate = load_estate(site.estate)
    with at_bench(estate) as bench:
        assert sweep(bench, stopped.started_at) == []
        with hold_site_lock(estate.service.state, "drill/cong-xa", holder="test"):
            assert sweep(bench, datetime.now(UTC)) == []
        assert [it.name for it in site.work.iterdir()] == [stopped.id]

        assert sweep(bench, datetime.now(UTC)) == ["cong-xa"]

    assert list(site.work.iterdir()) == []
    assert (site.newest().outcome, site.newest().id) == ("incomplete", stopped.id)


def test_nothing_is_fetched_any_more_once_the_folder_is_wiped(site: StaticSite) -> None:
    module = "tests.integration.drills.killed"
    process = start_drill(site, sys.executable, "-m", module, "conclude")
    assert process.wait(120) == -signal.SIGKILL
    stopped = site.newest()

    done = giucong(site.estate, "drill.phase", "--drill", stopped.id, "--phase", "fetch")

    assert done.returncode == 2
    assert "wiped already" in done.stderr
    assert list(site.work.iterdir()) == []
    assert resume(site).outcome == "ok"
