"""Judge a delivery by what its snapshot holds: facts in, a verdict out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ops.estate.model.sites import Delivery

NOTHING = "delivery_nothing"
HASHES_WRONG = "delivery_hashes_wrong"
UNFINISHED = "delivery_unfinished"
HASHES_MISSING = "delivery_hashes_missing"
UNLISTED = "delivery_unlisted"
SMALL = "delivery_small"
STALE = "delivery_stale"
AHEAD = "delivery_ahead"
NOT_CHECKED = "delivery_not_checked"
CODES = (
    NOTHING, HASHES_WRONG, NOT_CHECKED, UNFINISHED, HASHES_MISSING, UNLISTED, SMALL, STALE, AHEAD
)  # fmt: skip
"""Reason codes, the gravest first."""

_FATAL = frozenset({NOTHING, HASHES_WRONG})
_MOST_TOLD = 5
_HOUR_SECONDS = 3600
_MOST_AHEAD_HOURS = 24
"""A date so far ahead is no other time zone's: how old the delivery is nobody can tell."""


@dataclass(frozen=True, slots=True)
class HashFacts:
    """What the hash file says, held against the files.

    Attributes:
        listed: Files that it names; 0 where it is not there or names none.
        wrong: Names of files whose bytes have another hash.
        missing: Names of files that it lists and that are not there.
        unlisted: Names of files that are there and that it does not list.
    """

    listed: int = 0
    wrong: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """What a snapshot holds of a delivery; hash file and end marker are not counted.

    Attributes:
        files: Regular files.
        size_bytes: Of all of them.
        newest_at: The latest modification time among them.
        marker_at: Modification time of the end marker; None where there is none.
        hashes: None where no hash file was agreed.
    """

    files: int
    size_bytes: int
    newest_at: datetime | None = None
    marker_at: datetime | None = None
    hashes: HashFacts | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as agreed.

    Attributes:
        code: One of `CODES`.
        params: JSON values for the sentence about it.
    """

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is thought of one delivery.

    Attributes:
        part: Name of the site's part.
        outcome: failed where it is of no use as it is, incomplete where something is not as agreed.
        findings: The gravest first.
    """

    part: str
    outcome: Literal["ok", "incomplete", "failed"]
    findings: tuple[Finding, ...] = ()


def judge_delivery(part: str, agreed: Delivery, facts: DeliveryFacts, now: datetime) -> Verdict:
    """Judge one delivery.

    Args:
        part: Its name.
        agreed: What the estate asks of it.
        facts: What the snapshot holds.
        now: The snapshot's time.
    """
    return conclude(part, _find(agreed, facts, now))


def conclude(part: str, findings: Iterator[Finding] | tuple[Finding, ...]) -> Verdict:
    """Make a verdict of findings."""
    found = tuple(sorted(findings, key=lambda it: CODES.index(it.code)))
    if not found:
        return Verdict(part, "ok")
    return Verdict(part, "failed" if found[0].code in _FATAL else "incomplete", found)


def _find(agreed: Delivery, facts: DeliveryFacts, now: datetime) -> Iterator[Finding]:
    if not facts.files:
        yield Finding(NOTHING)
        return
    if agreed.hash_file and facts.hashes is not None:
        yield from _find_in_hashes(agreed.hash_file, facts.hashes)
    if agreed.end_marker:
        yield from _find_in_marker(agreed.end_marker, facts)
    if agreed.min_bytes is not None and facts.size_bytes < agreed.min_bytes:
        yield Finding(SMALL, {"bytes": facts.size_bytes, "least": agreed.min_bytes})
    moment = facts.marker_at or facts.newest_at
    if moment is not None:
        hours = (now - moment).total_seconds() / _HOUR_SECONDS
        if hours > agreed.max_age_hours:
            yield Finding(STALE, {"hours": round(hours, 1), "most": agreed.max_age_hours})
        if hours < -_MOST_AHEAD_HOURS:
            yield Finding(AHEAD, {"hours": round(-hours, 1)})


def _find_in_hashes(name: str, hashes: HashFacts) -> Iterator[Finding]:
    if not hashes.listed:
        yield Finding(HASHES_MISSING, {"file": name})
    bad = (*hashes.wrong, *hashes.missing)
    if bad:
        yield Finding(
            HASHES_WRONG,
            {
                "file": name,
                "wrong": len(hashes.wrong),
                "missing": len(hashes.missing),
                "first": list(bad[:_MOST_TOLD]),
            },
        )
    if hashes.listed and hashes.unlisted:
        first = list(hashes.unlisted[:_MOST_TOLD])
        yield Finding(UNLISTED, {"file": name, "count": len(hashes.unlisted), "first": first})


def _find_in_marker(name: str, facts: DeliveryFacts) -> Iterator[Finding]:
    if facts.marker_at is None:
        yield Finding(UNFINISHED, {"file": name, "is_there": False})
    elif facts.newest_at is not None and facts.marker_at < facts.newest_at:
        yield Finding(UNFINISHED, {"file": name, "is_there": True})
