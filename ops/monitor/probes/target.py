"""What a probe has to find at a site's address, and where its name leads, as for visitors."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal

import dns.exception
import dns.nameserver
import dns.resolver

from ops.backups.pages.fetch import join_address
from ops.estate.model.estate import Estate
from ops.estate.model.monitor import ProbeCheck, split_place
from ops.estate.model.sites import Site

CheckKind = Literal["page", "search", "feedback"]
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWish:
    """A page, and what has to stand on it.

    Attributes:
        name: Of the check; empty for the site's own page.
        address: Whole, `http` or `https`.
        kind: `feedback`: it shows a form to write into; nothing is ever sent.
        words: Each has to be there.
        no_words: None may be there.
    """

    name: str = ""
    address: str
    kind: CheckKind = "page"
    words: tuple[str, ...] = ()
    no_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTarget:
    """A site to probe.

    Attributes:
        site: Its name.
        page: Asked for in each look; its answer is the site's verdict.
        checks: Asked for less often (`ops.monitor.probes.look.RARELY`).
        networks: Where its name may lead; empty: a change against what was seen before is told.
        parent: Subject of what it stands on, such as `host:web1`; empty for none.
    """

    site: str
    page: PageWish
    checks: tuple[PageWish, ...] = ()
    networks: tuple[Network, ...] = ()
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is the same for all probes of a look.

    Attributes:
        nameservers: Addresses with ports; empty: those of this machine.
        authorities: File of further certificate authorities; None for the system's alone.
        references: Addresses with ports that answer, or refuse, as long as our own line works;
            empty: this machine's default gateway.
    """

    nameservers: tuple[tuple[str, int], ...] = ()
    authorities: Path | None = None
    references: tuple[tuple[str, int], ...] = ()


_DNS, _HTTPS = 53, 443


def list_targets(estate: Estate) -> list[ProbeTarget]:
    """Give the sites that are probed: those with an address that are not taken out."""
    return [_target(it) for it in estate.named_sites if it.url and it.probe.enabled]


def surroundings_of(estate: Estate) -> Surroundings:
    """Give what all probes share."""
    settings = estate.monitor.probes
    return Surroundings(
        nameservers=tuple(split_place(it, _DNS) for it in settings.nameservers),
        authorities=settings.authorities,
        references=tuple(split_place(it, _HTTPS) for it in settings.references),
    )


def _target(site: Site) -> ProbeTarget:
    wish = site.probe
    page = PageWish(
        address=join_address(site.url, wish.page), words=wish.words, no_words=wish.no_words
    )
    return ProbeTarget(
        site=site.name,
        page=page,
        checks=tuple(_check(site.url, it) for it in wish.checks),
        networks=tuple(ip_network(it) for it in wish.networks),
        parent=_host_of(site),
    )


def _check(url: str, wish: ProbeCheck) -> PageWish:
    return PageWish(
        name=wish.name,
        address=join_address(url, wish.path),
        kind=wish.kind,
        words=wish.words,
        no_words=wish.no_words,
    )


def _host_of(site: Site) -> str:
    """Give the subject of the host a site stands on: its own, else the one its files are on."""
    hosts = dict.fromkeys(it.host for it in site.files if it.host)
    host = site.host or (next(iter(hosts)) if len(hosts) == 1 else "")
    return f"host:{host}" if host else ""


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

    A name without a dot, and one that DNS does not know, is looked for in this machine's own list
    (`/etc/hosts`) too. Answers are bounded by what DNS itself allows; only the first addresses
    count.

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
