"""An act of two people goes through the one frame: no module calls a part of it alone.

The frame is `ops.access.approvals.ask.ask_second_person`. Who called its parts one by one could
forget one: to refuse who is alone, to look again in the transaction of the act, to journal.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.access.rights import ACTIONS
from ops.access.roles import NEVER_ALONE

ROOT = Path(__file__).parent.parent
FRAME = "ops.access.approvals"

MAY_USE = {
    "ask": {
        "Agreed", "ask_second_person", "hand_proof_down", "open_proof", "proving_with",
        "use_approval", "would_begin",
    },
    "decide": {"AUTHORS", "Ruling", "Verdict", "decide_request", "look_for_obstacle", "withdraw"},
    "notify": {"PLAN_WORDS", "choose_about", "tell_idle", "word_plan"},
    "requests": {"Wish", "find_request", "list_requests", "standing_of"},
    "require": {"NEXT_IN_RUN", "RECOVERY", "RUN_VARIABLE", "ApprovalAwaitedError", "Permit"},
}  # fmt: skip
"""Modules of the frame, and what others may take from them."""

ALONE = {
    "use_approval": {"ops/runbooks/asker.py"},  # a step is journaled by its run
    "would_begin": {"ops/access/enroll.py"},  # uses nothing up
}
"""What only these modules may call."""


def find_faults(path: str, text: str) -> Iterator[str]:
    """Give how a module outside the frame goes past it."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (it.name for it in node.names if it.name.startswith(FRAME))
        if isinstance(node, ast.ImportFrom):
            yield from _find_pieces(path, node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from _find_forgotten(node, node.func.id, tree)


def _find_pieces(path: str, node: ast.ImportFrom) -> Iterator[str]:
    module = node.module or ""
    part = module.removeprefix(f"{FRAME}.")
    for name in {it.name for it in node.names}:
        if FRAME in {module, f"{module}.{name}"}:
            yield f"{name} as a whole"
        if part != module and not (name in MAY_USE[part] and path in ALONE.get(name, {path})):
            yield name


def _find_forgotten(call: ast.Call, name: str, tree: ast.Module) -> Iterator[str]:
    if name in {"Permit", "Agreed"}:
        yield f"{name} is made by the frame alone"
    if name == "ask_second_person" and not _is_journaled(call, tree):
        yield "nobody journals the approval"


def _is_journaled(call: ast.Call, tree: ast.Module) -> bool:
    """Tell whether an act is within the catalog, or what was agreed to is used, not just tested."""
    if len(call.args) > 2 or any(it.arg == "record" for it in call.keywords):
        return True
    functions = [it for it in ast.walk(tree) if isinstance(it, ast.FunctionDef)]
    around = [it for it in functions if call in ast.walk(it)]
    names = set[str]()
    for it in (part for function in around for part in ast.walk(function)):
        if isinstance(it, ast.Return) and it.value is call:
            return True  # handed on to who acts
        if isinstance(it, (ast.Assign, ast.NamedExpr)) and call in ast.walk(it.value):
            targets = it.targets if isinstance(it, ast.Assign) else [it.target]
            names |= {to.id for to in targets if isinstance(to, ast.Name)}
    return any(names & _used(function) for function in around)


def _used(function: ast.FunctionDef) -> set[str]:
    """Give the names that something is taken from, or that are handed on."""
    found = set[str]()
    for it in ast.walk(function):
        values = [it.value] if isinstance(it, ast.Attribute) else []
        values += it.args if isinstance(it, ast.Call) else []
        found |= {value.id for value in values if isinstance(value, ast.Name)}
    return found


def test_no_module_calls_a_part_of_the_frame() -> None:
    modules = [it for it in ROOT.glob("ops/**/*.py") if not it.is_relative_to(ROOT / _folder())]
    callers = [it for it in modules if "ask_second_person" in it.read_text(encoding="utf-8")]
    faults = {
        str(it.relative_to(ROOT)): found
        for it in modules
        if (found := [*find_faults(str(it.relative_to(ROOT)), it.read_text(encoding="utf-8"))])
    }

    assert len(callers) > 10
    assert faults == {}


@pytest.mark.parametrize(
    "past",
    [
        "from ops.access.approvals.require import require_approval",
        "from ops.access.approvals.require import refuse_alone",
        "from ops.access.approvals.requests import request_approval",
        "from ops.access.approvals.ask import use_approval",
        "from ops.access.approvals import require",
        "import ops.access.approvals.require",
        "from ops.access import approvals",
        "Permit('needed')",
        "def act():\n    agreed = ask_second_person(bench, wish)\n    return agreed is None",
        "def act():\n    if agreed := ask_second_person(bench, wish):\n        bench.note('x')",
    ],
)
def test_who_goes_past_the_frame_is_found(past: str) -> None:
    assert [*find_faults("ops/backups/new.py", past)]
    assert not [*find_faults("ops/backups/new.py", "ask_second_person(bench, wish, record)")]


def test_what_nobody_does_alone_is_an_act_of_two() -> None:
    assert set(ACTIONS) > set(NEVER_ALONE)


def _folder() -> str:
    return FRAME.replace(".", "/")
