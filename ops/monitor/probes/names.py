"""Look up where a site's name leads, as a visitor's machine would: by DNS.

A name without a dot, and one that DNS does not know, is looked for in this machine's own list
(`/etc/hosts`) too. Answers are bounded by what DNS itself allows; only the first addresses count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

import dns.exception
import dns.nameserver
import dns.resolver

NameProblem = Literal["", "nxdomain", "empty", "resolver"]
MOST_ADDRESSES = 16
"""Of each family, of one name."""

_HOSTS = Path("/etc/hosts")
_MOST_HOSTS = 1 << 20


@dataclass(frozen=True, slots=True)
class Names:
    """Where a name leads.

    Attributes:
        v4, v6: Addresses, as the server ordered them.
        canonical: The name behind aliases (CNAME); empty where it is none.
        problem: `nxdomain`: there is no such name; `empty`: it has no address; `resolver`: the
            nameservers do not answer, or fail.
        by_dns: Whether DNS was asked, and said so.
    """

    v4: tuple[str, ...] = ()
    v6: tuple[str, ...] = ()
    canonical: str = ""
    problem: NameProblem = ""
    by_dns: bool = True

    @property
    def addresses(self) -> tuple[str, ...]:
        """Give all addresses, those of IPv4 first: what most visitors come by."""
        return self.v4 + self.v6


def make_resolver(nameservers: Sequence[tuple[str, int]] = ()) -> dns.resolver.Resolver | None:
    """Make what asks these servers, or those of this machine; None where it names none."""
    if nameservers:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*it) for it in nameservers]
        return resolver
    try:
        return dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        return None


def look_up(host: str, resolver: dns.resolver.Resolver | None, seconds: float) -> Names:
    """Look a name up; whatever goes wrong is a value.

    Args:
        host: In ASCII; an address stands for itself.
        resolver: From `make_resolver`.
        seconds: For both kinds of address together.
    """
    if _is_address(host):
        return _sorted([host])
    own = "." not in host or host.endswith(".localhost")
    found = Names(problem="nxdomain", by_dns=False) if own else _ask(host, resolver, seconds)
    if found.problem in {"nxdomain", "empty"} and (listed := _list_own(host)):
        return _sorted(listed)
    return found


def _ask(host: str, resolver: dns.resolver.Resolver | None, seconds: float) -> Names:
    if resolver is None:
        return Names(problem="resolver", by_dns=False)
    found: dict[str, tuple[str, ...]] = {}
    canonical = ""
    try:
        for kind in ("A", "AAAA"):
            answer = resolver.resolve(
                host, kind, lifetime=seconds / 2, raise_on_no_answer=False, search=False
            )
            found[kind] = tuple(str(it) for it in (answer.rrset or ()))[:MOST_ADDRESSES]
            canonical = answer.canonical_name.to_text(omit_final_dot=True)
    except dns.resolver.NXDOMAIN:
        return Names(problem="nxdomain")
    except (dns.exception.DNSException, OSError, ValueError):
        if not found.get("A"):
            return Names(problem="resolver")
    names = Names(found.get("A", ()), found.get("AAAA", ()), "" if canonical == host else canonical)
    return names if names.addresses else Names(canonical=names.canonical, problem="empty")


def _sorted(addresses: Sequence[str]) -> Names:
    of = {it: tuple(a for a in addresses if ip_address(a).version == it) for it in (4, 6)}
    return Names(of[4], of[6], by_dns=False)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _list_own(host: str) -> list[str]:
    """Give the addresses that this machine's own list has for a name."""
    try:
        with _HOSTS.open(encoding="utf-8", errors="replace") as lines:
            rows = [it.partition("#")[0].split() for it in lines.read(_MOST_HOSTS).splitlines()]
    except OSError:
        return []
    named = (it[0] for it in rows if host in (name.lower() for name in it[1:]))
    return [it for it in named if _is_address(it)][:MOST_ADDRESSES]
