"""A restored site that somebody has tampered with cannot take the machine along."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from ops.sandbox.plan import Bounds, RehearsalPlan, ServingPlan
from ops.sandbox.rehearse import rehearse
from ops.sandbox.result import RehearsalResult
from tests.integration.drills.static_site import make_static_site
from tests.integration.drills.test_isolation import rehearse_as_nobody
from tests.integration.drills.test_rehearsals import make_php

pytestmark = pytest.mark.slow

FORK_BOMB = """
import os, time
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.01)
"""
# Each of five takes less than one process may; together they take too much.
HOGS = """
import os, time
any(os.fork() == 0 for _ in range(4))
taken = b"x" * {each}
time.sleep(600)
"""
ONE_HOG = "taken = b'x' * {each}"
MOST = 300_000_000


@pytest.fixture
def mark() -> str:
    """A word by which the processes of this test are known."""
    return f"mark-{os.getpid()}-{time.monotonic_ns()}"


@pytest.fixture(autouse=True)
def _nothing_is_left(mark: str) -> Iterator[None]:
    yield
    found = psutil.process_iter(["cmdline"])
    assert not [it for it in found if mark in (it.info["cmdline"] or [])]
    assert not list_groups()


def list_groups() -> list[str]:
    """Give the control groups of this process; others drill at the same time."""
    own = f"/giucong-drill-{os.getpid()}"
    return [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if folder.endswith(own)]


def a_site(folder: Path, script: str, mark: str) -> RehearsalPlan:
    plan = make_php(folder, "")
    command = (sys.executable, "-c", script, mark)
    serving = ServingPlan(way="command", folder="/srv/www", command=command)
    return replace(
        plan, serving=serving, bounds=Bounds(memory_bytes=MOST, processes=80), url="http://a.vn"
    )


def check_ended(result: RehearsalResult, plan: RehearsalPlan, code: str) -> None:
    assert (result.outcome, result.remarks[0].code) == ("failed", code)
    assert result.bounded is not None
    assert result.seconds.total < plan.deadline_seconds
    assert not (Path(plan.work) / "rehearsal").exists()


def test_a_fork_bomb_ends_as_failed(tmp_path: Path, mark: str) -> None:
    plan = a_site(tmp_path, FORK_BOMB, mark)

    result = rehearse(plan)

    check_ended(result, plan, "too_many_processes")
    assert dict(result.remarks[0].params) == {"most": 80}


def test_processes_that_take_too_much_memory_together_end_as_failed(
    tmp_path: Path, mark: str
) -> None:
    plan = a_site(tmp_path, HOGS.format(each=MOST // 4), mark)

    result = rehearse(plan)

    check_ended(result, plan, "too_much_memory")


def test_one_process_that_takes_too_much_memory_is_refused_it(tmp_path: Path, mark: str) -> None:
    plan = a_site(tmp_path, ONE_HOG.format(each=MOST), mark)

    result = rehearse(plan)

    assert result.outcome == "failed"
    assert {it.code for it in result.remarks} <= {"site_not_started", "too_much_memory"}
    assert result.remarks[0].code == "too_much_memory" or "MemoryError" in "".join(result.log)


@pytest.mark.parametrize(
    ("script", "code"),
    [(FORK_BOMB, "too_many_processes"), (HOGS.format(each=MOST // 4), "too_much_memory")],
    ids=["fork-bomb", "hogs"],
)
def test_a_user_without_rights_is_bounded_too(script: str, code: str, mark: str) -> None:
    with tempfile.TemporaryDirectory(prefix="giucong-drill-") as folder:
        Path(folder).chmod(0o755)
        plan = a_site(Path(folder), script, mark)

        result = rehearse_as_nobody(plan)

        assert result.isolation.way == "user"
        check_ended(result, plan, code)


def test_files_in_memory_count(tmp_path: Path, mark: str) -> None:
    script = """
import time
with open("/dev/shm/day", "wb") as file:
    for _ in range(400):
        file.write(b"x" * 1_000_000)
time.sleep(600)
"""
    result = rehearse(a_site(tmp_path, script, mark))

    assert result.outcome == "failed"
    assert result.remarks[0].code in {"too_much_memory", "site_not_started"}


def test_a_drill_of_a_tampered_site_fails_and_says_what_was_bounded(
    tmp_path: Path, mark: str
) -> None:
    site = make_static_site(tmp_path, "\n[drill]\nmax_processes = 80\nmax_memory_gb = 1\n")
    text = site.estate.read_text(encoding="utf-8")
    script = FORK_BOMB.replace("\n", "\\n").replace('"', '\\"')
    told = f'serve = "command"\n  command = ["{sys.executable}", "-c", "{script}", "{mark}"]'
    site.estate.write_text(text.replace('serve = "static"', told), encoding="utf-8")

    code, drill = site.drill()

    assert (code, drill["outcome"], drill["reason_code"]) == (1, "failed", "too_many_processes")
    bounded = drill["minutes"]["environment"]["bounded"]
    assert (bounded["memory_bytes"], bounded["processes"]) == (1_000_000_000, 80)
    assert {"disk", "processor"} <= set(bounded["unbounded"])
    assert (bounded["by"]["memory"] == "group") is ("memory" not in bounded["unbounded"])
    assert list(site.work.iterdir()) == []
