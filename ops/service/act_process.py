"""One act: a process that runs one task for somebody, at the console or at a terminal elsewhere.

Forked by `ops.console.office.fork_server` with the descriptors that the office gives it: the order,
which may hold a password, then a person's files. For the console the task's document goes to
standard output, what it says meanwhile to standard error, and there is nobody to ask. At a terminal
the streams are that person's: what they see and type.
"""

import errno
import io
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.access.caller import acting_for
from ops.access.identity import carry_out
from ops.access.prompts import typed_before
from ops.console.office.order import AtTerminal, Order, parse_order
from ops.language.text import speaking
from ops.secret_files import open_secret
from ops.service.given_files import placed_files
from ops.terminal.document import tell_as_asked, write_document
from ops.terminal.elsewhere import BARE, COMPLETE, opening_through, take_terminal
from ops.terminal.exit_codes import attempt
from ops.terminal.output import write_line
from ops.terminal.task import find_task

_Values = Mapping[str, Any]


def do_act(descriptors: list[int]) -> int:
    """Do the act that the first descriptor holds; gives its exit code."""
    with os.fdopen(descriptors[0], "rb") as file:
        file.seek(0)
        order = parse_order(file.read())
    os.environ["GIUCONG_LANG"] = order.language  # for what it starts
    terminal = order.terminal
    with speaking(order.language), acting_for(order.caller):
        if terminal is None:
            _take_streams()
            is_rehearsal = bool(order.values.get("dry_run"))
            return write_document(lambda: _run_form(order), dry_run=is_rehearsal)
        _take_terminal(terminal)
        return _run_typed(order, terminal, descriptors[1:])


def looks_only(order: Order) -> bool:
    """Say whether an act changes nothing, so that it ends where nobody waits for it any more."""
    is_no_task = order.task in {BARE, COMPLETE}
    return is_no_task or find_task(order.task).looks_only(order.values)


def _run_typed(order: Order, terminal: AtTerminal, descriptors: list[int]) -> int:
    if order.task == BARE:
        from ops.status.cli import show_bare

        return attempt(show_bare)
    if order.task == COMPLETE:
        return attempt(lambda: _complete(order))
    task = find_task(order.task)

    def run() -> int | None:
        with ExitStack() as held:
            line = socket.socket(fileno=os.dup(descriptors[terminal.opener]))
            held.enter_context(opening_through(held.enter_context(line)))
            placed = placed_files(terminal, order.values, descriptors)
            is_lasting = not looks_only(order)
            return carry_out(task, order.values, _lasting(placed) if is_lasting else placed)

    return tell_as_asked(run, order.values)


def _complete(order: Order) -> None:
    from ops.service.completion import list_values

    for it in list_values(**order.values):
        write_line(it)


def _run_form(order: Order) -> int | None:
    with _proving(order) as values, typed_before(order.typed):
        return carry_out(find_task(order.task), values)


@contextmanager
def _proving(order: Order) -> Iterator[Mapping[str, Any]]:
    """Give the task's parameters, with the file that proves."""
    if order.proof is None or not order.proof_flag:
        yield order.values
        return
    with open_secret("\n".join(order.proof)) as descriptor:
        yield {**order.values, order.proof_flag: f"/dev/fd/{descriptor}"}


@contextmanager
def _lasting(placed: AbstractContextManager[_Values]) -> Iterator[_Values]:
    """Go on when the terminal has gone, from when the person's files are here; until then end."""
    with placed as given:
        signal.signal(signal.SIGHUP, _let_go)
        yield given


def _take_terminal(terminal: AtTerminal) -> None:
    """Take a person's terminal for our own."""
    os.environ.update(terminal.environment)
    sys.argv = [terminal.program]
    take_terminal()
    _take_streams()


def _take_streams() -> None:
    """Make Python's streams anew: those that were there belong to who was forked."""
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115 - it stays open
    for stream, name in ((1, "stdout"), (2, "stderr")):
        raw = _Lasting(stream, "wb", closefd=False)
        text = io.TextIOWrapper(
            io.BufferedWriter(raw),
            "utf-8",
            "backslashreplace",
            line_buffering=name == "stderr" or os.isatty(stream),
        )
        setattr(sys, name, text)


class _Lasting(io.FileIO):
    """A stream whose reader may go: of an act that goes on, what is written then is nobody's."""

    def write(self, data: Any, /) -> int:
        """Write, or let go of who is no more there."""
        try:
            return super().write(data)
        except OSError as error:
            has_gone = error.errno in {errno.EIO, errno.EPIPE}
            if signal.getsignal(signal.SIGHUP) != _let_go or not has_gone:
                raise
            _let_go(signal.SIGHUP, None)
            return len(data)


def _let_go(_number: int, _frame: object) -> None:
    """Go on without the terminal."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    os.close(nowhere)
