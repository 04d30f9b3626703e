"""What duties owed, as a report says it: of backups in words, of all of them as a table; pure."""

from collections.abc import Iterator
from typing import Any

from ops.duties.wording import tell_rhythm, tell_scope, tell_title
from ops.reports.figures.gather import YearFacts
from ops.reports.figures.owed import Owed, find_unjudged
from ops.reports.kinds.judgement import tell_measure
from ops.reports.kinds.kind import Frame, count, day
from ops.reports.papers.paper import Block, Table


def write_owed(facts: YearFacts, frame: Frame, site: str = "") -> Iterator[Block]:
    """Say how many days of sites a backup was owed for and came, and which days nobody judges.

    Args:
        facts: Of the time.
        frame: What is written into.
        site: The only one; empty for all.
    """
    duties = facts.duties.value
    backup = duties.backup if duties else None
    if duties is None or backup is None:
        yield frame.lacking(facts.duties)
        return
    owed = backup.of(site) if site else backup.total
    if owed.judged:
        measured: dict[str, Any] = {"title": tell_title(backup.duty), **tell_measure(owed)}
        yield frame.text("owed", **measured)
    for time, why in find_unjudged(backup, duties.records, facts.window):
        yield frame.text(why, first=day(time.start), last=day(time.end))


def duty_table(facts: YearFacts, frame: Frame) -> Table:
    """Give a row for each duty that something was owed of: what, of whom, how much of it."""
    duties = facts.duties.value
    rows = [
        (
            tell_title(it.duty),
            f"{tell_rhythm(it.duty)}; {tell_scope(it.duty)}",
            *write_counts(it.total),
        )
        for it in (duties.counts.values() if duties else ())
    ]
    return frame.table("duties", "2.4l 1.8l 0.9r 0.6r 0.7r 0.7r 0.9r 0.8r", rows)


def write_counts(owed: Owed) -> tuple[str, ...]:
    """Give what was owed, met, only stated, missed, is not known, and lies before all records."""
    numbers = (owed.judged, owed.met, owed.stated, owed.missed, owed.unknown, owed.unrecorded)
    return tuple(map(count, numbers))
