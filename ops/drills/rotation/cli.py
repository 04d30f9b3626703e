"""Write for a person at a terminal which drills are overdue, due and next, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ops.access.session import reading
from ops.drills.findings import Finding
from ops.drills.rotation.overdue import finding_params
from ops.drills.rotation.read import list_open_findings, read_plan
from ops.drills.rotation.rotation import Entry
from ops.drills.rotation.wording import explain_finding, tell_command, tell_kind
from ops.drills.tasks import List
from ops.duties.table.load import load_duties
from ops.duties.wording import tell_title
from ops.estate.load.load import load_estate
from ops.language.formats import format_date
from ops.language.text import N_, _, fill
from ops.terminal.output import (
    Cell,
    Tone,
    write_indented,
    write_json,
    write_line,
    write_table,
    write_wrapped,
)

_STATES: dict[str, tuple[str, Tone]] = {
    "overdue": (N_("overdue"), "bad"),
    "due": (N_("due"), "warning"),
    "ahead": (N_("ahead"), "plain"),
}
_HINDRANCES = {
    "no_backup": N_("no backup yet"),
    "tried": N_("not passed; again {day}"),
    "by_people": N_("by people, see below"),
}


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
    if wish.json:
        findings = [_finding_values(it, is_late=it.due < today) for it in found]
        write_json((_values(it, titles) for it in entries), findings=findings)
        return code
    if not entries:
        write_line(_("No duty asks for restore drills."))
        return code
    heads = [_("Due"), _("State"), _("Duty"), _("Drill"), _("From")]
    write_table(heads, [_row(it, titles) for it in entries])
    _write_steps(entries)
    _write_findings(found, {it.id for it in found if it.due < today})
    return code


def _row(entry: Entry, titles: Mapping[str, str]) -> Sequence[str | Cell]:
    text, tone = _STATES[entry.state]
    choice, title = entry.choice, titles.get(entry.duty, entry.duty)
    drill, site = "–", ""
    if choice is not None:
        site = choice.site
        kind = tell_kind(choice.scope, choice.engine, from_paper=choice.from_paper)
        drill = f"{site}: {kind}"
    return (
        format_date(entry.due_on),
        Cell(_(text), tone),
        f"{title} ({entry.subject})" if entry.subject not in {"", site} else title,
        drill,
        _from(entry),
    )


def _from(entry: Entry) -> str:
    day = format_date(entry.ready_on)
    if entry.hindrance and entry.state != "ahead":
        return _(_HINDRANCES[entry.hindrance]).format(day=day)
    return day if entry.state == "ahead" else _("the next window")


def _write_steps(entries: Sequence[Entry]) -> None:
    """Write what people do themselves, and how the rest comes about."""
    for entry in entries:
        if entry.hindrance == "by_people" and entry.choice and entry.state != "ahead":
            write_indented(_("By people: {command}").format(
                command=tell_command(asdict(entry.choice))), "  ", "    ")  # fmt: skip
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
