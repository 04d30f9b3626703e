"""The web process: `python -m ops.console.web SOCKET LISTEN CAPTURED`."""

import asyncio
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from backup.workers.core_dumps import forbid_core_dumps
from ops.console.web.app import make_app
from ops.console.web.captured import make_captured_app


def main(socket: str, listen: str, captured: str) -> None:
    """Serve until a signal ends it."""
    forbid_core_dumps()
    asyncio.run(_serve(Path(socket), listen, captured))


async def _serve(socket: Path, listen: str, captured: str) -> None:
    """Serve the pages, and apart from them what was captured of others."""
    apps = (make_app(socket, captured), listen), (make_captured_app(socket), captured)
    await asyncio.gather(*(_server(app, address).serve() for app, address in apps))


def _server(app: Starlette, listen: str) -> uvicorn.Server:
    host, _colon, port = listen.rpartition(":")
    config = uvicorn.Config(
        app, host=host.strip("[]"), port=int(port), log_level="warning",
        server_header=False, date_header=True, forwarded_allow_ips="127.0.0.1",
        timeout_keep_alive=20, limit_concurrency=200, h11_max_incomplete_event_size=64 * 1024,
        lifespan="off", ws="none",
    )  # fmt: skip
    return uvicorn.Server(config)


if __name__ == "__main__":
    main(*sys.argv[1:])
