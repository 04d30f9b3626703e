"""Start acts warm: fork them from a process that has its imports and no threads, keys or sockets.

The process that the service starts for the office imports all that acts need, then parts: the
office goes on as its child, and it stays behind to fork one process for each act that the office
orders. So an act begins in some hundredths of a second, and shares its memory with the others.

An order is one packet: `looks` or `changes`, and descriptors: of the act's own line, for standard
input, output, errors, then what the act takes. Over that line come two packets: a descriptor of the
process (pidfd_open(2)), none where it could not be forked; and its status (waitpid(2)).
"""

import gc
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module

from ops.jobs.life import die_with_parent
from ops.terminal.exit_codes import attempt

MOST_DESCRIPTORS = 64
_HEARD = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PACKET = 4_096
_STREAMS = 3
_LAST_SECONDS = 5.0
_INT = struct.Struct("i")
_NOT_BEGUN = signal.SIGKILL
"""The status (waitpid(2)) of what had no memory to begin with."""

Act = Callable[[list[int]], int]
"""What a forked process does: it gets the descriptors behind the standard streams, and gives the
exit code."""


@dataclass(slots=True)
class Started:
    """A process that was started for an act.

    Attributes:
        line: Can be read once it has ended.
        process: A descriptor of it; -1 for none.
        code: Its exit code once its end was waited for; negative for a signal.
    """

    line: socket.socket
    process: int
    code: int = 0

    def send(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.process >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.process, number)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end, in one thread, so long at most; says whether it has ended."""
        if self.line.fileno() >= 0:
            self.line.settimeout(seconds)
            try:
                status = self.line.recv(_PACKET)
            except TimeoutError:
                return False
            self.line.close()
            self.code = os.waitstatus_to_exitcode(int(status or signal.SIGKILL))
        return True

    def __del__(self) -> None:
        """Close what is open."""
        self.line.close()
        if self.process >= 0:
            os.close(self.process)


class ForkServer:
    """The office's side of it; safe for threads."""

    def __init__(self, orders: socket.socket) -> None:
        """Take the line to the process that forks."""
        self._orders = orders

    def start(self, descriptors: Sequence[int], *, looks: bool) -> Started:
        """Have a process started.

        Args:
            descriptors: For its standard streams, then what its act takes; they stay open here.
            looks: Whether it changes nothing, and so is interrupted as soon as the service stops.

        Raises:
            OSError: The process that forks has gone.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            order = b"looks" if looks else b"changes"
            socket.send_fds(self._orders, [order], [theirs.fileno(), *descriptors])
        _told, process, _flags, _from = socket.recv_fds(ours, _PACKET, 1)
        return Started(ours, process[0] if process else -1)


def warm_up(modules: Iterable[str]) -> None:
    """Import what acts need; what is imported stays shared with what is forked."""
    for name in modules:
        import_module(name)
    gc.collect()
    gc.freeze()


def serve_forks(orders: socket.socket, act: Act, *, grace: float, office: int = 0) -> int:
    """Fork a process for each order; comes back when it is asked to end, and all have ended.

    In a forked process it does not come back: that one ends with its act.

    Args:
        orders: From the office; when it closes, nothing more is started.
        act: What a forked process does.
        grace: So many seconds acts may go on where the office has gone by itself.
        office: The child that orders, which is asked to end first; 0 where it is none of ours.

    Returns:
        The exit status of that child; 0 without one.
    """
    server = _Server(orders, act, grace, office)
    return server.run()


@dataclass(slots=True)
class _Server:
    orders: socket.socket
    act: Act
    grace: float
    office: int
    running: dict[int, socket.socket] = field(default_factory=dict)
    looking: set[int] = field(default_factory=set)
    status: int = 0
    is_asked: bool = False

    def run(self) -> int:
        bell, ring = socket.socketpair()
        with bell, ring:
            ring.setblocking(False)  # noqa: FBT003 - its only way
            signal.set_wakeup_fd(ring.fileno(), warn_on_full_buffer=False)
            for number in _HEARD:
                signal.signal(number, self._note)
            is_open = True
            while is_open or self.office or self.running:
                heard = [bell, *([self.orders] if is_open else [])]
                ready, _, _ = select.select(heard, [], [], None if is_open else self.patience)
                if bell in ready:
                    bell.recv(_PACKET)
                self._reap()
                if self.orders in ready and not (is_open := self._take()):
                    self._send(signal.SIGINT, self.running if self.is_asked else self.looking)
                if not is_open and not ready:
                    self._send(signal.SIGKILL if self.is_asked else signal.SIGINT, self.running)
                    self.is_asked = True
        return self.status

    @property
    def patience(self) -> float:
        """So long what runs without an office may go on; it has waited where it was asked to."""
        return _LAST_SECONDS if self.is_asked else self.grace

    def _note(self, number: int, _frame: object) -> None:
        if number == signal.SIGTERM:
            self.is_asked = True
            if self.office:
                os.kill(self.office, signal.SIGTERM)

    def _take(self) -> bool:
        """Fork for the next order; gives whether more may come.

        The new process itself takes what came along: to close a person's file can take for ever
        (SO_LINGER, a file system in user space), here for everybody.
        """
        room = socket.CMSG_LEN(_INT.size)
        order, lines, _flags, _from = self.orders.recvmsg(_PACKET, room, socket.MSG_PEEK)
        if not order:
            return False
        line = socket.socket(fileno=_INT.unpack(lines[0][2])[0])
        parent, (hear, tell) = os.getpid(), os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)  # none is for us that the new one gets
        try:
            pid = os.fork()
        except OSError:  # no memory, no process left: this one alone is not begun
            pid = -1
        if pid == 0:
            os.close(hear)
            self._become(parent, tell)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
        os.close(tell)
        if not os.read(hear, 1):  # it was killed before it could
            self.orders.recv(_PACKET)
        os.close(hear)
        if pid < 0:
            _tell(line, b"none")
            _tell_end(line, _NOT_BEGUN)
            return True
        self.running[pid] = line
        if order == b"looks":
            self.looking.add(pid)
        process = os.pidfd_open(pid)
        _tell(line, b"begun", process)
        os.close(process)
        return True

    def _become(self, parent: int, taken: int) -> None:
        """Do the act and end, in the forked process."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            for number in (signal.SIGTERM, signal.SIGINT):  # both end as Ctrl-C does
                signal.signal(number, signal.default_int_handler)
            os.setsid()
            die_with_parent(parent)
            _order, (line, *descriptors), _flags, _from = socket.recv_fds(
                self.orders, _PACKET, 1 + MOST_DESCRIPTORS
            )
            os.write(taken, b"x")
            os.close(taken)
            os.close(line)
            for other in (self.orders, *self.running.values()):
                other.close()
            for wanted, it in enumerate(descriptors[:_STREAMS]):
                os.dup2(it, wanted)
                os.close(it)
            code = attempt(lambda: self._do(descriptors[_STREAMS:]))
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else 1
        finally:
            with suppress(Exception):
                sys.stdout.flush()
            with suppress(Exception):
                sys.stderr.flush()
            os._exit(code)

    def _do(self, descriptors: list[int]) -> int:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
        return self.act(descriptors)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.office:
                self.office, self.status = 0, status
            elif line := self.running.pop(pid, None):
                self.looking.discard(pid)
                _tell_end(line, status)

    def _send(self, number: int, processes: Iterable[int]) -> None:
        for pid in processes:
            os.kill(pid, number)


def _tell(line: socket.socket, told: bytes, *descriptors: int) -> None:
    """Tell the office, where it has not gone: acts go on without it."""
    with suppress(OSError):
        socket.send_fds(line, [told], descriptors)


def _tell_end(line: socket.socket, status: int) -> None:
    _tell(line, b"%d" % status)
    line.close()
