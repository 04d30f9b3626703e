"""Write for a person at a terminal which duties there are, what is due, and what proves it.

What is read for an answer at the terminal: the estate, its tables, and the catalog.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from ops.catalog.open import Catalog, open_catalog
from ops.duties.evidence.events import ELSEWHERE, SOURCES, list_not_fed
from ops.duties.evidence.judge import Item, find_verdicts, list_agenda
from ops.duties.evidence.queries import Setting
from ops.duties.evidence.verdicts import Verdict
from ops.duties.policy.approved import find_standing, newest_approved
from ops.duties.policy.cli import tell_standing
from ops.duties.policy.policy import document_of, make_policy
from ops.duties.reminders import NEAR_DAYS, make_setting
from ops.duties.table.load import DutySet, load_duties
from ops.duties.table.models import Duty
from ops.duties.table.subjects import levels_in, sites_without_level
from ops.duties.table.versions import find_differences
from ops.duties.tasks import Diff, Due, Evidence, List
from ops.duties.wording import (
    CERTAINTIES,
    tell_bases,
    tell_changes,
    tell_event,
    tell_nature,
    tell_period,
    tell_reason,
    tell_responsible,
    tell_rhythm,
    tell_scope,
    tell_short_nature,
    tell_subject,
    tell_title,
    tell_validity,
)
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.language.formats import format_date
from ops.language.text import N_, _, fill, language
from ops.terminal.output import (
    Cell,
    Tone,
    outcome_cell,
    write_json,
    write_line,
    write_table,
    write_wrapped,
)


@dataclass(frozen=True, slots=True)
class Desk:
    """What is read for an answer.

    Attributes:
        estate, duties, setting: In force.
        catalog: Open for reading.
    """

    estate: Estate
    duties: DutySet
    setting: Setting
    catalog: Catalog


@contextmanager
def at_desk() -> Iterator[Desk]:
    """Load the estate and its tables, and open the catalog."""
    estate = load_estate()
    duties, setting = load_duties(estate), make_setting(estate)
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        yield Desk(estate, duties, setting, catalog)


_WHEN = {"overdue": N_("overdue"), "ahead": N_("ahead"), "not_in_table": N_("not in the table")}


def show_duties(wish: List) -> None:
    """Write every duty: what, for whom, how often, on what ground and how surely."""
    with at_desk() as desk, desk.catalog.reading() as session:
        agenda = list_agenda(session, desk.duties, desk.setting, NEAR_DAYS)
    estate, duties, today = desk.estate, desk.duties, desk.setting.today
    levels = {it.level for it in estate.systems}
    if wish.json:
        due_on = {it.due.duty.name: it.due.day for it in reversed(agenda)}
        write_json(
            {**it.document(), "nature": it.nature, "due_on": due_on.get(it.name)}
            for it in duties.duties
        )
        return
    _write_near(agenda, desk.setting)
    for duty in duties.duties:
        write_line(f"{duty.name} · {tell_title(duty)} · {tell_nature(duty, today, levels)}")
        parts = [tell_rhythm(duty), tell_scope(duty), tell_validity(duty)]
        write_wrapped("; ".join([*parts, tell_responsible(duty)]))
        write_wrapped(_("basis: {bases}").format(bases=tell_bases(duty.basis)))
        if duty.note:
            vi, en = duties.notes[duty.note]
            write_wrapped(f"* {en if language() == 'en' else vi}")
    write_line()
    told = "; ".join(f"{mark}: {_(text)}" for mark, text in CERTAINTIES.items() if mark != "own")
    write_wrapped(_("How sure: {marks}.").format(marks=told))


def _write_near(agenda: Sequence[Item], setting: Setting) -> None:
    if not agenda:
        write_line(_("Nothing is due in the next {count} days.").format(count=NEAR_DAYS))
    else:
        _write_agenda(agenda, setting)
    write_line()
    write_line(_("All duties:"))


def _write_agenda(agenda: Sequence[Item], setting: Setting) -> None:
    heads = [_("Due"), _("Name"), _("Duty"), _("Nature"), _("Evidence")]
    write_table(heads, [_item_row(it, setting) for it in agenda])


def show_due(wish: Due) -> None:
    """Write what is overdue, what is due soon, and how the backup policy stands."""
    with at_desk() as desk, desk.catalog.reading() as session:
        agenda = list_agenda(session, desk.duties, desk.setting, wish.days)
        findings = list_findings(session, desk)
    not_fed = list_not_fed(desk.duties.duties, desk.setting.today)
    if wish.json:
        items = [_item_values(it) for it in agenda]
        write_json(items, findings=findings, events_not_fed=not_fed)
        return
    if agenda:
        _write_agenda(agenda, desk.setting)
    else:
        write_line(_("Nothing is due in the next {count} days.").format(count=wish.days))
    if any(it.due.is_expected for it in agenda):
        write_line(_("* counted with holidays that are not announced yet"))
    for finding in findings:
        write_line(f"! {finding}")
    if not_fed:
        told = "; ".join(tell_event(it) for it in not_fed)
        write_wrapped(_("Not counted here, since nothing records it: {events}").format(events=told))
    if agenda:
        write_line(fill(N_("What proves one: `{program} duty.evidence --duty NAME`"), {}))


def list_findings(session: Session, desk: Desk) -> list[str]:
    """Give what is wrong beside the dates: the policy, and sites that no level-bound duty sees."""
    today = desk.setting.today
    valid = [it for it in desk.duties.duties if it.is_valid_on(today)]
    table = document_of(make_policy(desk.estate, valid))
    findings = tell_standing(find_standing(newest_approved(session), table, today))
    without = sites_without_level(desk.setting.estate)
    if without:
        text = _("{count} sites belong to no system, so duties by level pass them by: {names}")
        shown = ", ".join(without[:3]) + (" …" if without[3:] else "")
        findings.append(text.format(count=len(without), names=shown))
    return findings


def _item_row(item: Item, setting: Setting) -> Sequence[str | Cell]:
    due = item.due
    day = format_date(due.day) if due.day else _(_WHEN["not_in_table"])
    state = outcome_cell(item.outcome)
    if len(item.verdicts) > 1:
        done = len(item.verdicts) - len(item.open)
        state = Cell(f"{state.text} ({done}/{len(item.verdicts)})", state.tone)
    tone: Tone = "bad" if item.when == "overdue" else "plain"
    return (
        Cell(f"{day} *" if due.is_expected else day, tone),
        due.duty.name,
        tell_title(due.duty),
        tell_short_nature(due.duty, setting.today, levels_in(setting.estate)),
        state,
    )


def _item_values(item: Item) -> dict[str, Any]:
    due = item.due
    return {
        "duty": due.duty.name,
        "title": tell_title(due.duty),
        "nature": due.duty.nature,
        "basis": [str(it) for it in due.duty.basis],
        "from": due.period.start,
        "until": due.period.end,
        "due_on": due.day,
        "not_in_table": due.beyond,
        "holidays_expected": due.is_expected,
        "remind_on": due.remind_on,
        "when": item.when,
        "outcome": item.outcome,
        "responsible": due.duty.responsible,
        "subjects": {it.subject: it.outcome for it in item.verdicts},
    }


_MOST_ROWS = 40


def show_evidence(wish: Evidence) -> None:
    """Write the verdict of each period of a year, and the rows behind it.

    Raises:
        WrongUseError: There is no such duty.
    """
    with at_desk() as desk:
        rows = desk.duties.named(wish.duty)
        year = wish.year or desk.setting.today.year
        with desk.catalog.reading() as session:
            found = [
                (row, verdict)
                for row in rows
                for verdict in find_verdicts(session, row, desk.setting, year)
            ]
    if wish.json:
        write_json([{"row": row.row, "nature": row.nature, **_values(it)} for row, it in found])
        return
    for row in rows:
        nature = tell_nature(row, desk.setting.today, levels_in(desk.setting.estate))
        write_line(f"{row.name} · {tell_title(row)} · {nature}")
        write_wrapped(f"{tell_rhythm(row)}; {tell_bases(row.basis)}; {tell_validity(row)}")
    _write_verdicts([it for _row, it in found], rows, year)


def _values(verdict: Verdict) -> Mapping[str, Any]:
    return {
        "subject": verdict.subject,
        "from": verdict.period.start,
        "until": verdict.period.end,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "lacking": verdict.lacking,
        "pieces": verdict.pieces,
    }


def _write_verdicts(verdicts: Sequence[Verdict], rows: Sequence[Duty], year: int) -> None:
    if not verdicts:
        nothing = _("No period of {year} concerns anybody so far.").format(year=year)
        comes = any(it.every for it in rows)
        write_line(nothing if comes else _("It comes with an event, not with the calendar."))
        if any(it.event and it.event not in SOURCES.keys() | ELSEWHERE for it in rows):
            write_line(_("Nothing here records that event: keep the term yourself."))
        return
    shown = verdicts
    if len(verdicts) > _MOST_ROWS:
        shown = [it for it in verdicts if it.outcome != "ok"][-_MOST_ROWS:]
    if shown:
        heads = [_("Period"), _("For"), _("Verdict"), _("Why"), _("Rows")]
        write_table(heads, [_verdict_row(it) for it in shown], right=(4,))
    good = sum(it.outcome == "ok" for it in verdicts)
    write_line(_("{good} of {count} are proven").format(good=good, count=len(verdicts)))
    if len(shown) < len(verdicts):
        text = N_("left out above: what is proven, and old rows; all: `--json`")
        write_line(fill(text, {}))


def _verdict_row(verdict: Verdict) -> Sequence[str | Cell]:
    return (
        tell_period(verdict.period),
        tell_subject(verdict.subject),
        outcome_cell(verdict.outcome),
        tell_reason(verdict),
        str(len(verdict.pieces)),
    )


def show_differences(wish: Diff) -> None:
    """Write what differs: shipped duties, those in force, and those journaled last."""
    with at_desk() as desk, desk.catalog.reading() as session:
        found = find_differences(session, desk.duties)
    if wish.json:
        write_json([found])
        return
    write_changes(_("In force, against the shipped duties:"), found.from_shipped)
    if found.journaled:
        write_changes(_("In force, against those journaled last:"), found.from_journaled)
    else:
        write_line(_("No duties are journaled yet: the service does it once a day."))


def write_changes(title: str, changes: Mapping[str, list[Any]]) -> None:
    """Write a title, then what differs under it, in words."""
    write_line(title)
    for line in tell_changes(changes):
        write_wrapped(line)
    if not changes:
        write_line("    " + _("no difference"))
