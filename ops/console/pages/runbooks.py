"""Runbooks: to read one, to begin a run, and to carry a run out, one step an act."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.journal.journal import Origin
from ops.language.text import N_, _
from ops.runbooks.asker import KINDS, STATES, TerminalAsker
from ops.runbooks.choices import list_choices
from ops.runbooks.cli import UNFINISHED, tell_standing
from ops.runbooks.library import find_runbook, load_runbooks
from ops.runbooks.states import CatalogStates, list_unfinished
from ops.terminal.task import PROOF_FLAG, find_task
from ops.terminal.view import Row, as_table
from runbooks.next_step import Finish, decide_next, needs_terminal, take_up
from runbooks.parse import read_runbook
from runbooks.procedure import Prose, Runbook, Step
from runbooks.state import RunState
from runbooks.variables import fill_command, fill_text

_MOST_OUTPUT = 20_000
_CHEAP_CHOICES = frozenset(
    {"site", "store", "host", "database", "person", "target", "folder", "estate"}
)


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give all runbooks and runs that are not over; with `id` one runbook, with `run` one run."""
    if run := arguments.get("run", ""):
        return {"runbook": None, "runs": [], **_read_run(desk, run)}
    with desk.catalog.reading() as session:
        runs = [tell_standing(it) for it in list_unfinished(session)]
    if wanted := arguments.get("id", ""):
        runbook = find_runbook(desk.estate.path, wanted)
        own = [it for it in runs if it["runbook"] == runbook.id]
        return {"runbook": _tell_runbook(runbook), "run": None, **_show(desk, own)}
    found = [
        {
            "id": it.id,
            "title": it.title,
            "owner": it.owner,
            "steps": len(it.steps),
            "rto_hours": it.rto_hours,
            "language": it.language,
        }
        for it in load_runbooks(desk.estate.path)
    ]
    return {"items": found, "runbook": None, "run": None, **_show(desk, runs)}


def _show(desk: Desk, runs: Sequence[Row]) -> Mapping[str, object]:
    zone = desk.estate.organisation.timezone
    return {"runs": runs, "unfinished": as_table(UNFINISHED, runs, zone=zone)}


def _tell_runbook(runbook: Runbook) -> Mapping[str, Any]:
    """Give a runbook as it is read, and what a run of it is begun with."""
    variables = [
        {
            "name": it.name,
            "title": it.title,
            "default": it.default or "",
            "is_required": it.default is None,
            "choices": [[one.value, f"{one.value} {one.said}"] for one in list_choices(it.name, {})]
            if it.name in _CHEAP_CHOICES
            else [],
        }
        for it in runbook.variables.values()
        if not it.secret and it.name not in runbook.asked
    ]
    parts = [
        _tell_prose(it) if isinstance(it, Prose) else _tell_step(runbook, it, {})
        for it in runbook.parts
    ]
    names = ("id", "title", "owner", "rto_hours", "rpo_hours", "language", "digest")
    return {**{it: getattr(runbook, it) for it in names}, "parts": parts, "variables": variables}


def _tell_prose(prose: Prose) -> Mapping[str, Any]:
    return {"prose": prose.text, "level": prose.level}


def _tell_step(runbook: Runbook, step: Step, values: Mapping[str, str]) -> Mapping[str, Any]:
    return {
        "number": step.number,
        "kind": step.kind,
        "kind_told": _(KINDS[step.kind]),
        "sentence": fill_text(step.sentence, values, runbook),
        "question": fill_text(step.body, values, runbook) if step.kind == "ask" else "",
        "commands": [fill_command(it, values, {}, runbook).shown for it in step.commands],
        "two_people": step.two_people,
        "asks_two": any(_asks_two(it) for it in step.commands),
        "needs_terminal": needs_terminal(runbook, step, values, TerminalAsker().wants_passphrase),
        "may_be_incomplete": step.may_be_incomplete,
    }


def _asks_two(words: Sequence[str]) -> bool:
    """Say whether a command is a task that may ask for a second person, and so for a proof."""
    try:
        return words[0] == "giucong" and PROOF_FLAG in find_task(words[1]).flags
    except (LookupError, IndexError):
        return False


def _read_run(desk: Desk, run: str) -> Mapping[str, Any]:
    """Give a run: its steps so far, and the next one with what it asks for."""
    state = CatalogStates(desk.catalog, Origin(via="console")).load(run)
    runbook = read_runbook(state.text, Path(f"{state.runbook}.md"))
    ways = [False] if state.going_back else [False, True]
    told = {} if state.ended_at else {back: _tell_next(desk, runbook, state, back) for back in ways}
    return {
        "run": {
            "id": state.id,
            "runbook": state.runbook,
            "title": runbook.title,
            "person": state.person,
            "standing": state.standing,
            "values": state.values,
            "started_at": state.started_at,
            "ended_at": state.ended_at,
            "going_back": state.going_back,
            "count": len(runbook.steps),
        },
        "records": [_tell_record(runbook, state, number) for number in range(len(state.records))],
        "next": told.get(False),
        "back": told.get(True),
    }


def _tell_next(
    desk: Desk, runbook: Runbook, state: RunState, roll_back: bool
) -> Mapping[str, Any] | None:
    taken = take_up(state, roll_back=roll_back, now=desk.now)
    action = decide_next(runbook, taken)
    if isinstance(action, Finish):
        return None
    step = action.step
    variable = runbook.variables.get(step.variable)
    choices = list_choices(variable.name, state.values) if variable else []
    return {
        **_tell_step(runbook, step, state.values),
        "attempt": action.attempt,
        "title": variable.title if variable else "",
        "choices": [[it.value, f"{it.value} {it.said}"] for it in choices],
    }


def _tell_record(runbook: Runbook, state: RunState, place: int) -> Mapping[str, Any]:
    record = state.records[place]
    step = next((it for it in runbook.steps if it.number == record.number), None)
    return {
        **asdict(record),
        "state_told": _(STATES[record.state]),
        "sentence": fill_text(step.sentence, state.values, runbook) if step else "",
        "output": record.output[:_MOST_OUTPUT],
        "is_cut": len(record.output) > _MOST_OUTPUT,
        "seconds": record.seconds,
        "output_sha256": record.output_sha256,
    }


PAGE = Page(
    name="runbooks",
    title=N_("Runbooks"),
    task="runbook.list",
    read=read,
    group="duty",
    reads=("id", "run"),
    acts=("runbook.run", "runbook.resume"),
)
