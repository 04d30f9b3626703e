"""What comes next in a run: state and answer in, next action out; pure.

Going forward every step but the rollbacks is carried out in order; the first that is not done is
next, so a resumed run goes on at the step that failed. Going back, the rollbacks are carried out in
reverse order, each only if the step above it was begun.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from runbooks.command_lines import find_names
from runbooks.errors import RunbookUseError
from runbooks.procedure import Runbook, Step
from runbooks.state import RunStanding, RunState, StepRecord, StepState
from runbooks.variables import check_value

EXIT_WAITING = 4
"""A command that ends with it waits for a second person; it is no failure."""

EXIT_INCOMPLETE = 3
"""A command that ends with it is done but incomplete; a step may leave to a person what that is."""

_YES = frozenset({"có", "co", "c", "yes", "y", "ok", "đồng ý"})


@dataclass(frozen=True, slots=True)
class Perform:
    """Carry this step out.

    Attributes:
        step: Which.
        attempt: From 1.
    """

    step: Step
    attempt: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to do."""

    standing: RunStanding


def decide_next(runbook: Runbook, state: RunState) -> Perform | Finish:
    """Decide what comes next."""
    steps = _steps_back(runbook, state) if state.going_back else _steps_forward(runbook)
    for step in steps:
        last = state.last_of(step.number)
        if last is None or last.state != "done":
            return Perform(step, 1 if last is None else last.attempt + 1)
    return Finish("rolled_back" if state.going_back else "done")


def needs_terminal(
    runbook: Runbook, step: Step, values: Mapping[str, str], wants_passphrase: Callable[[str], bool]
) -> bool:
    """Tell whether a step asks for a secret, or shows what is shown once.

    Args:
        runbook: Whose step it is.
        step: Which.
        values: Those that are known.
        wants_passphrase: Tells of a private key's file whether it opens with a passphrase only.
    """
    named = {*find_names(step.body), *([step.variable] if step.variable else [])}
    secrets = (it for name in named if (it := runbook.variables[name]).secret)
    return step.private or any(
        not it.key or wants_passphrase(values.get(it.key, "")) for it in secrets
    )


def check_alone(runbook: Runbook, state: RunState, number: int, answer: str) -> Step | None:
    """Give the step to carry out alone; None where nothing is left to do.

    Args:
        runbook: What the run follows.
        state: As taken up.
        number: Of the step that is wanted.
        answer: What its person says.

    Raises:
        RunbookUseError: Another step is next, or it asks for something that was not given.
    """
    action = decide_next(runbook, state)
    if isinstance(action, Finish):
        return None
    step = action.step
    if step.number != number:
        raise RunbookUseError(
            "step {wanted} is not the next one: that is step {number}",
            data="nothing was changed",
            next_step="look at the run again: `{program} runbook.show --run {run}`",
            wanted=number,
            number=step.number,
            run=state.id,
        )
    if step.kind == "ask" and not answer.strip():
        raise RunbookUseError(
            "step {number} asks something, and no answer was given",
            data="nothing was changed",
            next_step="give `--answer`",
            number=number,
        )
    if step.kind == "ask" and step.variable:
        check_value(runbook.variables[step.variable], answer)
    return step


def _steps_forward(runbook: Runbook) -> list[Step]:
    return [step for step in runbook.steps if step.kind != "rollback"]


def _steps_back(runbook: Runbook, state: RunState) -> list[Step]:
    """Give the rollbacks whose step was begun, last first."""
    wanted = []
    above = 0
    for step in runbook.steps:
        if step.kind != "rollback":
            above = step.number
        elif state.last_of(above) is not None:
            wanted.append(step)
    return wanted[::-1]


def decide_step_state(step: Step, exit_code: int | None, answer: str) -> StepState:
    """Decide how a step ended.

    Args:
        step: Which.
        exit_code: Of its last command; None for an `ask`.
        answer: Of the person; of a command that is incomplete: whether that is enough.
    """
    if step.kind == "ask":
        if step.variable:
            return "done" if answer else "declined"
        return "done" if is_yes(answer) else "declined"
    if exit_code == 0:
        return "done"
    if exit_code == EXIT_INCOMPLETE and step.may_be_incomplete:
        return "done" if is_yes(answer) else "declined"
    return "waiting" if exit_code == EXIT_WAITING else "failed"


def is_yes(answer: str) -> bool:
    """Tell whether a person agreed; whatever is not clearly a yes is a no."""
    return answer.strip().lower() in _YES


def take_up(state: RunState, *, roll_back: bool, now: datetime) -> RunState:
    """Give the state of a run that is taken up again: tries that were killed are told as lost."""
    for record in state.records:
        if record.state == "running":
            state = state.with_record(replace(record, state="lost", ended_at=now))
    return replace(state, standing="running", going_back=state.going_back or roll_back)


def apply_record(
    state: RunState, record: StepRecord, *, variable: str = "", secrets: Collection[str] = ()
) -> RunState:
    """Give the state after a try has ended.

    Args:
        state: Before.
        record: How it ended.
        variable: What its answer fills; empty for nothing.
        secrets: Names of secret variables, which the state never holds.
    """
    state = state.with_record(record)
    if record.state == "done":
        if variable and variable not in secrets:
            state = replace(state, values={**state.values, variable: record.answer})
        return state
    standing: RunStanding = "failed"
    if record.state in {"waiting", "declined"}:
        standing = record.state
    return replace(state, standing=standing)
