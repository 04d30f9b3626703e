"""Notices in the outbox, in the transaction of what they tell about, and who is told next.

So a notice and its cause are kept or lost together; the courier delivers later. An escalation
(`escalate`) is, for each alert, one transaction: take the step with one UPDATE that names the step
it leaves, so of two services one takes it; write the notice and who was told.
"""

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.alerts.decisions import Escalation, OpenAlert, decide_all_clears, decide_escalations
from ops.alerts.drafts import Draft, Severity, draft_notices
from ops.alerts.records import TakenIn, note_told, read_open, take_in, take_step
from ops.alerts.routing import Targets, decide_targets, is_mail
from ops.alerts.silences import Quiet, read_quiet
from ops.catalog.columns import insert_missing, new_id
from ops.catalog.open import Catalog
from ops.catalog.tables.core import EstateVersion, Notice, Run
from ops.errors import OpsError
from ops.estate.load.load import load_changed
from ops.estate.load.read import find_estate_path
from ops.estate.model.estate import Estate
from ops.language.formats import format_id
from ops.schedule.ledger.job import LedgerEvent

log = logging.getLogger(__name__)

_NO_ALERTS = TakenIn()

RELAY = "relay"
"""Target of a relay that is no mail: it is told once, whoever reads it."""


def write_notices(session: Session, events: Sequence[LedgerEvent]) -> None:
    """Write what is worth telling of these events, and open and close alerts.

    A listener of the ledger.
    """
    now = datetime.now(UTC)
    drafts = draft_notices(events, _failed_before(session, events))
    taken = take_in(session, events, drafts, now)
    if drafts:
        write_drafts(session, drafts, find_estate(session), taken=taken)
    write_all_clears(session, taken.closed, now, drafts=drafts)


def write_green(session: Session, events: Sequence[LedgerEvent]) -> None:
    """Close what these events have ended, and open nothing: a person sees the result at once.

    A listener of the ledger, for runs by hand. Whoever was told of it is told that it is over.
    """
    now = datetime.now(UTC)
    write_all_clears(session, take_in(session, events, (), now).closed, now)


def write_all_clears(
    session: Session, closed: Iterable[OpenAlert], now: datetime, *, drafts: Sequence[Draft] = ()
) -> int:
    """Tell whoever was told of an alert that it is over; give how many notices are new."""
    told = decide_all_clears(closed, drafts)
    return sum(write_to(session, draft, targets, now) for draft, targets in told)


def write_drafts(
    session: Session,
    drafts: Sequence[Draft],
    estate: Estate | None,
    *,
    taken: TakenIn = _NO_ALERTS,
    now: datetime | None = None,
) -> int:
    """Write one row for each draft and target; give how many are new.

    Args:
        session: A writing session.
        drafts: What to tell.
        estate: Says whom; without one nobody is told.
        taken: The alerts that drafts belong to; of one that is answered nobody is told.
        now: The machine's clock unless given.
    """
    if estate is None:
        return 0
    now, count = now or datetime.now(UTC), 0
    for draft in drafts:
        if draft.subject_key in taken.answered:
            continue
        targets = find_targets(estate, draft.severity, draft.site, now).first
        alert = taken.ids.get(draft.subject_key)
        count += write_to(session, draft, targets, now, alert=alert)
    return count


def remind(
    catalog: Catalog, now: datetime, draft: Callable[[Session, Estate, datetime], list[Draft]]
) -> int:
    """Tell what a chore has found by looking; give how many notices are new."""
    with catalog.reading() as session:
        estate = find_estate(session)
        drafts = [] if estate is None else draft(session, estate, now)
    if not drafts:
        return 0
    with catalog.writing() as session:
        return write_drafts(session, drafts, estate, now=now)


def write_to(
    session: Session,
    draft: Draft,
    targets: Sequence[str],
    now: datetime,
    *,
    alert: UUID | None = None,
    step: int = 0,
) -> int:
    """Write one row for each target; give how many are new."""
    if not targets:
        return 0
    params = {**draft.params, "alert": format_id(alert)} if alert else draft.params
    rows = [
        {
            "id": new_id(),
            "subject_key": draft.subject_key,
            "severity": draft.severity,
            "code": draft.code,
            "params": params,
            "job": draft.job,
            "site": draft.site,
            "run_id": draft.run_id,
            "target": target,
            "state": "waiting",
            "attempts": 0,
            "next_try_at": now,
            "created_at": now,
            "error": "",
        }
        for target in targets
    ]
    if alert:
        note_told(session, alert, draft.subject_key, targets, now, step=step)
    statement = insert_missing(session, Notice).returning(Notice.id)
    return len(session.execute(statement, rows).all())


