"""The table of all sites, and one component site's year (Điều 15(2) of the Regulation; law.md 2.4).

The unit's own words are what it has written (`ops.reports.sections`), and dots where it has not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ops.reports.figures.checked import Uptime
from ops.reports.figures.figure import Figure
from ops.reports.figures.gather import SiteName, YearFacts
from ops.reports.figures.gather import gather as gather_facts
from ops.reports.figures.owed import Owed
from ops.reports.figures.runs import Tally
from ops.reports.kinds.judgement import drills_of, write_bad
from ops.reports.kinds.kind import UNKNOWN, Ask, Frame, count, day, share, span
from ops.reports.kinds.owing import write_owed
from ops.reports.papers.paper import Block, Paper, Paragraph, Table
from ops.reports.sections import Section, read_section, read_sections

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class SitesFacts:
    """The figures, and the sites whose unit has not confirmed what it says."""

    facts: YearFacts
    unconfirmed: tuple[SiteName, ...]


def gather_sites(ask: Ask) -> SitesFacts:
    """Read the figures of the time, and what units have confirmed."""
    facts = gather_facts(ask.session, ask.series, ask.estate, ask.window, ask.now)
    sections = read_sections(ask.session, ask.window.year)
    confirmed = {it.site for it in sections.values() if it.confirmed_at is not None}
    return SitesFacts(facts, tuple(it for it in facts.sites if it.name not in confirmed))


def write_sites(found: SitesFacts, frame: Frame) -> Paper:
    """Write the table."""
    facts = found.facts
    window, missing = facts.window, found.unconfirmed
    names = ", ".join(it.dated_title for it in missing[:_MOST_NAMED])
    names += ", …" if len(missing) > _MOST_NAMED else ""
    blocks: list[Block] = [
        frame.text(
            "opening", sites=len(facts.sites), first=day(window.first), last=day(window.last)
        ),
        site_table(facts, frame),
        frame.source(facts.duties, facts.backups, facts.drills, facts.uptimes),
        frame.text("confirmed", confirmed=len(facts.sites) - len(missing), sites=len(facts.sites)),
        *([frame.text("unconfirmed", count=len(missing), names=names)] if missing else []),
        frame.source(Figure(1, "sections")),
        frame.text("closing"),
    ]
    return frame.paper(blocks, year=window.year)


def site_table(facts: YearFacts, frame: Frame) -> Table:
    """Give the table of `site_rows`, with a row that adds them."""
    shape = "0.6c 2.2l 0.8r 0.7r 0.8r 0.8r 1.2c 0.9r 0.9r"
    return frame.table("sites", shape, site_rows(facts, frame), totals=[_total(facts, frame)])


def site_rows(facts: YearFacts, frame: Frame) -> list[tuple[str, ...]]:
    """Give a row for each site: days that a backup was owed for, last good one, drills, uptime.

    What was owed of others, a site that is retired by now or the service itself, has a row of its
    own: else the rows would not add up to what the text tells.
    """
    rows = [_row(facts, frame, number, it) for number, it in enumerate(facts.sites, start=1)]
    named = {it.name for it in facts.sites}
    others = _figures(facts, lambda name: name not in named)
    if any(it not in {"0", "0 / 0"} for it in others):
        *owed, drills = others
        rows.append(("", frame.texts.say("others"), *owed, UNKNOWN, drills, UNKNOWN))
    return rows


def _row(facts: YearFacts, frame: Frame, number: int, site: SiteName) -> tuple[str, ...]:
    *owed, drills = _figures(facts, lambda name: name == site.name)
    uptimes = facts.uptimes.value
    percent = uptimes.of(site.name).percent if uptimes else None
    last = frame.day((facts.last_ok.value or {}).get(site.name))
    return (str(number), site.dated_title, *owed, last, drills, share(percent))


def _total(facts: YearFacts, frame: Frame) -> tuple[str, ...]:
    """Give the row that adds the rows; it says how many sites have a good backup at all."""
    *owed, drills = _figures(facts, lambda _name: True)
    known = sum(it.name in (facts.last_ok.value or {}) for it in facts.sites)
    uptimes = facts.uptimes.value
    whole = sum((uptimes.of(it.name) for it in facts.sites), Uptime()) if uptimes else None
    percent = share(whole.percent) if whole else UNKNOWN
    last = f"{known} / {len(facts.sites)}"
    return ("", frame.texts.say("total"), *owed, last, drills, percent)


def _figures(facts: YearFacts, wanted: Callable[[str], bool]) -> tuple[str, ...]:
    """Give days owed, met, missed and not known, and drills, of the sites that are wanted."""
    duties = facts.duties.value
    by_site = duties.backup.by_subject if duties and duties.backup else {}
    owed = sum((it for name, it in by_site.items() if wanted(name)), Owed())
    drills = [it.outcome for it in facts.drills.value or () if wanted(it.site)]
    numbers = (owed.judged, owed.met, owed.missed, owed.undecided)
    return (*map(count, numbers), f"{drills.count('ok')} / {len(drills)}")


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """The figures, which site it is about, and what its unit says."""

    facts: YearFacts
    site: SiteName
    section: Section


def gather_site(ask: Ask) -> SiteFacts:
    """Read the figures of the time."""
    facts = gather_facts(ask.session, ask.series, ask.estate, ask.window, ask.now, ask.site)
    section = read_section(ask.session, ask.site, ask.window.year)
    return SiteFacts(facts, facts.sites[0], section)


def write_site(found: SiteFacts, frame: Frame) -> Paper:
    """Write the report."""
    facts, site, section = found.facts, found.site, found.section
    window = facts.window
    named: dict[str, Any] = {"title": site.dated_title, "year": window.year}
    blocks: list[Block] = [
        frame.text("opening", **named, first=day(window.first), last=day(window.last)),
        *write_partial(facts, frame),
        frame.head("h_general"),
        *_general(site, section, frame),
        frame.head("h_content"),
        *_own(section, "content", frame),
        *_visits(facts, site, frame),
        frame.head("h_technical"),
        *_technical(facts, site, frame),
        frame.head("h_shortcomings"),
        *write_bad(facts, frame, site.name),
        *_own(section, "shortcomings", frame),
        frame.head("h_proposals"),
        *_own(section, "proposals", frame),
        _confirmed(section, frame),
        frame.text("closing", **named),
    ]
    return frame.paper(blocks, **named)


def write_partial(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    """Say that the time a report covers is not over, where it is not."""
    if facts.taken_at < facts.window.until:
        yield frame.text("partial", taken=frame.moment(facts.taken_at))


def _own(section: Section, part: str, frame: Frame) -> Iterator[Block]:
    """Give the unit's own words, a paragraph a line; dots to fill in where there are none."""
    lines = [it.strip() for it in section.texts.get(part, "").splitlines() if it.strip()]
    if not lines:
        yield frame.text(part)
    for line in lines:
        yield Paragraph(line)


