"""From a command line to an exit code; the one place where errors become words.

Exit codes are restic's: 0 done, 1 failed or used wrongly, 3 done but incomplete, 10 no repository,
11 locked, 12 wrong password, 130 interrupted. Wrong use has a code of its own (2) in the operators'
tasks only (docs/decisions/0033).
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import FrameType

from backup.commands.context import Context
from backup.commands.output import (
    Output,
    OutputClosedError,
    exit_message,
    show_text,
    standard_output,
)
from backup.commands.parser import VERBS_THAT_WRITE, HelpWanted, parse_command_line
from backup.errors import (
    BackupError,
    DamagedError,
    StoreFullError,
    StoreReadOnlyError,
    UnsupportedFormatError,
    UsageError,
)
from backup.workers.memory import calm_collector

FAILED = 1
INTERRUPTED = 130
_DISK_FULL = 28
# Of the exit codes with which a command ends that has said already what is missing.
_MEANINGS = {
    1: "some of what was asked for could not be done",
    3: "done, but not all of it",
    11: "postponed: the repository is in use",
}


class InterruptedWorkError(BackupError):
    """Somebody stopped the command."""

    exit_code = INTERRUPTED


def main(words: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    """Run one command line and give its exit code. Never raises."""
    environment = os.environ if environment is None else environment
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _survive)
    output = standard_output()
    try:
        code = _run(words, environment, output)
        output.flush()
    except OutputClosedError:
        _forget_stdout()
        return FAILED
    except BaseException as error:  # noqa: BLE001 -- here the program ends; nothing may escape as a traceback
        return _report(error, words, environment, output)
    return code


def _run(words: Sequence[str], environment: Mapping[str, str], output: Output) -> int:
    try:
        module, arguments = parse_command_line(words, environment)
    except HelpWanted as help_text:
        output.line(str(help_text).rstrip())
        return 0
    context = Context(arguments, environment, standard_output(quiet=arguments.quiet))
    calm_collector()
    code = module.run(arguments, context)
    if code and context.json:
        context.output.warn_json(exit_message(code, _MEANINGS.get(code, _MEANINGS[FAILED])))
    context.output.flush()
    return code


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _survive(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: stock restic sends SIGHUP to a lock's holder, only to learn whether it lives."""


def _report(
    error: BaseException, words: Sequence[str], environment: Mapping[str, str], output: Output
) -> int:
    told = complete(translate(error), words)
    if "--debug" in words or environment.get("GIUCONG_DEBUG"):
        import traceback

        traceback.print_exception(error)
    with suppress(OutputClosedError):
        output.flush()
    code = FAILED if isinstance(told, UsageError) else told.exit_code
    with suppress(OutputClosedError):
        if "--json" in words:
            output.warn_json(exit_message(code, "\n".join(text for _, text in told.lines())))
        else:
            output.warn(format_error(told))
    return code


def format_error(error: BackupError) -> str:
    """Give the lines an operator sees: what, why, whether data is safe, what to do next."""
    first, *rest = [(label, show_text(text)) for label, text in error.lines()]
    return "\n".join([": ".join(first), *(f"  {label}: {text}" for label, text in rest)])


def translate(error: BaseException) -> BackupError:
    """Say an exception in the engine's words; what we did not expect too."""
    if isinstance(error, BackupError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return InterruptedWorkError(
            "interrupted",
            data="what was stored so far is kept; no snapshot was half written",
            next_step="run the same command again; it goes on cheaply",
        )
    if isinstance(error, MemoryError):
        return BackupError(
            "not enough memory",
            data="what was stored before is untouched",
            next_step="end other programs or give this machine more memory, then try again",
        )
    if isinstance(error, OSError):
        return _translate_os_error(error)
    return BackupError(
        "the program met something it did not expect ({kind})",
        why="this is a mistake in the program",
        data="what was stored before is untouched",
        next_step="run it again with --debug and report what it prints",
        kind=type(error).__name__,
    )


def complete(error: BackupError, words: Sequence[str]) -> BackupError:
    """Fill in what an error leaves open and the command line tells: data safe, next step."""
    only_reads = not VERBS_THAT_WRITE.intersection(words)
    if not error.data and (only_reads or isinstance(error, UsageError)):
        error.data = "nothing was changed"
    if not error.next_step and isinstance(error, UsageError):
        error.next_step = "add --help to see how it is used"
    if not error.next_step and isinstance(error, DamagedError | UnsupportedFormatError):
        error.next_step = "run check to see what is damaged"
    if only_reads and isinstance(error, StoreFullError | StoreReadOnlyError) and _is_lock(error):
        error.next_step = "add --no-lock to read all the same, and let nothing prune meanwhile"
    return error


def _is_lock(error: BackupError) -> bool:
    return str(error.params.get("key", "")).startswith("locks/")


def _translate_os_error(error: OSError) -> BackupError:
    reason = error.strerror or type(error).__name__
    kind = StoreFullError if error.errno == _DISK_FULL else BackupError
    if error.filename is None:
        return kind("the system refused: {reason}", reason=reason)
    name = error.filename
    path = os.fsdecode(name) if isinstance(name, str | bytes) else str(name)
    return kind(
        "cannot use {path}",
        why="{reason}",
        next_step="check that path and who may use it",
        path=path,
        reason=reason,
    )


def _forget_stdout() -> None:
    """Point stdout at nothing, so that Python's own last flush has nowhere to fail."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
