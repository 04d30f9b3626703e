"""A page as a visitor gets it: the thin edge to HTTP, over lines to public addresses only.

Whoever owns a page can lead us anywhere, and a name can mean another address the second time it is
asked for. So each address that a name means is looked at, and the line goes to that very address.
The address that is asked for stands in the estate and may lie within a network. A redirect is the
server's word: elsewhere than to that same server it is followed to public addresses only.

Whatever goes wrong is a value, never an exception. Each fetch has a thread of its own, so that its
deadline holds whatever hangs: the look-up of the name, a line that drips. Certificates are verified
against the system's roots; `SSL_CERT_FILE` and `SSL_CERT_DIR` add those of a private authority, as
for any program that uses OpenSSL. Proxies of the environment are not used.
"""

import http.client
import queue
import socket
import ssl
import threading
import time
import zlib
from contextlib import closing
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, urljoin, urlsplit

from ops.backups.pages.notes import Fetched, Problem

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""Addresses that a gateway turns into the IPv4 address in their last 32 bits (RFC 6052)."""


class InsideError(Exception):
    """A name leads to no public address."""


def is_public(text: str) -> bool:
    """Say whether an address is one that anybody reaches: not loopback, private, link-local.

    Args:
        text: An address as `getsockname` gives it, perhaps with a scope.
    """
    address = ip_address(text)
    within = _wrapped(address) if isinstance(address, IPv6Address) else None
    if within is not None:
        address = within
    return address.is_global and not address.is_multicast and not address.is_reserved


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    """Give the IPv4 address that an IPv6 address stands for; None where it is its own."""
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]


def open_line(host: str, port: int, *, deadline: float, anywhere: bool = False) -> socket.socket:
    """Connect to the first address of a host that answers.

    Args:
        host: Name or address.
        port: Its port.
        deadline: Until when, by `time.monotonic`; what is left of it bounds each step on the line.
        anywhere: Whether an address within a network will do: it stands in the estate.

    Raises:
        InsideError: It has no public address, and needs one.
        OSError: None answers.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed = [it for it in found if anywhere or is_public(str(it[4][0]))]
    if not allowed:
        raise InsideError(f"{host} ({found[0][4][0]})")
    failure = OSError("no address")
    for family, kind, protocol, _name, address in allowed:
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(time_left(deadline))
            line.connect(address)
        except OSError as error:
            line.close()
            failure = error
        else:
            return line
    raise failure


def time_left(deadline: float) -> float:
    """Give the seconds until a deadline.

    Raises:
        TimeoutError: It is over.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


MOST_REDIRECTS = 5
_LONGEST_ADDRESS = 4096
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = {301, 302, 303, 307, 308}
_CHUNK = 65_536
_SAFE = "%/:=&?~#+!$,;'@()*[]"
_HEADERS = {
    "User-Agent": "giucong (notes pages at backup time)",
    "Accept": "text/html,*/*;q=0.5",
    "Accept-Encoding": "gzip, identity;q=0.5",
    "Accept-Language": "vi,en;q=0.5",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much a page may cost.

    Attributes:
        seconds: For the page, redirects included.
        size_bytes: Of its body; what lies behind is not read.
    """

    seconds: float = 20.0
    size_bytes: int = 2 * 1024 * 1024


class _FetchError(Exception):
    def __init__(self, problem: Problem, detail: str) -> None:
        self.problem = problem
        self.detail = detail
        super().__init__(detail)


def fetch_page(address: str, limits: FetchLimits) -> Fetched:
    """Fetch a page, following redirects; gives the answer, or what went wrong."""
    answers: queue.SimpleQueue[Fetched] = queue.SimpleQueue()
    deadline = time.monotonic() + limits.seconds
    fetch = threading.Thread(
        target=lambda: answers.put(_follow(address, limits, deadline)),
        name="giucong-page",
        daemon=True,
    )
    fetch.start()
    try:
        return answers.get(timeout=limits.seconds)
    except queue.Empty:
        return Fetched(address, problem="timeout", detail=f"{limits.seconds:g}")


