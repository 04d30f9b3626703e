"""Acts that need a second person, for the terminal and the console alike.

Order of an approved act:
1. The one who wants it makes its plan and calls `require_approval`: that person proves who it is,
   a request with the plan's digest is written and journaled, and the act ends with exit code 4 and
   the request's id.
2. Another person proves who it is and approves or refuses (`ops.access.approvals.decide`).
3. The act is asked for again. Is the plan still the same, and may the other person still approve
   it, the request is marked as used and journaled, durably, and only then does the act begin. An
   act that fails has used its approval up.

A request is good for one act, for the plan it was made from, until it expires.
Catalogs with fewer than two persons who have credentials know no second person: there the act goes
on, and the permit says so. `decide_need` holds that rule.
"""

import os
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, Literal, NamedTuple

from sqlalchemy import select, text, true, update
from sqlalchemy.orm import Session

from ops.access.approvals.requests import (
    Wish,
    change_if,
    check_wish,
    note_request,
    request_approval,
)
from ops.access.credentials import people_with_credentials
from ops.access.rights import decide_may_approve
from ops.access.roles import NEVER_ALONE, roles_by_person, roles_of
from ops.catalog.open import Catalog
from ops.catalog.tables.access import ApprovalRequest
from ops.errors import OpsError
from ops.journal.journal import Origin
from ops.journal.record_proofs import has_renewed_since, is_credential_proven, is_request_proven
from ops.journal.standing import refuse_doubted
from ops.language.text import N_

RECOVERY = "service-recovery"
"""What brings the catalog back that counts; so it does not ask whether this one does."""

_ADVISORY_LOCK = 0x6170_7072_6F76_616C  # "approval"

Need = Literal["needed", "alone", "founding"]


class ApprovalAwaitedError(OpsError):
    """The act waits for another person's approval; nothing went wrong.

    Attributes:
        label: Stands before it in place of "error".
    """

    exit_code = 4
    label: ClassVar[str] = N_("waiting")


@dataclass(frozen=True, slots=True)
class Permit:
    """The answer that an act may begin.

    Attributes:
        need: `needed` when a request was used; `alone` while fewer than two persons have
            credentials; `founding` while nobody else could approve a change of roles.
        request: Id of the used request; None when none was needed.
        requested_by, approved_by: The two persons; empty when none was needed.
    """

    need: Need
    request: uuid.UUID | None = None
    requested_by: str = ""
    approved_by: str = ""

    def as_details(self) -> dict[str, str]:
        """Give what the journal row of the act says about its approval."""
        request = str(self.request) if self.request else ""
        return {"need": self.need, "request": request, "approved_by": self.approved_by}


def decide_need(
    action: str, asker: str, with_credentials: Collection[str], roles: Mapping[str, Collection[str]]
) -> Need:
    """Decide whether a second person has to agree; pure.

    Args:
        action: One of `ops.access.rights.ACTIONS`.
        asker: Name of the person who wants it; empty for a login of nobody.
        with_credentials: Everybody who was given credentials, disabled ones included.
        roles: What each person holds, disabled ones included.
    """
    if len(with_credentials) < 2:  # noqa: PLR2004 - it takes two
        return "alone"
    others = [person for person in with_credentials if person != asker]
    able = any(decide_may_approve(roles.get(person, ()), action) for person in others)
    return "needed" if able or action != "role-change" else "founding"


def find_need(session: Session, action: str, asker: str) -> Need:
    """Tell whether an act of this person would wait for another one."""
    if action != RECOVERY:
        refuse_doubted(session)
    roles = roles_by_person(session, with_disabled=True)
    return decide_need(action, asker, people_with_credentials(session), roles)


def is_granted(session: Session, origin: Origin, wish: Wish, now: datetime) -> bool:
    """Tell whether an act may begin now; uses nothing up.

    For acts that ask a person for more first: a slip there must not use the approval up.
    """
    if find_need(session, wish.action, origin.person) != "needed":
        return True
    return isinstance(_find_usable(session, origin, wish, now, use=False), Permit)


def require_approval(
    catalog: Catalog,
    origin: Origin,
    wish: Wish,
    *,
    now: datetime,
    act: Callable[[Session, Permit], None] | None = None,
    prove: Callable[[], str] = str,
) -> Permit:
    """Use an approved request up, or make one and stop.

    Args:
        catalog: Open.
        origin: Who wants to act.
        wish: What is wanted.
        now: The moment.
        act: Done in the transaction that uses the request up, for acts within the catalog.
        prove: Has the one who asks prove who it is before a request is written, and gives the way;
            raises where that fails (`ops.access.approvals.ask`).

    Returns:
        The permit; the act may begin.

    Raises:
        ApprovalAwaitedError: A request waits now; the error names its id.
        OpsError: Nobody does this alone, and nobody else has credentials.
        WrongUseError: The request lacks a reason, or a person of the estate who asks.
    """
    answer = _try(catalog, origin, wish, now, act, None)
    if answer is None:
        check_wish(origin, wish)
        answer = _try(catalog, origin, wish, now, act, prove())
    if isinstance(answer, Permit):
        return answer
    raise answer or AssertionError("a proved request was written or used")


