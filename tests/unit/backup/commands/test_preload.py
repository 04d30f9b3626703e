"""What is loaded early outlives nobody: the program ends only once it is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]

pytestmark = pytest.mark.slow


def test_a_program_that_is_interrupted_ends_once_what_it_loads_early_is_loaded(
    tmp_path: Path,
) -> None:
    heavy = "import time\ntime.sleep(0.5)\nprint('loaded', flush=True)\n"
    (tmp_path / "heavy.py").write_text(heavy)
    code = "from backup.commands.preload import _load_early\n_load_early('heavy')\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "raise SystemExit(130)"],
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, "loaded\n", "")