def find_targets(estate: Estate, severity: Severity, site: str, now: datetime) -> Targets:
    """Give whom something goes to: names of people, or the relay itself; may be nobody."""
    notices = estate.notices
    if notices.relay is None:
        return Targets()
    found = decide_targets(notices, estate.people, severity, site, now, zone=estate.zone)
    if not found.first:
        return Targets() if notices.routes else Targets((RELAY,))
    return found if is_mail(notices.relay) else Targets((RELAY,), (), found.has_gap)


def find_reachable(estate: Estate, names: Iterable[str]) -> tuple[str, ...]:
    """Give those of these people who can be told: by mail each, else the relay for all of them."""
    wanted = tuple(dict.fromkeys(names))
    if estate.notices.relay is None or not wanted:
        return ()
    if not is_mail(estate.notices.relay):
        return (RELAY,)
    with_mail = {person.name for person in estate.people if person.mail}
    return tuple(name for name in wanted if name in with_mail)


def find_estate(session: Session) -> Estate | None:
    """Give the estate in force: the file's, or where that has mistakes now, the stored one."""
    try:
        return load_changed(find_estate_path())
    except (OpsError, OSError):
        return _stored_estate(session)


def _stored_estate(session: Session) -> Estate | None:
    newest = select(EstateVersion).order_by(EstateVersion.first_seen_at.desc()).limit(1)
    row = session.execute(newest).scalar_one_or_none()
    if row is None:
        return None
    try:
        folder = Path(os.environ.get("GIUCONG_ESTATE", ".")).absolute().parent
        return Estate.model_validate_json(row.document, context={"folder": folder})
    except ValueError as error:  # written by another version; nobody can be told
        log.error("estate-unreadable", extra={"fields": {"error": type(error).__name__}})  # noqa: TRY400 - the traceback would repeat the document
        return None


def _failed_before(session: Session, events: Sequence[LedgerEvent]) -> list[str]:
    """Give the jobs that ended ok now and whose ended run before this one had failed."""
    found = []
    for event in events:
        if event.occasion == "ended" and event.outcome == "ok":
            before = session.execute(
                select(Run.outcome)
                .where(Run.job == event.job, Run.outcome.is_not(None), Run.id != event.run_id)
                .order_by(Run.started_at.desc())
                .limit(1)
            ).scalar_one_or_none()
            if before == "failed":
                found.append(event.job)
    return found


def escalate(catalog: Catalog, now: datetime) -> int:
    """Take every step that is due; give how many notices were written."""
    with catalog.reading() as session:
        alerts = [it for it in read_open(session) if it.acked_at is None]
        if not alerts:
            return 0
        quiet, estate = read_quiet(session, now), find_estate(session)
    if estate is None:
        return 0
    told = [it for it in alerts if not _is_hushed(it, quiet)]
    steps = _find_steps(estate, told, now)
    return sum(_take(catalog, step, estate, now) for step in steps)


def _is_hushed(alert: OpenAlert, quiet: Iterable[Quiet]) -> bool:
    is_watched = "watch" in alert.params
    return is_watched and any(it.hushes(alert.subject, alert.site, "critical") for it in quiet)


def _find_steps(estate: Estate, alerts: list[OpenAlert], now: datetime) -> list[Escalation]:
    def find(alert: OpenAlert) -> Targets:
        return find_targets(estate, "critical", alert.site, now)

    wait = timedelta(minutes=estate.notices.escalate_after_minutes)
    return decide_escalations(alerts, find, now, wait)


def _take(catalog: Catalog, escalation: Escalation, estate: Estate, now: datetime) -> int:
    alert = escalation.alert
    draft = Draft(
        # The moment tells a step after an answer that no longer holds from the one before it.
        subject_key=f"escalation:{alert.id}:{alert.told_at.isoformat()}",
        severity="critical",
        code=alert.code,
        params={
            **alert.params,
            "unanswered": {
                "told": list(alert.told),
                "minutes": estate.notices.escalate_after_minutes,
                "step": escalation.step,
            },
        },
        job=alert.job,
        site=alert.site,
    )
    with catalog.writing() as session:
        if not take_step(session, alert, now):
            return 0
        people = escalation.people
        return write_to(session, draft, people, now, alert=alert.id, step=escalation.step)
