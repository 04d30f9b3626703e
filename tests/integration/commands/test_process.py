"""The command line as a process of its own: signals, pipes, and what it costs to start."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.restic_oracle import PASSWORD, OracleRepository

ROOT = Path(__file__).parents[3]
OURS = [sys.executable, "-m", "backup"]


def _environment(repository: OracleRepository) -> dict[str, str]:
    return {
        "RESTIC_REPOSITORY": str(repository.folder),
        "RESTIC_PASSWORD": PASSWORD,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
    }


def test_being_stopped_gives_130_and_leaves_no_lock(own: OracleRepository) -> None:
    words = [*OURS, "backup", "--stdin"]
    process = subprocess.Popen(
        words,
        env=_environment(own),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not list((own.folder / "locks").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)  # behind the second look at the locks
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)

    assert process.returncode == 130
    assert stderr.decode().startswith("error: interrupted\n")
    assert "Traceback" not in stderr.decode()
    assert list((own.folder / "locks").iterdir()) == []


@pytest.mark.parametrize(
    "words", [["--stdin"], ["--files-from-raw", "-"]], ids=["data", "list of paths"]
)
def test_a_stdin_that_is_closed_is_wrong_use(own: OracleRepository, words: list[str]) -> None:
    process = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *OURS, "backup", *words],
        env=_environment(own),
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.returncode == 1
    assert process.stderr.startswith("error: stdin is closed")


def test_a_reader_that_goes_away_is_no_bug(own: OracleRepository, ids: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [*OURS, "dump", ids[0], "/src/a/b/big.bin"],
        env=_environment(own),
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)

    assert process.returncode == 1
    assert process.stderr == b""
    assert list((own.folder / "locks").iterdir()) == []


def test_a_bug_is_told_without_a_traceback_unless_asked_for(repository: OracleRepository) -> None:
    broken = (
        "import sys, backup.commands.main as m, backup.commands.version as v\n"
        "def run(arguments, context): raise ZeroDivisionError('secret inside')\n"
        "v.run = run\n"
        "sys.exit(m.main(sys.argv[1:]))\n"
    )
    plain, debug = (
        subprocess.run(
            [sys.executable, "-c", broken, "version", *words],
            env=_environment(repository),
            capture_output=True,
            check=False,
        )
        for words in ([], ["--debug"])
    )

    assert (plain.returncode, debug.returncode) == (1, 1)
    assert b"secret inside" not in plain.stderr
    assert b"ZeroDivisionError" in plain.stderr
    assert b"Traceback" in debug.stderr


def test_an_unchanged_tree_loads_nothing_heavy(own: OracleRepository, tmp_path: Path) -> None:
    heavy = "{'botocore', 'paramiko', 'pydantic', 'rich', 'zoneinfo'}"  # numpy: beside the key
    watching = (
        "import sys, backup.commands.main as m\n"
        "code = m.main(sys.argv[1:])\n"
        f"print(sorted({heavy} & set(sys.modules)), code)\n"
    )
    old = str(Path(json.__file__).parent)  # what was changed just now is read again
    outputs = [
        subprocess.run(
            [sys.executable, "-c", watching, "backup", "-q", old],
            env=_environment(own) | {"XDG_CACHE_HOME": str(tmp_path)},
            capture_output=True,
            check=True,
        ).stdout.decode()
        for _ in range(2)
    ]

    assert outputs[1].splitlines()[-1] == "[] 0"


def test_nothing_heavy_is_imported_for_what_does_not_need_it(
    repository: OracleRepository, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    watching = (
        "import sys, backup.commands.main as m\n"
        "code = m.main(sys.argv[1:])\n"
        "print(sorted({'numpy', 'rich', 'pydantic', 'psutil'} & set(sys.modules)), code)\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", watching, *words],
            env=_environment(repository),
            capture_output=True,
            check=True,
        ).stdout.decode()
        for words in (["snapshots", "--no-lock", "-q"], ["version"], ["backup", "--help"])
    ]

    assert [output.splitlines()[-1] for output in outputs] == ["[] 0"] * 3
