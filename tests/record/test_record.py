"""The list of commands covers the program, and what is kept of them is the same each time."""

import subprocess
import sys
from pathlib import Path

import pytest

from ops.cli.collections import load_tasks
from tests.record.script import read_script
from tests.record.stable import Stable

ROOT = Path(__file__).parents[2]
NEVER_DONE = frozenset({"monitor.ack", "security.accept"})
"""What they are about comes of a moment of the machine, or not at all."""
NEVER_ASKED = NEVER_DONE | {
    "archive.repair",
    "backup.init",
    "backup.load",
    "backup.redate",
    "backup.unlock",
    "estate.take",
    "report.section",
    "service.recover",
}
"""They ask where very much is broken, or what they read is a file; here they never do."""
NEVER_REFUSED = frozenset({"estate.sample", "console.run"})


def test_every_task_is_typed_once_to_be_done_and_once_to_be_refused() -> None:
    tasks, script = frozenset(load_tasks().task_names), read_script()
    for meant, never in (("done", NEVER_DONE), ("refused", NEVER_REFUSED)):
        typed = {it.task for it in script if it.meant == meant}
        assert tasks - typed <= never, meant
        assert typed <= tasks | {"giucong"}


def test_every_task_that_can_ask_is_made_to_ask() -> None:
    tasks, script = load_tasks(), read_script()
    asking = {
        name
        for name in tasks.task_names
        if {it.name for it in tasks[name].get_arguments()}
        & {"proof_file", "confirm", "password_file"}
    }
    assert asking - {it.task for it in script if it.meant == "asked"} <= NEVER_ASKED


@pytest.mark.slow
@pytest.mark.timeout(900)  # each process starts afresh, with all that a service needs
def test_what_is_kept_is_the_same_each_time(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.record"]
    for name in ("one", "two"):
        subprocess.run([*command, "run", tmp_path / name, "founding"], cwd=ROOT, check=True)
    assert len([*(tmp_path / "one").iterdir()]) > 15
    compared = subprocess.run(
        [*command, "compare", tmp_path / "one", tmp_path / "two"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (compared.returncode, compared.stdout, compared.stderr) == (0, "", ""), compared.stdout


def test_a_short_name_of_the_machine_leaves_secrets_whole() -> None:
    stable = Stable({"vm": "this-host"})
    random = "Zm9vvmFhYmJjY2RkZWVmZmdnaGhpaWpqa2tsbG1tbm4wMTIz"
    assert stable.text(f"on vm: {random}") == "on this-host: <secret 1>"


def test_a_code_that_begins_like_a_size_is_a_secret() -> None:
    assert Stable({}).text("  224B-DO5Q-YAWU-KA6R\n  224B") == "  <secret 1>\n  <size>"
