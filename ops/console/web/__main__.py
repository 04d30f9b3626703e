"""The web process: `python -m ops.console.web SOCKET LISTEN CAPTURED [--proxy ADDRESS] ...`.

It waits for a browser so long and no longer: who says nothing, or reads nothing, does not keep a
connection. uvicorn itself bounds only the pause between two requests.
"""

import argparse
import asyncio
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from backup.workers.core_dumps import forbid_core_dumps
from ops.console.web.app import make_app
from ops.console.web.captured import make_captured_app


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


def main() -> None:
    """Serve until a signal ends it."""
    read = argparse.ArgumentParser("ops.console.web", allow_abbrev=False)
    for name in ("socket", "listen", "captured"):
        read.add_argument(name)
    read.add_argument("--proxy", default="")
    read.add_argument("--captured-at", default="")
    forbid_core_dumps()
    asyncio.run(_serve(read.parse_args()))


async def _serve(given: argparse.Namespace) -> None:
    """Serve the pages, and apart from them what was captured of others."""
    socket, port = Path(given.socket), given.captured.rpartition(":")[2]
    pages = make_app(socket, given.captured_at or port)
    apps = (pages, given.listen), (make_captured_app(socket), given.captured)
    await asyncio.gather(*(_server(app, at, given.proxy).serve() for app, at in apps))


def _server(app: ASGIApp, listen: str, proxy: str) -> uvicorn.Server:
    host, _colon, port = listen.rpartition(":")
    return uvicorn.Server(configure(app, host.strip("[]"), int(port), proxy))


def configure(app: ASGIApp, host: str, port: int, proxy: str = "") -> uvicorn.Config:
    """Give how browsers are served; a proxy that is named says who they are, and nobody else."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        date_header=True,
        proxy_headers=bool(proxy),
        forwarded_allow_ips=proxy,
        timeout_keep_alive=20,
        limit_concurrency=200,
        h11_max_incomplete_event_size=64 * 1024,
        lifespan="off",
        ws="none",
        http=PatientProtocol,
    )


if __name__ == "__main__":
    main()
