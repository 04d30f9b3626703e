"""What a site asks crawlers to leave alone (RFC 9309), through protego; bounded."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from protego import Protego

LARGEST = 512 << 10
_LONGEST_LINE, _MOST_STARS, _LONGEST_DELAY, _MOST_SITEMAPS = 2_000, 10, 60.0, 100


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules for one crawler.

    Attributes:
        delay: Seconds between requests; 0 where the site asks for none.
        sitemaps: Addresses that it names.
    """

    agent: str
    rules: Protego
    delay: float = 0.0
    sitemaps: tuple[str, ...] = field(default=())

    def allows(self, address: str) -> bool:
        """Say whether an address may be asked for."""
        return bool(self.rules.can_fetch(address, self.agent))


def read_robots(body: bytes, agent: str) -> Robots:
    """Read a robots.txt; empty rules allow everything.

    A line that is very long, or full of wildcards, is left out: what it would cost to hold
    addresses against it grows with both.
    """
    lines = body[:LARGEST].decode("utf-8", "replace").splitlines()
    kept = (it for it in lines if len(it) <= _LONGEST_LINE and it.count("*") <= _MOST_STARS)
    rules = Protego.parse("\n".join(kept))
    delay = min(max(float(rules.crawl_delay(agent) or 0.0), 0.0), _LONGEST_DELAY)
    sitemaps = tuple(it for it in rules.sitemaps if urlsplit(it).scheme in {"http", "https"})
    return Robots(agent, rules, delay, sitemaps[:_MOST_SITEMAPS])
