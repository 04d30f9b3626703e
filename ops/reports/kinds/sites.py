"""Bảng tổng hợp các trang thành phần: the table that adds all sites (law.md 2.4); pure."""

from collections.abc import Callable
from dataclasses import dataclass

from ops.reports.figures.checked import Uptime
from ops.reports.figures.figure import Figure
from ops.reports.figures.gather import SiteName, YearFacts
from ops.reports.figures.gather import gather as gather_facts
from ops.reports.figures.runs import RunCounts, Tally
from ops.reports.kinds.kind import UNKNOWN, Ask, Frame, count, day, share
from ops.reports.papers.paper import Block, Paper
from ops.reports.sections import read_sections

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class SitesFacts:
    """The figures, and the sites whose unit has not confirmed what it says."""

    facts: YearFacts
    unconfirmed: tuple[SiteName, ...]


def gather(ask: Ask) -> SitesFacts:
    """Read the figures of the time, and what units have confirmed."""
    facts = gather_facts(ask.session, ask.series, ask.estate, ask.window, ask.now)
    sections = read_sections(ask.session, ask.window.year)
    confirmed = {it.site for it in sections.values() if it.confirmed_at is not None}
    return SitesFacts(facts, tuple(it for it in facts.sites if it.name not in confirmed))


def write(found: SitesFacts, frame: Frame) -> Paper:
    """Write the table."""
    facts, texts = found.facts, frame.texts
    window, missing = facts.window, found.unconfirmed
    names = ", ".join(it.dated_title for it in missing[:_MOST_NAMED])
    names += ", …" if len(missing) > _MOST_NAMED else ""
    blocks: list[Block] = [
        frame.text(
            "opening", sites=len(facts.sites), first=day(window.first), last=day(window.last)
        ),
        frame.table(
            "sites",
            "0.6c 2.4l 1.2r 0.5r 1.1c 0.9r 0.9r",
            site_rows(facts, frame),
            totals=[site_total(facts, texts.say("total"))],
        ),
        frame.source(facts.backups, facts.not_run, facts.drills, facts.uptimes),
        frame.text("confirmed", confirmed=len(facts.sites) - len(missing), sites=len(facts.sites)),
        *([frame.text("unconfirmed", count=len(missing), names=names)] if missing else []),
        frame.source(Figure(1, "sections")),
        frame.text("closing"),
    ]
    return frame.paper(blocks, year=window.year)


def site_rows(facts: YearFacts, frame: Frame) -> list[tuple[str, ...]]:
    """Give a row for each site: number, title, backups, missed, last good one, drills, uptime.

    What ran for others, a site that is retired by now or the service itself, has a row of its own:
    else the rows would not add up to what the text tells.
    """
    rows = [_row(facts, frame, number, it) for number, it in enumerate(facts.sites, start=1)]
    others = _figures(facts, lambda name: name not in {it.name for it in facts.sites})
    if any(it not in {"0", "0 / 0"} for it in others):
        backups, missed, drills = others
        rows.append(("", frame.texts.say("others"), backups, missed, UNKNOWN, drills, UNKNOWN))
    return rows


def _row(facts: YearFacts, frame: Frame, number: int, site: SiteName) -> tuple[str, ...]:
    backups, missed, drills = _figures(facts, lambda name: name == site.name)
    uptimes = facts.uptimes.value
    percent = uptimes.of(site.name).percent if uptimes else None
    last = frame.day((facts.last_ok.value or {}).get(site.name))
    return (str(number), site.dated_title, backups, missed, last, drills, share(percent))


def site_total(facts: YearFacts, label: str) -> tuple[str, ...]:
    """Give the row that adds the rows; it says how many sites have a good backup at all."""
    backups, missed, drills = _figures(facts, lambda _name: True)
    known = sum(it.name in (facts.last_ok.value or {}) for it in facts.sites)
    uptimes = facts.uptimes.value
    whole = sum((uptimes.of(it.name) for it in facts.sites), Uptime()) if uptimes else None
    percent = share(whole.percent) if whole else UNKNOWN
    return ("", label, backups, missed, f"{known} / {len(facts.sites)}", drills, percent)


def _figures(facts: YearFacts, wanted: Callable[[str], bool]) -> tuple[str, str, str]:
    """Give backups, missed ones and drills of the sites that are wanted, as they are written."""
    ran = _sum(facts.backups.value, wanted)
    missed = _sum(facts.not_run.value, wanted).missed
    drills = [it.outcome for it in facts.drills.value or () if wanted(it.site)]
    return (
        f"{count(ran.ok)} / {count(ran.ran)}",
        count(missed),
        f"{drills.count('ok')} / {len(drills)}",
    )


def _sum(counts: RunCounts | None, wanted: Callable[[str], bool]) -> Tally:
    found = (it for name, it in (counts.by_site if counts else {}).items() if wanted(name))
    return sum(found, Tally())


def tally_of(counts: RunCounts | None, site: str) -> Tally:
    """Give a site's share."""
    return counts.by_site.get(site, Tally()) if counts else Tally()