def _follow(address: str, limits: FetchLimits, deadline: float) -> Fetched:
    seen: list[str] = []
    answer = Fetched(address)
    try:
        trusted = _own_places(address)
        while True:
            answer = replace(answer, address=address, redirects=tuple(seen))
            answer, leads_to = _ask(answer, limits, deadline, trusted)
            if not leads_to:
                return answer
            seen.append(address)
            address = urljoin(address, leads_to)
            if address in seen or len(seen) > MOST_REDIRECTS:
                raise _FetchError("redirects", address)  # noqa: TRY301 -- all ways out lead there
    except Exception as error:  # noqa: BLE001 -- whatever a server does, the backup goes on
        problem, detail = _explain(error, limits)
        return replace(
            answer, redirects=tuple(seen), status=None, body=b"", problem=problem, detail=detail
        )


def _explain(error: Exception, limits: FetchLimits) -> tuple[Problem, str]:
    if isinstance(error, _FetchError):
        return error.problem, error.detail
    if isinstance(error, InsideError):
        return "inside", str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate", error.verify_message
    if isinstance(error, TimeoutError):
        return "timeout", f"{limits.seconds:g}"
    if isinstance(error, OSError):
        return "unreachable", error.strerror or type(error).__name__
    return "broken", type(error).__name__


def _ask(
    answer: Fetched, limits: FetchLimits, deadline: float, trusted: set[tuple[str, int]]
) -> tuple[Fetched, str]:
    """Ask once; gives the answer, and where it leads to when it is a redirect."""
    scheme, host, port, target = _take_apart(answer.address)
    anywhere = (host, port) in trusted
    with closing(_connect(scheme, host, port, deadline, anywhere=anywhere)) as connection:
        connection.request("GET", target, headers=_HEADERS)
        with connection.getresponse() as response:
            leads_to = response.getheader("Location") if response.status in _REDIRECTS else None
            if leads_to:
                return replace(answer, status=response.status), leads_to
            body = _read_body(response, limits, deadline)
    whole = replace(
        answer,
        status=response.status,
        content_type=response.getheader("Content-Type") or "",
        body=body[: limits.size_bytes],
        truncated=len(body) > limits.size_bytes,
    )
    return whole, ""


def _own_places(address: str) -> set[tuple[str, int]]:
    """Give the servers that an address of the estate means: a plain one also means its TLS."""
    scheme, host, port, _target = _take_apart(address)
    is_plain = (scheme, port) == ("http", _PORTS["http"])
    return {(host, port)} | ({(host, _PORTS["https"])} if is_plain else set())


def _take_apart(address: str) -> tuple[str, str, int, str]:
    """Give scheme, host, port and target of an address, each as HTTP wants it."""
    if len(address) > _LONGEST_ADDRESS:
        raise _FetchError("address", address[:_LONGEST_ADDRESS])
    try:
        url = urlsplit(quote(address, safe=_SAFE))
        # The name of a host may hold letters beyond ASCII.
        host = (urlsplit(address).hostname or "").encode("idna").decode()
        port = url.port
    except (UnicodeError, ValueError):
        raise _FetchError("address", address) from None
    if url.scheme not in {"http", "https"} or not host:
        raise _FetchError("address", address)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return url.scheme, host, _PORTS[url.scheme] if port is None else port, target


def _connect(
    scheme: str, host: str, port: int, deadline: float, *, anywhere: bool
) -> http.client.HTTPConnection:
    line = open_line(host, port, deadline=deadline, anywhere=anywhere)
    if scheme == "http":
        connection = http.client.HTTPConnection(host, port)
        connection.sock = line
        return connection
    context = ssl.create_default_context()
    connection = http.client.HTTPSConnection(host, port, context=context)
    try:
        connection.sock = context.wrap_socket(line, server_hostname=host)
    except BaseException:
        line.close()
        raise
    return connection


def _read_body(response: http.client.HTTPResponse, limits: FetchLimits, deadline: float) -> bytes:
    """Read the body, unpacked, up to one byte beyond the limit."""
    most = limits.size_bytes + 1
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    is_packed = response.getheader("Content-Encoding", "").lower() in {"gzip", "x-gzip", "deflate"}
    body = bytearray()
    while len(body) < most:
        time_left(deadline)
        piece = response.read1(_CHUNK)
        if not piece:
            if response.length:
                raise _FetchError("broken", f"{response.length} bytes are missing")
            break
        body += unpack.decompress(piece, most - len(body)) if is_packed else piece
    return bytes(body[:most])


def join_address(url: str, page: str) -> str:
    """Give a page's whole address: below the site's own, also where that has a path."""
    if urlsplit(page).scheme in {"http", "https"}:
        return page
    return f"{url.rstrip('/')}/{page.lstrip('/')}"
