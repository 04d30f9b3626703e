"""Speak with whoever carries a runbook out, and with the estate's people for an approval."""

import getpass
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.approvals.ask import use_approval
from ops.access.approvals.requests import Wish
from ops.access.approvals.require import NEXT_IN_RUN, ApprovalAwaitedError, Permit
from ops.access.session import Bench, follow_decision
from ops.catalog.tables.access import ApprovalRequest
from ops.errors import OpsError
from ops.language.text import N_, _, fill
from ops.runbooks.choices import list_choices, refuse_unknown, warn_of_doubt
from ops.runbooks.held import held
from ops.runbooks.places import refuse_folder
from ops.terminal.output import flush, is_terminal, text_width, write_line, write_quoted
from runbooks.errors import RunbookUseError, SamePersonError
from runbooks.procedure import Kind, Step, Variable
from runbooks.seams import Clock, Request
from runbooks.shapes import Place
from runbooks.state import StepRecord, StepState
from runbooks.variables import PARTED

KINDS: dict[Kind, str] = {
    "check": N_("look first"),
    "run": N_("do"),
    "ask": N_("decide"),
    "wait": N_("wait"),
    "verify": N_("prove"),
    "rollback": N_("take back"),
}
STATES: dict[StepState, str] = {
    "running": N_("has begun"),
    "done": N_("done"),
    "failed": N_("failed"),
    "declined": N_("answered with no"),
    "waiting": N_("waits for another person"),
    "lost": N_("was interrupted"),
}

_MOST_DIGITS = 4


def can_ask() -> bool:
    """Tell whether a person sits at both ends of the terminal."""
    return is_terminal() and sys.stdin.isatty()


def _read_line(question: str) -> str | None:
    """Ask at a terminal; gives what was typed, None where the input has ended."""
    from rich.prompt import Prompt
    from rich.text import Text

    with suppress(EOFError):  # Ctrl-D
        return Prompt.ask(Text(f"   {question}"), default="", show_default=False).strip()
    write_line()
    return None


class TerminalAsker:
    """Asks on standard input and shows on standard output."""

    def begin_step(self, step: Step, sentence: str, commands: Sequence[str]) -> None:
        """Show a step before it is carried out."""
        mark = f"[{_('two people')}] " if step.two_people else ""
        write_line()
        write_line(f"{step.number}. ({_(KINDS[step.kind])}) {mark}{sentence}")
        for line in commands:
            write_line(f"   $ {line}")
        if step.private:
            write_line("   " + _("What comes now is shown once, and kept nowhere."))
        flush()

    def show_output(self, output: str) -> None:
        """Show what the commands of a step wrote."""
        write_quoted(output)
        flush()

    def ask_whether_enough(self) -> str:
        """Have the person decide on a step that is done but incomplete."""
        return self.ask(_("This is done but incomplete. Is it enough to go on?"), yes_or_no=True)

    def end_step(self, record: StepRecord) -> None:
        """Show how it ended."""
        state = _(STATES[record.state])
        code = f" (exit {record.exit_code})" if record.exit_code else ""
        write_line(f"   → {state}{code}")
        flush()

    def ask(self, question: str, *, yes_or_no: bool) -> str:
        """Give the answer; empty where nobody gives one."""
        hint = _(" (yes/no)") if yes_or_no else ""
        if can_ask():
            answer: str | None = ""
            while answer == "":  # Enter alone is a slip: the question comes again
                answer = _read_line(f"{question}{hint}")
            return answer or ""
        write_line(f"   {question}{hint}")
        flush()
        return sys.stdin.readline().strip()

    def ask_value(self, variable: Variable, question: str, values: Mapping[str, str]) -> str:
        """Give a value; at a terminal with a list to choose from, where there is one.

        A number chooses from the list; whatever else is typed is the value itself. Enter alone has
        the list read anew: something may have been made in another window.
        """
        if not can_ask():
            return self.ask(question, yes_or_no=False)
        answer: str | None = ""
        while answer == "":
            answer = self._choose(variable, question, values)
            if variable.may_be_left_out:
                break
        return answer or ""

    def _choose(self, variable: Variable, question: str, values: Mapping[str, str]) -> str | None:
        choices = list_choices(variable.name, values)
        width = max((text_width(it.value) for it in choices), default=0)
        for number, it in enumerate(choices, 1):
            blanks = " " * (width - text_width(it.value))
            write_line(f"   {number:>4}  {it.value}{blanks}  {it.said}".rstrip())
        if choices:
            text = _("{question} (a number, or the value itself; Enter: the list anew)")
            question = text.format(question=question)
        elif variable.may_be_left_out:
            question = _("{question} (Enter: none)").format(question=question)
        answer = _read_line(question)
        if answer is None:
            return None
        is_number = answer.isascii() and answer.isdigit() and len(answer) < _MOST_DIGITS
        if is_number and 0 < int(answer) <= len(choices):
            return choices[int(answer) - 1].value
        return answer

    def check_known(self, variable: Variable, value: str, values: Mapping[str, str]) -> None:
        """Look whether there is what a value names."""
        refuse_folder(variable, value)
        refuse_unknown(variable.name, value, values)
        warn_of_doubt(variable.name, value, values)

    def refuse(self, error: RunbookUseError) -> None:
        """Say why an answer cannot be used."""
        write_line(f"   {fill(error.why or error.what, error.params)}")
        flush()

    def ask_secret(self, title: str) -> str:
        """Give a secret, empty where nobody does; at a terminal what is typed is not shown."""
        if sys.stdin.isatty():
            with suppress(EOFError):
                return getpass.getpass(f"   {title}: ").strip("\r\n")
            write_line()
            return ""
        write_line(f"   {title}:")
        flush()  # a pipe keeps it back otherwise, and whoever is to answer waits
        return sys.stdin.readline().strip("\r\n")

    def wants_passphrase(self, key_file: str) -> bool:
        """Tell whether a file is a private key that opens with a passphrase only."""
        from provisioning.ssh.connect import wants_passphrase

        with suppress(OpsError, OSError), ExitStack() as stack:
            if key_file and (number := stack.enter_context(held(Place("file", key_file)))):
                return wants_passphrase(Path(f"/dev/fd/{number}"))
        return False

    def ask_shares(self, title: str) -> str:
        """Give as many shares as the first one says it takes, or fewer where nobody answers."""
        from ops.backups.keys.paper.shares import collect_shares

        return PARTED.join(collect_shares(lambda number: self.ask_secret(f"{title}, {number}")))


