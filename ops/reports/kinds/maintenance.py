"""Sổ theo dõi bảo trì: what was done to systems in some time, by whom, and what came of it.

Source: law.md 2.9; QCVN 12:2026/BCA 2.2.20 and 3.20: each act with time, person, content, result,
12 months shown. Its rows are what the service records anyway: work of the plan and what of upkeep
and repair was accepted, planned stops, runbooks carried out, restores. What is only planned is not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time

from sqlalchemy import select

from ops.catalog.tables.drills import RunbookRun
from ops.reports.figures.checked import list_stops
from ops.reports.figures.figure import Figure, Timespan
from ops.reports.figures.gather import name_site
from ops.reports.figures.plans import read_plans
from ops.reports.figures.restored import list_restores
from ops.reports.kinds.kind import UNKNOWN, Ask, Frame, day
from ops.reports.kinds.plan_tables import UPKEEP
from ops.reports.papers.paper import Block, Paper, Signature
from runbooks.front_matter import read_front_matter

MOST_ROWS = 2_000
"""More rows are no paper that anybody reads; the paper says how many there are."""


ACCEPTED = "accepted"
"""Kind and result of the acceptance of a line of the plan, of which only the day is known."""

_SOURCES = (Figure(1, "plan"), Figure(1, "stops"), Figure(1, "restores"), Figure(1, "runbooks"))


@dataclass(frozen=True, slots=True)
class MaintenanceRow:
    """One act: from when to when, by whom, what in which words of the texts, what came of it."""

    begins: datetime
    until: datetime | None
    person: str
    kind: str
    about: str
    result: str


@dataclass(frozen=True, slots=True)
class MaintenanceFacts:
    """The acts of a time, the earliest first."""

    window: Timespan
    rows: tuple[MaintenanceRow, ...]


def gather_maintenance(ask: Ask) -> MaintenanceFacts:
    """Read what was done in the time; people by their titles."""
    people = {it.name: it.title for it in ask.estate.people}
    found = sorted((*_planned(ask), *_runbooks(ask), *_restores(ask)), key=lambda it: it.begins)
    rows = tuple(replace(it, person=people.get(it.person) or it.person) for it in found)
    return MaintenanceFacts(ask.window, rows)


def _planned(ask: Ask) -> Iterator[MaintenanceRow]:
    titles = _titles(ask)
    for plan in read_plans(ask.session, ask.window).value or ():
        for it in plan.works:
            if not it.is_done:
                continue
            about = ": ".join(filter(None, (it.line, it.text)))
            result = "; ".join(filter(None, (it.result, it.document)))
            yield MaintenanceRow(it.begins, it.until, it.person, "work", about, result)
        for line in (it.line for it in plan.results if it.line.item.group in UPKEEP):
            if line.accepted_on and ask.window.first <= line.accepted_on <= ask.window.last:
                at = datetime.combine(line.accepted_on, time.min, ask.window.zone)
                yield MaintenanceRow(at, None, "", ACCEPTED, line.item.title, ACCEPTED)
    for stop in list_stops(ask.session, ask.window).value or ():
        if stop.begins > ask.now:
            continue
        reason = str(stop.details.get("reason") or "")
        about = ": ".join(filter(None, (titles.get(stop.site, ""), reason)))
        yield MaintenanceRow(stop.begins, stop.until, "", "stop", about, "")


def _runbooks(ask: Ask) -> Iterator[MaintenanceRow]:
    window = ask.window
    query = select(RunbookRun).where(
        RunbookRun.started_at >= window.since, RunbookRun.started_at < window.until
    )
    for run in ask.session.execute(query).scalars():
        front, _problems = read_front_matter(run.text.splitlines())
        title = str(front.values.get("title") or run.runbook)
        yield MaintenanceRow(
            run.started_at, run.ended_at, run.person, "runbook", title, f"standing_{run.standing}"
        )


def _restores(ask: Ask) -> Iterator[MaintenanceRow]:
    titles = _titles(ask)
    for it in list_restores(ask.session, ask.window.since, ask.window.until).value or ():
        kind = "restore_in_place" if it.is_in_place else "restore"
        result = f"outcome_{it.outcome}"
        yield MaintenanceRow(it.at, None, it.person, kind, titles.get(it.site, ""), result)


def _titles(ask: Ask) -> Mapping[str, str]:
    sites = ask.estate.named_sites
    return {it.name: name_site(ask.estate, it.name, ask.window).dated_title for it in sites}


def write_maintenance(facts: MaintenanceFacts, frame: Frame) -> Paper:
    """Write the log."""
    rows, texts = facts.rows[-MOST_ROWS:], frame.texts
    span = {"first": day(facts.window.first), "last": day(facts.window.last)}
    blocks: list[Block] = [frame.text("opening", count=len(facts.rows), **span)]
    if rows:
        blocks.append(frame.table("log", "0.6c 1.5l 1.4l 2.8l 1.6l", [*_lines(rows, frame)]))
        blocks += frame.listed(len(rows), len(facts.rows))
    else:
        blocks.append(frame.text("nothing"))
    blocks.append(frame.source(*_SOURCES))
    keeper = Signature(post=texts.say("keeper"))
    return replace(frame.paper(blocks, **span), signatures=(keeper, frame.office.signature))


def _lines(rows: Iterable[MaintenanceRow], frame: Frame) -> Iterator[tuple[str, ...]]:
    results = frame.texts.tables["results"]
    for number, it in enumerate(rows, start=1):
        until = frame.texts.say("until", until=frame.short(it.until)) if it.until else ""
        yield (
            str(number),
            frame.day(it.begins) if it.kind == ACCEPTED else frame.short(it.begins) + until,
            it.person or UNKNOWN,
            frame.texts.say(it.kind, table="acts", about=it.about or UNKNOWN),
            str(results.get(it.result, it.result)) or UNKNOWN,
        )
