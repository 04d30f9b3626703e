"""Holds: what must stay for an inspection, whatever retention says, until two people release it."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.approvals.requests import Wish
from ops.access.approvals.require import Permit
from ops.backups.retention.protection import HoldView
from ops.backups.retention.tasks import PlaceHold
from ops.catalog.columns import find_by_id, new_id
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.retention import Hold
from ops.errors import WrongUseError
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.journal.record_proofs import journaled_holds, read_acts

RELEASE = "hold-release"
PLACED = "backup.hold"


def check_hold(wish: PlaceHold) -> None:
    """Refuse a hold that nobody could explain later.

    Raises:
        WrongUseError: It lacks a reason or a reference.
    """
    if not wish.reason.strip() or not wish.reference.strip():
        raise WrongUseError(
            "a hold needs a reason and the reference of the document that asks for it",
            next_step="add `--reason TEXT --reference NUMBER`",
        )


def place_hold(session: Session, origin: Origin, wish: PlaceHold, *, now: datetime) -> Hold:
    """Write a hold and its journal row; it holds from the commit on.

    Raises:
        WrongUseError: It lacks a reason or a reference.
    """
    check_hold(wish)
    hold = Hold(
        id=new_id(),
        site=wish.site,
        snapshot=wish.snapshot,
        reason=wish.reason,
        reference=wish.reference,
        placed_at=now,
        placed_by=origin.person or origin.login,
    )
    session.add(hold)
    session.flush()
    details = {"hold": str(hold.id), "snapshot": hold.snapshot, "reference": hold.reference}
    entry = Entry(PLACED, hold.site, {**details, "reason": hold.reason})
    journal.append(session, origin, [entry])
    return hold


def wish_release(hold: Hold, reason: str) -> Wish:
    """Give the request for a release; another hold would need another one."""
    plan = {"hold": str(hold.id), "snapshot": hold.snapshot, "reference": hold.reference}
    return Wish(RELEASE, hold.site, plan, reason)


def release_hold(
    session: Session, origin: Origin, hold_id: uuid.UUID, permit: Permit, reason: str, now: datetime
) -> Entry:
    """End a hold, in the transaction that uses the approval up; gives what the journal says.

    Raises:
        WrongUseError: It holds no more.
    """
    hold = session.get_one(Hold, hold_id)
    refuse_released(hold)
    hold.released_at = now
    hold.released_by = origin.person or origin.login
    hold.release_reason = reason
    hold.release_request = permit.request
    session.flush()
    details = {**wish_release(hold, reason).plan, "reason": reason}
    return Entry("backup.release", hold.site, details)


def refuse_released(hold: Hold) -> None:
    """Refuse to release a hold twice.

    Raises:
        WrongUseError: It was released before.
    """
    if hold.released_at is not None:
        raise WrongUseError(
            'the hold "{hold}" was released on {moment}',
            next_step="`{program} backup.hold --list` lists the holds",
            hold=str(hold.id),
            moment=hold.released_at,
        )


def find_hold(session: Session, wanted: str) -> Hold:
    """Find a hold by its id, or as much of it as no other has.

    Raises:
        WrongUseError: There is none, or several fit.
    """
    hold = find_by_id(session, Hold, wanted)
    if hold is None:
        raise WrongUseError(
            'there is no hold "{hold}"',
            next_step="`{program} backup.hold --list` lists the holds",
            hold=wanted,
        )
    return hold


def read_holds(session: Session, site: str) -> tuple[HoldView, ...]:
    """Give the holds in force for a site: of tables and journal, whichever says that it holds."""
    return read_all_holds(session).get(site, ())


def read_all_holds(session: Session) -> dict[str, tuple[HoldView, ...]]:
    """Give the holds in force by site, as `read_holds` does for one."""
    recorded = [(it.site, HoldView(it.snapshot, it.reference)) for it in list_holds(session)]
    journaled = [
        (it.site, HoldView(it.snapshot, it.reference))
        for it in journaled_holds(session).values()
        if not it.is_released
    ]
    found: dict[str, dict[HoldView, None]] = {}
    for site, hold in (*recorded, *journaled):
        found.setdefault(site, {})[hold] = None
    return {site: tuple(holds) for site, holds in found.items()}


def put_back(session: Session, hold_id: str) -> None:
    """Write a hold's record anew, in force, from the row of the journal that placed it."""
    acts = read_acts(session, PLACED)
    act = next(it for it in acts if it.details.get("hold") == hold_id)
    row = session.get_one(JournalRow, act.sequence)
    found = session.get(Hold, uuid.UUID(hold_id)) or Hold(id=uuid.UUID(hold_id))
    found.site, found.snapshot = row.subject, str(act.details["snapshot"])
    found.reason, found.reference = str(act.details["reason"]), str(act.details["reference"])
    found.placed_at, found.placed_by = row.at, row.person or row.login
    found.released_at, found.release_request = None, None
    found.released_by = found.release_reason = ""
    session.add(found)
    session.flush()


def list_holds(session: Session, site: str = "", *, released_too: bool = False) -> list[Hold]:
    """Give the holds, oldest first; of all sites unless one is named."""
    query = select(Hold).order_by(Hold.placed_at, Hold.id)
    if site:
        query = query.where(Hold.site == site)
    if not released_too:
        query = query.where(Hold.released_at.is_(None))
    return list(session.execute(query).scalars())
