"""Word the notices about requests for approval, from what stands in the outbox."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ops.access.approvals.plan_wording import choose_about, word_plan
from ops.access.rights import ACTIONS, decide_may_approve
from ops.access.roles import FOUNDERS_ROLE, roles_by_person
from ops.alerts.drafts import Draft
from ops.alerts.notice_wording import REQUEST, STATE, NoticeKind
from ops.alerts.outbox import find_estate, find_reachable, write_to
from ops.catalog.tables.access import ApprovalRequest
from ops.language.formats import format_id, format_moment
from ops.language.text import _
from ops.outcomes import Explanation

APPROVAL = "approval"
"""Code of the notice to those who may approve a request."""

DECIDED = "approval-decided"
"""Code of the notice to the one who asked."""


IDLE = "idle-account"
"""Code of the notice that an account was not used for too long."""


def word_approval(params: Mapping[str, Any], zone: str) -> tuple[str, Explanation]:
    """Give headline and explanation of a request that waits, in the current language."""
    headline = _("approval is asked for by {person}: {action}, {subject}").format(
        person=params["requested_by"],
        action=_(ACTIONS[params["action"]]),
        subject=params["subject"],
    )
    return headline, Explanation(
        "; ".join(
            (
                *word_plan(params.get("about", {})),
                _("{request} waits until {until}").format(
                    request=format_id(params["request"]), until=_until(params, zone)
                ),
            )
        ),
        why=params["reason"],
        data=_("nothing is done before another person has agreed"),
        next_step=f"giucong approval.approve --id {params['request']}",
    )


def word_decided(params: Mapping[str, Any], zone: str) -> tuple[str, Explanation]:
    """Give headline and explanation of a decision on a request, in the current language."""
    is_approved = params["verdict"] == "approved"
    headline = (
        _("your request was approved by {person}: {action}, {subject}")
        if is_approved
        else _("your request was refused by {person}: {action}, {subject}")
    ).format(
        person=params["decided_by"], action=_(ACTIONS[params["action"]]), subject=params["subject"]
    )
    text = _("type the same command again before {until}")
    return headline, Explanation(
        "; ".join((format_id(params["request"]), *word_plan(params.get("about", {})))),
        why=params["decision_reason"] or "",
        next_step=text.format(until=_until(params, zone)) if is_approved else "",
    )


def word_idle(params: Mapping[str, Any], zone: str) -> tuple[str, Explanation]:
    """Give headline and explanation of an account that nobody uses, in the current language."""
    person = params["person"]
    seen = format_moment(datetime.fromisoformat(params["seen"]), zone)
    what = _("last signed in {moment}").format(moment=seen)
    if params["kept"]:
        headline = _("the account of {person} is idle and was kept").format(person=person)
        return headline, Explanation(
            what,
            why=_("without it nobody could change a role again, nor give it back"),
            next_step=f"giucong user.reset-totp --person {person}",
        )
    headline = _("the account of {person} was disabled: nobody used it").format(person=person)
    return headline, Explanation(
        what,
        data=_("the roles are kept and count again with new credentials"),
        next_step=f"giucong user.reset-totp --person {person} --new-password",
    )


def _until(params: Mapping[str, Any], zone: str) -> str:
    return format_moment(datetime.fromisoformat(params["until"]), zone)


NOTICE_KINDS = {
    APPROVAL: NoticeKind(
        lambda told, zone: word_approval(told.params, zone), about_sites=False, label=REQUEST
    ),
    DECIDED: NoticeKind(
        lambda told, zone: word_decided(told.params, zone), about_sites=False, label=REQUEST
    ),
    IDLE: NoticeKind(
        lambda told, zone: word_idle(told.params, zone), about_sites=False, label=STATE
    ),
}


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
