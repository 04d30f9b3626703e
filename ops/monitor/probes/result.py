"""What one look at a site found, what is remembered of it, and what is written; pure.

A site has *aspects*: `answer` (its page), `words`, `certificate`, `issuer`, `names` (where DNS
leads), `ipv6`, and `check:NAME` for each check. Each has a short state, such as `good` or
`timeout`; every change of one is kept for 25 months. What a look needs of the one before is just
these states: after a restart they are read back, and nothing is told anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ops.monitor.probes.target import ProbeTarget

Verdict = Literal["up", "down", "unknown"]
"""`unknown`: nobody can say, as where our own line is down; a gap, never an outage."""

State = Literal["good", "bad", "no_data", "not_checked"]
GOOD = "good"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look found of one aspect.

    Attributes:
        state: As of `ops.alerts.conditions.Condition`.
        text: The short state that is remembered: `good`, a reason, an issuer, addresses.
        code: What its sentences are made from; empty where it is good.
        params: For those sentences; text in them is sanitised and bounded.
    """

    state: State
    text: str = GOOD
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of one aspect.

    Attributes:
        text: Its state.
        since: Since when; UTC.
        before: The state before; empty where none is known.
        looked_at: When it was last looked at; UTC.
    """

    text: str
    since: datetime
    before: str = ""
    looked_at: datetime | None = None


Seen = Mapping[str, Mapping[str, Known]]
"""Site → aspect → what is remembered."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server showed.

    Attributes:
        issuer: Organisation of who signed it, else their common name.
        ends_at: UTC.
        subject: Its first name.
    """

    issuer: str
    ends_at: datetime
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What one look at a site found.

    Attributes:
        target: What was asked.
        at: When the look began; UTC.
        verdict: Of this minute.
        findings: By aspect; one that this look left out is missing.
        known: What is remembered of every aspect, this look included: what the next one is given.
        is_confirmed: Whether a failure was seen twice, some seconds apart, or was known before.
        status: Of HTTP; None without an answer.
        server: The address that answered.
        redirects: Addresses that led to the answer.
        protocol: Of TLS; empty without.
        certificate: None without TLS, or where it could not be read.
        seconds: `name`, `connect`, `first_byte`, `whole`; a step that did not come is missing.
        size_bytes: Of the page, unpacked, as far as it was read; None without one.
    """

    target: ProbeTarget
    at: datetime
    verdict: Verdict
    findings: Mapping[str, Finding]
    known: Mapping[str, Known] = field(default_factory=dict)
    is_confirmed: bool = True
    status: int | None = None
    server: str = ""
    redirects: tuple[str, ...] = ()
    protocol: str = ""
    certificate: Certificate | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    size_bytes: int | None = None

    @property
    def site(self) -> str:
        """Give the site's name."""
        return self.target.site


def list_points(result: ProbeResult) -> dict[str, float]:
    """Give what is sampled of a site, by metric: seconds, bytes, days."""
    points = {f"probe_{name}_seconds": value for name, value in result.seconds.items()}
    if result.size_bytes is not None:
        points["probe_size_bytes"] = float(result.size_bytes)
    if result.certificate is not None:
        left = result.certificate.ends_at - result.at
        points["certificate_days"] = left.total_seconds() / 86_400
    if result.verdict != "unknown":
        points["probe_up"] = float(result.verdict == "up")
    return points


def list_states(result: ProbeResult) -> dict[str, str]:
    """Give the states this look found, by aspect: what is written where it has changed."""
    return {aspect: it.text for aspect, it in result.findings.items() if it.state != "not_checked"}
