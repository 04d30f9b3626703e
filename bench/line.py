"""A long line of little bandwidth on the loopback, which loses segments and can be cut.

It works on whole TCP streams, in this process, so that no rights and no kernel modules are needed:

- Rate: the bytes of all connections together pass at it, each way.
- Delay: each piece arrives half a round trip later.
- Loss: a piece that lost a segment keeps its own stream waiting for one more round trip, as a fast
  retransmission does. Congestion windows and the bytes sent twice by the kernel are not imitated.
- Cut: all connections end, what was on its way is lost, and nobody gets through until `mend`, or
  until the cut has lasted so long; a cut of no length lets those through who connect again.
"""

import contextlib
import queue
import random
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

_PIECE = 16_384
_SEGMENT = 1_448
_ON_THE_WAY = 16  # pieces of one stream: what a window of 256 KiB holds


@dataclass(frozen=True, slots=True)
class Quality:
    """How bad a line is.

    Attributes:
        bytes_per_second: Each way; None for as fast as it goes.
        round_trip: Seconds.
        loss: Share of the segments lost, 0 to 1.
    """

    bytes_per_second: float | None = None
    round_trip: float = 0.0
    loss: float = 0.0


PERFECT = Quality()
BAD = Quality(20e6 / 8, 0.040, 0.01)


class BadLine:
    """Carries connections to a port of this machine.

    Attributes:
        port: Where to connect.
        opened: Connections so far.
        cuts: How often it was cut.
    """

    def __init__(self, to_port: int, quality: Quality = PERFECT, *, seed: int = 20241124) -> None:
        self.opened = 0
        self.cuts = 0
        self.quality = quality
        self._to_port = to_port
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        # Of each way, true for up: when it can take the next piece, and the bytes taken so far.
        self._free_at = {True: 0.0, False: 0.0}
        self._taken = {True: 0, False: 0}
        self._cuts_at: dict[bool, list[int]] = {True: [], False: []}
        self._cut_seconds: float | None = None
        self._is_cut = False
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _PIECE * _ON_THE_WAY)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def sent(self) -> int:
        """Bytes that clients have sent over it so far."""
        return self._taken[True]

    @property
    def carried(self) -> int:
        """Bytes that clients were sent over it so far."""
        return self._taken[False]

    def cut_at(self, *sent: int, carried: Sequence[int] = (), seconds: float | None = None) -> None:
        """Cut the line once so many bytes went over it, all in all.

        Args:
            sent: One or several such marks, ascending.
            carried: The same for the other way.
            seconds: How long each cut lasts; None until `mend`.
        """
        self._cuts_at = {True: list(sent), False: list(carried)}
        self._cut_seconds = seconds

    def cut(self) -> None:
        """Cut the line now."""
        with self._lock:
            self._is_cut = self._cut_seconds != 0
            self.cuts += 1
            cut, self._sockets = self._sockets, set()
        for one in cut:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        if self._cut_seconds:
            timer = threading.Timer(self._cut_seconds, self.mend)
            timer.daemon = True
            timer.start()

    def mend(self) -> None:
        """Carry connections again."""
        self._is_cut = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut_seconds = None
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._to_port))
            except OSError:
                client.close()
                continue
            with self._lock:
                refused = self._is_cut
                self._sockets |= set() if refused else {client, server}
                self.opened += 0 if refused else 1
            if refused:
                client.close()
                server.close()
                continue
            ways = threading.Barrier(2, action=partial(self._forget, client, server))
            for start, end, is_up in ((client, server, True), (server, client, False)):
                _Stream(self, start, end, is_up, ways).begin()

    def _forget(self, *ended: socket.socket) -> None:
        with self._lock:
            self._sockets.difference_update(ended)
        for one in ended:
            one.close()

    def take(self, size: int, start: socket.socket, is_up: bool) -> float:
        """Wait until the line has taken a piece from somebody; give when it arrives, monotonic."""
        quality = self.quality
        with self._lock:
            now = time.monotonic()
            ready = max(self._free_at[is_up], now)
            if quality.bytes_per_second:
                ready += size / quality.bytes_per_second
            self._free_at[is_up] = ready
            segments = -(-size // _SEGMENT)
            is_lost = self._random.random() > (1 - quality.loss) ** segments
        time.sleep(max(ready - now, 0.0))
        self._count(size, start, is_up)
        return ready + quality.round_trip * (1.5 if is_lost else 0.5)

    def _count(self, size: int, start: socket.socket, is_up: bool) -> None:
        with self._lock:
            if start not in self._sockets:
                return  # it was cut, and what it still had is lost, even after the line is mended
            self._taken[is_up] += size
            marks = self._cuts_at[is_up]
            is_due = bool(marks) and self._taken[is_up] >= marks[0]
            del marks[: int(is_due)]
        if is_due:
            self.cut()


class _Stream:
    """One way of one connection."""

    def __init__(
        self,
        line: BadLine,
        start: socket.socket,
        end: socket.socket,
        is_up: bool,
        ways: threading.Barrier,
    ) -> None:
        self._line, self._start, self._end, self._is_up = line, start, end, is_up
        self._ways = ways
        self._pieces: queue.Queue[tuple[float, bytes]] = queue.Queue(_ON_THE_WAY)

    def begin(self) -> None:
        for work in (self._take, self._deliver):
            threading.Thread(target=work, daemon=True).start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while piece := self._start.recv(_PIECE):
                self._pieces.put((self._line.take(len(piece), self._start, self._is_up), piece))
        self._pieces.put((0.0, b""))

    def _deliver(self) -> None:
        is_broken = False
        while (due := self._pieces.get())[1]:
            if is_broken:
                continue  # the taker must not wait for room
            time.sleep(max(due[0] - time.monotonic(), 0.0))
            try:
                self._end.sendall(due[1])
            except OSError:
                is_broken = True
                with contextlib.suppress(OSError):
                    self._start.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._end.shutdown(socket.SHUT_WR)
        self._ways.wait()
