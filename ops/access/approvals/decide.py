"""The second person's part: approve or refuse a request, once, and never one's own.

Order:
1. Look whether this person may decide on this request at all.
2. The person proves who it is; the code is used up (`ops.access.credentials.prove`).
3. In one transaction: look again, change the request only if it still waits, journal it, tell
   the one who asked.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import update
from sqlalchemy.orm import Session

from ops.access.approvals.notify import tell_requester
from ops.access.approvals.requests import (
    Standing,
    change_if,
    find_request,
    note_request,
    standing_of,
)
from ops.access.credentials import has_good_credentials
from ops.access.rights import decide_may_approve
from ops.access.roles import roles_of
from ops.catalog.open import Catalog
from ops.catalog.tables.access import ApprovalRequest
from ops.errors import OpsError
from ops.journal.journal import Origin
from ops.language.text import N_

Verdict = Literal["approved", "refused"]

AUTHORS = "authors"
"""Name in a wish's plan of those who made what is decided: none of them may agree to it."""

_OBSTACLES = {
    "own": N_("you asked for it yourself; another person has to decide"),
    "no-proof": N_("you have no credentials yet, so you cannot prove who you are"),
    "no-role": N_("none of your roles may decide on this"),
    "author": N_("you have worked on what is decided here; another person has to decide"),
    "approved": N_("somebody has approved it already"),
    "refused": N_("somebody has refused it already"),
    "used": N_("it was approved and used already"),
    "expired": N_("it has expired"),
}


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the second person says.

    Attributes:
        request: Id of the request.
        verdict: Yes or no.
        reason: Why; may be empty for an approval.
    """

    request: str
    verdict: Verdict
    reason: str = ""


def decide_obstacle(
    standing: Standing,
    requested_by: str,
    person: str,
    roles: Collection[str],
    *,
    action: str,
    can_prove: bool,
) -> str:
    """Say what keeps a person from deciding on a request; pure.

    Args:
        standing: Where the request stands.
        requested_by: Who asked.
        person: Who wants to decide.
        roles: That person's roles.
        action: The request's action.
        can_prove: Whether the person has credentials that hold.

    Returns:
        A key of the obstacles; empty when there is none.
    """
    if standing != "waiting":
        return standing
    if person == requested_by:
        return "own"
    if not can_prove:
        return "no-proof"
    return "" if decide_may_approve(roles, action) else "no-role"


def decide_request(
    catalog: Catalog, origin: Origin, ruling: Ruling, *, now: datetime, prove: Callable[[], None]
) -> ApprovalRequest:
    """Approve or refuse a request, or take one's own part back; gives it as it stands then.

    Args:
        catalog: Open.
        origin: The person who decides; `person` is the one that proves.
        ruling: What the person says, about which request.
        now: The moment.
        prove: Asks the person for password and code, and raises where they are wrong.
    """
    with catalog.reading() as session:
        request = find_request(session, ruling.request)
        look_for_obstacle(session, request, origin.person, now, ruling.verdict)
    prove()
    with catalog.writing() as session:
        request = find_request(session, ruling.request)
        look_for_obstacle(session, request, origin.person, now, ruling.verdict)
        if _withdraws(request, origin.person, ruling.verdict):
            if not withdraw(session, origin, request, ruling.reason, now):
                raise _cannot(request, request.state)
            return request
        statement = (
            update(ApprovalRequest)
            .where(ApprovalRequest.id == request.id, ApprovalRequest.state == "waiting")
            .values(
                state=ruling.verdict,
                decided_by=origin.person,
                decided_at=now,
                decision_reason=ruling.reason,
            )
        )
        if not change_if(session, statement):
            session.refresh(request)
            raise _cannot(request, request.state)
        session.refresh(request)
        verb = "approval.approve" if ruling.verdict == "approved" else "approval.refuse"
        acting = replace(
            origin,
            requested_by=request.requested_by,
            reason=ruling.reason,
            document=request.document,
        )
        note_request(session, acting, verb, request)
        tell_requester(session, request, now)
    return request


def _withdraws(request: ApprovalRequest, person: str, verdict: Verdict) -> bool:
    return verdict == "refused" and person in {request.requested_by, request.decided_by}


def withdraw(
    session: Session, origin: Origin, request: ApprovalRequest, reason: str, now: datetime
) -> bool:
    """End a request that nobody has used; tells whether it could still be ended.

    One that was approved is refused from then on; one that waits expires.

    Args:
        session: A writing session.
        origin: Who takes it back.
        request: As it was looked at.
        reason: Why.
        now: The moment.
    """
    is_approved = request.state == "approved"
    told = {"state": "refused", "decision_reason": f"{origin.person}: {reason}"}
    statement = (
        update(ApprovalRequest)
        .where(ApprovalRequest.id == request.id, ApprovalRequest.state == request.state)
        .values(told if is_approved else {"expires_at": now})
    )
    is_ended = change_if(session, statement)
    session.refresh(request)
    if is_ended:
        acting = replace(origin, requested_by=request.requested_by, reason=reason)
        verb = "approval.refuse" if is_approved else "approval.withdraw"
        note_request(session, acting, verb, request)
    return is_ended


def look_for_obstacle(
    session: Session,
    request: ApprovalRequest,
    person: str,
    now: datetime,
    verdict: Verdict = "approved",
) -> None:
    """Refuse where this person cannot decide on this request."""
    standing, can_prove = standing_of(request, now), has_good_credentials(session, person)
    is_open = standing in {"waiting", "approved"}
    if is_open and can_prove and _withdraws(request, person, verdict):
        return
    obstacle = decide_obstacle(
        standing,
        request.requested_by,
        person,
        roles_of(session, person),
        action=request.action,
        can_prove=can_prove,
    )
    if not obstacle and person in json.loads(request.plan).get(AUTHORS, ()):
        obstacle = "author"
    if obstacle:
        raise _cannot(request, obstacle)


def _cannot(request: ApprovalRequest, obstacle: str) -> OpsError:
    return OpsError(
        "request {request} cannot be decided by you now",
        why=_OBSTACLES[obstacle],
        data="nothing was changed",
        next_step="`{program} approval.list --all` shows every request and who decided on it",
        request=str(request.id),
    )
