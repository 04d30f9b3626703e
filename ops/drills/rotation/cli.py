"""Write for a person at a terminal which drills are overdue, due and next, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from ops.access.session import reading
from ops.drills.findings import Finding
from ops.drills.rotation.read import finding_params, list_open_findings, read_plan
from ops.drills.rotation.rotation import Entry
from ops.drills.rotation.wording import explain_finding, tell_command, tell_kind
from ops.drills.tasks import List
from ops.duties.table.load import load_duties
from ops.duties.wording import tell_title
from ops.estate.load.load import load_estate
from ops.language.formats import format_date
from ops.language.text import N_, _, fill
from ops.terminal.output import Tone, write_indented, write_wrapped
from ops.terminal.view import Column, Row, View, day, words, write_list

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


def show_due(wish: List) -> int:
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


def _write_steps(entries: Sequence[Entry]) -> None:
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


def _values(entry: Entry, titles: Mapping[str, str]) -> dict[str, Any]:
    command = tell_command(asdict(entry.choice)).strip("`") if entry.choice else ""
    return {**asdict(entry), "title": titles.get(entry.duty, entry.duty), "command": command}


def _finding_values(finding: Finding, *, is_late: bool) -> dict[str, Any]:
    return {**asdict(finding), "is_late": is_late}
