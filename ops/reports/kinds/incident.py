"""Báo cáo sự cố: the first report on an incident, the full one, and the one at its end.

They are made from the register's entry, and have the same headings (law.md 2.8; ours). By when each
is due the duties say (NĐ 331/2026, Điều 31(2)d). What the register does not know is left blank.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from ops.catalog.tables.core import Run
from ops.duties.plan_stop import contact_of
from ops.duties.reminders import make_setting
from ops.duties.table.load import load_duties
from ops.errors import WrongUseError
from ops.language.text import N_, _
from ops.register.cli import unit_title
from ops.register.clocks import set_clocks
from ops.register.entry import Entry
from ops.register.records import Wanted, find_entry, list_entries, read_links, read_notes
from ops.reports.figures.figure import Figure
from ops.reports.figures.gather import SiteName, name_site
from ops.reports.figures.restored import RestoreRow, list_restores
from ops.reports.kinds.kind import UNKNOWN, Ask, Frame, or_blank, span
from ops.reports.papers.paper import Block, Paper
from ops.schedule.kinds import tell_kind

_INCIDENT = "incident"
_MOST_MEASURES = 60
_ID_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that was done: when, by whom, what, in that person's words or the service's."""

    at: datetime
    person: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFacts:
    """An incident as the register has it.

    Attributes:
        entry: Of the register.
        article: Of the decree on levels, that asks for the report; empty where no clock runs.
        site: The site's names; None where the entry is about none.
        unit, decision, contact: Title of the unit, number of the decision on the level, whom to
            ask; may be empty.
        measures: What was noted and run for it, the earliest first.
        restores: What was put back meanwhile.
        stores: Name → place.
    """

    entry: Entry
    article: str
    site: SiteName | None
    unit: str
    decision: str
    contact: str
    measures: Sequence[Measure]
    restores: Figure[list[RestoreRow]]
    stores: Mapping[str, str]


def gather_incident(ask: Ask) -> IncidentFacts:
    """Read the entry that is named, else the newest one whose clocks run or ran."""
    estate, session = ask.estate, ask.session
    entry = find_entry(session, ask.of) if ask.of else _newest(ask)
    if entry is None or entry.kind != _INCIDENT:
        raise WrongUseError(
            "there is no such incident in the register",
            why="a report is made on an entry of the kind incident",
            next_step="`{program} register.list --kind incident --all` lists them; give one as"
            " `--of`",
        )
    clocks = set_clocks(load_duties(estate).duties, make_setting(estate, ask.now), entry)
    bases = [basis for it in clocks if it.duty.event == _INCIDENT for basis in it.duty.basis]
    site = next((it for it in estate.sites if it.name == entry.site), None)
    system = next((it for it in estate.systems if site and it.name == site.system), None)
    links = read_links(session, entry)
    return IncidentFacts(
        entry=entry,
        article=next((it.article for it in bases), ""),
        site=name_site(estate, entry.site, ask.window) if site else None,
        unit=unit_title(estate, entry.unit, entry.received_at),
        decision=system.decision if system else "",
        contact=contact_of(estate, (site.owner if site else "") or entry.opened_by),
        measures=_measures(ask, entry, [UUID(it.ref) for it in links if it.kind == "run"]),
        restores=list_restores(
            session,
            entry.occurred_at,
            entry.closed_at or ask.now,
            site=entry.site,
            drills=[UUID(it.ref) for it in links if it.kind == "drill"],
        ),
        stores={it.name: it.location for it in estate.stores},
    )


def _newest(ask: Ask) -> Entry | None:
    found = list_entries(ask.session, Wanted(kind=_INCIDENT, site=ask.site), limit=None)
    return next((it for it in found if it.is_serious or it.has_personal_data), None)


def _measures(ask: Ask, entry: Entry, runs: Sequence[UUID]) -> list[Measure]:
    people = {it.name: it.title for it in ask.estate.people}
    found = [
        Measure(it.at, people.get(it.person) or it.person, it.text)
        for it in read_notes(ask.session, entry)
    ]
    query = select(Run).where(Run.id.in_(runs))
    found += [
        Measure(it.started_at, "", tell_kind(it.kind))
        for it in ask.session.execute(query).scalars()
    ]
    return sorted(found, key=lambda it: it.at)


