"""Each control and duty → verdict → evidence, by system and level; pure but for `read_compliance`.

A control holds at a system where each host and site of it was looked at by each tool of the
control, lately enough and to the end, and nothing graver than the control bears is open. What was
accepted until a day is shown as that, and is not the same as proven. What nobody looked at, or
could not, is not checked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy.orm import Session

from ops.catalog.tables.security import SecurityFinding, SecurityLook
from ops.duties.evidence.due import Due, due_of, list_periods
from ops.duties.evidence.events import back_from, find_event_dues
from ops.duties.evidence.judge import judge_due
from ops.duties.evidence.queries import Setting
from ops.duties.evidence.verdicts import GRAVEST, Standing, Verdict
from ops.duties.table.load import DutySet
from ops.duties.table.models import Duty
from ops.duties.table.versions import Document
from ops.schedule.ledger.job import Outcome
from ops.security.controls import Control, ControlSet
from ops.security.findings import RANK, standing_of
from ops.security.records import find_findings, find_last_looks
from ops.security.subjects import TOOLS, Subject, list_subjects

_EVENTS_DAYS = 366
_GRACE = timedelta(days=1)
"""A look is outdated only a day after the next one was due: it is taken once a day."""

Kind = Literal["control", "duty"]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ControlProof:
    """One row behind a verdict.

    Attributes:
        subject: `host:…`, `site:…`, or what a duty's row is about.
        tool: Which tool's look; for duties the table of the row.
        at: When; None where there is none.
        outcome: What it shows.
        reason, params: Why it is not good; a code of `ops.security.subjects`.
        findings: Ids of findings that break it, accepted ones included.
        digest: SHA-256 of the answer, or the row's id.
    """

    subject: str
    tool: str
    at: datetime | None
    outcome: Standing
    reason: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One control or duty, for one system.

    Attributes:
        kind, name: Which.
        title: In both languages, as `(vi, en)`.
        basis: Where it comes from.
        subject: The system, or the site; empty for the organisation, or what has no system.
        level: Security level; None where there is none.
        outcome: The gravest of its evidence.
        reason: Why it is not proven; a code.
        evidence: The rows behind it.
    """

    kind: Kind
    name: str
    title: tuple[str, str]
    basis: tuple[str, ...]
    subject: str
    level: int | None
    outcome: Standing
    reason: str
    evidence: tuple[ControlProof, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownLooks:
    """What the catalog knows of hosts and sites.

    Attributes:
        looks: The newest look of each subject and tool.
        answered: The newest one that came about.
        findings: Those that are open, by subject and tool.
        now: The moment.
    """

    looks: Mapping[Pair, SecurityLook]
    answered: Mapping[Pair, SecurityLook]
    findings: Mapping[Pair, Sequence[SecurityFinding]]
    now: datetime


def read_known(session: Session, now: datetime) -> KnownLooks:
    """Read it, in three statements whatever there is."""
    findings: dict[Pair, list[SecurityFinding]] = {}
    for it in find_findings(session):
        findings.setdefault((it.subject, it.tool), []).append(it)
    looks = find_last_looks(session)
    answered = {pair: it for pair, it in looks.items() if it.outcome != "not_checked"}
    blind = {subject for subject, tool in looks.keys() - answered.keys()}
    if blind:
        answered |= find_last_looks(session, answered=True, subjects=blind)
    return KnownLooks(looks, answered, findings, now)


def read_compliance(
    session: Session, setting: Setting, controls: ControlSet, duties: DutySet, now: datetime
) -> list[ControlRow]:
    """Give every control and every duty with its verdicts; controls first."""
    rows = judge_controls(setting.estate, controls.on(setting.today), read_known(session, now))
    return [*rows, *_judge_duties(session, setting, duties)]


def judge_controls(
    estate: Document, controls: Iterable[Control], known: KnownLooks
) -> list[ControlRow]:
    """Judge each control for each system that it concerns, and for what belongs to none."""
    subjects = list_subjects(estate)
    levels = {it["name"]: it.get("level") for it in estate.get("systems", ())}
    member = {it["name"]: it.get("system") or "" for it in estate.get("sites", ())}
    systems = [*levels, *([""] if "" in member.values() else [])]
    rows = []
    for control in controls:
        for system in systems:
            level = levels.get(system)
            mine = [it for it in subjects if any(member[site] == system for site in it.sites)]
            if mine and control.concerns(level):
                rows.append(_judge_control(control, system, level, mine, known))
    return rows


def _judge_control(
    control: Control, system: str, level: int | None, subjects: Iterable[Subject], known: KnownLooks
) -> ControlRow:
    evidence = [
        _judge_look(control, subject.key, tool, known)
        for tool in control.tools
        for subject in subjects
        if subject.where == TOOLS[tool].where
    ]
    outcome, reason = _sum_up(evidence)
    return ControlRow(
        kind="control",
        name=control.name,
        title=(control.title.vi, control.title.en),
        basis=tuple(str(it) for it in control.basis),
        subject=system,
        level=level,
        outcome=outcome,
        reason=reason,
        evidence=tuple(evidence),
    )


def _sum_up(evidence: Sequence[ControlProof]) -> tuple[Standing, str]:
    """Give the gravest outcome, and the reason of the first row that has it."""
    for outcome in GRAVEST:
        found = [it for it in evidence if it.outcome == outcome]
        if found:
            return outcome, found[0].reason
    return "not_checked", "never"


def _judge_look(control: Control, subject: str, tool: str, known: KnownLooks) -> ControlProof:
    """Judge one tool at one subject: what is open counts for as long as nothing says otherwise."""
    last, good = known.looks.get((subject, tool)), known.answered.get((subject, tool))
    rows = known.findings.get((subject, tool), ())
    bad = [it for it in rows if _breaks(it, control, known.now)]
    waiting = [it for it in bad if standing_of(it, known.now) == "open"]
    at = good.at if good else last.at if last else None
    proof = good.evidence if good else ""

    outcome, reason, params = _weigh(control, last, good, known.now)
    if waiting:
        outcome, reason, params = "failed", "open_findings", {"count": len(waiting)}
    elif outcome == "ok" and bad:
        until = min(it.accepted_until for it in bad if it.accepted_until)
        outcome, reason = "incomplete", "accepted_until"
        params = {"count": len(bad), "moment": until}
    named = tuple(str(it.id) for it in bad)
    return ControlProof(subject, tool, at, outcome, reason, params, named, proof)


def _weigh(
    control: Control, last: SecurityLook | None, good: SecurityLook | None, now: datetime
) -> tuple[Outcome, str, Mapping[str, Any]]:
    """Say whether looks themselves prove anything, whatever they found; pure."""
    if last is None:
        return "not_checked", "never", {}
    if good is None or (last.outcome == "not_checked" and last.reason not in _ONLY_WAITS):
        return "not_checked", last.reason, last.params
    if now - good.at > timedelta(days=control.every.days) + _GRACE:
        return "not_checked", "outdated", {"moment": good.at}
    if good.outcome == "incomplete":
        return "not_checked", good.reason, good.params
    return "ok", "", {}


_ONLY_WAITS = ("cooldown", "near_backup")


def _breaks(finding: SecurityFinding, control: Control, now: datetime) -> bool:
    """Say whether a finding, while it is open, breaks a control."""
    days = control.limits.update_days
    if finding.tool == "updates" and days is not None:
        return now - finding.first_seen_at > timedelta(days=days)
    return control.worst == "none" or RANK[finding.severity] > RANK[control.worst]


def _judge_duties(session: Session, setting: Setting, duties: DutySet) -> list[ControlRow]:
    """Judge the newest period of each duty that is over, or the one that runs, and its events."""
    rows = []
    for duty in duties.duties:
        due = _newest_due(duty, setting)
        if due is not None:
            rows += [_duty_row(duty, it, setting) for it in judge_due(session, due, setting)]
    events = back_from(setting.today, _EVENTS_DAYS)
    for due, names in find_event_dues(session, duties.duties, setting, events):
        found = [it for it in judge_due(session, due, setting) if it.subject in names]
        rows += [_duty_row(due.duty, it, setting) for it in found]
    return rows


def _newest_due(duty: Duty, setting: Setting) -> Due | None:
    """Give the period that ended last and was due by now; else the one that runs today."""
    today = setting.today
    if not duty.is_valid_on(today):
        return None
    periods = list_periods(duty, _long_ago(duty, today), today)
    dues = [due_of(duty, it, setting.calendar) for it in periods]
    over = [it for it in dues if it.period.end < today and it.day is not None and it.day < today]
    return over[-1] if over else next((it for it in dues if it.period.end >= today), None)


def _long_ago(duty: Duty, today: date) -> date:
    current = list_periods(duty, today, today)
    length = (current[-1].end - current[-1].start) if current else timedelta(days=366)
    return today - length - timedelta(days=62)


def _duty_row(duty: Duty, verdict: Verdict, setting: Setting) -> ControlRow:
    levels = {it["name"]: it.get("level") for it in setting.estate.get("systems", ())}
    evidence = tuple(
        ControlProof(it.subject or it.site, it.table, it.at, it.outcome, digest=it.row)
        for it in verdict.pieces
    )
    return ControlRow(
        kind="duty",
        name=duty.name,
        title=(duty.title.vi, duty.title.en),
        basis=tuple(str(it) for it in duty.basis),
        subject=verdict.subject,
        level=levels.get(verdict.subject),
        outcome=verdict.outcome,
        reason=verdict.reason,
        evidence=evidence,
    )