class GivenAsker(TerminalAsker):
    """Says what was given beforehand, for the one step that is carried out alone."""

    def __init__(self, answer: str) -> None:
        self._answer = answer

    def ask(self, question: str, *, yes_or_no: bool) -> str:
        """Give what was given."""
        write_line(f"   {question}{_(' (yes/no)') if yes_or_no else ''} {self._answer}")
        return self._answer

    def ask_value(self, variable: Variable, question: str, values: Mapping[str, str]) -> str:
        """Give what was given; it was looked at before."""
        del variable, values
        return self.ask(question, yes_or_no=False)

    def refuse(self, error: RunbookUseError) -> None:
        """Nobody is here to give another one."""
        raise error

    def ask_secret(self, title: str) -> str:
        """Give nothing: a step that asks for a secret is not carried out alone."""
        del title
        return ""


@dataclass(frozen=True, slots=True)
class EstateApprover:
    """Asks for approvals of the action `runbook-step`.

    Attributes:
        bench: Who carries the runbook out.
        clock: The moment.
        reason, document: Why it is done, for the one who decides.
    """

    bench: Bench
    clock: Clock
    reason: str
    document: str = ""

    def approve(self, request: Request, person: str) -> str:
        """Use an approval up and give the second person's name; empty where there is no second.

        Raises:
            ApprovalAwaitedError: A request waits now.
            SamePersonError: Who approved it carries it out; the approval is left unused.
        """

        def refuse_same(_session: Session, permit: Permit) -> None:
            if permit.approved_by and permit.approved_by == person:
                raise SamePersonError(request.number, person)

        plan = {
            "run": request.run,
            "step": request.number,
            "does": request.sentence,
            "commands": list(request.commands),
        }
        wish = Wish("runbook-step", request.runbook, plan, self.reason, self.document)
        try:
            permit = use_approval(self.bench, wish, self.clock.now(), refuse_same)
        except ApprovalAwaitedError as error:
            error.next_step, error.params["run"] = NEXT_IN_RUN, request.run
            raise
        if permit.need == "needed":
            follow_decision(self.bench)
        return permit.approved_by

    def find_agreed(self, person: str, since: datetime) -> str:
        """Give who approved what this person's commands have used last since then."""
        used = ApprovalRequest.used_by == person, ApprovalRequest.used_at >= since
        query = select(ApprovalRequest.decided_by).where(*used)
        with self.bench.catalog.reading() as session:
            found = session.execute(query.order_by(ApprovalRequest.used_at.desc())).scalars()
            return found.first() or ""
