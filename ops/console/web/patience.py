"""How long a browser is waited for: who says nothing, or reads nothing, does not keep a connection.

uvicorn itself bounds only the pause between two requests.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle


class PatientProtocol(H11Protocol):
    """A connection that ends when a request's head does not come, or an answer is not taken.

    Attributes:
        head_seconds: From the connection, or a head's first byte, to its end.
        read_seconds: Until what was written is taken, down to a few KiB.
    """

    head_seconds = 15.0
    read_seconds = 60.0
    _head: asyncio.TimerHandle | None = None
    _written: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # of uvicorn
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._head = self.loop.call_later(self.head_seconds, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        super().connection_lost(exc)
        _cancel(self._head, self._written)
        self._head = self._written = None

    def data_received(self, data: bytes) -> None:
        """Take what came; a head that is begun has to end in time."""
        super().data_received(data)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            _cancel(self._head)
            self._head = None
        elif self._head is None and not self.transport.is_closing():
            self._head = self.loop.call_later(self.head_seconds, self.transport.abort)

    def pause_writing(self) -> None:
        """Begin to wait for the browser to take what was written."""
        super().pause_writing()
        self._written = self.loop.call_later(self.read_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Wait no more."""
        super().resume_writing()
        _cancel(self._written)
        self._written = None

    def timeout_keep_alive_handler(self) -> None:
        """Close what is idle, also where the last answer was never taken."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(self.head_seconds, self.transport.abort)


def _cancel(*timers: asyncio.TimerHandle | None) -> None:
    for timer in timers:
        if timer is not None:
            timer.cancel()
