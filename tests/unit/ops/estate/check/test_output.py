"""What is found is told once, however many places it concerns."""

import sqlite3
from pathlib import Path

import pytest

from ops.errors import Problem
from ops.sites.show import report_problems


def warn(site: str, what: str = "nobody answers for this site") -> Problem:
    return Problem(f"sites[{site}].owner", what, "add `owner`", severity="warning")


def test_warnings_that_say_the_same_stand_together(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    alike = [warn(f"xa-{number}") for number in range(12)]
    wrong = [Problem("keys", "missing", "add it"), Problem("stores", "missing", "add it")]
    code = report_problems(Path("estate.toml"), [alike[0], *wrong, *alike[1:], warn("b", "else")],
                           as_json=False)  # fmt: skip
    lines = capsys.readouterr().out.splitlines()

    assert code == 1
    assert lines[0] == "warning (12): nobody answers for this site"
    assert lines[1].startswith("    sites[xa-0].owner, sites[xa-1].owner,")
    assert lines[1].endswith("and 4 others")
    assert lines[2] == "    → add `owner`"
    assert [it.partition(":")[0] for it in lines[3:6]] == ["error", "error", "warning"]
    assert lines[-2].endswith(f"SQLite {sqlite3.sqlite_version}")
    assert len(lines) == 8
