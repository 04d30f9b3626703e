"""Judge a drill from what its phases have found; pure.

The times are those an outside stop-watch shows, from the incident on, whoever sets the clock: to
recover means that the site was started and has shown a page, and that its pages were compared. What
may be lost is what was written after the copy was taken: its age at the incident. How old the
newest content in it was is told beside it, and decides nothing: a quiet site has old content in a
fresh copy and has lost nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.drills.records import KeptDrill, KeptPhase, Verdict

RTO_PARTS = ("detect", "decide", "keys", "data", "scan", "restore", "verify", "switch", "other")
ARCHIVE_PARTS = ("detect", "data", "other")
"""Those that a drill from the archive has."""
_JUDGED: Mapping[str, tuple[str, ...]] = {
    "site": ("prepare", "keys", "fetch", "scan", "rehearse", "wipe"),
    "file": ("fetch", "wipe"),
    "archive": ("fetch", "wipe"),
}
_NEVER_BEGUN = "drill_phase_missing"
WARNED = "drill_copy_warned"
"""Where it is the gravest that is to be said, the drill was passed with remarks."""

_CLOCKS_DIFFER_SECONDS = 1.0  # parts that took longer than the whole: the clock was set back


@dataclass(frozen=True, slots=True)
class Aims:
    """What the site or the runbook asks for."""

    rto: timedelta
    rpo: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was reached.

    Attributes:
        parts: Seconds by part of `RTO_PARTS`; what belongs to none is `other`.
        rto: From the incident to the compared pages; None where the site did not run again.
        rpo: From the copy to the incident; None where none was chosen.
        newest_at: Moment of the newest content in the copy; None where nothing tells it.
        newest_in: `rows` or `files`.
    """

    parts: Mapping[str, float]
    rto: timedelta | None
    rpo: timedelta | None
    newest_at: datetime | None
    newest_in: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """How the drill went.

    Attributes:
        outcome, reason, params: As everywhere.
        isolated: Whether it was rehearsed apart; None where it was not rehearsed.
        faults: Everything that is not as it should be, the reason first: (outcome, reason, params).
    """

    outcome: Verdict
    reason: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    isolated: bool | None = None
    faults: tuple[tuple[str, str, Mapping[str, Any]], ...] = ()


def judge_drill(drill: KeptDrill, measured: Measured, aims: Aims) -> Judgement:
    """Judge it: the gravest fault decides, the first of several alike.

    What the copy lacks no drill of it can show: what its backup had warned of stays to be mended.
    """
    faults = [*_phase_faults(drill), *_missed_aims(measured, aims), *_doubts(drill, measured)]
    faults.sort(key=lambda it: it[0] != "failed")
    faults += [("incomplete", WARNED, it) for it in drill.facts_of("fetch").get("warnings", ())]
    rehearsal = drill.phases.get("rehearse")
    result = rehearsal.facts.get("result") if rehearsal else None
    isolated = None if result is None else bool(result["isolated"])
    if not faults:
        return Judgement("ok", params=_find_file(drill), isolated=isolated)
    outcome: Verdict = "failed" if faults[0][0] == "failed" else "incomplete"
    fetched = drill.phases.get("fetch")
    if drill.source == "archive" and fetched is not None and fetched.outcome == "not_checked":
        outcome = "not_checked"  # there was nothing yet that could have been taken back
    return Judgement(outcome, faults[0][1], faults[0][2], isolated, tuple(faults))


def _find_file(drill: KeptDrill) -> dict[str, Any]:
    return {"path": drill.facts_of("fetch")["path"]} if drill.kind == "file" else {}


def _phase_faults(drill: KeptDrill) -> list[tuple[str, str, Mapping[str, Any]]]:
    faults: list[tuple[str, str, Mapping[str, Any]]] = []
    for name in _JUDGED[drill.kind]:
        phase = drill.phases.get(name)
        if phase is None or phase.outcome is None:
            faults.append(("not_checked", _NEVER_BEGUN, {"phase": name}))
        elif _is_fault(phase):
            faults.append((phase.outcome, phase.reason, phase.params))
            faults += _more_remarks(phase)
    return faults


def _is_fault(phase: KeptPhase) -> bool:
    """Tell whether a phase leaves something open; one that was skipped has its cause before it."""
    if phase.outcome in {"ok", "skipped"}:
        return False
    return phase.name != "scan" or phase.outcome == "failed" or bool(phase.facts.get("needed"))


def _more_remarks(phase: KeptPhase) -> list[tuple[str, str, Mapping[str, Any]]]:
    remarks = phase.facts.get("result", {}).get("remarks", ())
    told = [(it["outcome"], it["code"], it["params"]) for it in remarks]
    return [it for it in told if (it[1], it[2]) != (phase.reason, phase.params)]


