"""What the engine advises is what an operator of the tasks can type, in the reader's language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.check.findings import KINDS, found
from backup.errors import DamagedError
from ops.backups.checks.job import tell_finding
from ops.backups.wording import advise_on_faults, tell_fault
from ops.language.causes import ENGINE_ADVICE
from ops.language.text import render_error

ENGINE = Path(__file__).parents[4] / "backup"
VERBS = "check|repair|prune|forget|snapshots|ls|find|unlock|key|restore|copy|tag|stats|backup"
NAMES_A_VERB = re.compile(rf"\b(?:run|then|with|from) (?:{VERBS})\b(?! or|\.)")


def texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def engine_advice() -> Iterator[str]:
    """Yield every next step of the engine's library; `backup.commands` speaks to its own users."""
    for path in ENGINE.rglob("*.py"):
        if path.parent.name != "commands":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.keyword) and node.arg == "next_step":
                    yield from texts(node.value)
    for kind in KINDS.values():
        yield kind.next_step


def test_every_verb_that_the_engine_advises_has_a_task() -> None:
    advice = set(engine_advice())
    named = {text for text in advice if NAMES_A_VERB.search(text)}

    assert len(named) > 15
    assert named - ENGINE_ADVICE.keys() == set()
    assert ENGINE_ADVICE.keys() - advice == set()


def test_the_advice_names_the_site_or_says_where_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    findings = [tell_finding(found("index_damaged", "index/ab", cause="x"))]
    error = DamagedError("it is broken", next_step="run repair index, then check")

    assert advise_on_faults(findings, "cong-xa") == ["`giucong backup.repair --site cong-xa`"]
    assert "`giucong backup.repair --site NAME`" in render_error(error)


@pytest.mark.parametrize(
    "cause",
    [
        "its bytes do not match its name",
        DamagedError("its bytes do not match its name", id=1),
    ],
    ids=["a sentence", "an error"],
)
def test_a_cause_is_told_in_the_language_of_the_rest(
    cause: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "vi")
    told = tell_fault(tell_finding(found("index_damaged", "index/ab", cause=cause)))

    assert told.startswith("index/ab: một tệp chỉ mục bị hỏng: ")
    assert "bytes" not in told
    assert "name" not in told
