"""The web process: `python -m ops.console.web SOCKET LISTEN CAPTURED`."""

import asyncio
import sys
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from backup.workers.core_dumps import forbid_core_dumps
from ops.console.web.app import make_app
from ops.console.web.captured import make_captured_app
from ops.console.web.patience import PatientProtocol


def main(socket: str, listen: str, captured: str) -> None:
    """Serve until a signal ends it."""
    forbid_core_dumps()
    asyncio.run(_serve(Path(socket), listen, captured))


async def _serve(socket: Path, listen: str, captured: str) -> None:
    """Serve the pages, and apart from them what was captured of others."""
    apps = (make_app(socket, captured), listen), (make_captured_app(socket), captured)
    await asyncio.gather(*(_server(app, address).serve() for app, address in apps))


def _server(app: ASGIApp, listen: str) -> uvicorn.Server:
    host, _colon, port = listen.rpartition(":")
    return uvicorn.Server(configure(app, host.strip("[]"), int(port)))


def configure(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    """Give how browsers are served; what stands before us on this machine says who they are."""
    return uvicorn.Config(
        app, host=host, port=port, log_level="warning",
        server_header=False, date_header=True, forwarded_allow_ips="127.0.0.1,::1",
        timeout_keep_alive=20, limit_concurrency=200, h11_max_incomplete_event_size=64 * 1024,
        lifespan="off", ws="none", http=PatientProtocol,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
