"""The one shape of all that tools find, and what a look changes in what is known; pure.

Whatever a tool says is hostile: a host may have been broken into. Its words are cut and sanitised,
its counts bounded, and the subject is always ours. A look that did not come to its end adds to what
is known and never says that something was fixed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, Protocol

from ops.language.text import make_visible
from ops.told_text import clean_text

Severity = Literal["low", "medium", "high", "critical"]
Outcome = Literal["ok", "incomplete", "not_checked"]
Standing = Literal["open", "accepted", "fixed"]

RANK: Mapping[str, int] = {"low": 0, "medium": 1, "high": 2, "critical": 3}
MOST_SIGHTINGS = 500
MOST_ITEMS = 2_000
LONGEST_CHECK, LONGEST_TITLE = 120, 300
_LONGEST_VERSION = 60
_DIGEST = 16
_PLAIN = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One thing that a tool holds against what it looked at.

    Attributes:
        check: The tool's name of it, the same at each look.
        severity: How grave it is.
        code: Whose sentence tells it; empty where `title` does.
        title: The tool's own words.
        params: JSON values for the sentence.
    """

    check: str
    severity: Severity
    code: str = ""
    title: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolLook:
    """How one look of one tool at one subject ended.

    Attributes:
        subject: `host:NAME` or `site:NAME`.
        tool: A name of `ops.security.subjects.TOOLS`.
        outcome: `ok` where the tool came to its end and saw all; `incomplete` where it shows
            something but not all; else `not_checked`.
        reason, params: Why it is not `ok`: a code of `ops.security.subjects`, and its values.
        sightings: The gravest first, each check once.
        items: What it lists for a list of what is allowed; None where it lists nothing.
        version: Of the tool.
        score: The tool's own figure.
        evidence: SHA-256 of its answer; empty where there was none.
    """

    subject: str
    tool: str
    outcome: Outcome = "ok"
    reason: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    sightings: tuple[Sighting, ...] = ()
    items: tuple[str, ...] | None = None
    version: str = ""
    score: int | None = None
    evidence: str = ""


class KnownFinding(Protocol):
    """A finding as it is kept: a row of `ops.catalog.tables.security.SecurityFinding`."""

    check: str
    severity: str
    state: str
    accepted_until: datetime | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a look changes.

    Attributes:
        new: Seen for the first time.
        again: Fixed once, and seen again: open, and no longer accepted.
        graver: Open and seen with a higher severity than it was accepted with.
        still: Open and seen as before.
        fixed: Checks that a whole look no longer shows.
    """

    new: tuple[Sighting, ...]
    again: tuple[Sighting, ...]
    graver: tuple[Sighting, ...]
    still: tuple[Sighting, ...]
    fixed: tuple[str, ...]


def not_checked(subject: str, tool: str, reason: str, **params: object) -> ToolLook:
    """Give a look that did not come about, and why."""
    told = {name: clean(str(value)) for name, value in params.items()}
    return ToolLook(subject=subject, tool=tool, outcome="not_checked", reason=reason, params=told)


def clean(text: str, most: int = LONGEST_TITLE) -> str:
    """Give a tool's words on one line, without what steers a terminal, not longer than `most`."""
    told = make_visible(clean_text(text[: 4 * most]), one_line=True)
    return _PLAIN.sub(" ", told).strip()[:most]


def clean_check(text: str) -> str:
    """Give the name of a check, as it is kept: one that is too long ends in its own digest."""
    told = clean(text, 2 * LONGEST_CHECK)
    if len(told) <= LONGEST_CHECK and len(text) <= LONGEST_CHECK:
        return told
    whole = digest(text.encode(errors="backslashreplace"))[:_DIGEST]
    return f"{told[: LONGEST_CHECK - 1 - _DIGEST]}~{whole}"


def digest(answer: bytes) -> str:
    """Give the SHA-256 by which an answer is evidence."""
    return sha256(answer).hexdigest()


def bound(look: ToolLook) -> ToolLook:
    """Bound what a look shows: cleaned, each check once, the gravest first, not too many.

    Where there was more than is kept, the look has not shown all.
    """
    once: dict[str, Sighting] = {}
    for it in look.sightings:
        check = clean_check(it.check)
        told = replace(it, check=check, title=clean(it.title))
        if check and (check not in once or RANK[it.severity] > RANK[once[check].severity]):
            once[check] = told
    ordered = sorted(once.values(), key=lambda it: (-RANK[it.severity], it.check))
    items = None if look.items is None else tuple(sorted({clean_check(it) for it in look.items}))
    is_cut = len(ordered) > MOST_SIGHTINGS or len(items or ()) > MOST_ITEMS
    outcome, reason = look.outcome, look.reason
    if is_cut and outcome == "ok":
        outcome, reason = "incomplete", "too_many"
    return replace(
        look,
        outcome=outcome,
        reason=reason,
        sightings=tuple(ordered[:MOST_SIGHTINGS]),
        items=None if items is None else items[:MOST_ITEMS],
        version=clean(look.version, _LONGEST_VERSION),
    )


def plan_changes(look: ToolLook, known: Iterable[KnownFinding]) -> Changes:
    """Decide what a look changes in what is known of its subject and tool; pure.

    Args:
        look: Bounded.
        known: All findings of that subject and tool, fixed ones included.
    """
    before = {it.check: it for it in known}
    seen = {it.check for it in look.sightings}
    old = [it for it in look.sightings if it.check in before]
    is_open = [it for it in old if before[it.check].state == "open"]
    graver = [it for it in is_open if RANK[it.severity] > RANK[before[it.check].severity]]
    gone = [it for it in before.values() if it.state == "open" and it.check not in seen]
    return Changes(
        new=tuple(it for it in look.sightings if it.check not in before),
        again=tuple(it for it in old if before[it.check].state == "fixed"),
        graver=tuple(graver),
        still=tuple(it for it in is_open if it not in graver),
        fixed=tuple(it.check for it in gone) if look.outcome == "ok" else (),
    )


def standing_of(row: KnownFinding, now: datetime) -> Standing:
    """Say whether a finding is fixed, accepted now, or open; what was accepted ends by itself."""
    if row.state == "fixed":
        return "fixed"
    return "accepted" if row.accepted_until is not None and row.accepted_until > now else "open"


def judge_items(tool: str, items: Sequence[str], allowed: Sequence[str]) -> tuple[Sighting, ...]:
    """Hold what is on a host against what is allowed there; pure.

    What is allowed and is gone harms nobody: it is shown when the list is approved again.
    """
    severity: Severity = "medium" if tool == "ports" else "high"
    return tuple(
        Sighting(check=it, severity=severity, code=f"{tool}_unknown", params={"item": it})
        for it in sorted(set(items) - set(allowed))
    )
