"""Ask one site over HTTP/1.1 and keep what it says as it came: thin, bounded, no redirects.

The site's name is looked up once a run, and every line goes to that address: a name that changes
under way (DNS rebinding) leads nowhere else. Certificates are verified. A request has a deadline as
a whole, whatever drips; head and body have lengths; nothing is unpacked here.
"""

import hashlib
import http.client
import io
import socket
import ssl
import tempfile
import time
from base64 import b32encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal, Self, cast

from archive.web.address import Place

Truncated = Literal["", "length", "time", "disconnect", "unspecified"]
"""Why a body is not whole; words of WARC 1.1, 5.13."""

Resolver = Callable[..., Sequence[tuple[Any, ...]]]
_PIECE = 1 << 18
_IN_MEMORY = 1 << 20


class SiteSilentError(Exception):
    """No answer that could be kept: no line, no head, a head without end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost.

    Attributes:
        seconds: For all of it.
        size: Bytes of an answer; what lies behind is not read.
        head: Bytes of its head.
        body: Bytes that `Answer.body` has at most.
    """

    seconds: float = 300.0
    size: int = 1 << 30
    head: int = 1 << 18
    body: int = 8 << 20


@dataclass(slots=True)
class Answer:
    """What a server said.

    Attributes:
        address: That was asked for.
        moment: When; UTC.
        request: As it was sent.
        raw: As it came: head and body, chunks included; at its beginning.
        head: Bytes of the head, with the empty line.
        size: Bytes of all.
        status: Of HTTP.
        headers: Small-letter name → its first value.
        block_digest, payload_digest: `sha256:` and base32; of all, and of what is behind the head.
        body: Without chunks, as far as `Limits.body`.
        truncated: Why it is not whole.
    """

    address: str
    moment: datetime
    request: bytes
    raw: IO[bytes]
    head: int = 0
    size: int = 0
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    block_digest: str = ""
    payload_digest: str = ""
    body: bytes = b""
    truncated: Truncated = ""

    @property
    def media_type(self) -> str:
        """Give the type that is said, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def close(self) -> None:
        """Let go of the bytes."""
        self.raw.close()


class _Reader(io.BufferedReader):
    """Counts what is read line by line: while a head is read, that is its length.

    Attributes:
        lines: Bytes of lines.
        has_more: Once closed: whether more had come than was read.
    """

    lines = 0
    has_more = False

    def readline(self, size: int | None = -1) -> bytes:
        line = super().readline(size)
        self.lines += len(line)
        return line

    def close(self) -> None:
        if not self.closed:
            cast("_Tap", self.raw).has_ended = True
            self.has_more = bool(self.peek(1))
        super().close()


class _Tap(io.RawIOBase):
    """A line of which every byte is kept, counted and digested; for one answer."""

    def __init__(self, line: socket.socket, sink: IO[bytes], limits: Limits, until: float) -> None:
        self._line, self._sink, self._limits, self._until = line, sink, limits, until
        self.size, self._early = 0, bytearray()
        self._in_body = self.has_ended = False
        self.limit = limits.size
        self.block, self.payload = hashlib.sha256(), hashlib.sha256()

    def makefile(self, _mode: str) -> _Reader:
        """Give what `http.client` reads from."""
        self.reader = _Reader(self, _PIECE)
        return self.reader

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.has_ended:
            return 0
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if self.size > (self.limit if self._in_body else self._limits.head):
            raise http.client.LineTooLong("body" if self._in_body else "head")
        self._line.settimeout(left)
        count = self._line.recv_into(buffer)
        piece = bytes(buffer[:count])
        self.size += count
        self._sink.write(piece)
        self.block.update(piece)
        if self._in_body:
            self.payload.update(piece)
        else:
            self._early += piece
        return count

    def end_head(self) -> int:
        """Say that the head is read; gives its length."""
        head, self._in_body = self.reader.lines, True
        self.payload.update(self._early[head:])
        return head


class Fetcher:
    """Asks one site; holds one line open. A context manager.

    Args:
        place: The site; nothing else is ever asked.
        agent: What it is told who asks.
        folder: For answers that are too long for memory.
        limits: Of each request.
        resolve: Looks up names; as `socket.getaddrinfo`.
    """

    def __init__(
        self, place: Place, agent: str, folder: Path, limits: Limits | None = None,
        resolve: Resolver = socket.getaddrinfo,
    ) -> None:  # fmt: skip
        self.place, self.limits = place, limits or Limits()
        self._agent, self._folder, self._resolve = agent, folder, resolve
        self._pinned: tuple[Any, ...] | None = None
        self._line: socket.socket | None = None
        self._context = ssl.create_default_context() if place.scheme == "https" else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._hang_up()

    @property
    def server(self) -> str:
        """Give the address that the site's name was pinned to."""
        return str(self._pinned[4][0]) if self._pinned else ""

    def fetch(
        self, address: str, *, most: int = 0, body: int = 0, to: IO[bytes] | None = None
    ) -> Answer:
        """Ask for an own address; the caller closes the answer.

        Args:
            address: As `Place.own` gives it.
            most: Bytes of the answer, where fewer than the limit are left.
            body: Bytes of `Answer.body`, where more than the limit are wanted.
            to: Gets the body, without chunks, whole; what it got of an answer that is then
                asked for again is empty.

        Raises:
            SiteSilentError: There is no answer that could be kept.
        """
        until = time.monotonic() + self.limits.seconds
        request = self._request(address)
        was_open = self._line is not None
        try:
            return self._ask(address, request, until, (most, body), to)
        except SiteSilentError as error:
            # A line that was kept open may have been closed meanwhile; nothing had come then.
            if not (was_open and error.args[-1] == 0):
                raise
        return self._ask(address, request, until, (most, body), to)

    def _request(self, address: str) -> bytes:
        lines = (
            f"GET {self.place.target(address)} HTTP/1.1",
            f"Host: {self.place.authority}",
            f"User-Agent: {self._agent}",
            "Accept: */*",
            "Accept-Encoding: identity",
            "Accept-Language: vi,en;q=0.5",
            "Connection: keep-alive",
        )
        return "\r\n".join((*lines, "", "")).encode("ascii")

    def _ask(
        self, address: str, request: bytes, until: float, bounds: tuple[int, int],
        to: IO[bytes] | None,
    ) -> Answer:  # fmt: skip
        most, body = bounds
        sink = cast("IO[bytes]", tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(self._folder)))  # noqa: SIM115 -- the answer's; closed by who has it
        answer = Answer(address, datetime.now(UTC), request, sink)
        tap: _Tap | None = None
        try:
            line = self._line or self._call(until)
            self._line = line
            line.settimeout(max(until - time.monotonic(), 0.001))
            line.sendall(request)
            tap = _Tap(line, sink, self.limits, until)
            response = http.client.HTTPResponse(cast("socket.socket", tap), method="GET")
            response.begin()
            answer.head, answer.status = tap.end_head(), response.status
            answer.headers = {
                name.lower(): value for name, value in reversed(response.getheaders())
            }
        except (OSError, http.client.HTTPException, ValueError) as error:
            sink.close()
            self._hang_up()
            raise SiteSilentError(_told(error), tap.size if tap else 0) from error
        tap.limit = min(most or self.limits.size, self.limits.size)
        self._take(response, answer, tap, body or self.limits.body, to)
        response.close()  # before what it reads from: it looks there once more
        tap.reader.close()
        if tap.reader.has_more or answer.truncated or response.will_close:
            self._hang_up()
        answer.size = tap.size
        answer.block_digest, answer.payload_digest = (
            digest_text(tap.block),
            digest_text(tap.payload),
        )
        sink.seek(0)
        return answer

    @staticmethod
    def _take(
        response: http.client.HTTPResponse, answer: Answer, tap: _Tap, most: int,
        to: IO[bytes] | None,
    ) -> None:  # fmt: skip
        body = bytearray()
        try:
            while piece := response.read1(_PIECE):
                if len(body) < most:
                    body += piece[: most - len(body)]
                if to is not None:
                    to.write(piece)
            if response.length:  # http.client does not say so where pieces are read
                answer.truncated = "disconnect"
        except TimeoutError:
            answer.truncated = "time"
        except (http.client.IncompleteRead, OSError):
            answer.truncated = "disconnect"
        except (http.client.HTTPException, ValueError):
            answer.truncated = "length" if tap.size > tap.limit else "unspecified"
        answer.body = bytes(body)

    def _call(self, until: float) -> socket.socket:
        place = self.place
        if self._pinned is None:
            found = self._resolve(place.host, place.port, type=socket.SOCK_STREAM)
            self._pinned = tuple(found[0])
        family, kind, protocol, _name, address = self._pinned
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(max(until - time.monotonic(), 0.001))
            line.connect(address)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                return self._context.wrap_socket(line, server_hostname=place.host)
        except BaseException:
            line.close()
            raise
        return line

    def _hang_up(self) -> None:
        if self._line is not None:
            with suppress(OSError):
                self._line.close()
            self._line = None


def digest_text(found: Any) -> str:
    """Give a SHA-256 as WARC has it."""
    return f"sha256:{b32encode(found.digest()).decode()}"


def _told(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
