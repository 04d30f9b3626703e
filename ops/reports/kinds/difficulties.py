"""Tổng hợp khó khăn, vướng mắc: what Điều 16(2) of the Regulation asks for, out of the register."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ops.language.text import _
from ops.register.entry import KINDS, STATES
from ops.register.summary import YearSummary, summarise
from ops.reports.figures.figure import Figure, Timespan
from ops.reports.kinds.kind import UNKNOWN, Ask, Frame, count, day, span
from ops.reports.papers.paper import Block, Paper


@dataclass(frozen=True, slots=True)
class Difficulties:
    """The register of a time, and what units are called."""

    window: Timespan
    summary: YearSummary
    units: Mapping[str, str]


def gather_difficulties(ask: Ask) -> Difficulties:
    """Sum up the register."""
    window = ask.window
    units = {it.name: it.title_on(window.last) for it in ask.estate.units}
    return Difficulties(window, summarise(ask.session, window.since, window.until), units)


def write_difficulties(facts: Difficulties, frame: Frame) -> Paper:
    """Write the summary."""
    window = facts.window
    total = facts.summary.total
    opening = frame.text(
        "opening",
        first=day(window.first),
        last=day(window.last),
        count=count(total.count),
        open=count(total.still_open),
    )
    left = facts.summary.left_open
    blocks = [
        opening,
        *([frame.text("left_open", count=count(left))] if left else []),
        *_kinds(facts, frame),
        *_units(facts, frame),
        *_listed(facts, frame),
        frame.text("closing"),
    ]
    return frame.paper(blocks, year=window.year)


def _kinds(facts: Difficulties, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_kinds")
    rows = [
        (
            _(KINDS[kind]).capitalize(),
            count(it.count),
            count(it.still_open),
            span(it.answered),
            span(it.restored),
        )
        for kind, it in facts.summary.by_kind.items()
    ]
    yield frame.table("kinds", "1.8l 0.8r 0.8r 1.2l 1.2l", rows)
    yield frame.source(Figure(1, "register"))


def _units(facts: Difficulties, frame: Frame) -> Iterator[Block]:
    if not facts.summary.by_unit:
        return
    yield frame.head("h_units")
    rows = [
        (
            facts.units.get(unit) or frame.texts.say("no_unit"),
            count(it.count),
            count(it.still_open),
        )
        for unit, it in facts.summary.by_unit.items()
    ]
    yield frame.table("units", "3l 1r 1r", rows)
    yield frame.source(Figure(1, "register"))


def _listed(facts: Difficulties, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_listed")
    if not facts.summary.difficulties:
        yield frame.text("none")
        return
    rows = [
        (
            it.called,
            frame.day(it.received_at),
            it.title,
            facts.units.get(it.unit) or UNKNOWN,
            _(STATES[it.state]),
            it.result or UNKNOWN,
        )
        for it in facts.summary.difficulties
    ]
    yield frame.table("listed", "1l 1.1l 2.2l 1.2l 1l 1.4l", rows)
    yield frame.source(Figure(1, "register"))
