"""Hand a terminal over without handing it over: one of our making goes along, and we carry between.

So nothing of the service ever holds the person's terminal, could read what is typed after the act,
or write there once the person has gone. What is no terminal goes along as it is.
"""

import fcntl
import os
import pty
import select
import signal
import socket
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ops.terminal.elsewhere import WasTyped

_CHUNK = 1 << 16


@contextmanager
def handed_streams() -> Iterator[tuple[list[int], "Pump"]]:
    """Give the streams that go along: this process's own, but a terminal of ours for a terminal."""
    at_terminal = [it for it in range(3) if os.isatty(it)]
    if not at_terminal:
        yield [0, 1, 2], Pump(-1, [])
        return
    ours, theirs = pty.openpty()
    try:
        yield (
            [theirs if it in at_terminal else it for it in range(3)],
            Pump(ours, at_terminal, theirs),
        )
    finally:
        os.close(ours)


@dataclass(slots=True)
class Pump:
    """Carries between the person's terminal and the one that goes along.

    Attributes:
        ours: This side of the terminal of our making; -1 without one.
        at_terminal: Which of the standard streams are the person's terminal.
        theirs: The other side.
    """

    ours: int
    at_terminal: list[int]
    theirs: int = -1

    def run(self, end: socket.socket | int, noted: WasTyped, cancel: Callable[[], object]) -> None:
        """Carry until the act has ended.

        Args:
            end: Can be read then: the line to the service, or a descriptor of a process.
            noted: Notes what is typed.
            cancel: Tells it of Ctrl-C, where no terminal of ours hears that.
        """
        with self._raw():
            if self.theirs >= 0:
                os.close(self.theirs)
            self._carry(end, noted, cancel)

    def _carry(
        self, end: socket.socket | int, noted: WasTyped, cancel: Callable[[], object]
    ) -> None:
        waiting: list[Any] = [end]
        if self.ours >= 0:
            waiting += [self.ours, *(it for it in self.at_terminal if it == 0)]
        while True:
            try:
                ready, _, _ = select.select(waiting, [], [])
            except KeyboardInterrupt:
                cancel()
                continue
            if 0 in ready and not self._type(noted):
                waiting.remove(0)
            if self.ours in ready and not self._show():
                waiting.remove(self.ours)
            if end in ready:
                while self._has_more() and self._show():
                    pass
                return

    def _has_more(self) -> bool:
        return self.ours >= 0 and bool(select.select([self.ours], [], [], 0)[0])

    def _type(self, noted: WasTyped) -> bool:
        typed = os.read(0, _CHUNK)
        noted.note(typed)
        if typed:
            os.write(self.ours, typed)
        return bool(typed)

    def _show(self) -> bool:
        try:
            told = os.read(self.ours, _CHUNK)
        except OSError:  # nobody has the other side open any more
            return False
        target = 1 if 1 in self.at_terminal else self.at_terminal[-1]
        while told:
            told = told[os.write(target, told) :]
        return True

    @contextmanager
    def _raw(self) -> Iterator[None]:
        """Let our terminal do what the person's does, and that one nothing meanwhile."""
        if not self.at_terminal:
            yield
            return
        person = self.at_terminal[0]
        before = termios.tcgetattr(person)
        termios.tcsetattr(self.ours, termios.TCSANOW, before)

        def fit(*_told: object) -> None:
            size = fcntl.ioctl(person, termios.TIOCGWINSZ, bytes(8))
            fcntl.ioctl(self.ours, termios.TIOCSWINSZ, size)

        fit()
        resized = signal.signal(signal.SIGWINCH, fit)
        try:
            if 0 in self.at_terminal:
                tty.setraw(person)
            yield
        finally:
            termios.tcsetattr(person, termios.TCSADRAIN, before)
            signal.signal(signal.SIGWINCH, resized)