def _missed_aims(measured: Measured, aims: Aims) -> list[tuple[str, str, Mapping[str, Any]]]:
    missed: list[tuple[str, str, Mapping[str, Any]]] = []
    if measured.rto is not None and measured.rto > aims.rto:
        params = {"reached": measured.rto.total_seconds(), "target": aims.rto.total_seconds()}
        missed.append(("failed", "drill_rto_missed", params))
    if measured.rpo is not None and measured.rpo > aims.rpo:
        params = {"reached": measured.rpo.total_seconds(), "target": aims.rpo.total_seconds()}
        missed.append(("failed", "drill_rpo_missed", params))
    return missed


def _doubts(drill: KeptDrill, measured: Measured) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield what makes the measures themselves worth nothing."""
    if measured.rpo is not None and measured.rpo < timedelta(0):
        yield "not_checked", "drill_copy_too_young", {}
    rehearsal = drill.phases.get("rehearse")
    if measured.rto is None or rehearsal is None or rehearsal.outcome != "ok":
        return
    if sum(measured.parts.values()) > measured.rto.total_seconds() + _CLOCKS_DIFFER_SECONDS:
        yield "not_checked", "drill_clock_moved", {}


def measure_drill(drill: KeptDrill) -> Measured:
    """Measure it from the records."""
    newest_at, newest_in = _find_newest(drill)
    last = drill.phases.get("fetch" if drill.source == "archive" else "rehearse")
    rto = _find_rto(drill, last) if last is not None and _is_back(drill, last) else None
    return Measured(
        parts=_find_parts(drill, rto),
        rto=rto,
        rpo=None if drill.taken_at is None else drill.incident_at - drill.taken_at,
        newest_at=newest_at,
        newest_in=newest_in,
    )


def _is_back(drill: KeptDrill, last: KeptPhase) -> bool:
    """Tell whether what was lost can be used again: items are whole, or the site runs."""
    if drill.source == "archive":
        return last.outcome == "ok"
    return _runs_again(last.facts.get("result") or {})


def _runs_again(result: Mapping[str, Any]) -> bool:
    shown = any(not it["problem"] for it in result.get("found", ()))
    return shown and result.get("way", "none") != "none"


def _find_rto(drill: KeptDrill, last: KeptPhase) -> timedelta | None:
    """Give how long it took from the incident to the end of the phase that brought all back.

    From the first phase on it is counted by the clock that nobody sets, unless the machine was
    started anew in between.
    """
    if last.ended_at is None:
        return None
    wall = last.ended_at - drill.incident_at
    prepared = drill.phases.get("prepare", last)
    begun, ended = (it.facts.get("clock") for it in (prepared, last))
    if not begun or not ended or begun["boot"] != ended["boot"]:
        return wall
    took = timedelta(seconds=ended["ended"] - begun["begun"])
    return prepared.started_at - drill.incident_at + took


def _find_parts(drill: KeptDrill, rto: timedelta | None) -> dict[str, float]:
    took = {name: phase.seconds for name, phase in drill.phases.items()}
    compared = float(drill.facts_of("fetch").get("seconds_compare", 0.0))
    rehearsed = drill.facts_of("rehearse").get("result", {}).get("seconds", {})
    parts = {
        "detect": (drill.started_at - drill.incident_at).total_seconds(),
        "decide": took.get("prepare", 0.0),
        "keys": took.get("keys", 0.0) + _wait_for_shares(drill),
        "data": max(took.get("fetch", 0.0) - compared, 0.0),
        "scan": took.get("scan", 0.0),
        "restore": float(rehearsed.get("restore", 0.0)),
        "verify": compared + float(rehearsed.get("verify", 0.0)),
        "switch": float(rehearsed.get("switch", 0.0)),
    }
    other = 0.0 if rto is None else max(rto.total_seconds() - sum(parts.values()), 0.0)
    return {name: round(seconds, 3) for name, seconds in {**parts, "other": other}.items()}


def _wait_for_shares(drill: KeptDrill) -> float:
    """Give how long the holders of the key took: they type before the phase of the keys begins."""
    prepared, keys = drill.phases.get("prepare"), drill.phases.get("keys")
    if not drill.from_paper or keys is None or prepared is None or prepared.ended_at is None:
        return 0.0
    return max((keys.started_at - prepared.ended_at).total_seconds(), 0.0)


def _find_newest(drill: KeptDrill) -> tuple[datetime | None, str]:
    found: list[tuple[datetime, str]] = []
    if newest := drill.facts_of("rehearse").get("newest"):
        found.append((datetime.fromisoformat(newest), "rows"))
    if nanoseconds := drill.facts_of("fetch").get("newest_file_ns"):
        found.append((datetime.fromtimestamp(nanoseconds / 1_000_000_000, UTC), "files"))
    return max(found, default=(None, ""))
