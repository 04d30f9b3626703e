"""Báo cáo năm: the report on the portal's year (Điều 15(1) of the Regulation; law.md 2.3); pure.

Each division gives words, figures and where these come from; what nobody knows is said to be so.
"""

from collections.abc import Iterator

from ops.catalog.tables.security import SEVERITIES
from ops.language.text import _
from ops.monitor.forecast_wording import tell_outlook
from ops.register.entry import STATES
from ops.reports.figures.figure import Figure
from ops.reports.figures.gather import YearFacts
from ops.reports.figures.gather import gather as gather_facts
from ops.reports.kinds.annual_backups import write_backups
from ops.reports.kinds.charts import chart_uptimes, name_month
from ops.reports.kinds.judgement import write_bad, write_good
from ops.reports.kinds.kind import UNKNOWN, Ask, Frame, count, day, share, span
from ops.reports.kinds.naming import (
    name_outlook,
    name_site,
    name_unit,
)
from ops.reports.kinds.owing import duty_table
from ops.reports.kinds.sites import site_table, write_partial
from ops.reports.kinds.spending import write_spending
from ops.reports.papers.paper import Annex, Block, Paper

_MOST_LISTED = 40


def gather_annual(ask: Ask) -> YearFacts:
    """Read the figures of the time."""
    return gather_facts(ask.session, ask.series, ask.estate, ask.window, ask.now)


def write_annual(facts: YearFacts, frame: Frame) -> Paper:
    """Write the report."""
    body = frame.office.letterhead.body
    window = facts.window
    blocks: list[Block] = [
        frame.text("opening", body=body, year=window.year, first=day(window.first),
                   last=day(window.last)),
        *write_partial(facts, frame),
        frame.head("h_activity"), *_content(facts, frame), *_visits(facts, frame),
        frame.head("h_technical"), *_uptime(facts, frame), *_incidents(facts, frame),
        *_maintenance(facts, frame), *_capacity(facts, frame),
        frame.head("h_backups"), *write_backups(facts, frame),
        frame.head("h_security"), *_levels(facts, frame), *_findings(facts, frame),
        frame.head("h_money"), *write_spending(facts, frame),
        frame.head("h_judgement"), frame.head("h_good", 2), *write_good(facts, frame),
        frame.head("h_bad", 2), *write_bad(facts, frame),
        frame.head("h_next", next=window.year + 1), frame.text("next", next=window.year + 1),
        frame.head("h_proposals"), *_proposals(facts, frame),
        frame.text("closing", year=window.year, body=body),
        *_annex(facts, frame),
    ]  # fmt: skip
    return frame.paper(blocks, year=window.year, first=day(window.first), last=day(window.last))


