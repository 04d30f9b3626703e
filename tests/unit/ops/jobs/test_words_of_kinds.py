"""Each kind of job has one name, which everybody tells in the reader's language."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.console.pages.runs import tell
from ops.jobs.live import LastRun
from ops.language.text import speaking
from ops.parts import find, names_of_parts
from ops.status.problem_wording import explain_problem
from ops.status.problems import judge

ROOT = Path(__file__).parents[4]
NAMES = [find(it).name for it in names_of_parts()["job-kinds"] if str(it).startswith("ops.")]


def kinds_by_hand() -> Iterator[str]:
    """Give the kind of each run that a module of ours starts itself."""
    for path in (ROOT / "ops").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "run_by_hand(" not in text and " Run(" not in text:
            continue
        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for call in ast.walk(ast.parse(text)):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in {"run_by_hand", "Run"}:
                said = [it.value for it in call.keywords if it.arg == "kind"]
                yield from (str(eval(ast.unparse(it), vars(module))) for it in said  # noqa: S307 - our own text
                            if _root_of(it) in {"", *vars(module)})  # fmt: skip


def _root_of(told: ast.expr) -> str:
    """Give the name that a value begins with; empty for a text."""
    return "" if isinstance(told, ast.Constant) else ast.unparse(told).partition(".")[0]


def test_each_kind_is_declared_once() -> None:
    by_hand = set(kinds_by_hand())
    assert {"backup", "repair", "export-media", "journal-verify", "archive-ingest"} <= by_hand
    assert by_hand - set(NAMES) == set()
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("kind", NAMES)
def test_the_status_tells_a_run_by_its_name(kind: str) -> None:
    run = LastRun(f"{kind}/a", "failed", "died", {}, datetime.now(UTC))
    (problem,) = judge(run, "a")
    with speaking("vi"):
        told = explain_problem(problem, "Asia/Ho_Chi_Minh").what
        title = tell(a_row(kind))["title"]
    assert told.startswith(f"{title} gần nhất: thất bại")
    assert not told.startswith(kind)
    with speaking("en"):
        told = explain_problem(problem, "Asia/Ho_Chi_Minh").what
        assert told.startswith(f"last {tell(a_row(kind))['title']}: failed")


def a_row(kind: str) -> dict[str, Any]:
    return {"kind": kind, "summary": {}, "reason": "", "params": {}, "job": "", "site": ""}
