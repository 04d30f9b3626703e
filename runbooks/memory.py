"""A stand-in for each seam, in memory: for tests, and to try a new runbook without any effect."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from runbooks.errors import RunbookPausedError, RunbookUseError, SamePersonError, no_such_run
from runbooks.procedure import Step, Variable
from runbooks.seams import EXIT_NO_PROGRAM, CommandResult, Request
from runbooks.state import RunState, StepRecord
from runbooks.variables import Command

Program = Callable[[Sequence[str]], CommandResult]


@dataclass
class MemoryCommands:
    """Runs Python functions by the name of the program.

    A secret's word is its text.

    Attributes:
        programs: By name.
        ran: The lines that were run, masked.
    """

    programs: Mapping[str, Program]
    ran: list[str] = field(default_factory=list)

    def run(self, command: Command, *, deadline: float, private: bool = False) -> CommandResult:
        """Call the function of that name."""
        del deadline
        self.ran.append(command.shown)
        words = [command.secrets.get(n, word) for n, word in enumerate(command.words)]
        program = self.programs.get(words[0])
        if program is None:
            return CommandResult(EXIT_NO_PROGRAM, f"{words[0]}: not found\n")
        result = program(words[1:])
        return replace(result, output="") if private else result


@dataclass
class MemoryStates:
    """Keeps runs in a dictionary.

    Attributes:
        kept: By id, as last saved.
        saves: Every state that was saved, in order.
    """

    kept: dict[str, RunState] = field(default_factory=dict)
    saves: list[RunState] = field(default_factory=list)

    def save(self, state: RunState) -> None:
        """Keep it."""
        self.kept[state.id] = state
        self.saves.append(state)

    def load(self, run_id: str) -> RunState:
        """Give it back."""
        if run_id not in self.kept:
            raise no_such_run(run_id)
        return self.kept[run_id]


@dataclass
class MemoryApprover:
    """Knows who has approved what.

    Attributes:
        approvals: (run, number of the step) → the second person; each good for one use.
        agreed: Who agreed to what commands asked for.
    """

    approvals: dict[tuple[str, int], str] = field(default_factory=dict)
    agreed: str = ""

    def approve(self, request: Request, person: str) -> str:
        """Use an approval up."""
        second = self.approvals.get((request.run, request.number), "")
        if not second:
            raise RunbookPausedError(
                "step {number} waits for another person's approval",
                data="nothing was changed",
                next_step="another person types `{program} approval.approve`",
                number=request.number,
            )
        if second == person:
            raise SamePersonError(request.number, person)
        return self.approvals.pop((request.run, request.number))

    def find_agreed(self, person: str, since: datetime) -> str:
        """Give who agreed to what a command asked for."""
        del person, since
        return self.agreed


@dataclass
class ScriptedAsker:
    """Gives answers that were written down before.

    Attributes:
        answers: In the order of the questions; none is left, none is given.
        secrets: By the variable's title or the question.
        locked_keys: Files of private keys that have a passphrase.
        unknown: Values that name nothing.
        heard: Questions, in order.
        shown: Lines of the steps: number and sentence, commands.
        ended: How steps ended.
    """

    answers: list[str] = field(default_factory=list)
    secrets: Mapping[str, str] = field(default_factory=dict)
    locked_keys: Sequence[str] = ()
    unknown: Sequence[str] = ()
    heard: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    ended: list[StepRecord] = field(default_factory=list)

    def begin_step(self, step: Step, sentence: str, commands: Sequence[str]) -> None:
        """Note it."""
        self.shown += [f"{step.number}. {sentence}", *commands]

    def show_output(self, output: str) -> None:
        """Show it to nobody."""

    def ask_whether_enough(self) -> str:
        """Give the next answer."""
        return self.ask("enough?", yes_or_no=True)

    def end_step(self, record: StepRecord) -> None:
        """Note it."""
        self.ended.append(record)

    def ask(self, question: str, *, yes_or_no: bool) -> str:
        """Give the next answer."""
        del yes_or_no
        self.heard.append(question)
        return self.answers.pop(0) if self.answers else ""

    def ask_value(self, variable: Variable, question: str, values: Mapping[str, str]) -> str:
        """Give the next answer."""
        del variable, values
        return self.ask(question, yes_or_no=False)

    def check_known(self, variable: Variable, value: str, values: Mapping[str, str]) -> None:
        """Refuse those that name nothing."""
        del variable, values
        if value in self.unknown:
            raise RunbookUseError('there is no run "{run}"', run=value)

    def refuse(self, error: RunbookUseError) -> None:
        """Note it."""
        self.heard.append(str(error))

    def ask_secret(self, title: str) -> str:
        """Give the secret of that title."""
        self.heard.append(title)
        return self.secrets.get(title, "")

    def wants_passphrase(self, key_file: str) -> bool:
        """Tell whether it is one of those."""
        return key_file in self.locked_keys

    def ask_shares(self, title: str) -> str:
        """Give the secret of that title."""
        return self.ask_secret(title)


@dataclass
class SteppedClock:
    """Time that passes only when somebody sleeps.

    Attributes:
        seconds: Passed so far.
    """

    seconds: float = 0.0

    def now(self) -> datetime:
        """Give the moment."""
        return datetime(2026, 11, 24, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Give what has passed."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.seconds += seconds
