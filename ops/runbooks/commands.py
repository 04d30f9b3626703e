"""Run the commands of a runbook as the service's user: no shell, a deadline, secrets as files.

They run in `/`, and what is Python runs isolated: whoever carries a runbook out stands in a folder
of their own choice, and nothing that lies there is code.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from contextvars import copy_context
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Thread

from ops.access.approvals.ask import open_proof
from ops.access.caller import current_caller
from ops.errors import OpsError
from ops.language.text import render_error
from ops.runbooks.held import held as held_place
from ops.secret_files import open_secret
from ops.terminal.output import flush, is_terminal, write_quoted
from ops.terminal.printer import MARK
from runbooks.seams import EXIT_NO_PROGRAM, EXIT_TOO_LATE, KEPT_CHARACTERS, CommandResult
from runbooks.shapes import Place
from runbooks.variables import Command, mask

TASKS = frozenset({"giucong", "fab"})
"""Programs of our own: they know which of their flags are paths, and whose."""
_PYTHON = re.compile(r"python[0-9.]*")
_HERE = "/"
_FOR_CALLER = "ops.cli.for_caller"
_GRACE_SECONDS = 10.0
_LONGEST_LINE = 65_536
_EXIT_USE = 2
_MOST_HIDDEN, _SHORTEST_HIDDEN = 65_536, 16


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
        with ExitStack() as stack:
            held = _Held(stack, list(command.words))
            for position, secret in command.secrets.items():
                held.pass_on(position, stack.enter_context(open_secret(secret)))
            try:
                held.take_places(command.places)
            except (OpsError, OSError) as error:
                return CommandResult(_EXIT_USE, f"{_told(error)}\n")
            start = self._find_start(held)
            if not start:
                return CommandResult(EXIT_NO_PROGRAM, f"{command.words[0]}: command not found\n")
            kept = stack.enter_context(tempfile.TemporaryFile())
            output = kept.fileno()
            if private:
                output = stack.enter_context(_passing_on(whole=command.words[0] in TASKS))
            process = subprocess.Popen(
                [*_ending_with_us(), *start, *held.words[1:]],
                cwd=_HERE,
                stdin=None if sys.stdin and sys.stdin.isatty() else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=held.descriptors,
                env={**os.environ, **self._environment},
            )
            code = _await_end(process, deadline)
            kept.seek(0)
            read = kept.read(KEPT_CHARACTERS * 4).decode("utf-8", "replace")
            text = held.clean(read.replace("\0", "\ufffd"))
        if len(text) > KEPT_CHARACTERS:  # the runner would not know half a secret at the cut
            secrets = {str(position): secret for position, secret in command.secrets.items()}
            text = mask(text, secrets)
        return CommandResult(code, text[:KEPT_CHARACTERS])

    def _find_start(self, held: "_Held") -> list[str]:
        """Give what the command is started with; a task gets the proof, and who acts, handed on."""
        start = find_start(held.words[0])
        if start and held.words[0] in TASKS:
            held.descriptors.extend(open_proof(self._environment))
            if caller := current_caller():
                descriptor = held.stack.enter_context(open_secret(json.dumps(asdict(caller))))
                held.descriptors.append(descriptor)
                return [sys.executable, "-I", "-m", _FOR_CALLER, str(descriptor)]
        return start


@dataclass(frozen=True, slots=True)
class _Held:
    """A command's words, and what is open for it meanwhile.

    Attributes:
        stack: Closes it.
        words: As they are run.
        descriptors: That the command has open, too.
        files: Descriptor → the path of the file that it stands for.
    """

    stack: ExitStack
    words: list[str]
    descriptors: list[int] = field(default_factory=list)
    files: dict[int, str] = field(default_factory=dict)

    def pass_on(self, position: int, descriptor: int) -> None:
        """Have a word name an open file."""
        self.words[position] = f"/dev/fd/{descriptor}"
        self.descriptors.append(descriptor)

    def take_places(self, places: Mapping[int, Place]) -> None:
        """Hold the places that words name; errors as of `held`."""
        for position, place in places.items():
            if (descriptor := self.stack.enter_context(held_place(place))) is not None:
                self.pass_on(position, descriptor)
                self.files[descriptor] = place.path

    def clean(self, text: str) -> str:
        """Give what was written: files under their own names, and no line of a small one."""
        text = mask(text, _lines_of(self.files))
        for descriptor, path in self.files.items():
            text = re.sub(rf"/dev/fd/{descriptor}\b", path.replace("\\", r"\\\\"), text)
        return text


def _told(error: OpsError | OSError) -> str:
    return render_error(error) if isinstance(error, OpsError) else str(error)


def _lines_of(opened: Iterable[int]) -> dict[str, str]:
    """Give the lines of small open files, by name: what a command says of one shows none of it."""
    texts = {it: os.pread(it, _MOST_HIDDEN, 0).decode("utf-8", "replace") for it in opened}
    return {
        f"{number}/{place}": line.strip()
        for number, text in texts.items()
        for place, line in enumerate(text.splitlines())
        if len(line.strip()) >= _SHORTEST_HIDDEN
    }


def _ending_with_us() -> list[str]:
    """Give what makes a command get SIGTERM when this process dies (util-linux)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig=TERM"] if setpriv else []


@contextmanager
def _passing_on(*, whole: bool) -> Iterator[int]:
    """Give what a command writes to: each line is shown as it comes, and none of it is kept.

    Before a terminal it is one itself: what the command asks comes after what it has said. Who
    outlives the command and holds it open is not waited for.

    Args:
        whole: Leave long lines to the terminal: a task of ours forges none.
    """
    if is_terminal():
        import rich.cells as _cells  # noqa: F401 - now, so that the first line is drawn at once

        ours, theirs = os.openpty()
        rows, columns = os.get_terminal_size()
        termios.tcsetwinsize(theirs, (rows, max(columns - len(MARK), 1)))
    else:
        ours, theirs = os.pipe()

    def show() -> None:
        with os.fdopen(ours, "rb") as lines, suppress(OSError):  # so ends a terminal
            for line in iter(lambda: lines.readline(_LONGEST_LINE), b""):
                write_quoted(line.decode("utf-8", "replace"), whole=whole)
                flush()

    reader = Thread(target=copy_context().run, args=(show,), daemon=True)
    reader.start()
    try:
        yield theirs
    finally:
        os.close(theirs)
        reader.join(_GRACE_SECONDS)


def find_start(word: str) -> list[str]:
    """Give what a program is started with; `giucong` and `python` are this very installation's."""
    own = Path(sys.executable).parent / word
    is_own = word in {*TASKS, "python"} and own.is_file()
    program = str(own) if is_own else shutil.which(word)
    if program is None:
        return []
    if is_own and word in TASKS:
        return [sys.executable, "-I", program]
    return [program, "-I"] if _PYTHON.fullmatch(Path(program).name) else [program]


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
