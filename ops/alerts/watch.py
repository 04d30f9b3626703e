"""Take in what a look found: states, alerts and notices, in one transaction.

::

    conditions ──decide_look──► states, what opens, what is told anew, what is over ──► apply

Order: the states that are known are read; what follows is decided; alerts are opened, changed and
closed with their notices; the states are written, and when it was looked. The courier delivers
later. All of it is kept or lost together, so the same look taken in twice says nothing twice.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from ops.alerts.drafts import Severity
from ops.alerts.looks import GAP, Condition, Held, Stage, State, decide_look
from ops.alerts.silences import read_quiet
from ops.alerts.watch_telling import tell_look
from ops.catalog.columns import insert_or_replace
from ops.catalog.tables.alerts import ConditionState, Look

EVERY = timedelta(minutes=1)

_ADVISORY_LOCK = 0x6769_7563_6C6F_6F  # "giucloo"
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Taken:
    """What a look has changed.

    Attributes:
        opened, closed: How many alerts.
        notices: How many notices are new in the outbox.
        written: How many states were written or removed.
    """

    opened: int = 0
    closed: int = 0
    notices: int = 0
    written: int = 0


def take_look(
    session: Session,
    conditions: Iterable[Condition],
    now: datetime,
    *,
    looked_at: Collection[str],
    every: timedelta = EVERY,
) -> Taken:
    """Take in what one look found.

    A subject that was looked at, is known and not among the conditions is no more (a disk that was
    taken out): its alert closes. Where what it stands on is red, it was not seen instead, and stays
    as it was.

    Args:
        session: A writing session; the caller commits.
        conditions: Everything that was seen, the good too; of a subject at most one.
        now: Aware.
        looked_at: Roots that this look covers, each with all below it: `host:web1`, or `host:` for
            all hosts, those included that the estate names no more. Other subjects stay as they
            are.
        every: How often these roots are looked at. After five times as long without a look the
            first one only notes how things stand: nobody is told what may have begun meanwhile.
    """
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    known, quiet = read_states(session), read_quiet(session, now)
    decision = decide_look(
        known,
        conditions,
        now,
        looked_at=looked_at,
        after_gap=_note_look(session, looked_at, now, every),
        is_quiet=lambda *about: any(it.hushes(*about) for it in quiet),
    )
    telling = tell_look(session, decision, known, now)
    written = _write(session, known, telling.states)
    return Taken(telling.opened, telling.closed, telling.notices, written)


def read_states(session: Session) -> dict[str, Held]:
    """Give every state, by subject."""
    rows = session.execute(select(*ConditionState.__table__.columns))
    return {row.subject: _as_held(row) for row in rows}


def _as_held(row: Any) -> Held:  # a row has what was selected
    return Held(
        subject=row.subject,
        state=cast("State", row.state),
        severity=cast("Severity", row.severity),
        code=row.code,
        params=row.params,
        parent=row.parent,
        site=row.site,
        holds_for=timedelta(seconds=row.holds_seconds),
        since=row.since,
        stage=cast("Stage", row.stage),
        told=row.told,
        changes=tuple(map(datetime.fromisoformat, row.changes)),
        alert=row.alert_id,
    )


def _as_row(held: Held) -> dict[str, Any]:
    return {
        "subject": held.subject,
        "state": held.state,
        "severity": held.severity,
        "code": held.code,
        "params": dict(held.params),
        "parent": held.parent,
        "site": held.site,
        "holds_seconds": int(held.holds_for.total_seconds()),
        "since": held.since,
        "stage": held.stage,
        "told": held.told,
        "changes": [it.isoformat() for it in held.changes],
        "alert_id": held.alert,
    }


def _note_look(
    session: Session, looked_at: Collection[str], now: datetime, every: timedelta
) -> set[str]:
    """Note when these roots are looked at; gives those that nobody had looked at for too long."""
    roots = set(looked_at)
    rows = session.execute(select(Look.root, Look.at))
    last = {root: at for root, at in rows if root in roots}
    moved = [{"root": root, "at": now} for root in roots if last.get(root) != now]
    if moved:
        session.execute(insert_or_replace(session, Look), moved)
    return {root for root, at in last.items() if abs(now - at) > every * GAP}


def _write(session: Session, before: Mapping[str, Held], after: Mapping[str, Held]) -> int:
    """Write what is unlike before, and no more."""
    newer = [_as_row(it) for it in after.values() if before.get(it.subject) is not it]
    gone = before.keys() - after.keys()
    if newer:
        session.execute(insert_or_replace(session, ConditionState), newer)
    if gone:
        subjects = list(gone)
        for first in range(0, len(subjects), _AT_ONCE):
            some = subjects[first : first + _AT_ONCE]
            session.execute(delete(ConditionState).where(ConditionState.subject.in_(some)))
    return len(newer) + len(gone)
