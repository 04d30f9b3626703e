"""Nhật ký sao lưu: every backup of some time, a row each (law.md 2.6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ops.reports.figures.figure import Figure, Timespan
from ops.reports.figures.gather import name_site
from ops.reports.figures.runs import RunRow, list_runs
from ops.reports.kinds.kind import UNKNOWN, Ask, Frame, count, day
from ops.reports.papers.paper import Block, Paper, Signature

MOST_ROWS = 2_000
"""More rows are no paper that anybody reads; the paper says how many there are."""

_ID_DIGITS = 8


@dataclass(frozen=True, slots=True)
class LogFacts:
    """The backups of a time, newest last, and what sites are called."""

    window: Timespan
    runs: Figure[Sequence[RunRow]]
    titles: Mapping[str, str]
    about: str


def gather(ask: Ask) -> LogFacts:
    """List the backups of the time, of one site where it is named."""
    estate, window = ask.estate, ask.window
    titles = {it.name: name_site(estate, it.name, window).dated_title for it in estate.named_sites}
    runs = list_runs(ask.session, window, "backup", ask.site)
    return LogFacts(window, runs, titles, titles.get(ask.site, ask.site))


def write(facts: LogFacts, frame: Frame) -> Paper:
    """Write the log."""
    runs = facts.runs.value or ()
    shown = runs[-MOST_ROWS:]
    span = {"first": day(facts.window.first), "last": day(facts.window.last)}
    blocks: list[Block] = [frame.text("opening", count=count(len(runs)), **span)]
    if len(shown) < len(runs):
        blocks.append(frame.text("cut", shown=count(len(shown)), count=count(len(runs))))
    if shown:
        rows = [_row(facts, frame, number, it) for number, it in enumerate(shown, start=1)]
        table = frame.table("log", "0.6c 1.5l 1.9l 1l 1l 0.9l 0.6l", rows)
        paper = frame.paper([*blocks, table, frame.source(facts.runs)], **_about(facts, frame))
    else:
        paper = frame.paper([*blocks, frame.lacking(facts.runs)], **_about(facts, frame))
    keeper = Signature(post=frame.texts.say("keeper"))
    return replace(paper, signatures=(keeper, frame.office.signature))


def _about(facts: LogFacts, frame: Frame) -> Mapping[str, object]:
    return {"what": facts.about or frame.texts.say("all_sites")}


def _row(facts: LogFacts, frame: Frame, number: int, run: RunRow) -> tuple[str, ...]:
    outcomes, texts = frame.texts.tables["outcomes"], frame.texts
    method = run.job.partition("/")[0]
    return (
        str(number),
        frame.short(run.started_at),
        facts.titles.get(run.site, run.site),
        texts.tables["methods"].get(method, method),
        run.snapshot[:_ID_DIGITS] or UNKNOWN,
        outcomes.get(run.outcome, texts.say("running")),
        "",
    )
