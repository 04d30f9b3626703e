"""Ask a site as a visitor does: connect, check the certificate, read the answer; all bounded.

The line goes to an address that was looked at before; nothing is looked up here. Every step has a
deadline as a whole, whatever drips: the connection, the first byte, all of it. The head and the
body have lengths, before and after unpacking. Whatever goes wrong is an `AskError` with a reason.
"""

import http.client
import io
import socket
import ssl
import time
import zlib
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from ssl import CERT_NONE, SSLContext, create_default_context
from typing import Any, cast

from cryptography import x509
from cryptography.x509.oid import NameOID

from ops.monitor.probes.result import Certificate, tidy

_REFUSALS: Mapping[int, str] = {
    9: "early",
    10: "expired",
    18: "self_signed",
    19: "unknown_authority",
    20: "incomplete",
    21: "incomplete",
    62: "other_name",
    64: "other_name",
}
"""By OpenSSL's verification code (`X509_V_ERR_*` in `x509_vfy.h`)."""


def explain_refusal(code: int) -> str:
    """Give the reason behind a verification code; `untrusted` for one without a word of its own."""
    return _REFUSALS.get(code, "untrusted")


def make_verifying(authorities: Path | None) -> SSLContext:
    """Make what trusts as this machine does, and the authorities of a file besides."""
    context = create_default_context()
    if authorities is not None:
        context.load_verify_locations(authorities)
    return context


def make_reading() -> SSLContext:
    """Make what takes any certificate, to read it and nothing else."""
    context = create_default_context()
    context.check_hostname = False
    context.verify_mode = CERT_NONE
    return context


def read_certificate(shown: bytes) -> Certificate | None:
    """Read a certificate in DER; None where it is none."""
    try:
        found = x509.load_der_x509_certificate(shown)
        issuer, subject = found.issuer, found.subject
        # An authority changes its intermediate certificates at will; who it is stays.
        names = (
            issuer.get_attributes_for_oid(it)
            for it in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
        )
        told = next((str(it[0].value) for it in names if it), "")
        named = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return Certificate(
            tidy(told), found.not_valid_after_utc, tidy(str(named[0].value)) if named else ""
        )
    except (ValueError, x509.InvalidVersion, OverflowError):
        return None


_PIECE = 65_536
_GIVEN_UP_AFTER = 2  # connections to one address that hung in one look: the third need not
_HEADERS = (
    "User-Agent: giucong (probes the sites of its estate)",
    "Accept: text/html,*/*;q=0.5",
    "Accept-Encoding: gzip, identity;q=0.5",
    "Accept-Language: vi,en;q=0.5",
    "Connection: close",
)


@dataclass(frozen=True, slots=True)
class PageLimits:
    """What one page may cost, redirects included; seconds and bytes.

    Two looks at a site that hangs, 30 seconds after the last good one, stay below a minute.
    """

    name: float = 3.0
    connect: float = 5.0
    first_byte: float = 10.0
    whole: float = 12.0
    body: int = 2 * 1024 * 1024
    head: int = 65_536


@dataclass(frozen=True, slots=True)
class Response:
    """What a server said; `seconds` as of `ProbeResult`."""

    server: str
    status: int
    location: str
    content_type: str
    body: bytes
    protocol: str
    certificate: Certificate | None
    seconds: dict[str, float]


