"""Keep the alerts in the catalog, in the transaction of the events they tell about.

Two services may look at once: an alert is open once by a unique index, and each escalation is one
UPDATE that names the step it leaves.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from ops.alerts.decisions import (
    Changes,
    OpenAlert,
    decide_alerts,
    is_answered,
    is_graver,
    settle,
    subject_of,
)
from ops.alerts.drafts import Draft
from ops.catalog.columns import insert_missing, new_id
from ops.catalog.tables.alerts import Alert, AlertTelling
from ops.catalog.tables.core import Job, Notice
from ops.schedule.ledger.job import LedgerEvent

_UNSYNCHRONIZED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of the alerts.

    Attributes:
        ids: The alert of each draft, by the draft's subject key.
        answered: Subject keys of the drafts that nobody is told.
        closed: Alerts that are green again.
    """

    ids: Mapping[str, UUID] = field(default_factory=dict)
    answered: frozenset[str] = frozenset()
    closed: tuple[OpenAlert, ...] = ()


def take_in(
    session: Session, events: Sequence[LedgerEvent], drafts: Sequence[Draft], now: datetime
) -> TakenIn:
    """Open, repeat and close alerts."""
    changes = decide_alerts(events, drafts, read_open(session))
    for draft in changes.opened:
        open_alert(session, draft, now)
    for alert, draft in changes.repeated:
        repeat_alert(session, alert, draft, now)
    _apply(session, changes, now)
    return TakenIn(_ids_of(session, drafts), changes.answered, changes.closed)


def settle_retired(session: Session, now: datetime) -> list[OpenAlert]:
    """Close alerts about jobs that the estate no longer asks for; gives those that were closed."""
    known = read_open(session)
    if not known:
        return []
    retired = session.execute(select(Job.name).where(Job.retired_at.is_not(None))).scalars()
    changes = settle(known, set(retired))
    _apply(session, changes, now)
    return list(changes.closed)


def close_others(
    session: Session, codes: Collection[str], still: Collection[str], now: datetime
) -> list[OpenAlert]:
    """Close alerts of some codes whose subject is red no more; gives those that were closed.

    Args:
        session: A writing session.
        codes: Which alerts.
        still: Subjects that are red now.
        now: Aware.
    """
    over = [it for it in read_open(session) if it.code in codes and it.subject not in still]
    close_alerts(session, over, now)
    return over


def count_closed(session: Session, subject: str) -> int:
    """Count how often something has been red and green again."""
    query = select(func.count()).where(Alert.subject == subject, Alert.closed_at.is_not(None))
    return session.execute(query).scalar_one()


def read_open(session: Session) -> list[OpenAlert]:
    """Give every open alert, oldest first."""
    rows = session.execute(
        select(Alert).where(Alert.closed_at.is_(None)).order_by(Alert.opened_at, Alert.id)
    ).scalars()
    alerts = list(rows)
    told = _read_told(session, [alert.id for alert in alerts])
    return [_as_open(alert, told.get(alert.id, ())) for alert in alerts]


def note_told(
    session: Session,
    alert_id: UUID,
    subject_key: str,
    targets: Iterable[str],
    now: datetime,
    *,
    step: int = 0,
) -> None:
    """Note who was told of an alert, by which notice."""
    rows = [
        {
            "alert_id": alert_id,
            "subject_key": subject_key,
            "target": target,
            "step": step,
            "told_at": now,
        }
        for target in targets
    ]
    if rows:
        session.execute(insert_missing(session, AlertTelling), rows)


def take_step(session: Session, alert: OpenAlert, now: datetime) -> bool:
    """Take an alert's next step; gives False where another service has, or somebody answered."""
    changed = session.execute(
        update(Alert)
        .where(Alert.id == alert.id, Alert.step == alert.step)
        .where(Alert.acked_at.is_(None), Alert.closed_at.is_(None))
        .values(step=alert.step + 1, told_at=now)
        .returning(Alert.id),
        execution_options=_UNSYNCHRONIZED,
    )
    return changed.first() is not None


def acknowledge(session: Session, alert_id: UUID, person: str, note: str, now: datetime) -> bool:
    """Note who has taken an alert up; gives False where somebody has already, or it is closed.

    What still waits in the outbox to tell of it is dropped.
    """
    changed = session.execute(
        update(Alert)
        .where(Alert.id == alert_id, Alert.acked_at.is_(None), Alert.closed_at.is_(None))
        .values(acked_at=now, acked_by=person, ack_note=note)
        .returning(Alert.id),
        execution_options=_UNSYNCHRONIZED,
    )
    is_ours = changed.first() is not None
    if is_ours:
        told = select(AlertTelling.subject_key).where(AlertTelling.alert_id == alert_id)
        session.execute(
            update(Notice)
            .where(Notice.subject_key.in_(told), Notice.state == "waiting")
            .values(state="dropped", next_try_at=None),
            execution_options=_UNSYNCHRONIZED,
        )
    return is_ours


