"""Tell people of requests that wait for them, of decisions on theirs, and of lost credentials.

Everything goes into the outbox in the caller's transaction, so that a request and its notices are
kept or lost together.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ops.access.approvals.plan_wording import choose_about
from ops.access.approvals.wording import APPROVAL, DECIDED, IDLE
from ops.access.rights import decide_may_approve
from ops.access.roles import FOUNDERS_ROLE, roles_by_person
from ops.alerts.drafts import Draft
from ops.alerts.outbox import find_estate, find_reachable, write_to
from ops.catalog.tables.access import ApprovalRequest


def tell_approvers(session: Session, request: ApprovalRequest, now: datetime) -> int:
    """Write a notice to everybody who may approve a request; give how many are new.

    The one who asked is never among them.

    Args:
        session: A writing session.
        request: It waits.
        now: The moment.
    """
    roles = roles_by_person(session)
    able = sorted(
        person
        for person, held in roles.items()
        if person != request.requested_by and decide_may_approve(held, request.action)
    )
    return _tell(session, _draft(f"{APPROVAL}:{request.id}", APPROVAL, request), able, now)


def tell_requester(session: Session, request: ApprovalRequest, now: datetime) -> int:
    """Write a notice to the one who asked, of what was decided; give how many are new."""
    draft = _draft(
        f"{DECIDED}:{request.id}",
        DECIDED,
        request,
        verdict=request.state,
        decided_by=request.decided_by,
        decision_reason=request.decision_reason,
    )
    return _tell(session, draft, [request.requested_by], now)


def tell_idle(
    session: Session, person: str, seen: datetime, now: datetime, *, is_kept: bool
) -> int:
    """Write a notice about an idle account to its person and to the security officers.

    Args:
        session: A writing session.
        person: Whose account.
        seen: When the person was seen last.
        now: The moment.
        is_kept: It was not disabled, since nobody could give it back.
    """
    officers = sorted(it for it, held in roles_by_person(session).items() if FOUNDERS_ROLE in held)
    draft = Draft(
        subject_key=f"{IDLE}:{person}:{seen.isoformat()}",
        severity="warning",
        code=IDLE,
        params={"person": person, "seen": seen.isoformat(), "kept": is_kept},
    )
    return _tell(session, draft, [person, *officers], now)


def _draft(key: str, code: str, request: ApprovalRequest, **more: str) -> Draft:
    params: Mapping[str, Any] = {
        "request": str(request.id),
        "action": request.action,
        "subject": request.subject,
        "requested_by": request.requested_by,
        "reason": request.reason,
        "until": request.expires_at.isoformat(),
        "about": choose_about(json.loads(request.plan)),
    }
    return Draft(subject_key=key, severity="warning", code=code, params={**params, **more})


def _tell(session: Session, draft: Draft, names: list[str], now: datetime) -> int:
    estate = find_estate(session)
    if estate is None:
        return 0
    return write_to(session, draft, find_reachable(estate, names), now)