class AskError(Exception):
    """No whole answer came.

    Args:
        reason: `unreachable`, `refused`, `timeout`, `certificate`, `tls`, `broken`.
        detail: Bounded; from our own words or the operating system's, never the server's.
        server: The address that took the connection; empty where none did.
        certificate: What was shown, where that was refused.
    """

    def __init__(
        self,
        reason: str,
        detail: str = "",
        server: str = "",
        certificate: Certificate | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.server = reason, detail, server
        self.certificate = certificate


@dataclass(slots=True)
class Roots:
    """What certificates are held against, made once a look.

    Attributes:
        verifying: As a browser would, with the roots of this machine.
        reading: Takes any certificate; nothing is ever asked over it.
        hanging: Connections to an address that hung, in this look.
    """

    verifying: ssl.SSLContext
    reading: ssl.SSLContext
    hanging: Counter[tuple[str, int]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One request to one address.

    Attributes:
        scheme, host, port, target: As HTTP has them.
        addresses: Of the host, each allowed; tried in this order.
        until: By `time.monotonic`.
    """

    scheme: str
    host: str
    port: int
    target: str
    addresses: tuple[str, ...]
    until: float

    @property
    def is_tls(self) -> bool:
        """Say whether it is asked over TLS."""
        return self.scheme == "https"

    def lines(self) -> bytes:
        """Give it as it is sent."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (443 if self.is_tls else 80)
        named = host if usual else f"{host}:{self.port}"
        lines = (f"GET {self.target} HTTP/1.1", f"Host: {named}", *_HEADERS, "", "")
        return "\r\n".join(lines).encode("ascii")


def ask(request: PageRequest, trust: Roots, limits: PageLimits) -> Response:
    """Ask once, on a line that is closed afterwards."""
    began = time.monotonic()
    line, server = _connect(request, trust, limits)
    connected = time.monotonic()
    try:
        if request.is_tls:
            line = _secure(line, request, trust, server)
        answer, first_byte = _exchange(line, request, limits)
        shown = line.getpeercert(binary_form=True) if isinstance(line, ssl.SSLSocket) else None
        protocol = (line.version() or "") if isinstance(line, ssl.SSLSocket) else ""
    except AskError:
        raise
    except (OSError, ValueError, http.client.HTTPException, zlib.error) as error:
        raise _translate(error, server) from error
    finally:
        line.close()
    seconds = {
        "connect": connected - began,
        "first_byte": first_byte - began,
        "whole": time.monotonic() - began,
    }
    status, location, content_type, body = answer
    certificate = read_certificate(shown) if shown else None
    return Response(server, status, location, content_type, body, protocol, certificate, seconds)


def _translate(error: Exception, server: str) -> AskError:
    if isinstance(error, TimeoutError):
        return AskError("timeout", "", server)
    if isinstance(error, ssl.SSLError):
        return AskError("tls", (error.reason or "")[:60].replace("_", " ").lower(), server)
    if isinstance(error, OSError):
        return AskError("broken", error.strerror or type(error).__name__, server)
    return AskError("broken", type(error).__name__, server)


def _left(until: float, most: float = 60.0) -> float:
    left = min(until - time.monotonic(), most)
    if left <= 0:
        raise TimeoutError
    return left


def _connect(request: PageRequest, trust: Roots, limits: PageLimits) -> tuple[socket.socket, str]:
    """Connect to the first address that takes it; one that hung again and again is passed over."""
    failure = AskError("unreachable")
    until = min(request.until, time.monotonic() + limits.connect)
    for address in request.addresses:
        place = (address, request.port)
        left = until - time.monotonic()
        if left <= 0 or trust.hanging[place] >= _GIVEN_UP_AFTER:
            failure = AskError("timeout")
            continue
        try:
            return socket.create_connection(place, left), address
        except TimeoutError:
            trust.hanging[place] += 1
            failure = AskError("timeout")
        except ConnectionRefusedError:
            failure = AskError("refused")
        except OSError as error:
            failure = AskError("unreachable", error.strerror or type(error).__name__)
    raise failure


def _secure(line: socket.socket, request: PageRequest, trust: Roots, server: str) -> ssl.SSLSocket:
    line.settimeout(_left(request.until))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        return trust.verifying.wrap_socket(line, server_hostname=request.host)
    except ssl.SSLCertVerificationError as error:
        reason = explain_refusal(error.verify_code)
        raise AskError("certificate", reason, server, _peek(request, trust, server)) from error


def _peek(request: PageRequest, trust: Roots, server: str) -> Certificate | None:
    """Read the certificate that was refused, over a line of its own on which nothing is asked."""
    with suppress(OSError, ValueError):
        plain = socket.create_connection((server, request.port), _left(request.until))
        with plain, trust.reading.wrap_socket(plain, server_hostname=request.host) as line:
            shown = line.getpeercert(binary_form=True)
            return read_certificate(shown) if shown else None
    return None


class _Tap(io.RawIOBase):
    """What `http.client` reads an answer from: bounded in time, and until the body in length."""

    def __init__(self, line: socket.socket, until: float, limits: PageLimits) -> None:
        self._line, self._until, self._head = line, until, limits.head
        self._patience = time.monotonic() + limits.first_byte
        self._size, self.in_body = 0, False
        self.first_byte = 0.0

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self, 8192)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.in_body and self._size > self._head:
            raise http.client.LineTooLong("head")
        self._line.settimeout(
            _left(self._until if self.first_byte else min(self._until, self._patience))
        )
        count = self._line.recv_into(buffer)
        self.first_byte = self.first_byte or time.monotonic()
        self._size += count
        return count


def _exchange(
    line: socket.socket, request: PageRequest, limits: PageLimits
) -> tuple[tuple[int, str, str, bytes], float]:
    line.settimeout(_left(request.until))
    line.sendall(request.lines())
    tap = _Tap(line, request.until, limits)
    with http.client.HTTPResponse(cast("socket.socket", tap), method="GET") as response:
        response.begin()
        tap.in_body = True
        packed = response.getheader("Content-Encoding", "").strip().lower()
        location = response.getheader("Location", "")
        kind = response.getheader("Content-Type", "")
        leads_on = response.status in REDIRECTS and location
        body = b"" if leads_on else _read_body(response, packed, limits.body)
        return (response.status, location, kind, body), tap.first_byte


REDIRECTS = frozenset({301, 302, 303, 307, 308})


def _read_body(response: http.client.HTTPResponse, packed: str, most: int) -> bytes:
    """Read a body, unpacked; neither form of it is read beyond the limit."""
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    is_packed = packed in {"gzip", "x-gzip", "deflate"}
    body, size = bytearray(), 0
    while len(body) < most and size < most:
        piece = response.read1(_PIECE)
        if not piece:
            if response.length:
                raise http.client.IncompleteRead(b"", response.length)
            break
        size += len(piece)
        body += unpack.decompress(piece, most - len(body)) if is_packed else piece
    return bytes(body[:most])
