"""Write the compliance table for people, and as data for reports."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from ops.duties.cli import at_desk
from ops.duties.wording import REASONS, tell_subject
from ops.language.text import _, language
from ops.security.compliance import Row, read_compliance
from ops.security.controls.load import load_controls
from ops.security.form_08 import fill_form
from ops.security.tasks import Findings
from ops.security.wording import tell_reason
from ops.terminal.output import Cell, outcome_cell, write_json, write_line, write_table

_MOST_REASONS = 2


def show_compliance(wish: Findings) -> int:
    """Write each control and duty with its verdict and what is behind it; gives the exit code."""
    now = datetime.now(UTC)
    with at_desk() as desk, desk.catalog.reading() as session:
        controls = load_controls(desk.estate)
        rows = read_compliance(session, desk.setting, controls, desk.duties, now)
    if wish.json:
        totals, form = fill_form(
            desk.setting.estate, rows, operator=desk.estate.name_at(now),
            owner=desk.estate.organisation.authority,
        )  # fmt: skip
        write_json(map(_values, rows), form_08={**asdict(totals), "rows": form})
        return 0
    heads = [_("For"), _("Level"), _("Control or duty"), _("Verdict"), _("Why"), _("Rows")]
    write_table(heads, [_cells(it) for it in rows], right=(5,))
    good = sum(it.outcome == "ok" for it in rows)
    blind = sum(it.outcome == "not_checked" for it in rows)
    text = _("{good} of {count} are proven; not checked: {blind}")
    write_line(text.format(good=good, count=len(rows), blind=blind))
    return 0


def _why(row: Row) -> str:
    """Say why a row is not proven: the words of duties, or those of looks."""
    if row.kind == "duty":
        return _(REASONS[row.reason])
    told = {
        f"{it.subject}: {tell_reason(it.reason, it.params)}": None
        for it in row.evidence
        if it.outcome == row.outcome and it.reason
    }
    shown = list(told)[:_MOST_REASONS]
    return "; ".join(shown) + (" …" if len(told) > len(shown) else "")


def _cells(row: Row) -> Sequence[str | Cell]:
    vi, en = row.title
    return (
        tell_subject(row.subject),
        "" if row.level is None else str(row.level),
        en if language() == "en" else vi,
        outcome_cell(row.outcome),
        _why(row),
        str(len(row.evidence)),
    )


def _values(row: Row) -> Mapping[str, Any]:
    vi, en = row.title
    values = {it.name: getattr(row, it.name) for it in fields(row)}  # evidence is long: no copies
    return {**values, "title": en if language() == "en" else vi, "why": _why(row)}
