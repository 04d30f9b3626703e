"""Judge a delivery by what its snapshot holds: facts in, a verdict out; and tell it in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ops.estate.model.sites import Delivery
from ops.language.formats import format_number, format_size
from ops.language.text import N_, _, fill
from ops.outcomes import Explainer, Explanation

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
class Fault:
    """One thing that is not as agreed.

    Attributes:
        code: One of `CODES`.
        params: JSON values for the sentence about it.
    """

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """What is thought of one delivery.

    Attributes:
        part: Name of the site's part.
        outcome: failed where it is of no use as it is, incomplete where something is not as agreed.
        findings: The gravest first.
    """

    part: str
    outcome: Literal["ok", "incomplete", "failed"]
    findings: tuple[Fault, ...] = ()


def judge_delivery(part: str, agreed: Delivery, facts: DeliveryFacts, now: datetime) -> Judged:
    """Judge one delivery.

    Args:
        part: Its name.
        agreed: What the estate asks of it.
        facts: What the snapshot holds.
        now: The snapshot's time.
    """
    return conclude(part, _find(agreed, facts, now))


def conclude(part: str, findings: Iterator[Fault] | tuple[Fault, ...]) -> Judged:
    """Make a verdict of findings."""
    found = tuple(sorted(findings, key=lambda it: CODES.index(it.code)))
    if not found:
        return Judged(part, "ok")
    return Judged(part, "failed" if found[0].code in _FATAL else "incomplete", found)


def _find(agreed: Delivery, facts: DeliveryFacts, now: datetime) -> Iterator[Fault]:
    if not facts.files:
        yield Fault(NOTHING)
        return
    if agreed.hash_file and facts.hashes is not None:
        yield from _find_in_hashes(agreed.hash_file, facts.hashes)
    if agreed.end_marker:
        yield from _find_in_marker(agreed.end_marker, facts)
    if agreed.min_bytes is not None and facts.size_bytes < agreed.min_bytes:
        yield Fault(SMALL, {"bytes": facts.size_bytes, "least": agreed.min_bytes})
    moment = facts.marker_at or facts.newest_at
    if moment is not None:
        hours = (now - moment).total_seconds() / _HOUR_SECONDS
        if hours > agreed.max_age_hours:
            yield Fault(STALE, {"hours": round(hours, 1), "most": agreed.max_age_hours})
        if hours < -_MOST_AHEAD_HOURS:
            yield Fault(AHEAD, {"hours": round(-hours, 1)})


def _find_in_hashes(name: str, hashes: HashFacts) -> Iterator[Fault]:
    if not hashes.listed:
        yield Fault(HASHES_MISSING, {"file": name})
    bad = (*hashes.wrong, *hashes.missing)
    if bad:
        yield Fault(
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
        yield Fault(UNLISTED, {"file": name, "count": len(hashes.unlisted), "first": first})


def _find_in_marker(name: str, facts: DeliveryFacts) -> Iterator[Fault]:
    if facts.marker_at is None:
        yield Fault(UNFINISHED, {"file": name, "is_there": False})
    elif facts.newest_at is not None and facts.marker_at < facts.newest_at:
        yield Fault(UNFINISHED, {"file": name, "is_there": True})


_UNFINISHED = {
    True: N_("files are younger than its end marker {file}: a delivery is under way, or broke off"),
    False: N_("its end marker {file} is not there"),
}


def make_params(verdicts: Sequence[Judged]) -> tuple[str, dict[str, Any]]:
    """Give the reason code and its parameters for the deliveries that are not as agreed."""
    findings = [
        {"part": verdict.part, "code": finding.code, "params": dict(finding.params)}
        for verdict in verdicts
        for finding in verdict.findings
    ]
    gravest = min((it.code for verdict in verdicts for it in verdict.findings), key=CODES.index)
    return gravest, {"findings": findings}


def tell_delivery(params: Mapping[str, Any]) -> Explanation:
    """Say what is wrong, why, whether data is safe, what to do."""
    findings = params.get("findings", [])
    parts = dict.fromkeys(str(it["part"]) for it in findings)
    return Explanation(
        _("what was delivered to {parts} is not as agreed").format(parts=", ".join(parts)),
        "; ".join(f"{it['part']}: {tell_finding(it['code'], it['params'])}" for it in findings),
        _("it was saved as it lay there; earlier backups are untouched"),
        fill(
            N_("ask who delivers it; once it is right: `{program} backup.run --site {site}`"),
            params,
        ),
    )


def tell_finding(code: str, params: Mapping[str, Any]) -> str:
    """Say what one finding means."""
    if code == UNFINISHED:
        return fill(_UNFINISHED[bool(params["is_there"])], params)
    if code == SMALL:
        sizes = {"bytes": format_size(params["bytes"]), "least": format_size(params["least"])}
        return fill(N_("it holds {bytes}, and at least {least} were agreed"), sizes)
    if code in _DATED:
        return fill(_DATED[code], {**params, "hours": format_number(params["hours"], 1)})
    if code in _NAMING:
        return fill(_NAMING[code], {**params, "first": ", ".join(params["first"])})
    return fill(_PLAIN.get(code, code), params)


_DATED = {
    STALE: N_("it is {hours} hours old, and at most {most} were agreed"),
    AHEAD: N_("it is dated {hours} hours ahead, so nobody can tell how old it is"),
}
_NAMING = {
    HASHES_WRONG: N_(
        "by {file}, {wrong} files hold other bytes and {missing} are not there, e.g. {first}"
    ),
    UNLISTED: N_("{file} does not list {count} files that lie there, e.g. {first}"),
}
_PLAIN = {
    NOTHING: N_("nothing lies there"),
    HASHES_MISSING: N_("the hash file {file} is not there, or lists nothing"),
    NOT_CHECKED: N_("it could not be looked at after it was saved: {cause}"),
}

EXPLANATIONS: Mapping[str, Explainer] = dict.fromkeys(CODES, tell_delivery)
"""By reason code; the gravest finding gives it, and all are told."""
