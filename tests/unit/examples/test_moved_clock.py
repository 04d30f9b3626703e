"""The demo's moved clock: our modules see it, nothing else does, and it never goes back."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = """
from datetime import UTC, datetime, timedelta
import ops.journal.journal as before
from examples import moved_clock

moment = datetime(2025, 3, 1, 8, tzinfo=UTC)
moved_clock.move_to(moment)
import ops.schedule.clock as after

near = timedelta(minutes=5)
for module in (before, after):
    assert moment <= module.datetime.now(UTC) < moment + near, module
made = after.datetime(2026, 1, 2, tzinfo=UTC)
assert type(made) is datetime and isinstance(made, after.datetime)
assert type(after.datetime.fromisoformat("2026-01-02T00:00:00+00:00")) is datetime
assert after.datetime.now().tzinfo is None
assert abs(datetime.now(UTC) - moved_clock.now()) > timedelta(days=200)
try:
    moved_clock.move_to(moment - near)
except ValueError:
    print("never back")
"""


@pytest.mark.slow  # a process of its own
def test_our_modules_alone_see_the_moved_clock() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip

    assert (ended.returncode, ended.stdout) == (0, "never back\n"), ended.stderr
