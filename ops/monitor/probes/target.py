"""What a probe is asked to do: a site's address and what has to be found there; pure."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal

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
