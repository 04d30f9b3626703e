"""Run the commands of a runbook as the service's user: no shell, a deadline, secrets as files."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from ops.access.caller import current_caller
from ops.access.requester import open_proof
from ops.secret_files import open_secret
from runbooks.seams import EXIT_NO_PROGRAM, EXIT_TOO_LATE, KEPT_CHARACTERS, CommandResult
from runbooks.variables import Command, mask

_TASKS = frozenset({"giucong", "fab"})
_OURS = _TASKS | {"python"}
_FOR_CALLER = "ops.cli.for_caller"
_GRACE_SECONDS = 10.0


class ProcessCommands:
    """Runs commands as processes.

    A secret's word becomes `/dev/fd/N`, a file in memory that only the command has open. The
    command gets the terminal as its input where there is one, and nothing elsewhere. Where this
    process is killed, the kernel asks the command to end too: a run that is taken up again does not
    meet its own earlier command at work. A task is run for who acts at the console, where somebody
    does: that person's roles count, and the journal names that person.

    Args:
        environment: More variables: the estate and the language of whoever runs the runbook.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def run(self, command: Command, *, deadline: float, private: bool = False) -> CommandResult:
        """Run one to its end, or end it after the deadline; what is private goes to our output."""
        with ExitStack() as held:
            words, descriptors = list(command.words), []
            for position, secret in command.secrets.items():
                descriptor = held.enter_context(open_secret(secret))
                descriptors.append(descriptor)
                words[position] = f"/dev/fd/{descriptor}"
            program = find_program(words[0])
            if program is None:
                return CommandResult(EXIT_NO_PROGRAM, f"{words[0]}: command not found\n")
            output = held.enter_context(tempfile.TemporaryFile())
            start = [program]
            if words[0] in _TASKS:
                descriptors += open_proof(self._environment)
            if words[0] in _TASKS and (caller := current_caller()):
                descriptor = held.enter_context(open_secret(json.dumps(asdict(caller))))
                descriptors.append(descriptor)
                start = [sys.executable, "-P", "-m", _FOR_CALLER, str(descriptor)]
            process = subprocess.Popen(
                [*_ending_with_us(), *start, *words[1:]],
                stdin=None if sys.stdin and sys.stdin.isatty() else subprocess.DEVNULL,
                stdout=None if private else output,
                stderr=None if private else output,
                pass_fds=descriptors,
                env={**os.environ, **self._environment},
            )
            code = _await_end(process, deadline)
            output.seek(0)
            read = output.read(KEPT_CHARACTERS * 4).decode("utf-8", "replace")
        text = read.replace("\0", "\ufffd")
        if len(text) > KEPT_CHARACTERS:  # the runner would not know half a secret at the cut
            secrets = {str(position): secret for position, secret in command.secrets.items()}
            text = mask(text, secrets)
        return CommandResult(code, text[:KEPT_CHARACTERS])


def _ending_with_us() -> list[str]:
    """Give what makes a command get SIGTERM when this process dies (util-linux)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig=TERM"] if setpriv else []


def find_program(word: str) -> str | None:
    """Find a program; `giucong` and `python` are those of this very installation."""
    if word in _OURS:
        own = Path(sys.executable).with_name(word)
        if own.is_file():
            return str(own)
    return shutil.which(word)


def _await_end(process: subprocess.Popen[bytes], deadline: float) -> int:
    """Wait for the end; a process past its deadline is asked to end, then killed."""
    try:
        code = process.wait(deadline)
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return EXIT_TOO_LATE
    return code if code >= 0 else 128 - code
