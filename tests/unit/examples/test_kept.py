"""What the demo leaves running is ended by its number and beginning, and nothing else is."""

import json
import subprocess
import sys
from pathlib import Path

from examples import kept


def test_only_what_was_begun_is_ended(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        record = {"other": [other.pid, "1"], "gone": [2**22, "5"]}
        (tmp_path / "kept.json").write_text(json.dumps(record), encoding="utf-8")

        assert kept.stop(tmp_path) == []
        assert other.poll() is None
        other.communicate(b"\n")
    assert kept.read(tmp_path) == {}


def test_a_port_is_found_even_where_the_wanted_one_is_taken() -> None:
    first = kept.find_port()

    assert kept.find_port(first) == first
