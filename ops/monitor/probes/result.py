"""What one look at a site found, what is remembered of it, and what is written; pure.

A site has *aspects*: `answer` (its page), `words`, `certificate`, `issuer`, `names` (where DNS
leads), `ipv6`, and `check:NAME` for each check. Each has a short state, such as `good` or
`timeout`; every change of one is kept for 25 months. What a look needs of the one before is just
these states: after a restart they are read back, and nothing is told anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from ops.monitor.probes.target import ProbeTarget

LONGEST = 200


def tidy(text: str, most: int = LONGEST) -> str:
    """Give a text in one line without what a terminal obeys or what turns the writing round."""
    shown = "".join(it if it.isprintable() else " " for it in text[: 4 * most])
    line = " ".join(shown.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


Verdict = Literal["up", "down", "unknown"]
"""`unknown`: nobody can say, as where our own line is down; a gap, never an outage."""

State = Literal["good", "bad", "no_data", "not_checked"]
Line = Literal["up", "down", "not_checked"]
GOOD = "good"
SEEN = "seen"
"""State that is written where what matters is who or where: that stands in its detail."""


@dataclass(frozen=True, slots=True)
class ProbeFinding:
    """What a look found of one aspect.

    Attributes:
        state: As of `ops.alerts.looks.Condition`.
        text: The short state that is remembered: `good`, a reason, an issuer, addresses; empty:
            nothing was learnt, and what was known stays.
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
        line: Our own: `up` where any site or reference answered, `down` where none did,
            `not_checked` where there is nothing to tell it by.
    """

    target: ProbeTarget
    at: datetime
    verdict: Verdict
    findings: Mapping[str, ProbeFinding]
    known: Mapping[str, Known] = field(default_factory=dict)
    is_confirmed: bool = True
    status: int | None = None
    server: str = ""
    redirects: tuple[str, ...] = ()
    protocol: str = ""
    certificate: Certificate | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    size_bytes: int | None = None
    line: Line = "not_checked"

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


def list_changes(result: ProbeResult) -> list[tuple[str, str, str]]:
    """Give aspect, state and detail of what this look found changed: what is written of it."""
    changed = [
        (it, result.findings[it])
        for it, known in result.known.items()
        if it in result.findings and known.since == result.at
    ]
    return [(aspect, *_to_change(it)) for aspect, it in changed if it.text]


def _to_change(finding: ProbeFinding) -> tuple[str, str]:
    if finding.state == "good" and finding.text not in {GOOD, "reachable"}:
        return SEEN, finding.text
    return finding.text, str(finding.params.get("detail", ""))


def recall(changes: Iterable[tuple[str, datetime, str, str]]) -> dict[str, Known]:
    """Give what is remembered of a site after a restart.

    Args:
        changes: Aspect, moment, state and detail, as written; oldest first.
    """
    known: dict[str, Known] = {}
    for aspect, at, state, detail in changes:
        text = detail if state == SEEN else state
        old = known.get(aspect)
        if old is None or old.text != text:  # a watch that began anew has written the same again
            known[aspect] = Known(text, at, old.text if old else "")
    return known


def learn(
    known: Mapping[str, Known], findings: Mapping[str, ProbeFinding], at: datetime
) -> dict[str, Known]:
    """Give what is remembered after a look."""
    learnt = dict(known)
    for aspect, finding in findings.items():
        old = known.get(aspect)
        if not finding.text:
            continue
        if old is not None and old.text == finding.text:
            learnt[aspect] = replace(old, looked_at=at)
        else:
            learnt[aspect] = Known(finding.text, at, old.text if old else "", at)
    return learnt
