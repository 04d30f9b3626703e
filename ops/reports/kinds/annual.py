"""Báo cáo năm: the report on the portal's year (Điều 15(1) of the Regulation; law.md 2.3); pure.

Each division gives words, figures and where these come from; what nobody knows is said to be so.
"""

from collections.abc import Iterator

from ops.catalog.tables.security import SEVERITIES
from ops.language.formats import format_size
from ops.language.text import _
from ops.monitor.forecast_wording import tell_outlook
from ops.register.entry import STATES
from ops.reports.figures.figure import Figure
from ops.reports.figures.gather import YearFacts
from ops.reports.figures.gather import gather as gather_facts
from ops.reports.kinds.charts import chart_days, chart_owed, chart_uptimes, name_month
from ops.reports.kinds.judgement import is_by_rule, tell_unmet, write_bad, write_good
from ops.reports.kinds.kind import UNKNOWN, Ask, Frame, count, day, share, span
from ops.reports.kinds.naming import (
    name_outlook,
    name_place,
    name_site,
    name_store,
    name_unit,
    place_store,
)
from ops.reports.kinds.owing import duty_table, write_owed
from ops.reports.kinds.sites import site_table, write_partial
from ops.reports.kinds.spending import write_spending
from ops.reports.papers.paper import Annex, Block, Paper

_MOST_NAMED = 5
_MOST_LISTED = 40
_MOST_YEARS = 2


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
        frame.head("h_backups"), *_runs(facts, frame), *_kept(facts, frame),
        *_drills(facts, frame), *_archive(facts, frame),
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


def _runs(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_runs", 2)
    yield from write_owed(facts, frame)
    duties, ran = facts.duties.value, facts.backups.value
    if duties and duties.backup:
        yield chart_owed(frame.texts, duties.backup.by_month, facts.window.months())
        yield frame.source(facts.duties)
    if ran is None or not ran.total.ran:
        yield frame.lacking(facts.backups)
        return
    total = ran.total
    yield frame.text(
        "runs",
        ran=count(total.ran),
        ok=count(total.ok),
        incomplete=count(total.incomplete),
        failed=count(total.failed),
    )
    never = [it.dated_title for it in facts.sites if it.name not in (facts.last_ok.value or {})]
    if never:
        shown = ", ".join(never[:_MOST_NAMED]) + (", …" if len(never) > _MOST_NAMED else "")
        yield frame.text("never", count=len(never), names=shown)
    yield frame.source(facts.backups)


def _rule(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    rules = facts.rule.value or {}
    unruly = [it for it in facts.sites if not is_by_rule(rules.get(it.name, ()))]
    good = len(facts.sites) - len(unruly)
    yield frame.text("rule", good=good, sites=len(facts.sites))
    if not unruly:
        return
    rows = [
        (it.dated_title, tell_unmet(frame, [rules.get(it.name, ())]))
        for it in unruly[:_MOST_LISTED]
    ]
    yield frame.table("rule", "2l 3l", rows)
    yield from frame.listed(len(rows), len(unruly))


def _kept(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_kept", 2)
    kept = facts.kept.value
    if not kept:
        yield frame.lacking(facts.kept)
        return
    yield frame.text("kept")
    rows = [
        (
            name_store(facts, frame, name),
            place_store(facts, name),
            count(it.sites),
            count(it.snapshots),
            "–" if it.size_bytes is None else format_size(it.size_bytes),
            frame.short(it.newest_at),
        )
        for name, it in kept.items()
    ]
    yield frame.table("kept", "1.2l 1.6l 0.9r 0.9r 1r 1.5l", rows)
    yield from _rule(facts, frame)
    yield frame.source(facts.kept)


def _drills(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_drills", 2)
    drills = facts.drills.value
    if not drills:
        yield frame.lacking(facts.drills)
        return
    ended = [it.outcome for it in drills]
    yield frame.text(
        "drills",
        count=len(drills),
        sites=len({it.site for it in drills}),
        ok=ended.count("ok"),
        incomplete=ended.count("incomplete"),
        failed=ended.count("failed"),
    )
    outcomes = frame.texts.tables["outcomes"]
    whole = [it for it in drills if it.scope == "site"]
    rows = [
        (
            day(it.started_at.astimezone(facts.window.zone)),
            name_site(facts, frame, it.site),
            outcomes[it.outcome],
            f"{span(it.rto)} / {span(it.rto_target)}",
            f"{span(it.rpo)} / {span(it.rpo_target)}",
        )
        for it in whole[:_MOST_LISTED]
    ]
    yield frame.table("drills", "0.9l 1.8l 0.9l 1.5l 1.5l", rows)
    yield from frame.listed(len(rows), len(whole))
    if facts.window.last.year - facts.window.first.year <= _MOST_YEARS:
        yield chart_days(frame.texts, drills, facts.window)
    if undrilled := [it for it in facts.sites if it.name not in {it.site for it in drills}]:
        yield frame.text("drills_none", count=len(undrilled))
    yield frame.source(facts.drills)


def _archive(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_archive", 2)
    checks, fixity = facts.checks.value, facts.fixity.value
    if checks is not None and fixity is not None:
        yield frame.text(
            "checks",
            ran=count(checks.total.ran),
            ok=count(checks.total.ok),
            failed=count(checks.total.ran - checks.total.ok),
            fixity=count(fixity.total.ran),
            fixity_ok=count(fixity.total.ok),
        )
    if facts.archive.value is None:
        yield frame.lacking(facts.archive)
        return
    yield frame.text("archive")
    rows = [
        (
            name_place(facts, frame, name),
            count(it.objects),
            count(it.damaged),
            count(it.lacks),
            frame.short(it.checked_at),
        )
        for name, it in facts.archive.value.items()
    ]
    yield frame.table("archive", "2l 0.8r 0.7r 0.7r 1.4l", rows)
    yield frame.source(facts.checks, facts.archive)


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
