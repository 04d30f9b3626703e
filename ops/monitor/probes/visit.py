"""Visit pages of one site in one look: names looked up once, redirects followed as far as allowed.

The site's own servers stand in the estate and may lie within a network. A redirect is a stranger's
word: elsewhere than to those servers it is followed to public addresses only, and the line goes to
the very address that was looked at, so that a name that changes under way leads nowhere else.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urljoin

import dns.resolver

from archive.web.address import Place, place_of
from ops.backups.pages.fetch import is_public
from ops.monitor.probes.line import (
    REDIRECTS,
    AskError,
    PageLimits,
    PageRequest,
    Response,
    Roots,
    ask,
)
from ops.monitor.probes.result import Certificate, tidy
from ops.monitor.probes.target import Names, ProbeTarget, look_up

MOST_REDIRECTS = 5
GOOD_BELOW = 400
"""HTTP statuses from here on are failures (RFC 9110, section 15)."""

_USUAL = 443


@dataclass(frozen=True, slots=True)
class Kit:
    """What all visits of one look share."""

    trust: Roots
    resolver: dns.resolver.Resolver | None
    limits: PageLimits
    deadline: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What came of asking for a page.

    Attributes:
        answer: The last one; None where none came.
        problem: Empty where the page came and is no failure; else a reason of `AskError`, or one of
            `nxdomain`, `empty`, `resolver`, `redirects`, `inside`, `address`, `status`.
        detail: Of the problem; tidy.
        address: Of the last thing that was asked for.
        redirects: Addresses before it.
        server: The address that took the last connection; empty where none did.
        certificate: Of those shown on the way the one that ends first.
        seconds: As of `ProbeResult`; of all steps of the same kind together.
    """

    answer: Response | None = None
    problem: str = ""
    detail: str = ""
    address: str = ""
    redirects: tuple[str, ...] = ()
    server: str = ""
    certificate: Certificate | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Visit:
    """Pages of one site, in one look.

    Attributes:
        fallback: Addresses of the site's name that were known before, for when the nameservers
            do not answer.
        names: What was looked up so far, by host.
    """

    target: ProbeTarget
    kit: Kit
    fallback: tuple[str, ...] = ()
    names: dict[str, Names] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """Give the name of the site's own server; empty for an address that is none."""
        try:
            return place_of(self.target.page.address).host
        except ValueError:
            return ""

    def get(self, address: str, *, only: tuple[str, ...] = (), follows: bool = True) -> Page:
        """Ask for a page, following redirects.

        Args:
            address: In the estate.
            only: Addresses to connect to; empty: those of the name.
            follows: Whether redirects are followed; where not, one is an answer.
        """
        until = min(time.monotonic() + self.kit.limits.whole, self.kit.deadline)
        page = Page(address=address)
        while True:
            page = self._ask(page, until, only)
            answer = page.answer
            if page.problem or answer is None or answer.status not in REDIRECTS:
                return self._judge(page)
            if not answer.location or not follows:
                return self._judge(page)
            seen = (*page.redirects, page.address)
            try:
                leads_to = urljoin(page.address, answer.location[:4096])
            except ValueError:
                return _lost(page, "address", answer.location)
            if leads_to in seen or len(seen) > MOST_REDIRECTS:
                return _lost(replace(page, redirects=seen), "redirects", leads_to)
            page = replace(page, address=leads_to, redirects=seen)

    @staticmethod
    def _judge(page: Page) -> Page:
        answer = page.answer
        if page.problem or answer is None or answer.status < GOOD_BELOW:
            return page
        return replace(page, problem="status", detail=str(answer.status))

    def _ask(self, page: Page, until: float, only: tuple[str, ...]) -> Page:
        began = time.monotonic()
        try:
            place = place_of(page.address)
            address = place.own(page.address)
        except ValueError:
            address = ""
        if not address:
            return _lost(page, "address", page.address)
        addresses, problem = self._addresses(place, until)
        looked = time.monotonic() - began
        if problem:
            told = f"{place.host} ({addresses[0]})" if addresses else place.host
            return _lost(page, problem, told)
        request = PageRequest(
            place.scheme, place.host, place.port, place.target(address), only or addresses, until
        )
        try:
            answer = ask(request, self.kit.trust, self.kit.limits)
        except AskError as error:
            return replace(
                page,
                answer=None,
                problem=error.reason,
                detail=error.detail,
                server=error.server or page.server,
                certificate=_sooner(page.certificate, error.certificate),
            )
        spent = {"name": looked, **answer.seconds}
        seconds = {name: page.seconds.get(name, 0.0) + it for name, it in spent.items()}
        return replace(
            page,
            answer=answer,
            server=answer.server,
            address=tidy(address, 2000),
            seconds=seconds,
            certificate=_sooner(page.certificate, answer.certificate),
        )

    def look_up(self, host: str, seconds: float) -> Names:
        """Look a name up, once a visit."""
        if host not in self.names:
            self.names[host] = look_up(host, self.kit.resolver, seconds)
        return self.names[host]

    def _addresses(self, place: Place, until: float) -> tuple[tuple[str, ...], str]:
        """Give the addresses that may be asked, and why there are none."""
        left = min(until - time.monotonic(), self.kit.limits.name)
        names = self.look_up(place.host, max(left, 0.01))
        found = names.addresses
        is_own = (place.host, place.port) in self._own_places()
        if names.problem == "resolver" and place.host == self.host and self.fallback:
            found = self.fallback
        elif names.problem:
            return (), names.problem
        allowed = tuple(it for it in found if is_own or is_public(it))
        return (allowed, "") if allowed else (found, "inside")

    def _own_places(self) -> set[tuple[str, int]]:
        """Give the servers that the estate itself names; a plain one also means its TLS."""
        wishes = (self.target.page, *self.target.checks)
        places = [place_of(it.address) for it in wishes]
        plain = {(it.host, _USUAL) for it in places if it.scheme == "http"}
        return {(it.host, it.port) for it in places} | plain


def _lost(page: Page, problem: str, detail: str) -> Page:
    return replace(page, answer=None, problem=problem, detail=tidy(detail))


def _sooner(one: Certificate | None, other: Certificate | None) -> Certificate | None:
    there = [it for it in (one, other) if it is not None]
    return min(there, key=lambda it: it.ends_at, default=None)
