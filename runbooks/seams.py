"""What a run needs from outside; `ops` fills these, `runbooks.memory` holds a stand-in for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from runbooks.errors import RunbookUseError
from runbooks.procedure import Step, Variable
from runbooks.state import RunState, StepRecord
from runbooks.variables import Command


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended.

    Attributes:
        exit_code: Its own; 127 where there is no such program, 124 past the deadline.
        output: What it wrote to both its outputs, in order, at most `KEPT_CHARACTERS`.
    """

    exit_code: int
    output: str


KEPT_CHARACTERS = 1_000_000
EXIT_TOO_LATE = 124
EXIT_NO_PROGRAM = 127


class Commands(Protocol):
    """Runs commands."""

    def run(self, command: Command, *, deadline: float, private: bool = False) -> CommandResult:
        """Run one to its end, or end it after `deadline` seconds.

        Where it is `private`, the person sees what it writes, and the result holds none of it.
        """


class RunStates(Protocol):
    """Keeps runs; what was saved is durable when the call comes back."""

    def save(self, state: RunState) -> None:
        """Keep a state, over the earlier one of the same id."""

    def load(self, run_id: str) -> RunState:
        """Give it back.

        Raises:
            RunbookUseError: There is none.
        """


@dataclass(frozen=True, slots=True)
class Request:
    """A step that a second person has to agree to.

    Attributes:
        run: Id of the run.
        runbook: Id of the runbook.
        number: Of the step.
        sentence: What it does, with its values.
        commands: What will be run, secrets masked.
    """

    run: str
    runbook: str
    number: int
    sentence: str
    commands: tuple[str, ...]


class Approver(Protocol):
    """Has a second person agree."""

    def approve(self, request: Request, person: str) -> str:
        """Use an approval up and give the second person's name.

        Empty where the estate has no second person who could prove anything.

        Raises:
            Exception: With `exit_code` 4: it is waited for.
            SamePersonError: The second person is `person`.
        """

    def find_agreed(self, person: str, since: datetime) -> str:
        """Give who agreed to what a command of this person's asked for; empty where none did.

        Args:
            person: Who carries the step out.
            since: When the step was begun first; the last that was used since then counts.
        """


class Asker(Protocol):
    """Speaks with the person who carries the runbook out."""

    def begin_step(self, step: Step, sentence: str, commands: Sequence[str]) -> None:
        """Show a step before it is carried out."""

    def show_output(self, output: str) -> None:
        """Show what the commands of a step wrote, secrets masked."""

    def ask_whether_enough(self) -> str:
        """Give the answer on whether a step that is done but incomplete is enough."""

    def end_step(self, record: StepRecord) -> None:
        """Show how it ended."""

    def ask(self, question: str, *, yes_or_no: bool) -> str:
        """Give the answer; empty where there is none."""

    def ask_value(self, variable: Variable, question: str, values: Mapping[str, str]) -> str:
        """Give a value of the runbook; empty where there is none.

        Args:
            variable: What is asked for.
            question: In words.
            values: Those that are known: a list to choose from may depend on them.
        """

    def check_known(self, variable: Variable, value: str, values: Mapping[str, str]) -> None:
        """Look whether there is what a value names.

        Args:
            variable: Whose value it is.
            value: It has the right form.
            values: Those that are known.

        Raises:
            RunbookUseError: There is none, or it cannot be meant here.
        """

    def refuse(self, error: RunbookUseError) -> None:
        """Say why an answer cannot be used; the question comes again."""

    def ask_secret(self, title: str) -> str:
        """Give a secret; what is typed is not shown."""

    def wants_passphrase(self, key_file: str) -> bool:
        """Tell whether a file is a private key that opens with a passphrase only."""

    def ask_shares(self, title: str) -> str:
        """Give the shares of a secret that is in several hands, parted by ` / `; empty for none."""


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Give the moment, aware."""

    def monotonic(self) -> float:
        """Give seconds that only grow."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
