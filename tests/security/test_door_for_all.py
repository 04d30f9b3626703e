"""One viewer keeps nobody else from the service: neither by silence nor by what is sent along."""

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

import pytest

from ops.terminal.elsewhere import SOCKET
from tests.installed_machine import only_root
from tests.installed_service import InstalledService, meanwhile_there
from tests.integration.service.installed_estate import installed

pytestmark = pytest.mark.slow
LINES, SILENT, MOST_SECONDS = 80, 300, 25.0


@pytest.fixture(scope="module")
def service() -> Iterator[InstalledService]:
    with installed() as running:
        yield running


def lingering(listener: socket.socket, kept: list[socket.socket]) -> socket.socket:
    """Give a socket that holds up for an hour who closes it last: nobody reads what is unsent."""
    ours = socket.socket()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    ours.connect(listener.getsockname())
    kept.append(listener.accept()[0])
    ours.settimeout(0)
    with suppress(BlockingIOError):
        while True:
            ours.send(bytes(65536))
    ours.settimeout(None)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
    return ours


def knock() -> socket.socket:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line.connect(str(SOCKET))
    return line


def send_along(before: list[bytes], more: int) -> None:
    """Send lingering sockets along, and close one's own."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    kept, nothing = list[socket.socket](), os.open(os.devnull, os.O_RDONLY)
    for _turn in range(LINES):
        ours, line = lingering(listener, kept), knock()
        with suppress(OSError):  # it was not heard
            for it in before:
                line.send(it)
            socket.send_fds(line, [b"{}"], [*[nothing] * more, ours.fileno()])
        line.close()
        threading.Thread(target=ours.close, daemon=True).start()
    KEPT.extend(kept)


def be_silent() -> None:
    for _turn in range(SILENT):
        with suppress(OSError):
            KEPT.append(knock())


KEPT = list[socket.socket]()
ATTACKS: Mapping[str, Callable[[], None]] = {
    "silent": be_silent,
    "sockets that linger": lambda: send_along([], 0),
    "one in a second packet": lambda: send_along([b"{}"], 0),
    "one more than is taken": lambda: send_along([], 64),
}


@only_root
@pytest.mark.parametrize("name", ATTACKS)
def test_a_viewer_keeps_nobody_else_waiting(service: InstalledService, name: str) -> None:
    with meanwhile_there(service, "ttb", ATTACKS[name]):
        began = time.monotonic()
        listed = service.run("nva", "backup.list", "--site", "cong-xa")
        took = time.monotonic() - began
    assert listed.returncode == 0, listed.stderr
    assert took < MOST_SECONDS
    assert "terminal-door" not in service.log.read_text()
