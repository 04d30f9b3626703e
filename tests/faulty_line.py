"""An HTTP line to a server that fails as planned: what stands between us and any S3 store."""

import http.client
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

Kind = Literal[
    "status", "early refusal", "reset", "hang", "half", "lost answer", "cut answer", "slow"
]
_RESET = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class LineFault:
    """One way to fail.

    Attributes:
        kind: An answer of its own; such an answer before the upload is read; a reset before
            anything is read; silence; a reset in the middle of the upload; the request done but
            its answer lost; half of the answer; a pause.
        method: Which requests.
        times: How many of them.
        status: The status of an answer of its own.
        code: The S3 error code in it.
        seconds: How long a pause or silence lasts.
        contains: Only requests whose path and query hold this.
        region: The region that an answer of its own says the bucket is in.
    """

    kind: Kind
    method: str = "PUT"
    times: int = 1
    status: int = 500
    code: str = "InternalError"
    seconds: float = 5.0
    contains: str = ""
    region: str = ""


class FaultyLine:
    """Carries requests to a server; the faults strike one after the other.

    Attributes:
        url: Where to connect.
        faults: Those that are still to strike.
        requests: What was asked, as "METHOD path?query".
    """

    def __init__(
        self, endpoint: str, *faults: LineFault, context: ssl.SSLContext | None = None
    ) -> None:
        self.faults = list(faults)
        self.requests: list[str] = []
        self._to = urlsplit(endpoint).netloc
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def close_idle(self) -> None:
        """Hang up on everybody, as a server does with who says nothing for long."""
        with self._lock:
            for connection in self._open:
                connection.shutdown(socket.SHUT_RDWR)

    def next_fault(self, method: str, path: str) -> LineFault | None:
        with self._lock:
            self.requests.append(f"{method} {path}")
            for fault in self.faults:
                if fault.method == method and fault.contains in path and fault.times:
                    fault.times -= 1
                    return fault
        return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        line = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                with line._lock:
                    line._open.add(self.connection)

            def finish(self) -> None:
                with line._lock:
                    line._open.discard(self.connection)
                super().finish()

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True

            def _carry(self) -> None:
                _Exchange(line, self).run()

            do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _carry  # noqa: N815 -- as the base class calls them

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def ask(
        self, request: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(self._to, timeout=30)
        connection.putrequest(
            request.command, request.path, skip_host=True, skip_accept_encoding=True
        )
        for name, value in request.headers.items():
            if name.lower() not in {"expect", "connection"}:
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content


class _Exchange:
    """One request and its answer."""

    def __init__(self, line: FaultyLine, handler: BaseHTTPRequestHandler) -> None:
        self._line = line
        self._handler = handler

    def run(self) -> None:
        handler = self._handler
        fault = self._line.next_fault(handler.command, handler.path)
        kind = None if fault is None else fault.kind
        if fault is not None and kind in {"reset", "early refusal"}:
            self._turn_away(fault)
            return
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length // 2 if kind == "half" else length)
        if kind == "half":
            self._reset()
        elif fault is not None and kind == "hang":
            time.sleep(fault.seconds)
            self._reset()
        elif fault is not None and kind == "status":
            self._refuse(fault)
        else:
            if fault is not None and kind == "slow":
                time.sleep(fault.seconds)
            answer, content = self._line.ask(handler, body)
            if kind == "lost answer":
                self._reset()
                return
            headers = {k: v for k, v in answer.getheaders() if k.lower() not in _OWN}
            if handler.command == "HEAD":
                headers["Content-Length"] = answer.getheader("Content-Length") or "0"
            self._answer(answer.status, headers, content, cut=kind == "cut answer")

    def _turn_away(self, fault: LineFault) -> None:
        if fault.kind == "reset":
            self._reset()
        else:
            self._refuse(fault)
            self._handler.close_connection = True

    def _refuse(self, fault: LineFault) -> None:
        text = f"<Error><Code>{fault.code}</Code><Message>planned</Message></Error>".encode()
        headers = {"Content-Type": "application/xml"}
        if fault.region:
            headers["x-amz-bucket-region"] = fault.region
        self._answer(fault.status, headers, text)

    def _answer(
        self, status: int, headers: dict[str, str], content: bytes, *, cut: bool = False
    ) -> None:
        handler = self._handler
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if "Content-Length" not in headers:
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            handler.wfile.flush()
            self._reset()

    def _reset(self) -> None:
        connection = self._handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._handler.close_connection = True
        connection.shutdown(socket.SHUT_RDWR)


_OWN = frozenset({"content-length", "transfer-encoding", "connection"})