def open_alert(session: Session, draft: Draft, now: datetime) -> UUID:
    """Open the alert about a draft's subject, unless another service has; gives its id."""
    subject = subject_of(draft)
    row = {
        "id": new_id(),
        "subject": subject,
        "severity": draft.severity,
        "code": draft.code,
        "params": dict(draft.params),
        "job": draft.job,
        "site": draft.site,
        "opened_at": now,
        "seen_at": now,
        "times": 1,
        "step": 0,
        "told_at": now,
        "acked_by": "",
        "ack_note": "",
    }
    session.execute(insert_missing(session, Alert), [row])
    found = select(Alert.id).where(Alert.subject == subject, Alert.closed_at.is_(None))
    return session.execute(found).scalar_one()


def repeat_alert(session: Session, alert: OpenAlert, draft: Draft, now: datetime) -> None:
    """Note that it was noticed again; what is graver, or of another cause, is unanswered anew."""
    values: dict[str, Any] = {"seen_at": now, "times": Alert.times + 1}
    params = dict(draft.params)
    if "jobs" in params:
        before = alert.params.get("open_jobs", alert.params.get("jobs", []))
        params["open_jobs"] = sorted({*before, *params["jobs"]})
    values |= {"code": draft.code, "params": params}
    has_grown = is_graver(draft.severity, alert.severity)
    if has_grown:
        values["severity"] = draft.severity
    if has_grown or (alert.acked_at is not None and not is_answered(alert, draft)):
        values |= {"step": 0, "told_at": now, "acked_at": None, "acked_by": "", "ack_note": ""}
    _update(session, alert, values)


def _apply(session: Session, changes: Changes, now: datetime) -> None:
    for alert, jobs in changes.narrowed:
        _update(session, alert, {"params": {**alert.params, "open_jobs": jobs}})
    close_alerts(session, changes.closed, now)


def close_alerts(session: Session, alerts: Iterable[OpenAlert], now: datetime) -> None:
    """Note that they are green again."""
    for alert in alerts:
        _update(session, alert, {"closed_at": now})


def show_newest(
    session: Session, newest: Iterable[tuple[UUID, str, Mapping[str, Any]]], now: datetime
) -> None:
    """Put the newest code and figures into open alerts of which nothing new is to be told."""
    rows = [
        {"which": alert, "called": code, "newest": dict(params), "now": now}
        for alert, code, params in newest
    ]
    statement = (
        update(Alert)
        .where(Alert.id == bindparam("which"), Alert.closed_at.is_(None))
        .values(code=bindparam("called"), params=bindparam("newest"), seen_at=bindparam("now"))
    )
    if rows:
        session.connection().execute(statement, rows)


def _update(session: Session, alert: OpenAlert, values: dict[str, Any]) -> None:
    session.execute(
        update(Alert).where(Alert.id == alert.id, Alert.closed_at.is_(None)).values(**values),
        execution_options=_UNSYNCHRONIZED,
    )


def _ids_of(session: Session, drafts: Sequence[Draft]) -> dict[str, UUID]:
    if not drafts:
        return {}
    rows = session.execute(select(Alert.subject, Alert.id).where(Alert.closed_at.is_(None)))
    ids = {subject: alert_id for subject, alert_id in rows}  # noqa: C416 - dict() loses the types
    named = ((draft.subject_key, subject_of(draft)) for draft in drafts)
    return {key: ids[subject] for key, subject in named if subject in ids}


def _read_told(session: Session, ids: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
    query = (
        select(AlertTelling.alert_id, AlertTelling.target)
        .where(AlertTelling.alert_id.in_(ids))
        .order_by(AlertTelling.step, AlertTelling.told_at, AlertTelling.target)
    )
    found: dict[UUID, dict[str, None]] = {}
    for alert_id, target in session.execute(query):
        found.setdefault(alert_id, {})[target] = None
    return {alert_id: tuple(targets) for alert_id, targets in found.items()}


def _as_open(row: Alert, told: tuple[str, ...]) -> OpenAlert:
    names = ("id", "subject", "severity", "code", "params", "job", "site", "opened_at", "times",
             "step", "told_at", "acked_at")  # fmt: skip
    return OpenAlert(**{name: getattr(row, name) for name in names}, told=told)
