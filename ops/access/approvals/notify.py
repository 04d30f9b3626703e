"""What a request is about, in sentences for who decides on it, and whom mails tell of it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ops.access.rights import ACTIONS, ROLES, decide_may_approve
from ops.access.roles import FOUNDERS_ROLE, roles_by_person
from ops.alerts.drafts import Draft
from ops.alerts.notice_wording import REQUEST, STATE, NoticeKind
from ops.alerts.outbox import find_estate, find_reachable, write_to
from ops.catalog.tables.access import ApprovalRequest
from ops.language.formats import format_id, format_moment
from ops.language.text import N_, _
from ops.outcomes import Explanation
from ops.parts import Seam
from ops.told_text import one_line

_ID = 64
_SHORT = 8

ACTS: Mapping[str, str] = {
    "export": N_("gives the password and the key files out as files"),
    "escrow": N_("prints the password in shares, one for each holder"),
    "add": N_("gives repositories one more password"),
    "replace": N_("puts another key in the place of this one"),
    "absent": N_("nothing is kept: there is no database of that name now"),
    "back": N_("takes a switch back: before it, there was no database of that name"),
    "lower": N_("lets a lower minimum count for the snapshots that are there"),
    "recover": N_("puts an older state in the place of the service that is there"),
    "redate": N_("gives snapshots that are dated ahead of now another moment"),
    "remove-old-key": N_("removes repositories that an earlier change of a key has left behind"),
    "give": N_("gives a role"),
    "take": N_("takes a role away"),
    "new": N_("gives a first password and second factor"),
    "renew": N_("gives a new second factor"),
    "new-password": N_("gives a new password as well"),
    "named": N_("deletes snapshots that were named, past the rules"),
    "accept-finding": N_("accepts until a day what an audit found"),
    "decide-plan": N_("records the decision on a plan: what each item gets"),
    "return-plan": N_("records that a plan came back"),
    "allow": N_("allows on a host what is there now"),
    "accept": N_("accepts what the journal cannot explain"),
}
"""What is done: words of the code → what the person reads."""

LABELS: Mapping[str, str] = {
    "added": N_("allowed from now on"),
    "amount": N_("granted in all, in đồng"),
    "authors": N_("worked on by, so that they cannot approve it"),
    "becomes": N_("kept under the name"),
    "before": N_("days before"),
    "check": N_("what it is called"),
    "commands": N_("commands"),
    "counts": N_("digest of the rows of each table"),
    "database": N_("database that is replaced"),
    "databases": N_("databases"),
    "databases_of": N_("snapshots of single databases"),
    "decided_on": N_("day of the decision"),
    "decision": N_("number of the decision"),
    "deferred": N_("items that are put off"),
    "digest": N_("digest of what was handed in"),
    "does": N_("what the step does"),
    "doubt": N_("WARNING, this backup is in doubt"),
    "entry_keys": N_("also prints what lets into these stores"),
    "files": N_("files"),
    "from": N_("database that takes its place"),
    "finding": N_("id of the finding"),
    "findings": N_("findings"),
    "gone": N_("no longer allowed"),
    "hold": N_("hold"),
    "holders": N_("holders"),
    "include": N_("only"),
    "items": N_("items and what each gets, in đồng"),
    "key": N_("key"),
    "keys": N_("keys"),
    "load": N_("mark of the load"),
    "lost": N_("rows of the journal that are lost"),
    "minimums": N_("days from now on"),
    "moments": N_("snapshot and its new moment"),
    "person": N_("the person"),
    "plan": N_("plan"),
    "reference": N_("document of the hold"),
    "remove": N_("snapshots to delete"),
    "repositories": N_("repositories"),
    "role": N_("role"),
    "rows": N_("rows in it"),
    "run": N_("run"),
    "scan": N_("document with its scan"),
    "severity": N_("severity"),
    "signer": N_("signed by"),
    "site": N_("site"),
    "snapshot": N_("snapshot"),
    "step": N_("step"),
    "store": N_("store"),
    "tables": N_("tables in it"),
    "taken_at": N_("snapshot and when it was taken"),
    "takes": N_("name that it takes"),
    "threshold": N_("shares that are needed"),
    "to": N_("folder"),
    "tool": N_("found by"),
    "until": N_("until"),
    "why": N_("why"),
    "whole": N_("digest of the whole list"),
}
"""Values of a plan → their labels."""

_DEEDS: Mapping[str, Callable[[Any], Sequence[str]]] = {
    "act": lambda value: [value],
    "change": lambda value: [value],
    "is_absent": lambda value: ["absent"] if value else [],
    "is_back": lambda value: ["back"] if value else [],
    "credentials": lambda value: [value],
    "renew": lambda value: ["renew"] if value else [],
    "new_password": lambda value: ["new-password"] if value else [],
    "rule": lambda value: ["named"] if value.get("named") else [],
}
"""Values of a plan that say what is done → the words in `ACTS`."""

PLAN_WORDS: Seam[Mapping[str, Callable[[Any], str]]] = Seam("plan-words")
"""Values of a plan that only the room which wrote them can tell."""

_ABOUT = ("doubt", "taken_at", "files", "databases", "database", "from", "takes")
"""Values by which one request of a site is told from another, in lists and mails."""

KNOWN = frozenset(LABELS) | frozenset(_DEEDS)
"""Every name that a plan may use; a test holds the code to it."""


def word_plan(plan: Mapping[str, Any]) -> Iterator[str]:
    """Give a plan, one line a value: a warning, what is done, then each value with its label.

    What is empty says nothing and is left out.

    Args:
        plan: As it stands in the request.
    """
    if doubt := plan.get("doubt"):
        yield one_line(f"{_(LABELS['doubt'])}: {_word('doubt', doubt)}")
    for name, read in _DEEDS.items():
        for word in read(plan[name]) if name in plan else ():
            yield one_line(_(ACTS.get(word, word)))
    for name, value in plan.items():
        if name not in _DEEDS and name != "doubt" and value not in ("", None, [], {}):
            yield one_line(f"{_(LABELS.get(name, name))}: {_word(name, value)}")


def choose_about(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Give of a plan what tells one request of a site from another: parts, moments, a doubt."""
    return {name: plan[name] for name in _ABOUT if name in plan}


def _word(name: str, value: Any) -> str:  # JSON values
    for table in PLAN_WORDS.parts():
        if name in table:
            return table[name](value)
    if name == "lost":
        return ", ".join(str(it["sequence"]) for it in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} → {_word(name, item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_word(name, item) for item in value)
    if name == "role":
        return _(ROLES.get(value, value))
    text = str(value)
    return text[:_SHORT] if len(text) == _ID and name in {"snapshot", "remove", "keys"} else text


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
