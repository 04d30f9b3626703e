"""The tables of roles, credentials, requests and holds, held against the journal.

These tables say what is allowed and what must stay, and whoever can write to the catalog can write
to them. The journal tells each change as well, and its chain and signed heads show who touched it.
So a record counts only as far as the journal says the same; what says otherwise is a finding.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import LargeBinary, Select, cast, select, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ops.canonical import digest_of
from ops.catalog.tables.access import ApprovalRequest, Credential, RecoveryCode, RoleGrant
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.retention import Hold
from ops.journal import journal
from ops.journal.journal import STORED, Entry, JournalGoneError, Origin
from ops.journal.rows import means_gone


@dataclass(frozen=True, slots=True)
class Act:
    """A row of the journal, without who acted.

    Attributes:
        sequence: The row's number.
        action, subject: As in the row.
        details: Empty where the row holds anything but a JSON object.
    """

    sequence: int
    action: str
    subject: str
    details: dict[str, Any]


def read_acts(session: Session, *actions: str) -> Iterator[Act]:
    """Give all acts of these kinds, oldest first; what nobody has verified is not yet true.

    No edited row can make the reading stumble.

    Raises:
        JournalGoneError: The table is not there, or is not as it was made.
    """
    text: Any = JournalRow.details
    if session.get_bind().dialect.name == "sqlite":  # its columns hold whatever root puts there
        text = type_coerce(cast(JournalRow.details, LargeBinary), LargeBinary)
    query = (
        select(JournalRow.sequence, JournalRow.action, JournalRow.subject, text)
        .where(JournalRow.action.in_(actions))
        .order_by(JournalRow.sequence)
    )
    for sequence, action, subject, details in _execute(session, query):
        yield Act(sequence, action, subject, _parse(details))


def _execute(session: Session, query: Select[Any]) -> Iterable[Any]:
    try:
        return session.execute(query)
    except DBAPIError as error:
        if means_gone(session.connection(), error, STORED):
            raise JournalGoneError from error
        raise


def _parse(details: str | bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(details or "")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


Unproven = tuple[str, Mapping[str, Any]]
"""A finding's code and parameters, as in `ops.audit.verify.SENTENCES`."""

_APPROVE = "approval.approve"
_REQUEST_STATES = {
    "approval.request": "waiting",
    _APPROVE: "approved",
    "approval.refuse": "refused",
    "approval.use": "used",
}
_ROLE, _HOLD, _RELEASE = "user.role", "backup.hold", "backup.release"
_ACCOUNTS = {"user.add": True, "user.reset-totp": True, "user.disable": False}
_CODE_USED, _FOUND = "user.recovery-code", "user.credential-found"
_DIGEST = "credential"


@dataclass(frozen=True, slots=True)
class JournaledRequest:
    """A request as the journal tells of it; fields as in `ApprovalRequest`."""

    state: str
    action: str
    subject: str
    plan_digest: str
    requested_by: str
    decided_by: str


@dataclass(frozen=True, slots=True)
class JournaledHold:
    """A hold as the journal tells of it; fields as in `Hold`."""

    site: str
    snapshot: str
    reference: str
    is_released: bool = False


def journaled_roles(session: Session) -> set[tuple[str, str]]:
    """Give the roles (person, role) that the journal says are held."""
    held: set[tuple[str, str]] = set()
    for act in read_acts(session, _ROLE):
        grant = act.subject, str(act.details.get("role", ""))
        if act.details.get("change") == "give":
            held.add(grant)
        else:
            held.discard(grant)
    return held


def keep_proven(
    session: Session, grants: Iterable[Sequence[str]], *, with_disabled: bool = False
) -> Iterator[tuple[str, str]]:
    """Give those of the grants (person, role) that count.

    Args:
        session: Any.
        grants: As the tables say.
        with_disabled: Also those of persons whose credentials the journal says were taken away.
    """
    held, accounts = journaled_roles(session), journaled_accounts(session)
    for person, role in grants:
        if (person, role) in held and (with_disabled or accounts.get(person, True)):
            yield person, role


def journaled_accounts(session: Session) -> dict[str, bool]:
    """Give who was given credentials, and whether the journal says that they hold."""
    return {act.subject: _ACCOUNTS[act.action] for act in read_acts(session, *_ACCOUNTS)}


def tell_credential(session: Session, person: str) -> dict[str, str]:
    """Give what the journal row of a change to a person's credentials has to say of them.

    The digest covers the password's hash, the sealed second factor and the recovery codes that are
    still good. What every proof changes (last step, failures, pause) is not in it.
    """
    query = select(Credential.password_hash, Credential.totp_sealed)
    rows = session.execute(query.where(Credential.person == person)).all()
    codes = select(RecoveryCode.digest).where(
        RecoveryCode.person == person, RecoveryCode.used_at.is_(None)
    )
    good = session.execute(codes.order_by(RecoveryCode.digest)).scalars().all()
    return {_DIGEST: digest_of([person, [list(row) for row in rows], good])}


def is_credential_proven(session: Session, person: str) -> bool:
    """Tell whether a person's credentials are those that the journal tells of."""
    return _journaled_digests(session).get(person) == tell_credential(session, person)[_DIGEST]


