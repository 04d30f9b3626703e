"""Exit codes (docs/decisions/0005): those of outcomes, and the gravest of several sites."""

import os
import re
import select
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import cast

from invoke.exceptions import Exit

from backup.errors import BackupError
from ops.errors import DEEDS, DONE, OpsError
from ops.language.text import ExplainedError, _, make_visible, render_error
from ops.meanwhile import meanwhile
from ops.terminal.output import BORDER
from ops.terminal.printer import Printer

INCOMPLETE = 3
"""Done, but not all of it."""

EXIT_CODES: Mapping[str, int] = {"ok": 0, "incomplete": INCOMPLETE, "failed": 1}
"""By outcome. What "not checked" means for the exit code is each task's own to say."""

_ORDER = (130, 2, 1, 12, 10, 11, 4, INCOMPLETE, 0)


def gravest(codes: Iterable[int]) -> int:
    """Give the gravest of several exit codes, 0 for none; one of no known meaning counts as 1."""
    known = [code if code in _ORDER else 1 for code in codes]
    return min(known, key=_ORDER.index, default=0)


EXIT_INTERRUPTED = 130

EXIT_BROKEN_PIPE = 141  # what the shell reports of a program that SIGPIPE has ended
_PASSWORD_IN_URL = re.compile(r"(\w+://[^\s:/@]*:)[^\s@]+@")


def attempt(action: Callable[[], int | None]) -> int:
    """Run something for the operator and give its exit code; every failure becomes a text."""
    try:
        with meanwhile(BORDER, BORDER.get() or Printer()), meanwhile(DEEDS, []):
            code = action()
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{_('interrupted')}\n")
        return EXIT_INTERRUPTED
    except Exit as ending:
        return int(ending.code)
    except Exception as error:  # noqa: BLE001 - here a task ends, whatever happened
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            _drop_output()
            return EXIT_BROKEN_PIPE
        return report(error)
    return code or 0


def report(error: Exception) -> int:
    """Write an error for the operator to standard error and give its exit code."""
    if os.environ.get("GIUCONG_DEBUG"):
        import traceback

        traceback.print_exception(error)
    with suppress(OSError):  # what was told before stands before it, also in one file
        sys.stdout.flush()
    sys.stderr.write(f"{render_error(explained(error))}\n")
    return int(getattr(error, "exit_code", 1))


@contextmanager
def noting(codes: list[int], *more: type[Exception]) -> Iterator[None]:
    """Report what fails within, and note its exit code: what else there is to do goes on."""
    failures: tuple[type[Exception], ...] = (BackupError, OpsError, *more)
    try:
        yield
    except failures as error:
        codes.append(report(error))


def warn(text: str) -> None:
    """Print a line for the operator to standard error, at once."""
    sys.stderr.write(f"{make_visible(text)}\n")
    sys.stderr.flush()


def explained(error: Exception) -> ExplainedError:
    """Give an error that says what, why, whether data is safe and what to do: itself, if it can."""
    if all(hasattr(error, part) for part in ("what", "why", "data", "next_step", "params")):
        return cast("ExplainedError", error)
    return UnexpectedError(error)


class UnexpectedError(OpsError):
    """Something the program was not prepared for: a bug, or a machine in a strange state."""

    def __init__(self, error: Exception) -> None:
        text = _PASSWORD_IN_URL.sub(r"\1***@", str(error))
        super().__init__(
            "something unexpected happened: {kind}",
            why="{text}" if text else "",
            data=DONE,
            next_step="run the command again with --debug and send its output to the maintainers",
            kind=type(error).__name__,
            text=text,
        )


def _nobody_reads() -> bool:
    """Tell whether the reader of standard output has gone, as `head` does when it has enough."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return False
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _fd, event in poll.poll(0))


def _drop_output() -> None:
    """Point standard output to nowhere, so that the interpreter's last flush does not complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
