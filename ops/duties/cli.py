"""Write for a person at a terminal which duties there are, what is due, and what proves it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from ops.catalog.open import Catalog, open_catalog
from ops.duties.evidence.due import Period
from ops.duties.evidence.events import ELSEWHERE, SOURCES, list_not_fed
from ops.duties.evidence.judge import AgendaItem, find_verdicts, list_agenda
from ops.duties.evidence.queries import Setting
from ops.duties.evidence.verdicts import SETTLED, Verdict
from ops.duties.policy import document_of, make_policy
from ops.duties.policy_approved import find_standing, newest_approved
from ops.duties.policy_cli import tell_standing
from ops.duties.reminders import NEAR_DAYS, make_setting
from ops.duties.table.load import DutySet, load_duties
from ops.duties.table.models import Duty
from ops.duties.table.versions import find_differences, levels_in, sites_without_level
from ops.duties.tasks import CompareDuties, Due, ListDuties, ShowEvidence
from ops.duties.wording import (
    CERTAINTIES,
    NATURES,
    REASONS,
    tell_bases,
    tell_changes,
    tell_counts,
    tell_event,
    tell_nature,
    tell_period,
    tell_rhythm,
    tell_scope,
    tell_subject,
    tell_title,
    tell_validity,
    tell_who,
)
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.language.formats import format_date
from ops.language.text import N_, _, fill, language
from ops.terminal.output import Cell, Tone, verdict_cell, write_json, write_line, write_wrapped
from ops.terminal.view import Column, Row, View, number, verdict, words, write_list


@dataclass(frozen=True, slots=True)
class DutyDesk:
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
def at_desk() -> Iterator[DutyDesk]:
    """Load the estate and its tables, and open the catalog."""
    estate = load_estate()
    duties, setting = load_duties(estate), make_setting(estate)
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        yield DutyDesk(estate, duties, setting, catalog)


def _due(row: Row) -> Cell:
    on = row["due_on"]
    told = format_date(date.fromisoformat(on)) if on else _("not in the table")
    tone: Tone = "bad" if row["when"] == "overdue" else "plain"
    return Cell(f"{told} *" if row["holidays_expected"] else told, tone)


def _proven(row: Row) -> Cell:
    state, ends = verdict_cell(row["outcome"]), list(row["subjects"].values())
    if len(ends) < 2:  # noqa: PLR2004 - several
        return state
    return Cell(f"{state.text} ({ends.count('ok')}/{len(ends)})", state.tone)


def _open_for(row: Row) -> str:
    names = [name for name, it in row["subjects"].items() if name and it not in SETTLED]
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" +{more}" if more > 0 else "")


def _period(row: Row) -> str:
    return tell_period(Period(*(date.fromisoformat(row[it]) for it in ("from", "until"))))


_DUE = (
    Column("due_on", N_("Due"), of=_due),
    Column("title", N_("Duty"), link="/duty?duty={duty}"),
    Column("nature", N_("Nature"), words(NATURES)),
    Column("outcome", N_("Evidence"), of=_proven),
)
AGENDA = View(N_("Nothing is due."), Column("duty", N_("Name")), *_DUE)
AGENDA_AT_LENGTH = View(
    N_("Nothing is due."),
    *_DUE,
    Column("subjects", N_("Open for"), of=_open_for),
    Column("basis", N_("Ground"), of=lambda row: "; ".join(row["basis"])),
    Column("responsible", N_("Who"), lambda name, _zone: tell_who(name)),
)
PERIODS = View(
    N_("Nothing to show."),
    Column("until", N_("Period"), of=_period),
    Column("subject", N_("For"), of=lambda row: tell_subject(row["subject"])),
    Column("outcome", N_("Verdict"), verdict),
    Column("reason", N_("Why"), words(REASONS)),
    Column("pieces", N_("Rows"), number, of=lambda row: len(row["pieces"])),
)


def show_duties(wish: ListDuties) -> None:
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
        write_wrapped("; ".join([*parts, tell_who(duty.responsible)]))
        write_wrapped(_("basis: {bases}").format(bases=tell_bases(duty.basis)))
        if duty.note:
            vi, en = duties.notes[duty.note]
            write_wrapped(f"* {en if language() == 'en' else vi}")
    write_line()
    told = "; ".join(f"{mark}: {_(text)}" for mark, text in CERTAINTIES.items() if mark != "own")
    write_wrapped(_("How sure: {marks}.").format(marks=told))


def _write_near(agenda: Sequence[AgendaItem], setting: Setting) -> None:
    if not agenda:
        write_line(_("Nothing is due in the next {count} days.").format(count=NEAR_DAYS))
    else:
        _write_agenda(agenda, setting, as_json=False)
    write_line()
    write_line(_("All duties:"))


def _write_agenda(
    agenda: Sequence[AgendaItem], setting: Setting, *, as_json: bool, **whole: Any
) -> None:
    levels, today = levels_in(setting.estate), setting.today
    nature = {
        (it.due.duty.name, it.due.period.key): tell_nature(it.due.duty, today, levels)
        for it in agenda
    }
    write_list(
        AGENDA,
        map(_item_values, agenda),
        as_json=as_json,
        beside={"nature": lambda row: nature[row["duty"], row["until"]]},
        **whole,
    )


def show_due(wish: Due) -> None:
    """Write what is overdue, what is due soon, and how the backup policy stands."""
    with at_desk() as desk, desk.catalog.reading() as session:
        agenda = list_agenda(session, desk.duties, desk.setting, wish.days)
        findings = list_findings(session, desk)
    not_fed = list_not_fed(desk.duties.duties, desk.setting.today)
    if agenda or wish.json:
        _write_agenda(
            agenda, desk.setting, as_json=wish.json, findings=findings, events_not_fed=not_fed
        )
    else:
        write_line(_("Nothing is due in the next {count} days.").format(count=wish.days))
    if wish.json:
        return
    if any(it.due.is_expected for it in agenda):
        write_line(_("* counted with holidays that are not announced yet"))
    for finding in findings:
        write_line(f"! {finding}")
    if not_fed:
        told = "; ".join(tell_event(it) for it in not_fed)
        write_wrapped(_("Not counted here, since nothing records it: {events}").format(events=told))
    if agenda:
        write_line(fill(N_("What proves one: `{program} duty.evidence --duty NAME`"), {}))


def list_findings(session: Session, desk: DutyDesk) -> list[str]:
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


def _item_values(item: AgendaItem) -> dict[str, Any]:
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


_MOST_ROWS, _MOST_NAMED = 40, 5


def show_evidence(wish: ShowEvidence) -> None:
    """Write the verdict of each period of a year, and the rows behind it."""
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
        write_json(
            [{"row": row.row, "nature": row.nature, **verdict_values(it)} for row, it in found]
        )
        return
    for row in rows:
        nature = tell_nature(row, desk.setting.today, levels_in(desk.setting.estate))
        write_line(f"{row.name} · {tell_title(row)} · {nature}")
        write_wrapped(f"{tell_rhythm(row)}; {tell_bases(row.basis)}; {tell_validity(row)}")
    _write_verdicts([it for _row, it in found], rows, year)


def verdict_values(verdict: Verdict) -> Mapping[str, Any]:
    """Give a verdict as a row of `PERIODS`."""
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
        write_list(PERIODS, map(verdict_values, shown), as_json=False)
    write_line(tell_counts(it.outcome for it in verdicts))
    if len(shown) < len(verdicts):
        text = N_("left out above: what is proven, and old rows; all: `--json`")
        write_line(fill(text, {}))


def show_differences(wish: CompareDuties) -> None:
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
