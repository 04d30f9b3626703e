"""What tests need beyond Python is asked for before they run, by the name of its package."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A checkout of which `make venv` is done, and nothing else."""
    folder = Path(tempfile.mkdtemp(prefix="giucong-checkout-"))
    folder.chmod(0o755)
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "tests").mkdir()
    (folder / ".venv/bin").mkdir(parents=True)
    for name in ("requirements.lock", "pyproject.toml"):
        (folder / name).touch()
    (folder / ".venv/bin/python").symlink_to("/bin/true")
    ready = f"{hashlib.sha256(b'').hexdigest()}  -{folder}"
    (folder / ".venv/ready").write_text(ready)
    yield folder
    shutil.rmtree(folder)


def make(checkout: Path, target: str, users: str) -> "subprocess.CompletedProcess[str]":
    """Make it as somebody who may install nothing, where a program of these targets is missing."""
    line = f"no-such-tools no-such-program {users} the reason\n"
    (checkout / "tests/packages.txt").write_text(line)
    return subprocess.run(
        [*(AS_NOBODY if os.geteuid() == 0 else []), "make", target], cwd=checkout,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_the_fast_tests_name_what_they_miss(checkout: Path) -> None:
    ended = make(checkout, "test-fast", "test,test-fast")

    assert ended.returncode != 0
    assert "error: make test-fast needs programs that are not here: no-such-tools" in ended.stdout
    assert "next: sudo apt-get install -y --no-install-recommends no-such-tools" in ended.stdout


def test_what_other_tests_miss_keeps_nobody_from_the_fast_ones(checkout: Path) -> None:
    assert make(checkout, "test-fast", "test").returncode == 0
    assert "no-such-tools" in make(checkout, "test-slow", "test").stdout
