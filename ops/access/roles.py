"""Roles of persons: who holds which, given and taken as dated rows that are never removed."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.rights import ROLES, decide_may_approve
from ops.catalog.tables.access import Credential, RoleGrant
from ops.errors import WrongUseError
from ops.journal.record_proofs import journaled_roles, keep_proven
from ops.language.text import N_

NEVER_ALONE: Mapping[str, str] = {
    "deletion-below-minimum": N_("a backup that is deleted cannot be brought back"),
    "finding-acceptance": N_("what is accepted alerts nobody until its day"),
    "hold-release": N_("what only the hold keeps is deleted once retention decides again"),
    "minimum-lowering": N_("backups that the minimum keeps now may be deleted at once"),
    "moment-correction": N_("by its moment it is decided when a backup is deleted"),
    "plan-decision": N_("somebody who did not draft the plan has to agree to its decision"),
    "security-baseline": N_("what is allowed on a host is no longer told as a finding"),
}
"""What nobody does alone, also where nobody else has credentials, and why, as a refusal says it."""


FOUNDERS_ROLE = "security_officer"
"""The role that gives roles; the first one to be given, and never without a holder after that."""


def is_anybody_appointed(session: Session) -> bool:
    """Tell whether anybody holds any role; before that everything is allowed to everybody.

    The journal is asked: who empties the table must not open the door.
    """
    return bool(journaled_roles(session))


def roles_of(session: Session, person: str) -> frozenset[str]:
    """Give the roles that count for a person: none while the credentials are disabled."""
    return roles_by_person(session).get(person, frozenset())


def roles_by_person(
    session: Session, *, with_disabled: bool = False
) -> Mapping[str, frozenset[str]]:
    """Give the roles of everybody who holds one, as far as the journal says the same.

    Args:
        session: Any.
        with_disabled: Also those of persons whose credentials are disabled.
    """
    query = select(RoleGrant.person, RoleGrant.role).where(RoleGrant.taken_at.is_(None))
    if not with_disabled:
        disabled = select(Credential.person).where(Credential.disabled_at.is_not(None))
        query = query.where(RoleGrant.person.not_in(disabled))
    found: dict[str, set[str]] = {}
    for person, role in keep_proven(session, session.execute(query), with_disabled=with_disabled):
        found.setdefault(person, set()).add(role)
    return {person: frozenset(roles) for person, roles in found.items()}


def give_role(
    session: Session, person: str, role: str, *, by: str, request: uuid.UUID | None, now: datetime
) -> None:
    """Give a role that the person does not hold yet; the caller journals it in the same session."""
    take_role(session, person, role, by=by, now=now)  # ends a row that the journal never told of
    session.flush()
    session.add(RoleGrant(person=person, role=role, given_at=now, given_by=by, request_id=request))


def take_role(session: Session, person: str, role: str, *, by: str, now: datetime) -> None:
    """Take a role away; the row stays, with its end."""
    held = select(RoleGrant).where(
        RoleGrant.person == person, RoleGrant.role == role, RoleGrant.taken_at.is_(None)
    )
    for row in session.execute(held).scalars():
        row.taken_at, row.taken_by = now, by


def can_two_change_roles(held: Mapping[str, Collection[str]]) -> bool:
    """Tell whether one person could ask for a change of roles and another approve it; pure.

    Args:
        held: The roles that count, by person.
    """
    officers = {name for name, roles in held.items() if FOUNDERS_ROLE in roles}
    able = {name for name, roles in held.items() if decide_may_approve(roles, "role-change")}
    return any(able - {officer} for officer in officers)


def refuse_if_last(session: Session, person: str, role: str = "") -> None:
    """Refuse to lose the last one without whom no role could be changed again.

    Args:
        session: Any.
        person: Who is to lose something.
        role: Which role; empty: all of them, with the credentials.

    Raises:
        WrongUseError: It is the last security officer, or the last one to approve changes of roles.
    """
    held = roles_by_person(session)
    left = held.get(person, frozenset()) - ({role} if role else ROLES.keys())
    after = {**held, person: left}
    if _is_last_officer(held, after):
        raise WrongUseError(
            '"{person}" is the last security officer',
            why="without one nobody could change a role again",
            next_step="give the role to somebody else first: `{program} user.role --person PERSON"
            " --role security_officer`",
            person=person,
        )
    if can_two_change_roles(held) and not can_two_change_roles(after):
        raise WrongUseError(
            '"{person}" is the last one who can approve a change of roles, or ask for one',
            why="every later change would wait for ever",
            next_step="appoint somebody else first: `{program} user.role --person PERSON --role"
            " approver`; an account that was stolen is renewed by its person: `{program}"
            " user.reset-totp --person {person} --new-password`",
            person=person,
        )


def _is_last_officer(
    held: Mapping[str, Collection[str]], after: Mapping[str, Collection[str]]
) -> bool:
    return any(FOUNDERS_ROLE in it for it in held.values()) and not any(
        FOUNDERS_ROLE in it for it in after.values()
    )