def _try(
    catalog: Catalog,
    origin: Origin,
    wish: Wish,
    now: datetime,
    act: Callable[[Session, Permit], None] | None,
    proof: str | None,
) -> Permit | ApprovalAwaitedError | None:
    with catalog.writing() as session:
        answer = _seek(session, origin, wish, now, proof)
        if isinstance(answer, Permit) and act is not None:
            act(session, answer)
    return answer


def _seek(
    session: Session, origin: Origin, wish: Wish, now: datetime, proof: str | None
) -> Permit | ApprovalAwaitedError | None:
    """Use a request, or write one; None: it would be written, and nobody has proved anything."""
    if session.connection().dialect.name == "postgresql":  # SQLite's writers are alone already
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    need = find_need(session, wish.action, origin.person)
    if need != "needed":
        refuse_alone(wish.action, need)
        return Permit(need)
    used = _find_usable(session, origin, wish, now, use=True)
    if not isinstance(used, _Why):
        return used
    if proof is None:
        return None
    return _awaited(request_approval(session, origin, wish, now=now, proof=proof), used)


class _Why(NamedTuple):
    """Why a request waits, or another one is needed: a template and its values."""

    template: str
    params: Mapping[str, str] = MappingProxyType({})


def _find_usable(
    session: Session, origin: Origin, wish: Wish, now: datetime, *, use: bool
) -> Permit | ApprovalAwaitedError | _Why:
    """Use the request that is there, or tell that it waits, or why another one is needed."""
    why = _Why(N_("two people have to agree to this"))
    for request in _open_requests(session, origin, wish, now):
        if request.plan_digest != wish.digest:
            why = _Why(N_("an earlier request was made for something else than this"))
        elif (request.reason, request.document) != (wish.reason, wish.document):
            earlier = {"reason": request.reason, "document": request.document or "–"}
            text = N_('an earlier request gave the reason "{reason}" and the document "{document}"')
            why = _Why(text, earlier)
        elif request.state == "waiting":
            return _awaited(request, _Why(N_("nobody has decided on it yet")))
        elif not _approver_still_counts(session, request):
            text = N_("who approved it before may approve it no more, or has other credentials now")
            why = _Why(text)
        elif not use or _use(session, origin, request, now):
            return Permit("needed", request.id, request.requested_by, request.decided_by)
    return why


def _open_requests(
    session: Session, origin: Origin, wish: Wish, now: datetime
) -> list[ApprovalRequest]:
    """Give the requests that may still be used or approved, those approved first.

    Each is for who asked, and proved it: another one with the same role would get the password or
    the roles that were agreed to for that person. A runbook's step is its run's, whoever goes on.
    """
    of_asker = ApprovalRequest.requested_by == origin.person
    query = select(ApprovalRequest).where(
        ApprovalRequest.action == wish.action,
        ApprovalRequest.subject == wish.subject,
        ApprovalRequest.state.in_(("waiting", "approved")),
        ApprovalRequest.expires_at > now,
        true() if wish.action == "runbook-step" else of_asker,
    )
    order = ApprovalRequest.state, ApprovalRequest.requested_at
    found = session.execute(query.order_by(*order)).scalars().all()
    return [request for request in found if is_request_proven(session, request)]


def _approver_still_counts(session: Session, request: ApprovalRequest) -> bool:
    """Tell whether who approved could still do so, with the credentials of that moment.

    Credentials that were taken away or renewed since may have been somebody else's at the time.
    """
    if has_renewed_since(session, request) or not is_credential_proven(session, request.decided_by):
        return False
    return decide_may_approve(roles_of(session, request.decided_by), request.action)


def _use(session: Session, origin: Origin, request: ApprovalRequest, now: datetime) -> bool:
    wanted = (
        update(ApprovalRequest)
        .where(ApprovalRequest.id == request.id, ApprovalRequest.state == "approved")
        .where(ApprovalRequest.expires_at > now)
        .values(state="used", used_at=now, used_by=origin.person or origin.login)
    )
    if not change_if(session, wanted):
        return False
    note_request(session, origin, "approval.use", request)
    return True


RUN_VARIABLE = "GIUCONG_RUN"
"""Names to a command the runbook's run that it is a step of: that is what goes on."""

NEXT_IN_RUN = N_(
    "another person types `{program} approval.approve --id {request}`; then go on with"
    " `{program} runbook.resume --run {run}`"
)


def _awaited(request: ApprovalRequest, why: _Why) -> ApprovalAwaitedError:
    run = os.environ.get(RUN_VARIABLE, "")
    return ApprovalAwaitedError(
        "request {request} waits for another person's approval until {until}",
        why=why.template,
        data="nothing was changed",
        next_step=NEXT_IN_RUN
        if run
        else N_(
            "another person types `{program} approval.approve --id {request}`; then type the"
            " same command again"
        ),
        request=str(request.id),
        run=run,
        until=request.expires_at,
        **why.params,
    )


def refuse_alone(action: str, need: Need) -> None:
    """Refuse what nobody does alone, where no second person could ever approve.

    Raises:
        OpsError: There is no second person.
    """
    if action in NEVER_ALONE and need != "needed":
        raise OpsError(
            "this always takes a second person, and nobody else has credentials",
            why=NEVER_ALONE[action],
            data="nothing was changed",
            next_step="give a second person credentials and a role: `{program} user.add`,"
            " `{program} user.role`",
        )
