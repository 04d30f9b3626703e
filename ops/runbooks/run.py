"""Carry out a runbook for the person at the terminal, and take up one that stopped.

Order:
1. Take the run's lock, so that nobody takes it up twice at once.
2. Store the run (new), or load it (taken up); it follows the text it began with.
3. Step by step as in `runbooks.runner`; each change is journaled with its state.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ops.access.approvals.ask import hand_proof_down
from ops.access.approvals.require import RUN_VARIABLE
from ops.access.identity import open_existing
from ops.catalog.columns import new_id
from ops.estate.load.load import load_estate
from ops.jobs.site_lock import hold_site_lock
from ops.journal.journal import Origin
from ops.language.formats import format_id
from ops.language.text import N_, _, fill, language
from ops.runbooks.asker import KINDS, EstateApprover, GivenAsker, TerminalAsker, can_ask
from ops.runbooks.bare_machine import (
    Desk,
    NobodyElse,
    abandon_run,
    at_desk,
    estate_place,
    tell_others,
)
from ops.runbooks.choices import refuse_unknown
from ops.runbooks.commands import ProcessCommands
from ops.runbooks.library import find_runbook
from ops.runbooks.places import refuse_folder, refuse_places
from ops.runbooks.states import CatalogStates
from ops.runbooks.tasks import Resume, RunRunbook
from ops.terminal.output import write_line
from runbooks.errors import RunbookUseError, no_such_run
from runbooks.next_step import Finish, Perform, decide_next, take_up
from runbooks.parse import read_runbook
from runbooks.procedure import Runbook, Step
from runbooks.runner import Runner, Seams, ask_value
from runbooks.seams import Approver
from runbooks.state import RunState, StepRecord
from runbooks.variables import choose_values, correct_values, fill_command, fill_text

_EXIT_CODES = {"running": 0, "done": 0, "rolled_back": 0, "waiting": 4}
_ENDINGS: Mapping[str, str] = {
    "running": N_("The step is done; others are left."),
    "done": N_("The runbook is done."),
    "rolled_back": N_("What was done is taken back."),
    "waiting": N_("The runbook waits for another person."),
    "declined": N_("The runbook stopped: the answer was no."),
    "failed": N_("The runbook stopped: a step failed."),
}


class MachineClock:
    """This machine's time."""

    def now(self) -> datetime:
        """Give the moment."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give seconds that only grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def begin_run(wish: RunRunbook) -> int:
    """Begin a run; gives the task's exit code."""
    runbook = find_runbook(estate_place(), wish.id)
    given = _read_given(runbook, wish)
    values = choose_values(runbook, given if wish.only_begin else _ask_missing(runbook, given))
    _look_at(runbook, values, values)
    if wish.dry_run:
        write_plan(runbook, values, runbook.steps)
        return 0
    with at_desk() as desk:
        state = RunState(
            id=str(new_id()),
            runbook=runbook.id,
            text=runbook.text,
            person=desk.origin.person or desk.origin.login,
            values=values,
            started_at=datetime.now(UTC),
        )
        tell_others(desk, state)
        begun = Resume(run=state.id, reason=_reason_of(wish, state), document=wish.document)
        # Before its id is told: whoever has read it can take it up.
        CatalogStates(desk.catalog, _origin_of(desk, begun)).save(state)
        if wish.only_begin:
            write_line(
                _("{title} · run {run}").format(title=runbook.title, run=format_id(state.id))
            )
            _tell_how_to_go_on(state)
            return 0
        return _carry_out(desk, begun, runbook, state)


def _look_at(runbook: Runbook, given: Mapping[str, str], known: Mapping[str, str]) -> None:
    refuse_places(runbook, given, known)
    for name, value in given.items():
        if variable := runbook.variables.get(name):
            refuse_folder(variable, value)
        refuse_unknown(name, value, known)


def _origin_of(desk: Desk, wish: Resume) -> Origin:
    return replace(desk.origin, reason=wish.reason, document=wish.document)


def _read_given(runbook: Runbook, wish: RunRunbook) -> dict[str, str]:
    """Give the values that were given; a reason is one where the runbook names it."""
    given = read_pairs(wish.set)
    if wish.reason and "reason" in runbook.variables:
        given.setdefault("reason", wish.reason)
    return given


def _ask_missing(runbook: Runbook, given: dict[str, str]) -> dict[str, str]:
    """At a terminal ask for what nobody has given; what may be left out, too."""
    if not can_ask():
        return given
    asker = TerminalAsker()
    for variable in runbook.variables.values():
        may_ask = not variable.secret and variable.name not in runbook.asked
        if may_ask and variable.name not in given and not variable.default:
            write_line()
            answer = ask_value(asker, variable, f"{variable.name}: {variable.title}", given)
            if answer:
                given[variable.name] = answer
            elif not variable.may_be_left_out:
                break  # nobody answers: what is missing is told, all at once
    return given