def write_incident(facts: IncidentFacts, frame: Frame) -> Paper:
    """Write the report."""
    say, entry = frame.texts.say, facts.entry
    body, told = frame.office.letterhead.body, str(frame.office.names["specialised"])
    basis = say("with_basis", article=facts.article, **frame.known) if facts.article else ""
    blocks: list[Block] = [
        frame.text("opening", basis=basis, body=body, called=entry.called),
        frame.head("h_unit"),
        *_unit(facts, frame, body),
        frame.head("h_time"),
        frame.item("occurred", at=_moment(_happened(entry), frame)),
        frame.item("received", body=body, at=frame.moment(entry.received_at)),
        frame.item("acknowledged", at=_moment(entry.acknowledged_at, frame)),
        frame.head("h_what"),
        frame.item("what", title=entry.title),
        frame.item("nature", nature=or_blank("")),
        frame.item("gravity", gravity=say("serious" if entry.is_serious else "not_serious")),
        frame.head("h_scope"),
        frame.item("scope", scope=or_blank("")),
        frame.item("personal_data" if entry.has_personal_data else "no_personal_data"),
        frame.head("h_cause"),
        frame.text("cause", cause=or_blank(entry.cause)),
        frame.head("h_measures"),
        *_tell_measures(facts, frame),
        frame.head("h_restored"),
        *_restored(facts, frame),
        frame.head("h_requests"),
        frame.text("requests", requests=or_blank("")),
        frame.head("h_contact"),
        frame.text("contact", contact=or_blank(facts.contact)),
        frame.source(Figure(1, "register"), facts.restores),
        frame.text("closing", body=body),
    ]
    told = say("specialised") if told == body else told  # nobody writes to themselves
    return frame.paper(blocks, where=_where(facts, body), stage=say("stage"), told=told)


gather_incident_end = gather_incident


def write_incident_end(facts: IncidentFacts, frame: Frame) -> Paper:
    """Write the report at the end; only a draft while the end is not in the register."""
    entry = facts.entry
    known = {N_("cause"): entry.cause, N_("result"): entry.result, N_("end"): entry.closed_at}
    lacking = [_(name) for name, value in known.items() if not value]
    if lacking and not frame.is_draft:
        raise WrongUseError(
            "the register does not say of the incident {called}: {lacking}",
            why="a report at the end with a number says how it ended",
            next_step="`{program} register.close --id {called}` takes them; without `--number` it"
            " is a draft",
            called=entry.called,
            lacking=", ".join(lacking),
        )
    return write_incident(facts, frame)


def _where(facts: IncidentFacts, body: str) -> str:
    return facts.site.dated_title if facts.site else facts.unit or body


def _happened(entry: Entry) -> datetime | None:
    """Give when it happened; None where the register has no other moment than when it was found."""
    return None if entry.occurred_at == entry.received_at else entry.occurred_at


def _moment(moment: datetime | None, frame: Frame) -> str:
    return frame.moment(moment) if moment else or_blank("")


def _unit(facts: IncidentFacts, frame: Frame, body: str) -> Iterator[Block]:
    site = facts.site
    yield frame.item("operator", body=body)
    yield frame.item("unit", unit=or_blank(facts.unit or (site.unit if site else "")))
    if site is not None:
        address = f" ({site.url})" if site.url else ""
        yield frame.item("site", title=site.dated_title, address=address)
    yield frame.item("system", system=or_blank(site.system if site else ""))
    level = str(site.level) if site and site.level else ""
    yield frame.item("level", level=or_blank(level), decision=or_blank(facts.decision))


def _tell_measures(facts: IncidentFacts, frame: Frame) -> Iterator[Block]:
    shown = facts.measures[-_MOST_MEASURES:]
    if not shown:
        yield frame.text("measures_blank", measures=or_blank(""))
        return
    service = frame.texts.say("service")
    rows = [(frame.short(it.at), it.person or service, it.text) for it in shown]
    yield frame.table("measures", "1.1l 1.4l 3.5l", rows)
    yield from frame.listed(len(shown), len(facts.measures))


def _restored(facts: IncidentFacts, frame: Frame) -> Iterator[Block]:
    entry, texts = facts.entry, frame.texts
    if entry.restored_at:
        after = span(entry.restored_at - entry.occurred_at)
        yield frame.item("works", at=frame.moment(entry.restored_at), after=after)
    else:
        yield frame.item("works_blank", at=or_blank(""))
    yield frame.item("result", result=or_blank(entry.result))
    if entry.closed_at:
        yield frame.item("closed", at=frame.moment(entry.closed_at))
    rows = [
        (
            frame.short(it.at),
            texts.say("drilled" if it.is_drill else "in_place" if it.is_in_place else "aside"),
            it.snapshot[:_ID_DIGITS] or UNKNOWN,
            frame.short(it.taken_at),
            facts.stores.get(it.store, UNKNOWN),
            texts.say(it.outcome, table="run_outcomes"),
        )
        for it in facts.restores.value or ()
    ]
    if rows:
        yield frame.table("restores", "1.2l 1.6l 1l 1.2l 1.2l 1l", rows)
    else:
        yield frame.item("no_restores")
