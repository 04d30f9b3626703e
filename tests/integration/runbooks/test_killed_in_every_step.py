"""A shipped runbook is killed (SIGKILL) in every one of its steps, and goes on at that step."""

import re
import subprocess
import time
from pathlib import Path

import pytest

from ops.runbooks.library import SHIPPED
from runbooks.parse import load_runbook
from tests.integration.jobs.small_estate import GIUCONG, ROOT
from tests.integration.runbooks.driving import Desk, assert_done
from tests.private_server import is_alive

pytestmark = pytest.mark.slow

RUNBOOK = "restore-site-in-place"
PATIENCE = 100.0


def kill_in(desk: Desk, number: int, words: list[str], answer: str) -> None:
    """Start a task, answer one question, and kill it once a step has begun."""
    process = subprocess.Popen(
        [GIUCONG, *words],
        cwd=ROOT,
        env=desk.environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        children = _await_step(desk, number, process, answer)
    finally:
        process.kill()
        process.communicate()
    deadline = time.monotonic() + PATIENCE
    while any(is_alive(int(it)) for it in children):
        assert time.monotonic() < deadline, "the command outlived its runbook"
        time.sleep(0.02)


def _await_step(desk: Desk, number: int, process: subprocess.Popen[str], answer: str) -> list[str]:
    """Wait until a step has begun; gives the ids of the task's own processes."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{answer}\n" if answer else "")
    process.stdin.flush()
    if not desk.run:
        found = re.search(r"run ([0-9a-f]{8})", process.stdout.readline())
        assert found
        desk.run = found[1]
    deadline = time.monotonic() + PATIENCE
    while (number, "running") not in desk.states():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline, f"step {number} never began"
        time.sleep(0.02)
    return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()


def test_a_shipped_runbook_killed_in_every_step_puts_the_site_back(desk: Desk) -> None:
    www = desk.folder / "www"
    before = {it: it.read_bytes() for it in www.rglob("*.jpg")}
    listed = desk.type("backup.list", "--site", "cong-xa", "--json").stdout
    good = re.findall(r'"id": "([0-9a-f]{12})', listed)[-1]
    for path in before:
        path.write_bytes(b"bi ma hoa")
    (www / "index.php").unlink()
    steps = load_runbook(SHIPPED / f"{RUNBOOK}.vi.md").steps
    forward = [it for it in steps if it.kind != "rollback"]
    answers = {it.number: good if it.variable else "có" for it in forward if it.kind == "ask"}
    begin = ["runbook.run", "--id", RUNBOOK, "--set", "site=cong-xa", "--set", "reason=Mã độc"]
    for last, step in zip([None, *forward], forward, strict=False):
        words = ["runbook.resume", "--run", desk.run] if desk.run else begin
        kill_in(desk, step.number, words, answers.get(last.number, "") if last else "")

    ended = desk.resume(f"{answers.get(forward[-1].number, '')}\n")

    assert_done(desk, ended, len(steps), back=frozenset({8}))
    assert desk.states() == [(step.number, state) for step in forward for state in ("lost", "done")]
    assert {it: it.read_bytes() for it in before} == before
    assert (www / "index.php").read_text() == "<?php // trang chủ"
