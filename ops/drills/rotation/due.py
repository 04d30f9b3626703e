"""Drills that are overdue, due or next, why, and what they have shown: in words, and as a list."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from ops.access.session import reading
from ops.alerts.drafts import DRILL_OVERDUE, FINDING_OVERDUE
from ops.alerts.notice_wording import PROBLEM, NoticeKind
from ops.drills.findings import Finding
from ops.drills.rotation.read import finding_params, list_open_findings, read_plan
from ops.drills.rotation.rotation import Need
from ops.drills.tasks import ListDrills
from ops.duties.table.load import load_duties
from ops.duties.wording import tell_title, tell_who
from ops.estate.load.load import load_estate
from ops.language.formats import format_date
from ops.language.text import N_, _, fill, language
from ops.outcomes import Explanation, explain
from ops.terminal.output import Tone, write_indented, write_wrapped
from ops.terminal.view import Column, Row, View, day, words, write_list

_MOST_NAMED = 3


def tell_kind(scope: str, engine: str, *, from_paper: bool) -> str:
    """Say what kind of drill it is: one file or the whole site, and what is not as usual."""
    kinds = {"file": _("one file"), "archive": _("items of the archive")}
    parts = [kinds.get(scope, _("the whole site"))]
    parts += [_("stock restic")] if engine == "restic" else []
    parts += [_("keys from paper")] if from_paper else []
    return ", ".join(parts)


def tell_command(choice: Mapping[str, Any]) -> str:
    """Give the command that runs a drill.

    Args:
        choice: Fields of `ops.drills.rotation.rotation.Choice`.
    """
    parts = [fill(N_("{program} drill.run --site {site}"), {"site": choice["site"]})]
    if choice["scope"] == "file":
        parts.append("--file")
    if choice["scope"] == "archive":
        parts.append("--from archive")
    if choice["engine"] == "restic":
        parts.append("--with restic")
    if choice["from_paper"]:
        parts.append("--from-paper")
    if choice["store"]:
        parts.append(f"--store {choice['store']}")
    return f"`{' '.join(parts)}`"


def explain_overdue(params: Mapping[str, Any]) -> Explanation:
    """Explain a drill that is overdue, in the current language.

    Args:
        params: Of `ops.drills.rotation.read.Overdue.as_params`.
    """
    title = params["title"][language()]
    day = format_date(date.fromisoformat(params["due_on"]))
    whys = {
        "": _("the service asks for it by itself; it has not gone well since"),
        "tried": _("it was tried and did not go well; it is tried again"),
        "no_backup": _("there is no backup that could be restored"),
        "by_people": _("only people can do it: the keys come from paper"),
    }
    what = _("no good restore drill by {day}: {title}").format(day=day, title=title)
    names = _name(params["subjects"])
    choice = params["choice"]
    return Explanation(
        f"{what} ({names})" if names else what,
        whys[params["hindrance"]],
        _("the backups are untouched; nothing proves yet that they restore"),
        tell_command(choice) if choice else fill(N_("`{program} drill.list --due`"), {}),
    )


def explain_finding(params: Mapping[str, Any]) -> Explanation:
    """Explain what a drill has shown and none has shown fixed, in the current language.

    Args:
        params: Of `ops.drills.rotation.read.finding_params`.
    """
    found = explain(params["code"], params["params"], site=params["site"])
    day = format_date(date.fromisoformat(params["due_on"]))
    owner = tell_who(params["owner"]) if params["owner"] else _("nobody")
    told = {"day": day, "owner": owner}
    why = _("{owner} sees to it that it is fixed by {day}; only a good drill shows that")
    if params["is_late"]:
        why = _("{owner} was to have it fixed by {day}; only a good drill shows that")
    return Explanation(
        _("a restore drill did not go well: {what}").format(what=found.what).rstrip(": "),
        "; ".join(it for it in (found.why, why.format(**told)) if it),
        found.data or _("the backups are untouched; nothing proves yet that they restore"),
        fill(N_("`{program} drill.show --drill {drill}`"), {"drill": params["drill"]}),
    )


def word_overdue(params: Mapping[str, Any]) -> tuple[str, Explanation]:
    """Give headline and explanation of the notice about an overdue drill."""
    found = explain_overdue(params)
    return found.what, Explanation("", found.why, found.data, found.next_step)


def word_finding(params: Mapping[str, Any]) -> tuple[str, Explanation]:
    """Give headline and explanation of the notice about a finding whose day has passed."""
    return _("what a restore drill has shown is not fixed in time"), explain_finding(params)


def _name(subjects: Sequence[str]) -> str:
    shown = ", ".join(it for it in subjects[:_MOST_NAMED] if it)
    more = len(subjects) - _MOST_NAMED
    return f"{shown} " + _("and {count} more").format(count=more) if more > 0 else shown


NOTICE_KINDS = {
    DRILL_OVERDUE: NoticeKind(
        lambda told, _zone: word_overdue(told.params), about_sites=False, label=PROBLEM
    ),
    FINDING_OVERDUE: NoticeKind(lambda told, _zone: word_finding(told.params), label=PROBLEM),
}


_STATES = {"overdue": N_("overdue"), "due": N_("due"), "ahead": N_("ahead")}
_TONES: Mapping[str, Tone] = {"overdue": "bad", "due": "warning"}
_HINDRANCES = {
    "no_backup": N_("no backup yet"),
    "tried": N_("not passed; again {day}"),
    "by_people": N_("by people, see below"),
}


def _title(row: Row) -> str:
    site = row["choice"]["site"] if row["choice"] else ""
    is_said = row["subject"] in {"", site}
    return row["title"] if is_said else f"{row['title']} ({row['subject']})"


def _drill(row: Row) -> str:
    choice = row["choice"]
    if not choice:
        return ""
    kind = tell_kind(choice["scope"], choice["engine"], from_paper=choice["from_paper"])
    return f"{choice['site']}: {kind}"


def _ready(row: Row) -> str:
    on = format_date(date.fromisoformat(row["ready_on"]))
    if row["hindrance"] and row["state"] != "ahead":
        return _(_HINDRANCES[row["hindrance"]]).format(day=on)
    return on if row["state"] == "ahead" else _("the next window")


DUE = View(
    N_("No duty asks for restore drills."),
    Column("due_on", N_("Due"), day),
    Column("state", N_("State"), words(_STATES, _TONES)),
    Column("title", N_("Duty"), of=_title, link="/duty?duty={duty}"),
    Column("choice", N_("Drill"), of=_drill),
    Column("ready_on", N_("From"), of=_ready),
)


def show_due(wish: ListDrills) -> int:
    """Write what is overdue, due and next; gives 0, or 1 where something is overdue.

    Raises:
        DutiesError: A table of duties or holidays has mistakes.
    """
    estate, now, site = load_estate(), datetime.now(UTC), wish.site
    if site:
        estate.site(site)
    with reading(estate) as session:
        plan = read_plan(session, estate, now)
        found = list_open_findings(session, estate, site)
    entries = [it for it in plan if not site or (it.choice and it.choice.site == site)]
    titles = {it.name: tell_title(it) for it in load_duties(estate).duties}
    code = 1 if any(it.state == "overdue" for it in entries) else 0
    today = now.astimezone(estate.zone).date()
    findings = [_finding_values(it, is_late=it.due < today) for it in found]
    rows = [_values(it, titles) for it in entries]
    if write_list(DUE, rows, as_json=wish.json, findings=findings):
        _write_steps(entries)
        _write_findings(found, {it.id for it in found if it.due < today})
    return code


def _write_steps(entries: Sequence[Need]) -> None:
    """Write what people do themselves, and how the rest comes about."""
    for entry in entries:
        if entry.hindrance == "by_people" and entry.choice and entry.state != "ahead":
            write_indented(
                _("By people: {command}").format(command=tell_command(asdict(entry.choice))),
                "  ",
                "    ",
            )
    told = N_(
        "What people need not do the service asks for by itself, one at a time, in the sites'"
        " windows. What proves a duty: `{program} duty.evidence --duty NAME`"
    )
    write_wrapped(fill(told, {}))


def _write_findings(findings: Sequence[Finding], late: set[str]) -> None:
    for finding in findings:
        told = explain_finding(finding_params(finding, is_late=finding.id in late))
        write_wrapped(f"! {finding.site}: {told.what}; {told.why}")


def _values(entry: Need, titles: Mapping[str, str]) -> dict[str, Any]:
    command = tell_command(asdict(entry.choice)).strip("`") if entry.choice else ""
    return {**asdict(entry), "title": titles.get(entry.duty, entry.duty), "command": command}


def _finding_values(finding: Finding, *, is_late: bool) -> dict[str, Any]:
    return {**asdict(finding), "is_late": is_late}
