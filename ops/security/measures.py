"""Whether all controls and duties are proven that rest on a text: as evidence for duties of that.

It tells no more than the tables know of a text. Whoever relies on it for what they do not know has
the decision of who looked at that, too.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from ops.alerts.outbox import find_estate
from ops.duties.evidence.queries import Ask, Setting
from ops.duties.evidence.verdicts import GRAVEST, SETTLED, Piece, Standing
from ops.duties.table.load import DutySet, load_duties
from ops.duties.table.models import Basis
from ops.duties.table.versions import Document
from ops.security.compliance import ControlRow, read_compliance
from ops.security.controls import load_controls

QUERY = "measures"
_MOST_NAMED = 20


def find_measures(session: Session, ask: Ask) -> Iterator[Piece]:
    """Judge what rests on the texts that the duty names, as it stands now."""
    texts = ask.duty.evidence.texts
    rows = [it for bases, it in _read_rows(session, ask.setting) if rests_on(bases, texts)]
    concerned = choose_rows(rows, ask.setting.estate, ask.duty.applies.levels)
    if concerned:
        yield sum_up(concerned, datetime.now(UTC), is_past=ask.is_past)


def _read_rows(session: Session, setting: Setting) -> list[tuple[Sequence[Basis], ControlRow]]:
    """Judge all controls, and all duties but those of this kind; once in a session."""
    known: dict[str, list[tuple[Sequence[Basis], ControlRow]]]
    known = session.info.setdefault(QUERY, {})
    day = setting.today.isoformat()
    if day not in known:
        estate = find_estate(session)
        if estate is None:
            return []
        controls, duties = load_controls(estate), load_duties(estate).duties
        others = DutySet(tuple(it for it in duties if it.evidence.query != QUERY))
        bases = {("duty", it.name): it.basis for it in others.duties}
        bases |= {("control", it.name): it.basis for it in controls.rows}
        rows = read_compliance(session, setting, controls, others, datetime.now(UTC))
        known[day] = [(bases[it.kind, it.name], it) for it in rows]
    return known[day]


def rests_on(bases: Iterable[Basis], texts: Collection[str]) -> bool:
    """Tell whether one of some bases is one of some texts; pure."""
    return any(it.document in texts for it in bases)


def choose_rows(
    rows: Iterable[ControlRow], estate: Document, levels: Collection[int]
) -> list[ControlRow]:
    """Leave out what concerns other levels, and what is not due yet; pure."""
    of_system = {it["name"]: it.get("level") for it in estate.get("systems", ())}
    of_site = {it["name"]: of_system.get(it.get("system")) for it in estate.get("sites", ())}
    known = {**of_site, **of_system}
    return [
        it
        for it in rows
        if it.reason != "nothing_yet"
        and (not levels or not it.subject or known.get(it.subject) in levels)
    ]


def sum_up(rows: Sequence[ControlRow], now: datetime, *, is_past: bool) -> Piece:
    """Sum rows up: good where all are proven, stated where the rest is only stated; pure.

    Of a period that is over nobody knows how it ended, unless all is proven now.
    """
    lacking = [it for it in rows if it.outcome != "ok"]
    worst = next(it for it in GRAVEST if any(row.outcome == it for row in rows))
    unproven: Standing = "not_checked" if is_past else "incomplete"
    details: dict[str, Any] = {
        "of": len(rows),
        "proven": len(rows) - len(lacking),
        "lacking": [f"{it.name} {it.subject}".strip() for it in lacking[:_MOST_NAMED]],
    }
    return Piece("", now, worst if worst in SETTLED else unproven, "verdicts", "", details)
