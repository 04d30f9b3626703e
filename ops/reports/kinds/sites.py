"""Bảng tổng hợp các trang thành phần: the table that adds all sites (law.md 2.4); pure."""

from dataclasses import dataclass

from ops.reports.figures.figure import Figure
from ops.reports.figures.gather import Facts, SiteName
from ops.reports.figures.gather import gather as gather_facts
from ops.reports.kinds.kind import Ask, Frame, day
from ops.reports.kinds.site_rows import site_rows, site_total
from ops.reports.papers.paper import Block, Paper
from ops.reports.sections import read_sections

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class SitesFacts:
    """The figures, and the sites whose unit has not confirmed what it says."""

    facts: Facts
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
        frame.text("opening", sites=len(facts.sites), first=day(window.first),
                   last=day(window.last)),
        frame.table("sites", "0.5c 2.4l 1.2r 0.5r 1.1c 0.9r 0.9r", site_rows(facts, frame),
                    totals=[site_total(facts, texts.say("total"))]),
        frame.source(facts.backups, facts.not_run, facts.drills, facts.uptimes),
        frame.text("confirmed", confirmed=len(facts.sites) - len(missing), sites=len(facts.sites)),
        *([frame.text("unconfirmed", count=len(missing), names=names)] if missing else []),
        frame.source(Figure(1, "sections")),
        frame.text("closing"),
    ]  # fmt: skip
    return frame.paper(blocks, year=window.year)
