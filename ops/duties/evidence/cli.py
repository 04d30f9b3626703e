"""Write for a person at a terminal what proves a duty, and what differs between sets of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from ops.duties.change_wording import tell_changes
from ops.duties.cli import at_desk
from ops.duties.evidence.events import ELSEWHERE, SOURCES
from ops.duties.evidence.judge import find_verdicts
from ops.duties.evidence.verdicts import Verdict
from ops.duties.table.models import Duty
from ops.duties.table.subjects import levels_in
from ops.duties.table.versions import find_differences
from ops.duties.tasks import Diff, Evidence
from ops.duties.wording import (
    tell_bases,
    tell_nature,
    tell_period,
    tell_reason,
    tell_rhythm,
    tell_subject,
    tell_title,
    tell_validity,
)
from ops.language.text import N_, _, fill
from ops.terminal.output import (
    Cell,
    outcome_cell,
    write_json,
    write_line,
    write_table,
    write_wrapped,
)

_MOST_ROWS = 40


def show_evidence(wish: Evidence) -> None:
    """Write the verdict of each period of a year, and the rows behind it.

    Raises:
        WrongUseError: There is no such duty.
    """
    with at_desk() as desk:
        rows = desk.duties.named(wish.duty)
        year = wish.year or desk.setting.today.year
        with desk.catalog.reading() as session:
            found = [
                (row, verdict)
                for row in rows
                for verdict in find_verdicts(session, row, desk.setting, year)
            ]
    if wish.json:
        write_json([{"row": row.row, "nature": row.nature, **_values(it)} for row, it in found])
        return
    for row in rows:
        nature = tell_nature(row, desk.setting.today, levels_in(desk.setting.estate))
        write_line(f"{row.name} · {tell_title(row)} · {nature}")
        write_wrapped(f"{tell_rhythm(row)}; {tell_bases(row.basis)}; {tell_validity(row)}")
    _write_verdicts([it for _row, it in found], rows, year)


def _values(verdict: Verdict) -> Mapping[str, Any]:
    return {
        "subject": verdict.subject,
        "from": verdict.period.start,
        "until": verdict.period.end,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "lacking": verdict.lacking,
        "pieces": verdict.pieces,
    }


def _write_verdicts(verdicts: Sequence[Verdict], rows: Sequence[Duty], year: int) -> None:
    if not verdicts:
        nothing = _("No period of {year} concerns anybody so far.").format(year=year)
        comes = any(it.every for it in rows)
        write_line(nothing if comes else _("It comes with an event, not with the calendar."))
        if any(it.event and it.event not in SOURCES.keys() | ELSEWHERE for it in rows):
            write_line(_("Nothing here records that event: keep the term yourself."))
        return
    shown = verdicts
    if len(verdicts) > _MOST_ROWS:
        shown = [it for it in verdicts if it.outcome != "ok"][-_MOST_ROWS:]
    if shown:
        heads = [_("Period"), _("For"), _("Verdict"), _("Why"), _("Rows")]
        write_table(heads, [_verdict_row(it) for it in shown], right=(4,))
    good = sum(it.outcome == "ok" for it in verdicts)
    write_line(_("{good} of {count} are proven").format(good=good, count=len(verdicts)))
    if len(shown) < len(verdicts):
        text = N_("left out above: what is proven, and old rows; all: `--json`")
        write_line(fill(text, {}))


def _verdict_row(verdict: Verdict) -> Sequence[str | Cell]:
    return (
        tell_period(verdict.period),
        tell_subject(verdict.subject),
        outcome_cell(verdict.outcome),
        tell_reason(verdict),
        str(len(verdict.pieces)),
    )


def show_differences(wish: Diff) -> None:
    """Write what differs: shipped duties, those in force, and those journaled last."""
    with at_desk() as desk, desk.catalog.reading() as session:
        found = find_differences(session, desk.duties)
    if wish.json:
        write_json([found])
        return
    write_changes(_("In force, against the shipped duties:"), found.from_shipped)
    if found.journaled:
        write_changes(_("In force, against those journaled last:"), found.from_journaled)
    else:
        write_line(_("No duties are journaled yet: the service does it once a day."))


def write_changes(title: str, changes: Mapping[str, list[Any]]) -> None:
    """Write a title, then what differs under it, in words."""
    write_line(title)
    for line in tell_changes(changes):
        write_wrapped(line)
    if not changes:
        write_line("    " + _("no difference"))
