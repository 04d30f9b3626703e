"""Speak with whoever carries a runbook out: rich prompts at a terminal, plain lines elsewhere."""

import getpass
import sys
from collections.abc import Sequence
from contextlib import suppress

from ops.language.text import N_, _, fill
from ops.terminal.output import is_terminal, write_line
from runbooks.errors import RunbookUseError
from runbooks.procedure import Kind, Step
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
        sys.stdout.flush()

    def show_output(self, output: str) -> None:
        """Show what the commands of a step wrote."""
        for line in output.splitlines():
            write_line(f"   {line}")
        sys.stdout.flush()

    def ask_whether_enough(self) -> str:
        """Have the person decide on a step that is done but incomplete."""
        return self.ask(_("This is done but incomplete. Is it enough to go on?"), yes_or_no=True)

    def end_step(self, record: StepRecord) -> None:
        """Show how it ended."""
        state = _(STATES[record.state])
        code = f" (exit {record.exit_code})" if record.exit_code else ""
        write_line(f"   → {state}{code}")
        sys.stdout.flush()

    def ask(self, question: str, *, yes_or_no: bool) -> str:
        """Give the answer; empty where nobody gives one."""
        hint = _(" (yes/no)") if yes_or_no else ""
        if is_terminal() and sys.stdin.isatty():
            from rich.prompt import Prompt
            from rich.text import Text

            prompt = Text(f"   {question}{hint}")
            with suppress(EOFError):  # Ctrl-D
                return Prompt.ask(prompt, default="", show_default=False)
            write_line()
            return ""
        write_line(f"   {question}{hint}")
        sys.stdout.flush()
        return sys.stdin.readline().strip()

    def refuse(self, error: RunbookUseError) -> None:
        """Say why an answer cannot be used."""
        write_line(f"   {fill(error.why, error.params)}")
        sys.stdout.flush()

    def ask_secret(self, title: str) -> str:
        """Give a secret, empty where nobody does; at a terminal what is typed is not shown."""
        if sys.stdin.isatty():
            with suppress(EOFError):
                return getpass.getpass(f"   {title}: ").strip("\r\n")
            write_line()
            return ""
        write_line(f"   {title}:")
        sys.stdout.flush()  # a pipe keeps it back otherwise, and whoever is to answer waits
        return sys.stdin.readline().strip("\r\n")

    def ask_shares(self, title: str) -> str:
        """Give as many shares as the first one says it takes, or fewer where nobody answers."""
        from ops.backups.keys.paper.shares import collect_shares

        return PARTED.join(collect_shares(lambda number: self.ask_secret(f"{title}, {number}")))
