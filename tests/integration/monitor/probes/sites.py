"""Sites of the tests: a nameserver, an authority, and looks at them."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ops.monitor.probes.line import PageLimits
from ops.monitor.probes.probe import probe_sites
from ops.monitor.probes.result import ProbeResult, Seen
from ops.monitor.probes.target import PageWish, ProbeTarget, Surroundings

NOW = datetime.now(UTC).replace(microsecond=0)
QUICK = PageLimits(name=1.0, connect=0.5, first_byte=0.5, whole=1.0)
"""For what hangs: no good answer has to come within them."""

HOST = "cong.thu"


def target(address: str, site: str = "cong", **more: object) -> ProbeTarget:
    """Make a site of its page's address."""
    words = {it: more.pop(it) for it in ("words", "no_words") if it in more}
    return ProbeTarget(site=site, page=PageWish(address=address, **words), **more)  # type: ignore[arg-type] # as a test says


def named(address: str, host: str = HOST, path: str = "/") -> str:
    """Give the address of a server by a name."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{host}:{parts.port}{path}"


def look(
    targets: ProbeTarget | Sequence[ProbeTarget],
    previous: Seen | None = None,
    *,
    now: datetime = NOW,
    seconds: float = 20.0,
    limits: PageLimits | None = None,
    pause: float = 0.05,
    **around: Any,
) -> list[ProbeResult]:
    """Probe sites; the second look follows at once."""
    return probe_sites(
        [targets] if isinstance(targets, ProbeTarget) else targets,
        previous or {},
        now,
        deadline=time.monotonic() + seconds,
        around=Surroundings(**around),
        limits=limits,
        second_look_seconds=pause,
    )


def remember(results: Sequence[ProbeResult]) -> Seen:
    """Give what the next look is given."""
    return {it.site: it.known for it in results}


@contextmanager
def deaf_port() -> Iterator[tuple[str, int]]:
    """Give a loopback port on which a connection hangs: its queue is full, and nobody takes any."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            line = stack.enter_context(socket.socket())
            line.setblocking(False)  # noqa: FBT003 -- as sockets have it  # noqa: FBT003 -- as sockets have it
            line.connect_ex(server.getsockname())
        time.sleep(0.05)
        yield server.getsockname()


@contextmanager
def answering_over_ipv6(port: int) -> Iterator[None]:
    """Answer one request at `[::1]` and a port."""

    def serve() -> None:
        line, _peer = server.accept()
        with line:
            line.recv(4096)
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("::1", port), family=socket.AF_INET6) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def free_port() -> int:
    """Give a loopback port on which nobody listens."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])
