"""A web server of the test's own; its pages are functions, asked and posted to alike."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Page = Callable[[BaseHTTPRequestHandler], None]


def say(
    body: bytes, status: int = 200, kind: str = "text/html; charset=utf-8", **headers: str
) -> Page:
    """Make a page that always says the same."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    pages: Mapping[str, Page]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path, say(b"kh\xc3\xb4ng c\xc3\xb3", 404))
        try:
            page(self)
        except OSError:
            self.close_connection = True

    do_POST = do_GET  # noqa: N815 - so it is called

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextmanager
def web_server(
    pages: Mapping[str, Page],
    *,
    certificate: Path | None = None,
    clients_of: Path | None = None,
    port: int = 0,
    address: str = "127.0.0.1",
) -> Iterator[str]:
    """Run the server until the block ends, on a free port unless one is given; its address.

    Args:
        pages: By path.
        certificate: With its key; None for no TLS.
        clients_of: The authority whose certificate clients must show; None for any client.
        port: To listen on.
        address: To listen on.
    """
    with _Server((address, port), _Handler) as server:
        server.pages = pages
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            if clients_of is not None:
                context.load_verify_locations(clients_of)
                context.verify_mode = ssl.CERT_REQUIRED
            server.socket = context.wrap_socket(server.socket, server_side=True)
            scheme = "https"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"{scheme}://{address}:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
