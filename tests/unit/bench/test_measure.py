import os
import sys
from pathlib import Path

import pytest

from bench.measure import Command, CommandFailedError, measure, run
from bench.restored import DifferentError, compare_trees

pytestmark = pytest.mark.slow


def python(program: str, *, accepted: tuple[int, ...] = (0,)) -> Command:
    return Command((sys.executable, "-I", "-S", "-c", program), accepted=accepted)


def test_time_memory_and_cpu_of_a_child_process_are_counted() -> None:
    inner = "import time\nb = bytearray(80_000_000)\nwhile time.process_time() < 0.3: pass"
    found = measure(
        python(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {inner!r}])")
    )

    assert found.cpu_seconds >= 0.3
    assert found.seconds >= 0.3
    assert found.peak_bytes >= 80_000_000


def test_an_orphan_is_waited_for_and_counted() -> None:
    inner = "import time\nwhile time.process_time() < 0.3: pass"
    found = measure(
        python(
            f"import os, subprocess, sys\n"
            f"subprocess.Popen([sys.executable, '-c', {inner!r}])\nos._exit(0)"
        )
    )

    assert found.cpu_seconds >= 0.3


def test_a_failing_command_is_reported_with_its_words() -> None:
    command = python("import sys\nprint('hỏng rồi', file=sys.stderr)\nsys.exit(3)")

    with pytest.raises(CommandFailedError, match=r"(?s)status 3.*hỏng rồi"):
        measure(command)
    with pytest.raises(CommandFailedError, match=r"(?s)status 3.*hỏng rồi"):
        run(command)


def test_an_accepted_status_is_no_failure() -> None:
    assert measure(python("raise SystemExit(3)", accepted=(0, 3))).seconds > 0


def test_a_restored_tree_must_be_the_source(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name / "thư mục"
        folder.mkdir(parents=True)
        (folder / "tệp").write_text("nội dung", encoding="utf-8")
        _same_times(tmp_path / name)
    compare_trees(tmp_path / "one", tmp_path / "two")
    (tmp_path / "two/thư mục/tệp").write_text("nội dunG", encoding="utf-8")
    _same_times(tmp_path / "two")

    with pytest.raises(CommandFailedError):
        compare_trees(tmp_path / "one", tmp_path / "two")

    (tmp_path / "two/thư mục/tệp").unlink()

    with pytest.raises(DifferentError, match="tệp"):
        compare_trees(tmp_path / "one", tmp_path / "two")


def _same_times(root: Path) -> None:
    for path in root.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
