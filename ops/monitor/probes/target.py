"""What a probe is asked to do: a site's address and what has to be found there; pure."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

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
