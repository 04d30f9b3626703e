"""Carry a runbook out, step by step; the decisions are `runbooks.next_step`'s.

Order of one step:
1. Decide from the stored state what comes next.
2. Of a step of two people, use the approval up (durable); the second may not be the first. Then
   ask for its secrets: whoever waits for the second person has typed none in vain.
3. Store the step as running, with the person and the masked commands.
4. Carry it out.
5. Store how it ended: answer, output, exit code.

Whoever is killed in 1 to 3 has changed nothing but a used approval; in 4 or 5 the step stands as
running, is told as lost when the run is resumed, and is carried out again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from runbooks.command_lines import find_names
from runbooks.errors import RunbookUseError, SamePersonError
from runbooks.next_step import (
    EXIT_INCOMPLETE,
    Finish,
    Perform,
    apply_record,
    check_alone,
    decide_next,
    decide_step_state,
    needs_terminal,
    take_up,
)
from runbooks.procedure import Runbook, Step, Variable
from runbooks.seams import Approver, Asker, Clock, CommandResult, Commands, Request, RunStates
from runbooks.state import RunState, StepRecord
from runbooks.variables import MASK, PARTED, Command, check_value, fill_command, fill_text, mask


@dataclass(frozen=True, slots=True)
class Seams:
    """Everything outside that a run uses."""

    states: RunStates
    commands: Commands
    approver: Approver
    asker: Asker
    clock: Clock


class Runner:
    """Carries one run out for one person.

    Args:
        runbook: What the run follows; read from the state's own text.
        seams: The outside.
        person: Who carries it out: name, else login.
    """

    def __init__(self, runbook: Runbook, seams: Seams, person: str) -> None:
        self._runbook = runbook
        self._seams = seams
        self._person = person
        self._secrets: dict[str, str] = {}

    def go(
        self, state: RunState, *, roll_back: bool = False, only: int = 0, answer: str = ""
    ) -> RunState:
        """Carry out what is left, until it is done or a step is not; gives the state then.

        Args:
            state: New, or as loaded.
            roll_back: Carry out the rollbacks instead, from the last to the first.
            only: Number of the one step to carry out, which has to be the next; 0 for all.
            answer: What that step asks for.

        Raises:
            RunbookUseError: The one step is not the next, or asks for what was not given.
            Exception: A second person is waited for; the state is stored as waiting.
        """
        state = take_up(state, roll_back=roll_back, now=self._seams.clock.now())
        if only:
            self._check_alone(state, only, answer)
        self._seams.states.save(state)
        is_over = False
        while state.standing == "running" and not is_over:
            action = decide_next(self._runbook, state)
            if isinstance(action, Finish):
                now = self._seams.clock.now()
                state = replace(state, standing=action.standing, ended_at=now)
                self._seams.states.save(state)
            else:
                state = self._perform(state, action)
                is_over = bool(only) and not self._is_finished(state)
        return state

    def _is_finished(self, state: RunState) -> bool:
        return isinstance(decide_next(self._runbook, state), Finish)

    def _check_alone(self, state: RunState, only: int, answer: str) -> None:
        step = check_alone(self._runbook, state, only, answer)
        wants = self._seams.asker.wants_passphrase
        if step is not None and needs_terminal(self._runbook, step, state.values, wants):
            raise RunbookUseError(
                "step {number} asks for a secret, or shows something once",
                why="that is never kept, so the step is carried out where somebody sits",
                data="nothing was changed",
                next_step="at a terminal: `{program} runbook.resume --run {run}`",
                number=only,
                run=state.id,
            )

    def _perform(self, state: RunState, action: Perform) -> RunState:
        step, runbook = action.step, self._runbook
        sentence = fill_text(step.sentence, state.values, runbook)
        shown = tuple(
            fill_command(words, state.values, {}, runbook).shown for words in step.commands
        )
        self._seams.asker.begin_step(step, sentence, shown)
        approved_by = self._approve(state, step, sentence, shown)
        commands = [
            fill_command(words, state.values, self._secrets_of(step, state.values), runbook)
            for words in step.commands
        ]
        begun = StepRecord(
            number=step.number,
            attempt=action.attempt,
            kind=step.kind,
            state="running",
            person=self._person,
            approved_by=approved_by,
            commands=shown,
            started_at=self._seams.clock.now(),
        )
        self._seams.states.save(state.with_record(begun))
        ended = self._carry_out(state, step, commands, begun)
        if ended.exit_code is not None and not ended.approved_by:
            since = next(
                it.started_at for it in (*state.records, begun) if it.number == step.number
            )
            agreed = self._seams.approver.find_agreed(self._person, since)
            ended = replace(ended, approved_by=agreed)
        secrets = [name for name, it in runbook.variables.items() if it.secret]
        state = apply_record(state, ended, variable=step.variable, secrets=secrets)
        self._seams.states.save(state)
        self._seams.asker.end_step(ended)
        return state

    def _secrets_of(self, step: Step, values: Mapping[str, str]) -> Mapping[str, str]:
        """Ask for the secrets that a step names and nobody has given yet."""
        for name in find_names(step.body):
            variable = self._runbook.variables[name]
            if step.kind != "ask" and variable.secret and name not in self._secrets:
                is_needed = not variable.key or self._seams.asker.wants_passphrase(
                    values.get(variable.key, "")
                )
                self._secrets[name] = (
                    self._ask_secret(variable, variable.title) if is_needed else ""
                )
        return self._secrets

    def _ask_secret(self, variable: Variable, title: str) -> str:
        """Ask for a secret; of one in several hands none may come: the command says so itself."""
        if variable.shares:
            answer = self._seams.asker.ask_shares(title)
            return check_value(variable, answer) if answer else ""
        return check_value(variable, self._seams.asker.ask_secret(title))

    def _masked(self, text: str) -> str:
        shares = {
            f"{name}/{number}": share
            for name, secret in self._secrets.items()
            if self._runbook.variables[name].shares
            for number, share in enumerate(secret.split(PARTED))
        }
        return mask(text, {**self._secrets, **shares})

    def _approve(self, state: RunState, step: Step, sentence: str, shown: tuple[str, ...]) -> str:
        """Have a second person agree; that stays good while a command waits for one of its own."""
        if not step.two_people:
            return ""
        last = state.last_of(step.number)
        if last and last.state == "waiting" and last.commands == shown:
            if last.approved_by != self._person:
                return last.approved_by
            raise SamePersonError(step.number, self._person)
        request = Request(state.id, self._runbook.id, step.number, sentence, shown)
        try:
            return self._seams.approver.approve(request, self._person)
        except BaseException:
            self._seams.states.save(replace(state, standing="waiting"))
            raise

    def _carry_out(
        self, state: RunState, step: Step, commands: list[Command], begun: StepRecord
    ) -> StepRecord:
        answer, result = "", None
        if step.kind == "ask":
            answer = self._ask(state, step)
        elif step.kind == "wait":
            result = self._wait(step, commands)
        else:
            result = self._run_all(step, commands)
        exit_code = result.exit_code if result else None
        output = self._masked(result.output) if result else ""
        self._seams.asker.show_output(output)
        if step.may_be_incomplete and exit_code == EXIT_INCOMPLETE:
            answer = self._seams.asker.ask_whether_enough()
        secret = bool(step.variable) and self._runbook.variables[step.variable].secret
        return replace(
            begun,
            state=decide_step_state(step, exit_code, answer),
            answer=MASK if secret and answer else self._masked(answer),
            output=output,
            exit_code=exit_code,
            ended_at=self._seams.clock.now(),
        )

    def _ask(self, state: RunState, step: Step) -> str:
        question = fill_text(step.body, state.values, self._runbook)
        variable = self._runbook.variables.get(step.variable)
        if variable is None:
            return self._seams.asker.ask(question, yes_or_no=True)
        if variable.secret:
            answer = self._seams.asker.ask_secret(question)
            self._secrets[variable.name] = check_value(variable, answer) if answer else ""
            return self._secrets[variable.name]
        return ask_value(self._seams.asker, variable, question, state.values)

    def _run_all(self, step: Step, commands: list[Command]) -> CommandResult:
        """Run commands until one does not end well; one that is incomplete may be well enough."""
        output, worst = "", 0
        for command in commands:
            result = self._seams.commands.run(command, deadline=step.deadline, private=step.private)
            output += result.output
            worst = result.exit_code or worst
            if result.exit_code not in {0, EXIT_INCOMPLETE if step.may_be_incomplete else 0}:
                break
        return CommandResult(worst, output)

    def _wait(self, step: Step, commands: list[Command]) -> CommandResult:
        """Run commands again and again until all end well, or the deadline is over."""
        clock = self._seams.clock
        end = clock.monotonic() + step.deadline
        while True:
            left = max(end - clock.monotonic(), 1.0)
            result = self._run_all(replace(step, deadline=left), commands)
            if not result.exit_code or clock.monotonic() + step.every > end:
                return result
            clock.sleep(step.every)


def ask_value(asker: Asker, variable: Variable, question: str, values: Mapping[str, str]) -> str:
    """Ask for a value until one fits; gives it, or nothing where nobody gives one."""
    while answer := asker.ask_value(variable, question, values).strip():
        try:
            value = check_value(variable, answer)
            asker.check_known(variable, value, values)
        except RunbookUseError as error:
            asker.refuse(error)
        else:
            return value
    return ""
