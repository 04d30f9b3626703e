"""Mẫu số 08 of NĐ 331/2026: the letter on the security of information systems (law.md 2.5).

The table is `ops.security.form_08`'s; what nobody has recorded stays empty.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from ops.duties.reminders import make_setting
from ops.duties.table.load import load_duties
from ops.reports.figures.figure import Figure, Timespan
from ops.reports.kinds.kind import Ask, Frame, day
from ops.reports.papers.paper import Annex, Block, Paper
from ops.security.compliance import read_compliance
from ops.security.controls import load_controls
from ops.security.form_08 import FormRow, FormTotals, fill_form

_UNFILLED = ".........."


@dataclass(frozen=True, slots=True)
class FormFacts:
    """The form's totals and rows, and the names in it."""

    window: Timespan
    totals: FormTotals
    rows: Sequence[FormRow]
    owner: str
    operator: str
    source: Figure[int]


def gather_security(ask: Ask) -> FormFacts:
    """Read the compliance table of now, and fill the form."""
    estate = ask.estate
    setting = make_setting(estate)
    rows = read_compliance(
        ask.session, setting, load_controls(estate), load_duties(estate), ask.now
    )
    owner, operator = estate.organisation.authority, estate.name_at(ask.now)
    totals, filled = fill_form(setting.estate, rows, operator=operator, owner=owner)
    return FormFacts(ask.window, totals, filled, owner, operator, Figure(len(rows), "findings"))


def write_security(facts: FormFacts, frame: Frame) -> Paper:
    """Write the letter."""
    texts, totals = frame.texts, facts.totals
    known = {
        "systems": totals.systems,
        "classified": totals.classified,
        "approved": totals.approved,
        "checked": totals.checked,
    }
    blocks: list[Block] = [
        frame.text("opening", first=day(facts.window.first), last=day(facts.window.last)),
        frame.head("h_general"),
        *(frame.item(name, unfilled=_UNFILLED, **known) for name in (
            "systems", "classified", "filed", "assessed", "approved", "checked", "expected",
        )),
        frame.head("h_bodies"),
        *_body(frame, "h_owner", facts.owner),
        *_body(frame, "h_operator", facts.operator),
        frame.head("h_table"),
        frame.text("table"),
        frame.source(facts.source, Figure(1, "estate")),
        frame.text("closing"),
        Annex(texts.say("annex_title"), is_wide=True),
        frame.table(
            "form", "0.6c 1.5l 1.3l 1.3l 0.7c 1.1l 1.2l 1.1l 1l 1.1l 1.1l 1.1l",
            [tuple("" if it is None else str(it) for it in astuple(row)) for row in facts.rows],
        ),
    ]  # fmt: skip
    return frame.paper(blocks, year=facts.window.year)


def _body(frame: Frame, heading: str, name: str) -> list[Block]:
    lines = frame.texts.list("body", name=name or _UNFILLED, unfilled=_UNFILLED)
    return [frame.head(heading, 2), *(frame.item("line", line=it) for it in lines)]
