"""Bảng tổng hợp các trang thành phần: the table that adds all sites (law.md 2.4); pure."""

from ops.reports.figures.gather import Facts
from ops.reports.figures.gather import gather as gather_facts
from ops.reports.kinds.kind import Ask, Frame, day
from ops.reports.kinds.site_rows import site_rows, site_total
from ops.reports.papers.paper import Block, Paper


def gather(ask: Ask) -> Facts:
    """Read the figures of the time."""
    return gather_facts(ask.session, ask.series, ask.estate, ask.window, ask.now)


def write(facts: Facts, frame: Frame) -> Paper:
    """Write the table."""
    window, texts = facts.window, frame.texts
    blocks: list[Block] = [
        frame.text("opening", sites=len(facts.sites), first=day(window.first),
                   last=day(window.last)),
        frame.table("sites", "0.6c 2.4l 1.2r 0.5r 1.1c 0.9r 0.9r", site_rows(facts, frame),
                    totals=[site_total(facts, texts.say("total"))]),
        frame.source(facts.backups, facts.not_run, facts.drills, facts.uptimes),
        frame.text("closing"),
    ]  # fmt: skip
    return frame.paper(blocks, year=window.year)
