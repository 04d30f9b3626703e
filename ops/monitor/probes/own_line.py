"""Tell whether our own line works, where no site answers: then no site can be blamed.

A reference that answers, or refuses, proves the line. Without any in the estate it is this
machine's default gateway, which as a router refuses what it does not serve; one that says nothing
to anybody has to be replaced by `references` in the estate.
"""

import socket
import struct
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ops.monitor.probes.result import Line

_ROUTES = Path("/proc/net/route")
_HAS_GATEWAY = 0x2  # RTF_GATEWAY, linux/route.h
_PORTS = (53, 443)
_SECONDS = 3.0


def look_at_line(references: Sequence[tuple[str, int]], deadline: float) -> Line:
    """Ask the references at once; `not_checked` where there is none.

    Args:
        references: Addresses with ports; empty: the default gateway.
        deadline: Until when, by `time.monotonic`.
    """
    asked = list(references) or [(it, port) for it in list_gateways() for port in _PORTS]
    if not asked:
        return "not_checked"
    seconds = max(min(_SECONDS, deadline - time.monotonic()), 0.1)
    with ThreadPoolExecutor(len(asked), "giucong-line") as pool:
        answers = list(pool.map(lambda it: _answers(it, seconds), asked))
    return "up" if any(answers) else "down"


def _answers(place: tuple[str, int], seconds: float) -> bool:
    try:
        socket.create_connection(place, seconds).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


def list_gateways() -> list[str]:
    """Give this machine's default gateways (IPv4), from the kernel's table of routes."""
    try:
        rows = [it.split() for it in _ROUTES.read_text("ascii").splitlines()[1:]]
    except (OSError, UnicodeError):
        return []
    return [
        socket.inet_ntoa(struct.pack("<L", int(it[2], 16)))
        for it in rows
        if it[1] == "00000000" and int(it[3], 16) & _HAS_GATEWAY
    ]