def resume_run(wish: Resume) -> int:
    """Take a run up at the step that is not done; gives the task's exit code."""
    if wish.dry_run:
        catalog = open_existing(load_estate())
        if catalog is None:
            raise no_such_run(wish.run)
        with catalog:
            state = CatalogStates(catalog, Origin(via="cli")).load(wish.run)
        state = take_up(state, roll_back=wish.roll_back, now=datetime.now(UTC))
        runbook = _read_begun(state)
        write_plan(runbook, state.values, _steps_left(runbook, state))
        return 0
    with at_desk(wish.run) as desk:
        state = CatalogStates(desk.catalog, desk.origin).load(wish.run)
        if state.ended_at is not None:
            raise RunbookUseError(
                "this run is over",
                data="nothing was changed",
                next_step="begin a new one: `{program} runbook.run --id {id}`",
                id=state.runbook,
            )
        if wish.abandon:
            return abandon_run(desk, _reason_of(wish, state), state)
        runbook = _read_begun(state)
        asked = {it.variable: wish.answer for it in runbook.steps if it.number == wish.step}
        asked |= read_pairs(wish.set)
        _look_at(runbook, asked, state.values)
        return _carry_out(desk, wish, runbook, state)


def _read_begun(state: RunState) -> Runbook:
    return read_runbook(state.text, Path(f"{state.runbook}.md"))


def _reason_of(wish: RunRunbook | Resume, state: RunState) -> str:
    """Give the reason; where none was given, the one that the runbook asked for as a value."""
    return wish.reason or state.values.get("reason", "")


def _carry_out(desk: Desk, wish: Resume, runbook: Runbook, state: RunState) -> int:
    wish = replace(wish, reason=_reason_of(wish, state))
    states = CatalogStates(desk.catalog, _origin_of(desk, wish))
    run = format_id(state.id)
    environment = {"GIUCONG_LANG": language(), RUN_VARIABLE: run, **hand_proof_down()}
    clock = MachineClock()
    approver: Approver = NobodyElse()
    if desk.bench is not None:
        environment["GIUCONG_ESTATE"] = str(desk.estate_file)
        approver = EstateApprover(desk.bench, clock, wish.reason, wish.document)
    seams = Seams(
        states=states,
        commands=ProcessCommands(environment),
        approver=approver,
        asker=GivenAsker(wish.answer) if wish.step else TerminalAsker(),
        clock=clock,
    )
    runner = Runner(runbook, seams, desk.origin.person or desk.origin.login)
    with hold_site_lock(desk.locks, f"runbook-{state.id}", holder=state.id):
        state = _correct(runbook, states.load(state.id), wish)
        write_line(_("{title} · run {run}").format(title=runbook.title, run=format_id(state.id)))
        tell_language([runbook])
        try:
            state = runner.go(state, roll_back=wish.roll_back, only=wish.step, answer=wish.answer)
        except BaseException:
            _tell_how_to_go_on(state)
            raise
    write_line()
    write_line(_(_ENDINGS[state.standing]))
    if state.ended_at is None:
        _tell_how_to_go_on(state)
        _tell_way_back(runbook, state)
    return _EXIT_CODES.get(state.standing, 1)


def _correct(runbook: Runbook, state: RunState, wish: Resume) -> RunState:
    given = read_pairs(wish.set)
    return replace(state, values=correct_values(runbook, state, given)) if given else state


def _tell_way_back(runbook: Runbook, state: RunState) -> None:
    """Say that what was written can be taken back, where the run has stopped."""
    back = decide_next(runbook, replace(state, going_back=True))
    is_stopped = state.standing in {"failed", "declined"} and not state.going_back
    if is_stopped and isinstance(back, Perform):
        text = N_("Take back what was done: `{program} runbook.resume --run {run} --roll-back`")
        write_line(fill(text, {"run": format_id(state.id)}))


def _tell_how_to_go_on(state: RunState) -> None:
    write_line(fill(N_("Go on with: `{program} runbook.resume --run {run}`"), {"run": state.id}))


def read_pairs(pairs: Sequence[str]) -> dict[str, str]:
    """Read values given as `NAME=VALUE`."""
    values = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise RunbookUseError(
                '"{pair}" is no value',
                data="nothing was changed",
                next_step="write `--set NAME=VALUE`, one flag each",
                pair=pair,
            )
        values[name.strip()] = value
    return values


def _steps_left(runbook: Runbook, state: RunState) -> list[Step]:
    """Give what would be carried out, in that order, if nothing failed."""
    left: list[Step] = []
    while not isinstance(action := decide_next(runbook, state), Finish):
        left.append(action.step)
        state = state.with_record(
            StepRecord(
                number=action.step.number,
                attempt=action.attempt,
                kind=action.step.kind,
                state="done",
                person="",
                started_at=state.started_at,
            )
        )
    return left


def tell_language(runbooks: Iterable[Runbook]) -> None:
    """Say it where a runbook is not in the reader's language."""
    if any(it.language not in {"", language()} for it in runbooks):
        write_line(_("Shipped runbooks are written in Vietnamese; there is no English edition."))


def write_plan(runbook: Runbook, values: Mapping[str, str], steps: Sequence[Step]) -> None:
    """Print steps with every command, its values filled in and its secrets masked."""
    write_line(runbook.title)
    for step in steps:
        mark = f"[{_('two people')}] " if step.two_people else ""
        sentence = fill_text(step.sentence, values, runbook)
        write_line(f"{step.number}. ({_(KINDS[step.kind])}) {mark}{sentence}")
        if step.kind == "ask":
            write_line(f"   ? {fill_text(step.body, values, runbook)}")
        for words in step.commands:
            write_line(f"   $ {fill_command(words, values, {}, runbook).shown}")
