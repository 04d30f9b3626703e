"""Read the alerts for people: what, since when, who was told, whether it arrived, who answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ops.catalog.columns import is_called
from ops.catalog.tables.alerts import Alert, AlertTelling
from ops.catalog.tables.core import Notice
from ops.language.formats import format_id


@dataclass(frozen=True, slots=True)
class Telling:
    """Who was told, and whether it arrived.

    Attributes:
        target: Name of the person, or `relay`.
        state: As in `ops.catalog.tables.core.Notice`.
        step: 0 for those told first.
        at: When it was sent; when it was written, as long as it is not sent.
    """

    target: str
    state: str
    step: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """One alert; fields as in `ops.catalog.tables.alerts.Alert`.

    Attributes:
        id: The short id, as people type it.
        full_id: The whole one.
        told: Each target once with its newest notice, in the order they were told.
    """

    id: str
    full_id: str
    subject: str
    severity: str
    code: str
    params: Mapping[str, Any]
    job: str
    site: str
    opened_at: datetime
    seen_at: datetime
    times: int
    step: int
    acked_at: datetime | None
    acked_by: str
    ack_note: str
    closed_at: datetime | None
    told: tuple[Telling, ...]


def list_alerts(session: Session, *, closed_since: datetime | None = None) -> list[AlertView]:
    """Give the open alerts, the gravest and oldest first; closed ones too where asked for."""
    query = select(Alert).where(Alert.closed_at.is_(None))
    if closed_since is not None:
        query = select(Alert).where(or_(Alert.closed_at.is_(None), Alert.closed_at >= closed_since))
    rows = list(session.execute(query).scalars())
    told = _read_tellings(session, [row.id for row in rows])
    views = [_view(row, told.get(row.id, ())) for row in rows]
    return sorted(views, key=_rank)


def find_alert(session: Session, text: str) -> AlertView | None:
    """Give the open alert that is called as typed; None where none or several are."""
    wanted = text.strip().lower().replace("-", "")
    found = [it for it in list_alerts(session) if wanted and is_called(UUID(it.full_id), wanted)]
    return found[0] if len(found) == 1 else None


def _rank(view: AlertView) -> tuple[bool, bool, timedelta]:
    age = view.opened_at - datetime.min.replace(tzinfo=view.opened_at.tzinfo)
    return view.closed_at is not None, view.severity != "critical", age


def _read_tellings(session: Session, ids: Sequence[UUID]) -> dict[UUID, tuple[Telling, ...]]:
    query = (
        select(AlertTelling, Notice.state, Notice.sent_at)
        .join(
            Notice,
            (Notice.subject_key == AlertTelling.subject_key)
            & (Notice.target == AlertTelling.target),
        )
        .where(AlertTelling.alert_id.in_(ids))
        .order_by(AlertTelling.told_at, AlertTelling.step, AlertTelling.target)
    )
    found: dict[UUID, dict[str, Telling]] = {}
    for row, state, sent_at in session.execute(query):
        telling = Telling(row.target, state, row.step, sent_at or row.told_at)
        found.setdefault(row.alert_id, {})[row.target] = telling
    return {alert_id: tuple(tellings.values()) for alert_id, tellings in found.items()}


def _view(row: Alert, told: tuple[Telling, ...]) -> AlertView:
    names = ("subject", "severity", "code", "params", "job", "site", "opened_at", "seen_at",
             "times", "step", "acked_at", "acked_by", "ack_note", "closed_at")  # fmt: skip
    values = {name: getattr(row, name) for name in names}
    return AlertView(id=format_id(row.id), full_id=row.id.hex, **values, told=told)
