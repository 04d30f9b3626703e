"""Audit for a person at a terminal, and show findings, looks and how they went over the months."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import partial
from typing import Any, get_args

from sqlalchemy.orm import Session

from ops.access.session import at_bench
from ops.catalog.tables.security import SecurityFinding, SecurityLook
from ops.duties.cli import at_desk
from ops.duties.evidence.due import add_months
from ops.duties.table.subjects import Document
from ops.duties.wording import REASONS, tell_subject
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.own_site import OWN_SITE
from ops.jobs.run_now import run_by_hand
from ops.language.formats import format_duration, format_id, format_moment
from ops.language.text import N_, _, fill, language
from ops.outcomes.output import write_outcome
from ops.schedule.ledger.job import JobResult
from ops.security.compliance import Row, read_compliance
from ops.security.controls import load_controls
from ops.security.due import Plan, plan_looks
from ops.security.findings import RANK, Severity, standing_of
from ops.security.form_08 import fill_form
from ops.security.job import audit, choose_plans
from ops.security.kind import AUDIT, AUDIT_JOB
from ops.security.records import find_findings, find_last_looks, find_trend
from ops.security.subjects import TOOLS, list_subjects
from ops.security.tasks import Audit, Findings
from ops.security.wording import SEVERITY_WORDS, STANDINGS, tell_finding, tell_reason
from ops.terminal.exit_codes import EXIT_CODES, INCOMPLETE
from ops.terminal.output import Cell, Tone, outcome_cell, write_json, write_line, write_table
from ops.terminal.progress import shown_progress

_EXIT_CODES = {**EXIT_CODES, "not_checked": INCOMPLETE}
_TONES: Mapping[str, Tone] = {
    "critical": "bad", "high": "bad", "medium": "warning", "low": "plain",
}  # fmt: skip
_STANDING_TONES: Mapping[str, Tone] = {"open": "bad", "accepted": "warning", "fixed": "good"}


MOST_MONTHS = 36


def _takes(wish: Findings, subject: str, tool: str) -> bool:
    """Say whether what is about a subject and tool is shown."""
    wanted = {f"host:{wish.host}"} if wish.host else set()
    wanted |= {f"site:{wish.site}"} if wish.site else set()
    return (not wanted or subject in wanted) and wish.tool in {"", tool}


def refuse_unknown(wish: Findings, estate: Document, kept: Iterable[str] = ()) -> None:
    """Refuse names that mean nothing: of them nothing would be shown, as if all were well.

    Args:
        wish: Has the names.
        estate: Says which hosts and sites there are.
        kept: Subjects of which something is kept, though the estate names them no more.

    Raises:
        WrongUseError: There is no such host, site, tool or severity.
    """
    keys = {*(it.key for it in list_subjects(estate)), *kept}
    hosts, sites = (
        sorted(it.partition(":")[2] for it in keys if it.startswith(where))
        for where in ("host:", "site:")
    )
    named: tuple[tuple[str, Iterable[str]], ...] = (
        (wish.host, hosts), (wish.site, sites), (wish.tool, TOOLS),
        (wish.severity, get_args(Severity)),
    )  # fmt: skip
    for name, known in named:
        if name and name not in known:
            raise WrongUseError(
                '"{name}" is none of these: {known}',
                next_step="correct it and type the command again",
                name=name,
                known=", ".join(known),
            )


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
                write_line(_("would look at {subject}: {tools}").format(
                    subject=plan.subject.key, tools=", ".join(plan.tools)
                ))  # fmt: skip
            return 0
        if not plans:
            write_line(fill(N_("nothing is due today; everything: `{program} security.audit"
                               " --all`"), {}))  # fmt: skip
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
    if as_json:
        write_json([_look_values(it) for it in looks], outcome=result.outcome, **result.summary)
        return
    _write_looks(looks, zone)
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
    if wish.json:
        write_json([_look_values(it) for it in found])
    else:
        _write_looks(found, desk.estate.organisation.timezone)
    return 0


def _look_values(it: SecurityLook) -> Mapping[str, Any]:
    names = ("subject", "tool", "at", "outcome", "reason", "version", "score", "opened", "fixed",
             "open", "evidence", "by")  # fmt: skip
    return {**{name: getattr(it, name) for name in names}, "why": tell_reason(it.reason, it.params)}


def _write_looks(looks: Sequence[SecurityLook], zone: str) -> None:
    heads = [_("Of"), _("Tool"), _("Looked"), _("Result"), _("Open"), _("New"), _("Fixed"),
             _("Why")]  # fmt: skip
    rows = [
        (
            it.subject,
            _(TOOLS[it.tool].title),
            format_moment(it.at, zone),
            outcome_cell(it.outcome),
            str(it.open),
            str(it.opened),
            str(it.fixed),
            tell_reason(it.reason, it.params) or _score(it),
        )
        for it in looks
    ]
    write_table(heads, rows, right=(4, 5, 6))


def _score(it: SecurityLook) -> str:
    return "" if it.score is None else _("hardening index: {score}").format(score=it.score)


def _show_findings(wish: Findings) -> int:
    """Write findings, the gravest first; gives the exit code."""
    now = datetime.now(UTC)
    with at_desk() as desk, desk.catalog.reading() as session:
        rows = find_findings(session, with_fixed=wish.fixed)
        refuse_unknown(wish, desk.setting.estate, (it.subject for it in rows))
    least = RANK[wish.severity] if wish.severity else 0
    found = [it for it in rows if _takes(wish, it.subject, it.tool) and RANK[it.severity] >= least]
    found.sort(key=lambda it: (-RANK[it.severity], it.subject, it.tool, it.check))
    if wish.json:
        write_json([_finding_values(it, now) for it in found])
        return 0
    zone = desk.estate.organisation.timezone
    if not found:
        write_line(_("Nothing of that is open. What was not looked at, nobody knows:"))
        return _show_looks(wish)
    heads = [_("Id"), _("Severity"), _("Of"), _("Tool"), _("Finding"), _("Since"), _("State")]
    write_table(heads, [_finding_row(it, now, zone) for it in found])
    open_now = sum(standing_of(it, now) == "open" for it in found)
    write_line(_("{open} open, {all} in all").format(open=open_now, all=len(found)))
    return 0


def _finding_row(it: SecurityFinding, now: datetime, zone: str) -> Sequence[str | Cell]:
    standing = standing_of(it, now)
    state = _(STANDINGS[standing])
    if standing == "accepted" and it.accepted_until is not None:
        state = _("{state} until {moment} by {person}: {reason}").format(
            state=state, moment=format_moment(it.accepted_until, zone), person=it.accepted_by,
            reason=it.accept_reason,
        )  # fmt: skip
    return (
        format_id(it.id),
        Cell(_(SEVERITY_WORDS[it.severity]), _TONES[it.severity]),
        it.subject,
        _(TOOLS[it.tool].title),
        tell_finding(it),
        format_duration(now - it.first_seen_at),
        Cell(state, _STANDING_TONES[standing]),
    )


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
    if wish.json:
        write_json(rows)
        return 0
    heads = [_("Month"), _("Looks"), _("Not whole"), _("New"), _("Fixed"), _("Open at its end")]
    write_table(
        heads,
        [(f"{it['month'][5:]}/{it['month'][:4]}", *(str(it[name]) for name in _FIGURES))
         for it in rows],
        right=(1, 2, 3, 4, 5),
    )  # fmt: skip
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
    if wish.json:
        totals, form = fill_form(
            desk.setting.estate, rows, operator=desk.estate.name_at(now),
            owner=desk.estate.organisation.authority,
        )  # fmt: skip
        write_json(map(_values, rows), form_08={**asdict(totals), "rows": form})
        return 0
    heads = [_("For"), _("Level"), _("Control or duty"), _("Verdict"), _("Why"), _("Rows")]
    write_table(heads, [_cells(it) for it in rows], right=(5,))
    good = sum(it.outcome == "ok" for it in rows)
    blind = sum(it.outcome == "not_checked" for it in rows)
    text = _("{good} of {count} are proven; not checked: {blind}")
    write_line(text.format(good=good, count=len(rows), blind=blind))
    return 0


def _why(row: Row) -> str:
    """Say why a row is not proven: the words of duties, or those of looks."""
    if row.kind == "duty":
        return _(REASONS[row.reason])
    told = {
        f"{it.subject}: {tell_reason(it.reason, it.params)}": None
        for it in row.evidence
        if it.outcome == row.outcome and it.reason
    }
    shown = list(told)[:_MOST_REASONS]
    return "; ".join(shown) + (" …" if len(told) > len(shown) else "")


def _cells(row: Row) -> Sequence[str | Cell]:
    vi, en = row.title
    return (
        tell_subject(row.subject),
        "" if row.level is None else str(row.level),
        en if language() == "en" else vi,
        outcome_cell(row.outcome),
        _why(row),
        str(len(row.evidence)),
    )


def _values(row: Row) -> Mapping[str, Any]:
    vi, en = row.title
    values = {it.name: getattr(row, it.name) for it in fields(row)}  # evidence is long: no copies
    return {**values, "title": en if language() == "en" else vi, "why": _why(row)}
