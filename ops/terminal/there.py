"""A part of an act that the process of who types does itself, with that person's rights.

The act asks over its line to that process (`ops.terminal.elsewhere`): a packet with an open file
that holds the order, then whatever descriptors the order is about. Packets come back: lines
for people, how far it is, and one that ends it. The order is data alone: what it is done to, the
person has typed. What comes back is that person's word, bounded, and believed as little.
"""

import fcntl
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import msgspec

from backup.errors import BackupError
from backup.progress import Progress
from ops.errors import OpsError, WrongUseError
from ops.language.causes import tell_error
from ops.meanwhile import meanwhile
from ops.terminal.document import describe_error, said_error
from ops.terminal.elsewhere import PACKET, line_of_typist
from ops.terminal.exchange import broken_off
from ops.terminal.exit_codes import explained
from ops.terminal.output import BORDER, Block, write_line
from ops.terminal.printer import Printer, plain_text
from ops.terminal.progress import Counting

Work = Callable[[bytes, list[int], Progress], bytes]
"""What is done there: it gets the order, descriptors that are its own now, and who is told."""

Answer = TypeVar("Answer")

_MOST_ORDER = 8 << 20
_MOST_LINES = 10_000
_MOST_FAILURES = 100
_LONGEST = 4_000
_BEAT_SECONDS, _MOST_SILENT_SECONDS = 30.0, 900.0
"""How often that process says that it is there; who stands still holds the act, and its locks, no
longer."""


