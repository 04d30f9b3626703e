"""A server of the test's own that says whatever bytes a test wants, on a free loopback port."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Say = Callable[[socket.socket, str], None]
"""Answers one request on a line: its target."""


@contextmanager
def raw_server(say: Say, *, stays_open: bool = False) -> Iterator[str]:
    """Run it until the block ends; its address. A line has one request unless it stays open."""
    ended = threading.Event()

    def serve(line: socket.socket) -> None:
        with line, suppress(OSError), line.makefile("rb") as words:
            while first := words.readline():
                while words.readline() not in {b"\r\n", b""}:
                    pass
                say(line, first.split()[1].decode())
                if not stays_open:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                while not ended.is_set():
                    line, _peer = server.accept()
                    threading.Thread(target=serve, args=[line], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            server.shutdown(socket.SHUT_RDWR)


def html(body: str, *headers: str) -> bytes:
    """Give an answer with a page."""
    data = body.encode()
    lines = ("HTTP/1.1 200 OK", "Content-Type: text/html", f"Content-Length: {len(data)}", *headers)
    return "\r\n".join((*lines, "", "")).encode() + data
