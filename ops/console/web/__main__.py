"""The web process: `python -m ops.console.web SOCKET LISTEN CAPTURED [--proxy ADDRESS] ...`."""

import argparse
import asyncio
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from backup.workers.core_dumps import forbid_core_dumps
from ops.console.web.app import make_app
from ops.console.web.captured import make_captured_app
from ops.console.web.patience import PatientProtocol


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
