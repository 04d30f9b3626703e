"""Addresses of one site: which are its own, and in what form each is asked for once.

A site is one host and one port, as the estate names it. Nothing else is ever asked for: no link and
no redirect leads elsewhere. A link to the same host by plain HTTP, or by HTTPS, at the usual port
is the site's own where the site stands at the usual port; it is asked for in the site's own way.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

LONGEST = 2_000
_PORTS = {"http": 80, "https": 443}
_SAFE = "%/:=&?~+!$,;'@()*[]"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_NUMBERS = re.compile(r"[0-9]+")
_SLASHES = re.compile(r"/(?:\.?/)+")
_SESSION_QUERY = re.compile(r"(?:jsessionid|phpsessid|sid)=[0-9a-z]{32}(?:&|$)", re.IGNORECASE)
_WWW = re.compile(r"www\d*\.")
_PLAIN = bytes(set(range(0x21, 0x7F)) - set(b"%#"))
_MOST_REPEATED = 3


@dataclass(frozen=True, slots=True)
class Place:
    """The site that is captured.

    Attributes:
        scheme: `http` or `https`.
        host: As asked for; lower case, without letters beyond ASCII.
        port: Its port.
        path: Pages lie below it; ends with "/". What pages consist of may lie beside it.
    """

    scheme: str
    host: str
    port: int
    path: str = "/"

    @property
    def origin(self) -> str:
        """Give what every address of it begins with."""
        return f"{self.scheme}://{self.authority}"

    @property
    def base(self) -> str:
        """Give the address that the site's pages lie below."""
        return f"{self.origin}{self.path}"

    @property
    def authority(self) -> str:
        """Give host and port, as the `Host` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def own(self, link: str, base: str = "") -> str:
        """Give the address that a link means, in one form; empty where it leads elsewhere."""
        try:
            text = _CONTROL.sub("", link).strip() if len(link) <= 2 * LONGEST else ""
            parts = urlsplit(urljoin(base or self.origin, text))
            host, port = _host_of(parts.hostname or ""), parts.port
        except (ValueError, UnicodeError):
            return ""
        if not text or parts.scheme not in _PORTS or host != self.host:
            return ""
        usual = port is None or port == _PORTS[parts.scheme]
        if usual and self.port != _PORTS[self.scheme] and self.port != _PORTS[parts.scheme]:
            return ""
        if not usual and port != self.port:
            return ""
        query = f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
        address = f"{self.origin}{quote(parts.path, safe=_SAFE) or '/'}{query}"
        return address if len(address) <= LONGEST else ""

    def target(self, address: str) -> str:
        """Give what an own address is asked for by: path and query."""
        return address[len(self.origin) :] or "/"

    def has_page(self, address: str) -> bool:
        """Say whether an own address lies where the site's pages do."""
        return f"{self.target(address)}/".startswith(self.path)


def place_of(url: str) -> Place:
    """Give the site at an address.

    Raises:
        ValueError: It is none of HTTP.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(url)
    path = quote(parts.path, safe=_SAFE).rstrip("/") + "/"
    port = parts.port or _PORTS[parts.scheme]
    return Place(parts.scheme, _host_of(parts.hostname), port, path)


def _host_of(host: str) -> str:
    host = host.lower().rstrip(".")
    return host if host.isascii() else host.encode("idna").decode()


def pattern_of(target: str) -> str:
    """Give what addresses of one machine have in common: numbers and values do not count."""
    path, _, query = target.partition("?")
    names = sorted({it.partition("=")[0] for it in query.split("&")}) if query else ()
    return _NUMBERS.sub("0", path) + ("?" + "&".join(names) if names else "")


def repeats(target: str) -> bool:
    """Say whether a folder stands in a path again and again: a relative link feeds itself."""
    parts = [it for it in target.partition("?")[0].split("/") if it]
    return any(parts.count(it) > _MOST_REPEATED for it in set(parts))


def key_of(address: str) -> str:
    """Give the key of an address in a CDXJ: turned round, so that a host's pages stand together.

    As replay programs make it (SURT): `vn,gov,x)/a?b=c`; no `www.`, no session ids, lower case.
    """
    parts = urlsplit(address)
    host = _WWW.sub("", (parts.hostname or "").lower(), count=1)
    turned = ",".join(reversed(host.split(".")))
    port = f":{parts.port}" if parts.port not in {None, _PORTS.get(parts.scheme)} else ""
    path = _SLASHES.sub("/", _escape(parts.path)).rstrip("/") or "/"
    query = _sorted_query(_SESSION_QUERY.sub("", _escape(parts.query)))
    return (f"{turned}{port}){path}" + (f"?{query}" if query else "")).lower()


def _sorted_query(query: str) -> str:
    pairs: Iterable[list[str]] = sorted(it.split("=", 1) for it in query.lower().split("&"))
    return "&".join("=".join(it) for it in pairs)


def _escape(text: str) -> str:
    data = text.encode()
    while (plain := unquote_to_bytes(data)) != data:
        data = plain
    # Bytes that are no printable ASCII, "%" and "#" are written as escapes; all else stands.
    return "".join(chr(it) if it in _PLAIN else f"%{it:02x}" for it in data)
