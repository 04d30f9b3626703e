"""Disable accounts that nobody has used for as long as the duty `idle-accounts` allows.

Used means: the person proved who it is, did something that the journal tells of, or was given
credentials. Reading leaves no trace here. The figure stands in the table of duties, not here.

Order, for each account, in one transaction: take the credentials away, journal it, write the
notices. The last one without whom no role could be changed keeps them; that is told.
While the journal has been silent for days nothing is disabled: the clock may have jumped.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.access.approvals.notify import tell_idle
from ops.access.credentials import disable_credentials
from ops.access.factors import STEP_SECONDS
from ops.access.roles import refuse_if_last
from ops.alerts.outbox import find_estate
from ops.catalog.open import Catalog
from ops.catalog.tables.access import Credential
from ops.catalog.tables.core import JournalRow
from ops.duties.evidence.due import WorkCalendar, due_after
from ops.duties.table.load import load_calendar, load_duties
from ops.duties.table.models import Duty
from ops.duties.table.versions import list_subjects
from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry
from ops.schedule.ledger.endings import BY_CLOCK

IDLE_ACCOUNTS = "idle-accounts"
"""Name of the duty that says after how long an account is idle."""

_SILENT = timedelta(days=2)


def disable_idle(catalog: Catalog, now: datetime) -> int:
    """Disable the accounts that are idle now; give how many.

    Raises:
        DutiesError: The tables of duties have mistakes, so that nobody knows the figure.
    """
    with catalog.reading() as session:
        estate = find_estate(session)
        if estate is None or _is_silent(session, now):
            return 0
        duty = find_rule(estate, now)
        if duty is None:
            return 0
        idle = decide_idle(last_seen(session), duty, load_calendar(estate), now, estate)
    return sum(_disable(catalog, person, at, duty, now) for person, at in idle.items())


def find_rule(estate: Estate, now: datetime) -> Duty | None:
    """Give the row of the duty that is valid today; None where none concerns this estate."""
    today = now.astimezone(estate.zone).date()
    rows = (it for it in load_duties(estate).duties if it.name == IDLE_ACCOUNTS and it.event)
    valid = [it for it in rows if it.is_valid_on(today)]
    return next((it for it in valid if list_subjects(it, estate.document())), None)


def decide_idle(
    seen: Mapping[str, datetime], duty: Duty, calendar: WorkCalendar, now: datetime, estate: Estate
) -> dict[str, datetime]:
    """Decide who has not been seen for too long; pure.

    Args:
        seen: For each person, when last.
        duty: Says how long is too long.
        calendar: Working days.
        now: Aware.
        estate: Gives the organisation's time zone.

    Returns:
        Those who are idle, with when they were seen last.
    """
    local = now.astimezone(estate.zone)
    found = {}
    for person, at in sorted(seen.items()):
        until = due_after(duty, at.astimezone(estate.zone), calendar)
        if until is not None and (
            local > until if isinstance(until, datetime) else local.date() > until
        ):
            found[person] = at
    return found


def last_seen(session: Session) -> dict[str, datetime]:
    """Give when each person with good credentials was seen last, by name."""
    acted = (
        select(JournalRow.person, func.max(JournalRow.at))
        .where(JournalRow.person != "", JournalRow.via != BY_CLOCK.via)
        .group_by(JournalRow.person)
    )
    moments = {person: at for person, at in session.execute(acted)}  # noqa: C416 - dict() loses the types
    rows = session.execute(select(Credential).where(Credential.disabled_at.is_(None))).scalars()
    return {
        row.person: max(
            row.changed_at,
            datetime.fromtimestamp(row.totp_last_step * STEP_SECONDS, UTC),
            moments.get(row.person, row.changed_at),
        )
        for row in rows
    }


def _is_silent(session: Session, now: datetime) -> bool:
    newest = session.execute(select(func.max(JournalRow.at))).scalar_one_or_none()
    return newest is None or abs(now - newest) > _SILENT


def _disable(catalog: Catalog, person: str, at: datetime, duty: Duty, now: datetime) -> bool:
    with catalog.writing() as session:
        try:
            refuse_if_last(session, person)
        except WrongUseError:
            tell_idle(session, person, at, now, is_kept=True)
            return False
        if last_seen(session).get(person) != at or not disable_credentials(
            session, person, now=now
        ):
            return False  # came back, or somebody was faster
        details = {"idle_since": at.isoformat(), "duty": duty.row}
        origin = replace(BY_CLOCK, reason="; ".join(str(it) for it in duty.basis))
        journal.append(session, origin, [Entry("user.disable", person, details)])
        tell_idle(session, person, at, now, is_kept=False)
    return True
