"""The web process: `python -m ops.console.web SOCKET LISTEN CAPTURED`."""

import asyncio
import sys
from pathlib import Path

import uvicorn

from backup.workers.core_dumps import forbid_core_dumps
from ops.console.web.app import make_app
from ops.console.web.patience import PatientProtocol


def main(socket: str, listen: str, captured: str) -> None:
    """Serve until a signal ends it."""
    forbid_core_dumps()
    del captured
    host, _colon, port = listen.rpartition(":")
    asyncio.run(uvicorn.Server(configure(Path(socket), host.strip("[]"), int(port))).serve())


def configure(socket: Path, host: str, port: int) -> uvicorn.Config:
    """Give how browsers are served; what stands before us on this machine says who they are."""
    return uvicorn.Config(
        make_app(socket), host=host, port=port, log_level="warning",
        server_header=False, date_header=True, forwarded_allow_ips="127.0.0.1,::1",
        timeout_keep_alive=20, limit_concurrency=200, h11_max_incomplete_event_size=64 * 1024,
        lifespan="off", ws="none", http=PatientProtocol,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
