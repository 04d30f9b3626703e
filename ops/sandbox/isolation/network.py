"""The sandbox's network: a loopback with every address at which the site looks for servers."""

import socket
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from ops.sandbox.isolation import system_calls as calls
from ops.sandbox.plan import RehearsalPlan

PROBE_SECONDS = 2.0
_ALL_PORTS = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def find_reached(probes: Iterable[str]) -> tuple[str, ...]:
    """Try to reach production; gives what answered, or is there, in the order tried.

    Args:
        probes: As in the plan.
    """
    return tuple(it for it in probes if (_is_there(it) if it.startswith("/") else _answers(it)))


def _is_there(path: str) -> bool:
    return Path(path).is_symlink() or Path(path).exists()


def _answers(target: str) -> bool:
    host, _colon, port = target.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PROBE_SECONDS).close()
    except (OSError, UnicodeError):
        return False
    return True


def list_ways_out() -> tuple[str, ...]:
    """Name every interface that is up besides the loopback; a sandbox has none."""
    names = (name for _number, name in socket.if_nameindex())
    return tuple(name for name in names if name != calls.LOOPBACK and calls.is_up(name))


def find_web_address(url: str) -> tuple[str, int, bool]:
    """Give host, port and whether it is encrypted, of a site's address."""
    parts = urlsplit(url)
    is_encrypted = parts.scheme == "https"
    return parts.hostname or "", parts.port or (443 if is_encrypted else 80), is_encrypted


def find_names(plan: RehearsalPlan) -> tuple[str, ...]:
    """Give every name and address by which the site or a visitor finds a server; each once."""
    urls = [plan.url, *(it.address for it in plan.pages)]
    urls += [address for page in plan.pages for address in page.redirects]
    found = [urlsplit(url).hostname or "" for url in urls]
    found += [it.address for it in plan.databases]
    found += plan.addresses
    return tuple(dict.fromkeys(it for it in found if it and it != "localhost"))


def lead_here(names: Iterable[str]) -> None:
    """Have names and addresses lead to this sandbox, and let every account use every port."""
    lines = []
    for name in names:
        try:
            address = ip_address(name)
        except ValueError:
            lines.append(f"127.0.0.1 {name.encode('idna').decode()}\n")
            continue
        if not address.is_loopback:
            calls.add_address(name)
    with Path("/etc/hosts").open("a", encoding="ascii") as file:
        file.writelines(lines)
    with suppress(OSError):  # an older kernel: only ports above 1023, as the site will tell
        _ALL_PORTS.write_text("0", encoding="ascii")
