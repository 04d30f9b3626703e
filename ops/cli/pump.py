"""Hand a terminal over without handing it over: one of our making goes along, and we carry between.

So nothing of the service ever holds the person's terminal, could read what is typed after the act,
or write there once the person has gone. For a file, a device or a socket to write to a pipe goes
along: who had the file itself could empty a log that is appended to. A pipe goes along as it is.
"""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import socket
import stat
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any

from ops.language.text import _
from ops.terminal.elsewhere import WasTyped

_CHUNK = 1 << 16
_MOST_LEFT = (1 << 20) // _CHUNK + 1  # a pipe holds 1 MiB at most: pipe-max-size in proc(5)
_LOOK_SECONDS = 0.5
"""So soon we see that the shell has brought us to the foreground."""

_LOCAL, _CHARACTERS = 3, 6  # of what termios.tcgetattr gives
_SHOW_CURSOR = b"\x1b[?25h"

_CELLS = r"\x1b\[[0-9;]{0,40}[A-HJKm]"
"""Colours, moves of the cursor, what is wiped (ECMA-48: SGR, CUU to CUP, ED, EL)."""

_CURSOR = r"\x1b\[\?(?:7|25)[hl]"
"""Whether lines wrap, and the cursor is seen."""

_COMMANDS = re.compile(rf"({_CELLS}|{_CURSOR})|[\x00-\x06\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BEGUN = re.compile(r"\x1b(?:\[\??[0-9;]{0,40})?\Z")
_SIGNS = 0x2400


class Screen:
    """Lets through what a terminal only shows: text, its colours and the cursor's moves.

    A terminal does more when it is told to: it gives the clipboard, types answers to questions as
    if the person had, changes modes that stay when the act has ended. An escape that begins
    anything else than what our own acts write is shown as a sign, and what follows it is text.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = ""

    def pass_on(self, told: bytes) -> bytes:
        """Give what may be written now; the beginning of a command waits for the rest of it."""
        text = self._begun + self._decoder.decode(told)
        begun = _BEGUN.search(text)
        end = begun.start() if begun else len(text)
        text, self._begun = text[:end], text[end:]
        return _COMMANDS.sub(lambda found: found[1] or _sign_of(found[0]), text).encode()


def _sign_of(command: str) -> str:
    code = ord(command)
    if code == 0x7F:  # noqa: PLR2004 - DEL
        return "\u2421"
    return chr(_SIGNS + code) if code < ord(" ") else "\ufffd"


@contextmanager
def handed_streams() -> Iterator[tuple[list[int], "Pump"]]:
    """Give the streams that go along: this process's own where they are pipes, else ones of ours.

    The pump closes those of ours that go along when it runs.
    """
    at_terminal = [it for it in range(3) if os.isatty(it)]
    ours, theirs = pty.openpty() if at_terminal else (-1, -1)
    streams = [theirs if it in at_terminal else it for it in range(3)]
    pump = Pump(ours, at_terminal, [theirs] if at_terminal else [])
    for it in (1, 2):
        if streams[it] == theirs or _is_pipe(it):
            continue
        if it == 2 and pump.carried and os.path.sameopenfile(1, 2):  # noqa: PLR2004 - standard error
            streams[2] = streams[1]
            continue
        end, streams[it] = os.pipe()
        pump.carried[end] = it
        pump.given.append(streams[it])
    try:
        yield streams, pump
    finally:
        for end in (*pump.carried, *([ours] if at_terminal else [])):
            os.close(end)


def _is_pipe(stream: int) -> bool:
    return stat.S_ISFIFO(os.fstat(stream).st_mode)


@dataclass(slots=True)
class Pump:
    """Carries between the person's terminal and the one that goes along.

    Attributes:
        ours: This side of the terminal of our making; -1 without one.
        at_terminal: Which of the standard streams are the person's terminal.
        given: What goes along and is of our making.
        carried: The ends of our pipes, and to which standard stream each leads.
        screen: Looks at what goes to the person's terminal.
        failed: Why a stream takes nothing any more.
    """

    ours: int
    at_terminal: list[int]
    given: list[int] = field(default_factory=list)
    carried: dict[int, int] = field(default_factory=dict)
    screen: Screen = field(default_factory=Screen)
    failed: OSError | None = None
    _before: list[Any] = field(default_factory=list)
    _is_raw: bool = False
    _is_asked: bool = False

    def run(self, end: socket.socket | int, noted: WasTyped, cancel: Callable[[], object]) -> None:
        """Carry until the act has ended.

        Args:
            end: Can be read then: the line to the service, or a descriptor of a process.
            noted: Notes what is typed.
            cancel: Tells it of Ctrl-C, where no terminal of ours hears that.

        Raises:
            OSError: One of this process's streams takes nothing any more; the act has ended.
        """
        with self._fitted():
            for it in self.given:
                os.close(it)
            self._carry(end, noted, cancel)
        if self.failed is not None:
            raise self.failed

    def _carry(
        self, end: socket.socket | int, noted: WasTyped, cancel: Callable[[], object]
    ) -> None:
        sources = self._sources(noted)
        while True:
            self._set(is_raw=0 in sources and self._wants_raw())
            waiting = [it for it in sources if it or self._is_raw]
            try:
                ready = select.select([end, *waiting], [], [], _LOOK_SECONDS)[0]
            except KeyboardInterrupt:
                cancel()
                continue
            for it in [it for it in sources if it in ready]:
                if not sources[it]():
                    del sources[it]
            if end in ready:
                break
        sources.pop(0, None)
        _drain(sources)

    def _sources(self, noted: WasTyped) -> dict[int, Callable[[], bool]]:
        """Give what is carried: by descriptor, who carries once and says if more may come."""
        sources: dict[int, Callable[[], bool]] = {}
        for it in self.carried:
            sources[it] = partial(self._write_on, it)
        if self.ours >= 0:
            sources[self.ours] = self._show
        if 0 in self.at_terminal:
            sources[0] = partial(self._type, noted)
        return sources

    def _write_on(self, pipe: int) -> bool:
        """Carry on what came through a pipe; gives whether more may come."""
        told = os.read(pipe, _CHUNK)
        try:
            _write_all(self.carried[pipe], told)
        except OSError as error:  # full, or gone: the act hears it, too
            self.failed = error
            del self.carried[pipe]
            os.close(pipe)
            return False
        return bool(told)

    def _wants_raw(self) -> bool:
        """Say whether what is typed now is the act's.

        Not in the background; and where what it writes goes to another program, a pager perhaps,
        only while it has asked something.
        """
        if not (1 in self.at_terminal or self._is_asked):
            return False
        with suppress(OSError):
            return os.tcgetpgrp(self.at_terminal[0]) == os.getpgrp()
        return False

    def _type(self, noted: WasTyped) -> bool:
        typed = os.read(0, _CHUNK)
        noted.note(typed)
        now, suspend, after = typed.partition(self._before[_CHARACTERS][termios.VSUSP])
        if suspend and termios.tcgetattr(self.ours)[_LOCAL] & termios.ISIG:
            os.write(self.ours, now + after)
            self._stop_a_while()
        elif typed:
            os.write(self.ours, typed)
        return bool(typed)

    def _stop_a_while(self) -> None:
        self._set(is_raw=False)
        sys.stderr.write("\n" + _("what was typed goes on; `fg` comes back to it") + "\n")
        os.killpg(os.getpgrp(), signal.SIGTSTP)

    def _show(self) -> bool:
        try:
            told = os.read(self.ours, _CHUNK)
        except OSError:  # nobody has the other side open any more
            return False
        if told.endswith((b": ", b"? ")) or b"\n" in told:
            self._is_asked = not told.endswith(b"\n")
        target = 1 if 1 in self.at_terminal else self.at_terminal[-1]
        _write_all(target, self.screen.pass_on(told))
        return True

    def _set(self, *, is_raw: bool) -> None:
        """Have the person's terminal do nothing by itself, so that ours does all; or as before."""
        if is_raw == self._is_raw:
            return
        person = self.at_terminal[0]
        if is_raw:
            tty.setraw(person)
        else:
            termios.tcsetattr(person, termios.TCSADRAIN, self._before)
        self._is_raw = is_raw

    @contextmanager
    def _fitted(self) -> Iterator[None]:
        """Let our terminal be as the person's is, and that one be so again whatever ends us."""
        if not self.at_terminal:
            yield
            return
        person = self.at_terminal[0]
        self._before = termios.tcgetattr(person)
        termios.tcsetattr(self.ours, termios.TCSANOW, self._before)

        def fit(*_told: object) -> None:
            size = fcntl.ioctl(person, termios.TIOCGWINSZ, bytes(8))
            fcntl.ioctl(self.ours, termios.TIOCSWINSZ, size)

        def end(number: int, frame: FrameType | None) -> None:
            if callable(before := heard[number]):  # who waits for the act passes it on
                before(number, frame)
                return
            with suppress(OSError, termios.error):  # the terminal may have gone
                self._set(is_raw=False)
                os.write(self.at_terminal[-1], _SHOW_CURSOR)
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

        fit()
        ending = (signal.SIGTERM, signal.SIGHUP)
        heard: dict[int, Any] = {it: signal.signal(it, end) for it in ending}
        heard[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, fit)
        try:
            yield
        finally:
            self._set(is_raw=False)
            for number, before in heard.items():
                signal.signal(number, before)


def _has_more(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


def _write_all(target: int, told: bytes) -> None:
    while told:
        told = told[os.write(target, told) :]


def _drain(sources: Mapping[int, Callable[[], bool]]) -> None:
    """Carry what was written before the end; who goes on writing after it is not waited for."""
    for it, carry in sources.items():
        for _piece in range(_MOST_LEFT):
            if not (_has_more(it) and carry()):
                break