def _confirmed(section: Section, frame: Frame) -> Block:
    note = "confirmed" if section.confirmed_at else "unconfirmed"
    text = frame.texts.say(note, person=section.confirmed_by, at=frame.moment(section.confirmed_at))
    return Paragraph(text, "note")


def _general(site: SiteName, section: Section, frame: Frame) -> Iterator[Block]:
    level = UNKNOWN if site.level is None else str(site.level)
    rows = zip(
        frame.texts.list("general"),
        (
            site.unit or UNKNOWN,
            site.url or UNKNOWN,
            site.system or UNKNOWN,
            level,
            site.owner or UNKNOWN,
            section.texts.get("board") or frame.texts.say("to_fill"),
        ),
        strict=True,
    )
    yield frame.table("pairs", "1l 2l", rows)
    yield frame.source(Figure(1, "estate"), Figure(1, "sections"))


def _visits(facts: YearFacts, site: SiteName, frame: Frame) -> Iterator[Block]:
    visits = (facts.visits.value or {}).get(site.name)
    if visits is None:
        yield frame.text("no_visits")
        return
    people, days = visits
    yield frame.text("visits", people=count(people), days=days, daily=count(round(people / days)))
    yield frame.source(facts.visits)


def _technical(facts: YearFacts, site: SiteName, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_uptime", 2)
    uptimes = facts.uptimes.value
    uptime = uptimes.of(site.name) if uptimes is not None else None
    if uptime is None or uptime.percent is None:
        yield frame.lacking(facts.uptimes)
    else:
        yield frame.text(
            "uptime",
            percent=share(uptime.percent),
            down=count(uptime.down),
            outages=count(uptime.outages),
            planned=count(uptime.planned),
            gap=count(uptime.gap),
        )
        yield frame.source(facts.uptimes)
    yield frame.head("h_backups", 2)
    yield from write_owed(facts, frame, site.name)
    ran = facts.backups.value.by_site.get(site.name, Tally()) if facts.backups.value else Tally()
    yield frame.text(
        "runs",
        ran=count(ran.ran),
        ok=count(ran.ok),
        incomplete=count(ran.incomplete),
        failed=count(ran.failed),
        last=frame.moment((facts.last_ok.value or {}).get(site.name)),
    )
    yield frame.source(facts.duties, facts.backups)
    yield frame.head("h_drills", 2)
    yield from _drills(facts, site, frame)
    yield frame.head("h_security", 2)
    incidents = [it for it in facts.incidents if it.site == site.name]
    yield frame.text(
        "incidents", count=len(incidents), serious=sum(it.is_serious for it in incidents)
    )
    yield frame.source(facts.register)


def _drills(facts: YearFacts, site: SiteName, frame: Frame) -> Iterator[Block]:
    drills = drills_of(facts, site.name)
    if not drills:
        yield frame.lacking(facts.drills)
        return
    outcomes = frame.texts.tables["outcomes"]
    rows = [
        (
            frame.day(it.started_at),
            outcomes[it.outcome],
            f"{span(it.rto)} / {span(it.rto_target)}",
            f"{span(it.rpo)} / {span(it.rpo_target)}",
        )
        for it in drills
    ]
    yield frame.table("drills", "1l 1l 1l 1l", rows)
    yield frame.source(facts.drills)