def note_found_credentials(session: Session, origin: Origin) -> None:
    """Journal the credentials from before the journal told of their digests, as they are found.

    They are believed as they are now: there is nothing to hold them against. Of a person it tells
    once and never again, so that nothing that was changed later is made good by it.
    """
    told = {person for person, digest in _journaled_digests(session, ever=True).items() if digest}
    query = select(Credential.person).where(Credential.disabled_at.is_(None))
    found = sorted({*session.execute(query).scalars()} - told)
    entries = [Entry(_FOUND, person, tell_credential(session, person)) for person in found]
    journal.append(session, origin, entries)


def has_renewed_since(session: Session, request: ApprovalRequest) -> bool:
    """Tell whether who approved a request got other credentials, or lost them, after that."""
    is_changed = True
    for act in read_acts(session, _APPROVE, *_ACCOUNTS):
        if act.action == _APPROVE and act.details.get("request") == str(request.id):
            is_changed = False
        elif act.action in _ACCOUNTS and act.subject == request.decided_by:
            is_changed = True
    return is_changed


def _journaled_digests(session: Session, *, ever: bool = False) -> dict[str, str]:
    """Give the digest that the journal tells of each person's credentials; empty for none.

    Args:
        session: Any.
        ever: The last one it told of, whatever became of it.
    """
    found: dict[str, str] = {}
    for act in read_acts(session, *_ACCOUNTS, _CODE_USED, _FOUND):
        digest = str(act.details.get(_DIGEST, ""))
        if digest or not ever:
            found[act.subject] = digest
    return found


def journaled_requests(session: Session) -> dict[str, JournaledRequest]:
    """Give every request as the journal tells of it, by its id."""
    acts = read_acts(session, *_REQUEST_STATES)
    return {str(act.details.get("request", "")): _as_request(act) for act in acts}


def journaled_holds(session: Session) -> dict[str, JournaledHold]:
    """Give every hold as the journal tells of it, by its id."""
    found = {}
    for act in read_acts(session, _HOLD, _RELEASE):
        found[str(act.details.get("hold", ""))] = JournaledHold(
            site=act.subject,
            snapshot=str(act.details.get("snapshot", "")),
            reference=str(act.details.get("reference", "")),
            is_released=act.action == _RELEASE,
        )
    return found


def is_request_proven(session: Session, request: ApprovalRequest) -> bool:
    """Tell whether the journal says of a request what its record says."""
    return journaled_requests(session).get(str(request.id)) == _recorded_request(request)


def find_unproven(session: Session) -> list[Unproven]:
    """Give every record that the journal does not tell of in the same way, and what is gone."""
    return [
        *_compare_roles(session),
        *_compare_accounts(session),
        *_compare_requests(session),
        *_compare_holds(session),
    ]


def _compare_roles(session: Session) -> Iterator[Unproven]:
    query = select(RoleGrant.person, RoleGrant.role).where(RoleGrant.taken_at.is_(None))
    recorded = {(person, role) for person, role in session.execute(query)}
    journaled = journaled_roles(session)
    for person, role in sorted(recorded - journaled):
        yield "role_unproven", {"person": person, "role": role}
    for person, role in sorted(journaled - recorded):
        yield "role_gone", {"person": person, "role": role}


def _compare_accounts(session: Session) -> Iterator[Unproven]:
    query = select(Credential.person, Credential.disabled_at)
    recorded = {person: disabled is None for person, disabled in session.execute(query)}
    journaled = journaled_accounts(session)
    for name, code in _differences(recorded, journaled):
        yield f"account_{code}", {"person": name}
    for name, holds in sorted(recorded.items()):
        if holds and journaled.get(name) and not is_credential_proven(session, name):
            yield "credential_differs", {"person": name}


def _compare_requests(session: Session) -> Iterator[Unproven]:
    rows = session.execute(select(ApprovalRequest)).scalars()
    recorded = {str(it.id): _recorded_request(it) for it in rows}
    for name, code in _differences(recorded, journaled_requests(session)):
        yield f"request_{code}", {"request": name}


def _compare_holds(session: Session) -> Iterator[Unproven]:
    rows = session.execute(select(Hold)).scalars()
    recorded = {str(it.id): _recorded_hold(it) for it in rows}
    journaled = journaled_holds(session)
    for name, code in _differences(recorded, journaled):
        hold = journaled.get(name) or recorded[name]
        yield f"hold_{code}", {"hold": name, "site": hold.site}


def _differences(
    recorded: Mapping[str, object], journaled: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    for name in sorted(recorded.keys() | journaled.keys()):
        if name not in journaled:
            yield name, "unproven"
        elif name not in recorded:
            yield name, "gone"
        elif recorded[name] != journaled[name]:
            yield name, "differs"


def _as_request(act: Act) -> JournaledRequest:
    told = {name: str(act.details.get(name, "")) for name in ("action", "plan", "requested_by")}
    return JournaledRequest(
        state=_REQUEST_STATES[act.action],
        action=told["action"],
        subject=act.subject,
        plan_digest=told["plan"],
        requested_by=told["requested_by"],
        decided_by=str(act.details.get("decided_by", "")),
    )


def _recorded_request(row: ApprovalRequest) -> JournaledRequest:
    return JournaledRequest(
        row.state, row.action, row.subject, row.plan_digest, row.requested_by, row.decided_by
    )


def _recorded_hold(row: Hold) -> JournaledHold:
    return JournaledHold(row.site, row.snapshot, row.reference, row.released_at is not None)
