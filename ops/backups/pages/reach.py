"""Open a line to a server that a stranger has named: to public addresses only.

Whoever owns a page can lead us anywhere, and a name can mean another address the second time it is
asked for. So each address that a name means is looked at, and the line goes to that very address.
"""

import socket
import time
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

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
