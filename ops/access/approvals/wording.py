"""Word the notices about requests for approval, from what stands in the outbox."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ops.access.approvals.plan_wording import word_plan
from ops.access.rights import ACTIONS
from ops.alerts.notice_wording import REQUEST, STATE, NoticeKind
from ops.language.formats import format_id, format_moment
from ops.language.text import _
from ops.outcomes.plain import Explanation

APPROVAL = "approval"
"""Code of the notice to those who may approve a request."""

DECIDED = "approval-decided"
"""Code of the notice to the one who asked."""


IDLE = "idle-account"
"""Code of the notice that an account was not used for too long."""


def word_approval(params: Mapping[str, Any], zone: str) -> tuple[str, Explanation]:
    """Give headline and explanation of a request that waits, in the current language."""
    headline = _("approval is asked for by {person}: {action}, {subject}").format(
        person=params["requested_by"], action=_(ACTIONS[params["action"]]),
        subject=params["subject"],
    )  # fmt: skip
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
