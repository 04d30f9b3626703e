"""A TCP line on the loopback that a test can cut, and that counts what it carries."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

_CHUNK = 65_536


class TcpLine:
    """Carries connections to a port of this machine until they are cut.

    Attributes:
        port: Where to connect.
        carried: Bytes carried to the client so far.
        sent: Bytes carried from the client so far.
        opened: Connections so far.
    """

    def __init__(self, to_port: int) -> None:
        self.carried = 0
        self.sent = 0
        self.opened = 0
        self._to_port = to_port
        self._cut_at: int | None = None
        self._cut_sent_at: int | None = None
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Cut every connection now; new ones are carried."""
        with self._lock:
            cut, self._sockets = self._sockets, set()
        for one in cut:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def cut_after(self, *, carried: int | None = None, sent: int | None = None) -> None:
        """Cut all connections once so many more bytes went to the client, or came from it."""
        if carried is not None:
            self._cut_at = self.carried + carried
        if sent is not None:
            self._cut_sent_at = self.sent + sent

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
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to_port))
            except OSError:
                return
            self.opened += 1
            with self._lock:
                self._sockets |= {client, server}
            for pair in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, start: socket.socket, end: socket.socket, to_client: bool) -> None:
        with contextlib.suppress(OSError):
            while data := start.recv(_CHUNK):
                end.sendall(data)
                self._count(len(data), to_client)
        for one in (start, end):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _count(self, size: int, to_client: bool) -> None:
        if to_client:
            self.carried += size
            due = self._cut_at is not None and self.carried >= self._cut_at
        else:
            self.sent += size
            due = self._cut_sent_at is not None and self.sent >= self._cut_sent_at
        if due:
            self._cut_at = self._cut_sent_at = None
            self.cut()
