"""Start acts warm: fork them from a process that has its imports and no threads, keys or sockets.

The process that the service starts for the office imports all that acts need, then parts: the
office goes on as its child, and it stays behind to fork one process for each act that the office
orders. So an act begins in some hundredths of a second, and shares its memory with the others.

An order is one packet: JSON `{"id": N, "looks": BOOL}`, with descriptors for standard input,
output, errors, then what the act takes. Answers are packets: `{"id": N, "pid": P}` with a
descriptor of the process (pidfd_open(2)), later `{"id": N, "status": S}`.
"""

import gc
import itertools
import json
import os
import select
import signal
import socket
import sys
import threading
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
_NOT_BEGUN = signal.SIGKILL
"""The status (waitpid(2)) of what had no memory to begin with."""

Act = Callable[[list[int]], int]
"""What a forked process does: it gets the descriptors behind the standard streams, and gives the
exit code."""


@dataclass(slots=True)
class Started:
    """A process that was started for an act.

    Attributes:
        ended: Set once it has ended.
        code: Its exit code then; negative for a signal.
        bell: A descriptor that can be read once it has ended (eventfd(2)).
    """

    bell: int = field(default_factory=lambda: os.eventfd(0))
    ended: threading.Event = field(default_factory=threading.Event)
    code: int = 0
    _known: threading.Event = field(default_factory=threading.Event)
    _process: int = -1
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        self._known.wait(10)
        with self._lock, suppress(ProcessLookupError):
            if self._process >= 0:
                signal.pidfd_send_signal(self._process, number)

    def note_process(self, descriptor: int) -> None:
        """Note which process it is."""
        self._process = descriptor
        self._known.set()

    def note_end(self, status: int) -> None:
        """Note that it has ended."""
        with self._lock:
            if self._process >= 0:
                os.close(self._process)
            self._process = -1
        self.code = os.waitstatus_to_exitcode(status)
        self._known.set()
        self.ended.set()
        os.eventfd_write(self.bell, 1)

    def __del__(self) -> None:
        """Close the bell."""
        os.close(self.bell)


class ForkServer:
    """The office's side of it; safe for threads."""

    def __init__(self, orders: socket.socket) -> None:
        """Take the line to the process that forks."""
        self._orders = orders
        self._numbers = itertools.count(1)
        self._started: dict[int, Started] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self, descriptors: Sequence[int], *, looks: bool) -> Started:
        """Have a process started.

        Args:
            descriptors: For its standard streams, then what its act takes; they stay open here.
            looks: Whether it changes nothing, and so is interrupted as soon as the service stops.

        Raises:
            OSError: The process that forks has gone.
        """
        started, number = Started(), next(self._numbers)
        with self._lock:
            self._started[number] = started
            order = json.dumps({"id": number, "looks": looks}).encode()
            socket.send_fds(self._orders, [order], descriptors)
        return started

    def _listen(self) -> None:
        while True:
            try:
                packet, descriptors, _flags, _from = socket.recv_fds(self._orders, _PACKET, 1)
            except OSError:
                packet, descriptors = b"", []
            if not packet:  # it has gone, and they with it
                for it in list(self._started.values()):
                    it.note_end(signal.SIGKILL)
                return
            told = json.loads(packet)
            with self._lock:
                started = self._started[told["id"]]
                if "status" in told:
                    del self._started[told["id"]]
            if descriptors:
                started.note_process(descriptors[0])
            if "status" in told:
                started.note_end(told["status"])


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
    running: dict[int, int] = field(default_factory=dict)
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
        packet = self.orders.recv(_PACKET, socket.MSG_PEEK)
        if not packet:
            return False
        told = json.loads(packet)
        number, parent, (hear, tell) = told["id"], os.getpid(), os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)  # none is for us that the new one gets
        try:
            pid = os.fork()
        except OSError:  # no memory, no process left: this one alone is not begun
            self._tell({"id": number, "status": _NOT_BEGUN})
            pid = -1
        if pid == 0:
            os.close(hear)
            self._become(parent, tell)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
        os.close(tell)
        if not os.read(hear, 1):  # it was killed before it could
            self.orders.recv(_PACKET)
        os.close(hear)
        if pid > 0:
            self.running[pid] = number
            if told["looks"]:
                self.looking.add(pid)
            process = os.pidfd_open(pid)
            self._tell({"id": number, "pid": pid}, process)
            os.close(process)
        return True

    def _tell(self, told: dict[str, int], *descriptors: int) -> None:
        """Tell the office, where it has not gone: acts go on without it."""
        with suppress(OSError):
            socket.send_fds(self.orders, [json.dumps(told).encode()], descriptors)

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
            _order, descriptors, _flags, _from = socket.recv_fds(
                self.orders, _PACKET, MOST_DESCRIPTORS
            )
            os.write(taken, b"x")
            os.close(taken)
            self.orders.close()
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
        """Do the act, and hear from now on who ends it."""
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
            elif (number := self.running.pop(pid, None)) is not None:
                self.looking.discard(pid)
                self._tell({"id": number, "status": status})

    def _send(self, number: int, processes: Iterable[int]) -> None:
        for pid in processes:
            os.kill(pid, number)
