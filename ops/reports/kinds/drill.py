"""Biên bản diễn tập khôi phục: the minutes of a drill as they are kept (law.md 2.7); pure.

They are the kept minutes and nothing else: their own hash stands on them.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ops.canonical import digest_of
from ops.drills.minutes.minutes import Minutes, read_minutes
from ops.drills.minutes.output import Pair, environment, evidence, purpose, time_and_people
from ops.drills.minutes.tables import Row, course_rows, measure_rows, shortcoming_rows
from ops.drills.minutes.verdict import WARNED
from ops.drills.phases import TITLES
from ops.drills.records import KeptDrill, find_drill, list_drills
from ops.errors import OpsError
from ops.language.text import _
from ops.reports.figures.figure import Figure
from ops.reports.kinds.kind import Ask, Frame
from ops.reports.papers.paper import Block, Paper, Signature

_MOST_LOOKED_AT = 50
_MOMENT = re.compile(r"(\d\d/\d\d/\d{4}) (\d\d):(\d\d)(?::(\d\d))? [+-]\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class DrillFacts:
    """The minutes, their hash as kept, and whether they still have it."""

    minutes: Minutes
    sha256: str
    is_unchanged: bool


def gather_drill(ask: Ask) -> DrillFacts:
    """Read the minutes of the drill named, else of the newest that has some."""
    drill = find_drill(ask.session, ask.of) if ask.of else _newest(ask)
    if drill is None or drill.minutes is None:
        raise OpsError(
            "there are no minutes of such a drill",
            why="no drill of this site is concluded, or the one named is not",
            data="nothing was written",
            next_step="`{program} drill.list` lists the drills",
        )
    is_unchanged = digest_of(drill.minutes) == drill.minutes_sha256
    return DrillFacts(read_minutes(drill.minutes), drill.minutes_sha256, is_unchanged)


def _newest(ask: Ask) -> KeptDrill | None:
    found = list_drills(ask.session, site=ask.site, limit=_MOST_LOOKED_AT)
    return next((it for it in found if it.minutes is not None), None)


def write_drill(facts: DrillFacts, frame: Frame) -> Paper:
    """Write the minutes."""
    minutes = facts.minutes
    title = str(minutes.scenario["title"])
    blocks: list[Block] = [
        frame.head("h_time"),
        *_pairs(frame, time_and_people(minutes, frame.zone, on_paper=True)),
        frame.head("h_purpose"),
        *_pairs(frame, purpose(minutes, frame.zone, on_paper=True)),
        frame.head("h_environment"),
        *_pairs(frame, environment(minutes, frame.zone)),
        frame.head("h_course"),
        _table(frame, "course", "0.8l 2l 1.6l 1l 1r", course_rows(minutes, frame.zone)),
        frame.head("h_results"),
        _table(frame, "measures", "2.4l 1r 1r 1l", measure_rows(minutes.results)),
        *_pairs(frame, evidence(minutes.results, frame.zone)),
        frame.head("h_shortcomings"),
        *_shortcomings(minutes, frame),
        frame.head("h_conclusion"),
        frame.text(_conclusion_of(minutes), table="conclusions"),
        frame.text(
            "unchanged" if facts.is_unchanged else "changed",
            sha256=facts.sha256,
        ),
        frame.source(Figure(1, "minutes")),
    ]
    paper = frame.paper(blocks, title=title)
    return replace(paper, signatures=_signatures(minutes, frame))


def _conclusion_of(minutes: Minutes) -> str:
    is_remarked = minutes.conclusion["reason"] == WARNED
    return "remarked" if is_remarked else str(minutes.conclusion["outcome"])


def _signatures(minutes: Minutes, frame: Frame) -> tuple[Signature, ...]:
    parts = frame.texts.tables["signers"]
    found = [Signature(post=parts[it["part"]], name=it["title"]) for it in minutes.people]
    distinct = {(it.post, it.name): it for it in found}
    return (*[*distinct.values()][:2], frame.office.signature)


def _pairs(frame: Frame, pairs: Iterable[Pair]) -> Iterator[Block]:
    for label, value in pairs:
        text = value if isinstance(value, str) else value.text
        yield frame.item("pair", label=label, value=_MOMENT.sub(_speak, text))


def _speak(found: re.Match[str]) -> str:
    """Write a moment as papers do; its seconds stay, since the minutes count them."""
    day, hour, minute, second = found.groups()
    return f"{hour} giờ {minute} phút{f' {second} giây' if second else ''} ngày {day}"


def _table(frame: Frame, name: str, shape: str, rows: Iterable[Row]) -> Block:
    texts = [[it if isinstance(it, str) else it.text for it in row] for row in rows]
    return frame.table(name, shape, texts)


def _shortcomings(minutes: Minutes, frame: Frame) -> Iterator[Block]:
    named = {it["code"] for it in minutes.shortcomings}
    unchecked = [
        str(_(TITLES[it["phase"]]))
        for it in minutes.course
        if it["outcome"] == "not_checked" and it["reason"] not in named
    ]
    if not minutes.shortcomings and not unchecked:
        yield frame.text("none")
    if unchecked:
        yield frame.text("unchecked", steps="; ".join(unchecked))
    if not minutes.shortcomings:
        return
    titles = {it["name"]: it["title"] for it in minutes.people}
    rows = shortcoming_rows(minutes.shortcomings, minutes.scenario["site"], titles)
    yield _table(frame, "shortcomings", "2.4l 2l 1.2l 1l", rows)
