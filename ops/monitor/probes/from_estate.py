"""Give what the estate asks of probes; pure."""

from ipaddress import ip_network

from ops.backups.pages.fetch import join_address
from ops.estate.model.estate import Estate
from ops.estate.model.probe import ProbeCheck, split_place
from ops.estate.model.sites import Site
from ops.monitor.probes.target import PageWish, ProbeTarget, Surroundings

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
