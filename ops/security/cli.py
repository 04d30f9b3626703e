"""Audit for a person at a terminal, and show findings, looks and how they went over the months."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from ops.access.session import at_bench
from ops.catalog.tables.security import SecurityFinding, SecurityLook
from ops.duties.cli import at_desk
from ops.duties.evidence.due import add_months
from ops.duties.table.versions import Document
from ops.duties.wording import REASONS, tell_counts
from ops.errors import WrongUseError, unknown
from ops.estate.load.load import load_estate
from ops.estate.model.own_site import OWN_SITE
from ops.jobs.run_now import run_by_hand
from ops.language.formats import format_moment
from ops.language.text import N_, _, fill, language
from ops.outcomes import write_outcome
from ops.schedule.ledger.job import JobResult
from ops.security.compliance import ControlRow, read_compliance
from ops.security.controls import load_controls
from ops.security.findings import RANK, standing_of
from ops.security.form_08 import fill_form
from ops.security.job import AUDIT, AUDIT_JOB, audit, choose_plans
from ops.security.records import find_findings, find_last_looks, find_trend
from ops.security.subjects import (
    FINDINGS,
    LOOKS,
    MONTHS,
    STANDING_TONES,
    STANDINGS,
    VERDICTS,
    Plan,
    list_subjects,
    plan_looks,
    tell_finding,
    tell_reason,
)
from ops.security.tasks import Audit, Findings
from ops.terminal.exit_codes import EXIT_CODES, INCOMPLETE
from ops.terminal.output import Cell, write_line
from ops.terminal.progress import shown_progress
from ops.terminal.view import Row, write_list

_EXIT_CODES = {**EXIT_CODES, "not_checked": INCOMPLETE}
MOST_MONTHS = 36


def _takes(wish: Findings, subject: str, tool: str) -> bool:
    wanted = {f"host:{wish.host}"} if wish.host else set()
    wanted |= {f"site:{wish.site}"} if wish.site else set()
    return (not wanted or subject in wanted) and wish.tool in {"", tool}


def refuse_unknown(wish: Findings, estate: Document, kept: Iterable[str] = ()) -> None:
    """Refuse names that mean nothing: of them nothing would be shown, as if all were well.

    Args:
        wish: Has the names.
        estate: Says which hosts and sites there are.
        kept: Subjects of which something is kept, though the estate names them no more.
    """
    keys = {*(it.key for it in list_subjects(estate)), *kept}
    hosts, sites = (
        sorted(it.partition(":")[2] for it in keys if it.startswith(where))
        for where in ("host:", "site:")
    )
    named: tuple[tuple[str, Iterable[str]], ...] = (
        (wish.host, hosts),
        (wish.site, sites),
    )
    for name, known in named:
        if name and name not in known:
            raise unknown('"{name}" is none of these', name, known)


def audit_now(wish: Audit) -> int:
    """Look at what is asked for, or at what is due; gives the exit code."""
    asked = {"hosts": wish.host, "sites": wish.site, "only": wish.only}
    arguments = {name: list(it) for name, it in asked.items() if it}
    if wish.all or arguments:
        arguments["all"] = ["yes"]
    estate = load_estate()
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        subjects = list_subjects(estate.document())
        now = datetime.now(UTC)
        with bench.catalog.reading() as session:
            answered = find_last_looks(session, answered=True)
        controls = load_controls(estate).on(now.astimezone(estate.zone).date())
        plans = (
            choose_plans(subjects, arguments)
            if arguments
            else plan_looks(subjects, controls, answered, now)
        )
        if wish.dry_run:
            for plan in plans:
                write_line(
                    _("would look at {subject}: {tools}").format(
                        subject=plan.subject.key, tools=", ".join(plan.tools)
                    )
                )
            return 0
        if not plans:
            write_line(
                fill(N_("nothing is due today; everything: `{program} security.audit --all`"), {})
            )
            return 0
        with shown_progress() as progress:
            work = partial(audit, progress=progress)
            result = run_by_hand(
                bench, work, job=AUDIT_JOB, kind=AUDIT.name, site=OWN_SITE, arguments=arguments
            )
        with bench.catalog.reading() as session:
            _tell_result(session, plans, result, estate.organisation.timezone, as_json=wish.json)
    return _EXIT_CODES[result.outcome]


def _tell_result(
    session: Session, plans: Sequence[Plan], result: JobResult, zone: str, *, as_json: bool
) -> None:
    last = find_last_looks(session)
    pairs = [(it.subject.key, tool) for it in plans for tool in it.tools]
    looks = [last[pair] for pair in pairs if pair in last]
    write_list(
        LOOKS,
        map(_look_values, looks),
        as_json=as_json,
        zone=zone,
        outcome=result.outcome,
        **result.summary,
    )
    if not as_json:
        write_outcome(result, job=AUDIT_JOB, site=OWN_SITE)


def show(wish: Findings) -> int:
    """Write findings, looks, months or proofs, whichever is asked for; gives the exit code.

    Raises:
        WrongUseError: There is no such host, site, tool or severity, or there are too many months.
    """
    if wish.compliance:
        return show_compliance(wish)
    if wish.looks:
        return _show_looks(wish)
    return _show_trend(wish) if wish.trend else _show_findings(wish)


def _show_looks(wish: Findings) -> int:
    """Write the newest look of each tool at each host and site; gives the exit code."""
    with at_desk() as desk, desk.catalog.reading() as session:
        last = find_last_looks(session)
        refuse_unknown(wish, desk.setting.estate, (subject for subject, _tool in last))
        found = [it for pair, it in sorted(last.items()) if _takes(wish, *pair)]
    zone = desk.estate.organisation.timezone
    write_list(LOOKS, map(_look_values, found), as_json=wish.json, zone=zone)
    return 0


def _look_values(it: SecurityLook) -> Mapping[str, Any]:
    names = ("subject", "tool", "at", "outcome", "reason", "version", "score", "opened", "fixed",
             "open", "evidence", "by")  # fmt: skip
    return {**{name: getattr(it, name) for name in names}, "why": tell_reason(it.reason, it.params)}


def _show_findings(wish: Findings) -> int:
    """Write findings, the gravest first; gives the exit code."""
    now = datetime.now(UTC)
    with at_desk() as desk, desk.catalog.reading() as session:
        kept = find_findings(session, with_fixed=wish.fixed)
        refuse_unknown(wish, desk.setting.estate, (it.subject for it in kept))
    least = RANK[wish.severity] if wish.severity else 0
    found = [it for it in kept if _takes(wish, it.subject, it.tool) and RANK[it.severity] >= least]
    found.sort(key=lambda it: (-RANK[it.severity], it.subject, it.tool, it.check))
    zone = desk.estate.organisation.timezone
    rows = [_finding_values(it, now) for it in found]
    beside = {"state": partial(_tell_state, zone=zone)}
    if write_list(FINDINGS, rows, as_json=wish.json, zone=zone, beside=beside):
        open_now = sum(it["state"] == "open" for it in rows)
        write_line(_("{open} open, {all} in all").format(open=open_now, all=len(rows)))
    elif not rows and not wish.json:
        return _show_looks(wish)
    return 0


def _tell_state(row: Row, zone: str) -> Cell:
    """Tell until when, by whom and why a finding is accepted, too."""
    text = _(STANDINGS[row["state"]])
    if row["state"] == "accepted" and row["accepted_until"]:
        text = _("{state} until {moment} by {person}: {reason}").format(
            state=text,
            moment=format_moment(datetime.fromisoformat(row["accepted_until"]), zone),
            person=row["accepted_by"],
            reason=row["accept_reason"],
        )
    return Cell(text, STANDING_TONES[row["state"]])


def _finding_values(it: SecurityFinding, now: datetime) -> Mapping[str, Any]:
    names = (
        "id", "subject", "tool", "check", "severity", "evidence", "first_seen_at", "last_seen_at",
        "fixed_at", "found_by", "accepted_until", "accepted_by", "asked_by", "accept_reason",
        "accept_document",
    )  # fmt: skip
    told = {name: getattr(it, name) for name in names}
    return {**told, "state": standing_of(it, now), "text": tell_finding(it)}


def _show_trend(wish: Findings) -> int:
    """Write how many findings were open at the end of each month; gives the exit code."""
    if not 1 <= wish.trend <= MOST_MONTHS:
        raise WrongUseError(
            "a trend is of 1 to {most} months",
            next_step="give `--trend` such a number",
            most=MOST_MONTHS,
        )
    with at_desk() as desk, desk.catalog.reading() as session:
        refuse_unknown(wish, desk.setting.estate)
        today = desk.setting.today
        first = add_months(today.replace(day=1), 1 - wish.trend)
        since = datetime(first.year, first.month, 1, tzinfo=desk.setting.zone)
        looks = [it for it in find_trend(session, since) if _takes(wish, it.subject, it.tool)]
    rows = sum_up_months(looks, lambda it: it.at.astimezone(desk.setting.zone).strftime("%Y-%m"))
    write_list(MONTHS, rows, as_json=wish.json)
    return 0


_FIGURES = ("looks", "not_whole", "opened", "fixed", "open")


def sum_up_months(looks: Sequence[SecurityLook], month_of: Any) -> list[dict[str, Any]]:
    """Give figures of each month that has looks, oldest first; pure.

    Args:
        looks: Oldest first.
        month_of: Gives a look's month, `2026-11`.
    """
    found: dict[str, dict[str, Any]] = {}
    standing: dict[tuple[str, str], int] = {}
    for it in looks:
        row = found.setdefault(month_of(it), dict.fromkeys(_FIGURES, 0))
        row["looks"] += 1
        row["not_whole"] += it.outcome != "ok"
        row["opened"] += it.opened
        row["fixed"] += it.fixed
        standing[it.subject, it.tool] = it.open
        row["open"] = sum(standing.values())
    return [{"month": month, **row} for month, row in found.items()]


_MOST_REASONS = 2


def show_compliance(wish: Findings) -> int:
    """Write each control and duty with its verdict and what is behind it; gives the exit code."""
    now = datetime.now(UTC)
    with at_desk() as desk, desk.catalog.reading() as session:
        controls = load_controls(desk.estate)
        rows = read_compliance(session, desk.setting, controls, desk.duties, now)
    today = now.astimezone(desk.estate.zone).date()
    owner = desk.estate.organisation.roles_on(today).owner
    totals, form = fill_form(
        desk.setting.estate, rows, operator=desk.estate.name_at(now), owner=owner
    )
    told = {**asdict(totals), "rows": form}
    if write_list(VERDICTS, map(_values, rows), as_json=wish.json, form_08=told):
        write_line(tell_counts(it.outcome for it in rows))
    return 0


def _why(row: ControlRow) -> str:
    """Say why a row is not proven: the words of duties, or those of looks."""
    if row.kind == "duty":
        return _(REASONS[row.reason])
    told = {
        f"{it.subject}: {tell_reason(it.reason, it.params)}": None
        for it in row.evidence
        if it.outcome == row.outcome and it.reason
    }
    return "; ".join(list(told)[:_MOST_REASONS]) + (" …" if len(told) > _MOST_REASONS else "")


def _values(row: ControlRow) -> Mapping[str, Any]:
    vi, en = row.title
    values = {it.name: getattr(row, it.name) for it in fields(row)}  # evidence is long: no copies
    return {**values, "title": en if language() == "en" else vi, "why": _why(row)}