def _content(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_content", 2)
    units = {it.unit for it in facts.sites if it.unit}
    yield frame.text("content_sites", sites=len(facts.sites), units=len(units))
    yield frame.source(Figure(1, "estate"))
    yield frame.text("content_lacking")


def _visits(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_visits", 2)
    if facts.visits.value is None:
        yield frame.lacking(facts.visits)
        return
    people = sum(it for it, _days in facts.visits.value.values())
    days = max(it for _people, it in facts.visits.value.values())
    daily, sites = count(round(people / days)), len(facts.visits.value)
    yield frame.text("visits", people=count(people), daily=daily, days=days, sites=sites)
    yield frame.source(facts.visits)


def _uptime(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_uptime", 2)
    uptimes = facts.uptimes.value
    if uptimes is None:
        yield frame.lacking(facts.uptimes)
        return
    months = facts.window.months()
    found = [uptimes.in_month(place) for place in range(len(months))]
    total = sum(found[1:], found[0])
    yield frame.text(
        "uptime",
        percent=share(total.percent),
        down=count(total.down),
        outages=count(total.outages),
        planned=count(total.planned),
        gap=count(total.gap),
    )
    yield frame.text("uptime_own")
    rows = [
        (
            name_month(month),
            share(it.percent),
            *map(count, (it.down, it.planned, it.unknown, it.gap)),
        )
        for month, it in zip(months, found, strict=True)
    ]
    yield frame.table("uptime", "1c 1r 1.2r 1.2r 1r 1r", rows)
    yield chart_uptimes(frame.texts, uptimes, months)
    yield frame.source(facts.uptimes, facts.stops)


def _incidents(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_incidents", 2)
    if not facts.incidents:
        yield frame.text("no_incidents")
        yield frame.source(facts.register)
        return
    year = facts.register.value
    figures = year.by_kind["incident"] if year else None
    if figures is not None:
        yield frame.text(
            "incidents",
            count=figures.count,
            serious=figures.serious,
            open=figures.still_open,
            median=span(figures.restored),
            longest=span(figures.longest),
        )
    rows = [
        (
            frame.short(it.occurred_at),
            it.title,
            it.cause or "–",
            span(it.restored_at - it.occurred_at if it.restored_at else None),
        )
        for it in facts.incidents[:_MOST_LISTED]
    ]
    yield frame.table("incidents", "1.3l 2.6l 2l 1.2l", rows)
    yield from frame.listed(len(rows), len(facts.incidents))
    yield frame.source(facts.register)


def _maintenance(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_maintenance", 2)
    works = [it for plan in facts.plans.value or () for it in plan.works]
    if works:
        done = sum(it.is_done for it in works)
        yield frame.text("works", count=done, windows=len(works) - done)
        rows = [
            (
                " – ".join(frame.short(at) for at in (it.begins, it.until) if at),
                ": ".join(filter(None, (it.line, it.text))),
                it.result or (UNKNOWN if it.is_done else frame.texts.say("window_only")),
                it.document or UNKNOWN,
            )
            for it in works[:_MOST_LISTED]
        ]
        yield frame.table("works", "1.3l 2.6l 1.6l 1l", rows)
        yield from frame.listed(len(rows), len(works))
        yield frame.source(facts.plans)
    else:
        yield frame.text("no_works")
    stops = facts.stops.value
    if not stops:
        yield frame.lacking(facts.stops)
        return
    stopped = facts.uptimes.value.stopped if facts.uptimes.value else None
    minutes = None if stopped is None else sum(stopped.get(it.code, 0) for it in stops)
    yield frame.text("maintenance", count=len(stops), minutes=count(minutes))
    rows = [
        (
            name_site(facts, frame, it.site),
            frame.short(it.begins),
            frame.short(it.until),
            UNKNOWN if stopped is None else count(stopped.get(it.code, 0)),
        )
        for it in stops[:_MOST_LISTED]
    ]
    yield frame.table("stops", "2l 1.3l 1.3l 1r", rows)
    yield from frame.listed(len(rows), len(stops))
    yield frame.source(facts.stops, facts.uptimes)


def _capacity(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_capacity", 2)
    if facts.outlooks.value is None:
        yield frame.lacking(facts.outlooks)
        return
    yield frame.text("capacity")
    rows = [
        (name_outlook(facts, frame, it), tell_outlook(it))
        for it in facts.outlooks.value[:_MOST_LISTED]
    ]
    yield frame.table("capacity", "1.5l 2l", rows)
    yield from frame.listed(len(rows), len(facts.outlooks.value))
    yield frame.source(facts.outlooks)


def _levels(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_levels", 2)
    if not facts.systems:
        yield frame.text("no_levels")
        return
    rows = [(title, str(level), decision or "–") for title, level, decision in facts.systems]
    yield frame.table("levels", "2l 0.6c 1.6l", rows)
    yield frame.source(Figure(1, "estate"))


def _findings(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_findings", 2)
    found, looks, scans = facts.findings.value, facts.looks.value or {}, facts.scans.value
    if found is None:
        yield frame.lacking(facts.findings)
        return
    whole = sum(sum(it.values()) for it in looks.values())
    good = sum(it.get("ok", 0) for it in looks.values())
    yield frame.text(
        "looks",
        looks=count(whole),
        tools=len(looks),
        failed=count(whole - good),
        scans=count(scans.total.ran if scans else None),
        scans_ok=count(scans.total.ok if scans else None),
    )
    yield frame.text("findings")
    names = frame.texts.tables["severities"]
    parts = (found.opened, found.fixed, found.open, found.accepted)
    rows = [(names[it], *(count(part[it]) for part in parts)) for it in reversed(SEVERITIES)]
    yield frame.table("findings", "1.2l 1r 1r 1r 1.3r", rows)
    yield frame.source(facts.findings, facts.scans)


def _proposals(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    difficulties = facts.register.value.difficulties if facts.register.value else ()
    if not difficulties:
        yield frame.text("no_proposals")
        return
    yield frame.text("proposals")
    rows = [
        (it.called, it.title, name_unit(facts, it.unit), _(STATES[it.state])) for it in difficulties
    ]
    yield frame.table("difficulties", "0.9l 2.6l 1.4l 1l", rows)
    yield frame.source(facts.register)


def _annex(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    say = frame.texts.say
    yield Annex(say("annex_1_title"))
    yield site_table(facts, frame)
    yield frame.source(facts.duties, facts.backups, facts.drills, facts.uptimes)
    yield Annex(say("annex_2_title"))
    yield frame.text("annex_2_said")
    yield duty_table(facts, frame)
    yield frame.source(facts.duties)
