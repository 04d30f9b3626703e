"""Requests for approval: what is wished, written down with the digest of its plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import CursorResult, Update, select
from sqlalchemy.orm import Session

from ops.access.approvals.notify import tell_approvers
from ops.access.rights import ACTIONS
from ops.canonical import canonical_json, digest_of
from ops.catalog.columns import find_by_id, new_id
from ops.catalog.tables.access import ApprovalRequest
from ops.errors import WrongUseError
from ops.journal import journal
from ops.journal.journal import Entry, Origin

VALIDITY: Mapping[str, timedelta] = {
    "disposal": timedelta(days=30),
    "plan-decision": timedelta(days=30),
}
"""How long a request is good; a day for the actions not named. The Center's own choice."""
_USUAL_VALIDITY = timedelta(days=1)

Standing = Literal["waiting", "approved", "refused", "used", "expired"]


@dataclass(frozen=True, slots=True)
class Wish:
    """An act that needs two people.

    Attributes:
        action: One of `ops.access.rights.ACTIONS`.
        subject: What it is about: the site, the person, the plan.
        plan: JSON values that say exactly what will be done; no secrets. Their digest binds the
            approval to this plan.
        reason: Why, in the person's words.
        document: Reference of the document behind it; may be empty.
    """

    action: str
    subject: str
    plan: Mapping[str, object] = field(default_factory=dict)
    reason: str = ""
    document: str = ""

    @property
    def digest(self) -> str:
        """Give the plan's digest."""
        return digest_of(self.plan)


def request_approval(
    session: Session, origin: Origin, wish: Wish, *, now: datetime, proof: str = ""
) -> ApprovalRequest:
    """Write a request, its journal row and the notices to who may approve; gives the request.

    Args:
        session: From `Catalog.writing`.
        origin: Who asks; has to be a person of the estate.
        wish: What is wanted, and why.
        now: The moment.
        proof: How the one who asks has proved who it is; goes into the journal.
    """
    check_wish(origin, wish)
    request = ApprovalRequest(
        id=new_id(),
        action=wish.action,
        subject=wish.subject,
        plan_digest=wish.digest,
        plan=canonical_json(wish.plan),
        requested_by=origin.person,
        login=origin.login,
        via=origin.via,
        reason=wish.reason,
        document=wish.document,
        requested_at=now,
        expires_at=now + VALIDITY.get(wish.action, _USUAL_VALIDITY),
        state="waiting",
        decided_by="",
    )
    session.add(request)
    session.flush()
    note_request(session, origin, "approval.request", request, {"proof": proof} if proof else {})
    tell_approvers(session, request, now)
    return request


def note_request(
    session: Session,
    origin: Origin,
    verb: str,
    request: ApprovalRequest,
    more: Mapping[str, str] | None = None,
) -> None:
    """Journal what happened to a request, and what more is to be told of it."""
    details = {
        "request": str(request.id),
        "action": request.action,
        "plan": request.plan_digest,
        "requested_by": request.requested_by,
        "decided_by": request.decided_by,
        **(more or {}),
    }
    journal.append(session, origin, [Entry(verb, request.subject, details)])


def change_if(session: Session, statement: Update) -> bool:
    """Run a conditional update of one row; tells whether this process was the one to do it."""
    changed = session.execute(statement, execution_options={"synchronize_session": False})
    return isinstance(changed, CursorResult) and changed.rowcount == 1


def standing_of(request: ApprovalRequest, now: datetime) -> Standing:
    """Give where a request stands: its state, or that it has expired meanwhile."""
    if request.state in {"waiting", "approved"} and request.expires_at <= now:
        return "expired"
    state: Standing = request.state  # type: ignore[assignment]  # the table refuses others
    return state


def find_request(session: Session, wanted: str) -> ApprovalRequest:
    """Find a request by its id, or as much of it as no other has.

    Args:
        session: Any.
        wanted: The id as it was printed.
    """
    request = find_by_id(session, ApprovalRequest, wanted)
    if request is None:
        raise WrongUseError(
            'there is no request "{request}"',
            next_step="`{program} approval.list` lists the requests that wait",
            request=wanted,
        )
    return request


def list_requests(session: Session) -> list[ApprovalRequest]:
    """Give every request, oldest first."""
    query = select(ApprovalRequest).order_by(ApprovalRequest.requested_at, ApprovalRequest.id)
    return list(session.execute(query).scalars())


def check_wish(origin: Origin, wish: Wish) -> None:
    """Refuse what nobody could ask for."""
    if wish.action not in ACTIONS:
        raise ValueError(wish.action)
    if not origin.person:
        raise WrongUseError(
            'a second person has to agree to this, and your login "{login}" is nobody in the'
            " estate file",
            next_step="log in as yourself, or write `login` at your `[[people]]` entry",
            login=origin.login,
        )
    if not wish.reason.strip():
        raise WrongUseError(
            "a second person has to agree to this, and will want to know why",
            next_step="add `--reason TEXT`, and `--document NUMBER` where there is one",
        )