class FailedThereError(OpsError):
    """What the person's own process could not do, in its words."""


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A packet; one of its fields is there."""

    line: str | None = None
    start: tuple[str, int | None, str, int | None] | None = None
    advance: tuple[int, int] | None = None
    expect: tuple[int, int] | None = None
    finish: bool = False
    failed: tuple[str, str, str] | None = None
    note: str | None = None
    refused: dict[str, str] | None = None
    code: int = 1
    done: str | None = None


# In the act ---------------------------------------------------------------------------------------


def do_there(
    order: bytes, ends: Sequence[socket.socket], progress: Progress, answer: type[Answer]
) -> Answer:
    """Have the person's process do its part; gives what it says came of it.

    Args:
        order: What is to be done.
        ends: Sockets for it; closed here once they are sent.
        progress: Told how far it is.
        answer: The form of what comes of it.

    Raises:
        FailedThereError, WrongUseError: It could not, and says why; or it makes no sense.
        BrokenOffError: It has gone.
    """
    line = line_of_typist()
    file = os.memfd_create("order", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with os.fdopen(os.dup(file), "wb") as writing:
            writing.write(order)
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK)
        socket.send_fds(line, [b"{}"], [file, *(it.fileno() for it in ends)])
    finally:
        os.close(file)
        for it in ends:
            it.close()
    line.settimeout(_MOST_SILENT_SECONDS)
    try:
        return msgspec.json.decode(_hear(line, progress), type=answer)
    except TimeoutError as error:
        raise FailedThereError(
            "your own process says nothing any more",
            data="what was written so far stays",
            next_step="type the same command again",
        ) from error
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise _unreadable() from error
    finally:
        line.settimeout(None)


def _hear(line: socket.socket, progress: Progress) -> bytes:
    lines = 0
    while True:
        try:
            packet = line.recv(PACKET)
        except ConnectionError:
            packet = b""
        if not packet:
            raise broken_off()
        told = msgspec.json.decode(packet, type=_Told)
        lines += told.line is not None or told.note is not None or told.failed is not None
        if lines > _MOST_LINES:
            raise _unreadable()
        if told.done is not None:
            return told.done.encode()
        _pass_on(told, progress)


def _pass_on(told: _Told, progress: Progress) -> None:
    """Pass on what is said; raise what was refused."""
    if told.refused is not None:
        is_wrong_use = told.code == WrongUseError.exit_code
        raise said_error(told.refused, WrongUseError if is_wrong_use else FailedThereError)
    if told.line is not None:
        write_line(told.line)
    if told.note is not None:
        progress.note(told.note)
    if told.failed is not None:
        path, during, reason = told.failed
        error = BackupError("{reason}", reason=reason[:_LONGEST])
        progress.item_error(os.fsencode(path), during, error)
    _pass_figures_on(told, progress)


def _pass_figures_on(told: _Told, progress: Progress) -> None:
    if told.start is not None:
        stage, total, unit, items = told.start
        progress.start(stage, total, unit, items=items)
    if told.advance is not None:
        progress.advance(told.advance[0], items=told.advance[1])
    if told.expect is not None:
        progress.expect(told.expect[0], items=told.expect[1])
    if told.finish:
        progress.finish()


def _unreadable() -> OpsError:
    return FailedThereError(
        "what your own process says makes no sense",
        why="this program and the service may be of different versions",
        data="what was written so far stays",
        next_step="`{program} --version`; then restart the service: `systemctl restart giucong`",
    )


# In the process of who types ----------------------------------------------------------------------


def do_here(line: socket.socket, work: Work, descriptors: list[int]) -> None:
    """Do a part of an act, and say what came of it.

    Args:
        line: To the act.
        work: What is done.
        descriptors: As they came; the first holds the order.

    Raises:
        OSError: The act has gone.
    """
    told = _Teller(line)
    try:
        with os.fdopen(descriptors[0], "rb") as file:
            file.seek(0)
            order = file.read(_MOST_ORDER)
        with _beating(line), meanwhile(BORDER, _Lines(told.say)):
            done = work(order, descriptors[1:], told)
    except Exception as error:  # noqa: BLE001 - whatever it is, the act says it
        described = describe_error(explained(error))
        del described["values"]
        said = {part: str(it)[:_LONGEST] for part, it in described.items()}
        told.say(refused=said, code=int(getattr(error, "exit_code", 1)))
    else:
        told.say(done=done.decode())


@contextmanager
def _beating(line: socket.socket) -> Iterator[None]:
    """Say now and then that this process is there: a large file takes long, and is told whole."""
    is_done = threading.Event()

    def beat() -> None:
        with suppress(OSError):  # the act has gone, and the work hears that itself
            while not is_done.wait(_BEAT_SECONDS):
                line.send(b"{}")

    beater = threading.Thread(target=beat, daemon=True)
    beater.start()
    try:
        yield
    finally:
        is_done.set()
        beater.join()


class _Lines(Printer):
    """The border whose lines for people are sent to the act."""

    def __init__(self, say: Callable[..., None]) -> None:
        self._say = say

    def is_terminal(self) -> bool:
        """Tell that nothing is drawn."""
        return False

    def show(self, block: Block) -> None:
        """Send it."""
        for it in plain_text(block).removesuffix("\n").split("\n"):
            self._say(line=it[:_LONGEST])


class _Teller(Counting):
    """A progress that tells the act; once that has gone, it ends the work."""

    _every_seconds = 0.1

    def __init__(self, line: socket.socket) -> None:
        super().__init__()
        self._line = line

    def say(self, **told: Any) -> None:
        """Send a packet."""
        self._line.send(msgspec.json.encode(_Told(**told)))

    def start(self, stage: str, total: int | None, unit: str, *, items: int | None = None) -> None:
        """Tell it."""
        super().start(stage, total, unit, items=items)
        self.say(start=(stage, total, unit, items))

    def _show(self) -> None:
        self.say(advance=(self._done, self._items))
        self._done = self._items = 0

    def expect(self, total: int, *, items: int) -> None:
        """Tell it."""
        self.say(expect=(total, items))

    def finish(self) -> None:
        """Tell it."""
        self._show()
        self.say(finish=True)

    def item_error(self, path: bytes, during: str, error: Exception) -> None:
        """Tell the first ones."""
        self._errors += 1
        if self._errors > _MOST_FAILURES:  # the result counts them all
            return
        shown = path[:_LONGEST].decode("utf-8", "backslashreplace")
        self.say(failed=(shown, during, tell_error(error)[:_LONGEST]))

    def note(self, text: str) -> None:
        """Tell it."""
        self.say(note=text)
