"""Mẫu số 08 of NĐ 331/2026: the letter on the security of information systems (law.md 2.5).

The table is `ops.security.form_08`'s; what nobody has recorded stays empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import date

from ops.duties.reminders import make_setting
from ops.duties.table.load import load_duties
from ops.estate.model.estate import Estate
from ops.estate.model.organisation import BodyDetails
from ops.reports.figures.figure import Figure, Timespan
from ops.reports.kinds.kind import Ask, Frame, day
from ops.reports.kinds.office import UNFILLED
from ops.reports.papers.paper import Annex, Block, Paper
from ops.security.compliance import read_compliance
from ops.security.controls import load_controls
from ops.security.form_08 import FormRow, FormTotals, fill_form

_DETAILS = ("functions", "representative", "address", "contact")
_STANDS = ("standing", "rules")


@dataclass(frozen=True, slots=True)
class FormFacts:
    """The form's totals and rows, and what its part 2 says of the owner and the unit."""

    window: Timespan
    totals: FormTotals
    rows: Sequence[FormRow]
    bodies: Mapping[str, BodyDetails | None]
    source: Figure[int]


def gather_security(ask: Ask) -> FormFacts:
    """Read the compliance table of now, and fill the form."""
    estate, today = ask.estate, ask.now.astimezone(ask.estate.zone).date()
    setting = make_setting(estate)
    rows = read_compliance(
        ask.session, setting, load_controls(estate), load_duties(estate), ask.now
    )
    organisation = estate.organisation
    roles = organisation.roles_on(today)
    totals, filled = fill_form(
        setting.estate, rows, operator=roles.body, owner=roles.owner or UNFILLED
    )
    bodies = {
        name: organisation.details_on(body, today)
        for name, body in (("owner", roles.owner), ("specialised", roles.specialised))
    }
    return FormFacts(ask.window, totals, filled, bodies, Figure(len(rows), "findings"))


def list_blanks(estate: Estate, day: date) -> list[str]:
    """Name the settings that the form has dots or an empty cell for."""
    organisation = estate.organisation
    roles = organisation.roles_on(day)
    blanks = [] if roles.owner else ["organisation.roles[].owner"]
    for body in filter(None, (roles.owner, roles.specialised)):
        details = organisation.details_on(body, day)
        blanks += [
            f"organisation.bodies[{body}].{name}"
            for name in _DETAILS
            if details is None or not getattr(details, name)
        ]
    for system in estate.systems:
        wanted = [*_STANDS, *([] if system.decision else ["expected"])]
        blanks += [
            f"systems[{system.name}].{name}"
            for name in wanted
            if not getattr(system, name) and not (name == "standing" and system.decision)
        ]
    return blanks


def write_security(facts: FormFacts, frame: Frame) -> Paper:
    """Write the letter."""
    texts, totals = frame.texts, facts.totals
    known = {
        name: UNFILLED if value in {None, ""} else value for name, value in asdict(totals).items()
    }
    blocks: list[Block] = [
        frame.text("opening", first=day(facts.window.first), last=day(facts.window.last)),
        frame.head("h_general"),
        *(frame.item(name, **known) for name in (
            "systems", "classified", "filed", "assessed", "approved", "checked", "expected",
        )),
        frame.head("h_bodies"),
        *_body(frame, "owner", facts),
        *_body(frame, "specialised", facts),
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


def _body(frame: Frame, name: str, facts: FormFacts) -> list[Block]:
    details = facts.bodies[name]
    told = {it: (getattr(details, it) if details else "") or UNFILLED for it in _DETAILS}
    lines = frame.texts.list("body", name=frame.office.names[name], **told)
    return [frame.head(f"h_{name}", 2), *(frame.item("line", line=it) for it in lines)]
