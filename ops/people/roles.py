"""Roles of persons: who holds which, given and taken as dated rows that are never removed."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.people_records import Credential, RoleGrant
from ops.errors import WrongUseError

FOUNDERS_ROLE = "security_officer"
"""The role that gives roles; the first one to be given, and never without a holder after that."""


def is_anybody_appointed(session: Session) -> bool:
    """Tell whether anybody holds any role; before that everything is allowed to everybody."""
    held = select(RoleGrant.id).where(RoleGrant.taken_at.is_(None)).limit(1)
    return session.execute(held).first() is not None


def roles_of(session: Session, person: str) -> frozenset[str]:
    """Give the roles that count for a person: none while the credentials are disabled."""
    return roles_by_person(session).get(person, frozenset())


def roles_by_person(
    session: Session, *, with_disabled: bool = False
) -> Mapping[str, frozenset[str]]:
    """Give the roles of everybody who holds one.

    Args:
        session: Any.
        with_disabled: Also those of persons whose credentials are disabled.
    """
    query = select(RoleGrant.person, RoleGrant.role).where(RoleGrant.taken_at.is_(None))
    if not with_disabled:
        disabled = select(Credential.person).where(Credential.disabled_at.is_not(None))
        query = query.where(RoleGrant.person.not_in(disabled))
    found: dict[str, set[str]] = {}
    for person, role in session.execute(query):
        found.setdefault(person, set()).add(role)
    return {person: frozenset(roles) for person, roles in found.items()}


def give_role(
    session: Session, person: str, role: str, *, by: str, request: uuid.UUID | None, now: datetime
) -> None:
    """Give a role that the person does not hold yet; the caller journals it in the same session."""
    session.add(RoleGrant(person=person, role=role, given_at=now, given_by=by, request_id=request))


def take_role(session: Session, person: str, role: str, *, by: str, now: datetime) -> None:
    """Take a role away; the row stays, with its end."""
    held = select(RoleGrant).where(
        RoleGrant.person == person, RoleGrant.role == role, RoleGrant.taken_at.is_(None)
    )
    for row in session.execute(held).scalars():
        row.taken_at, row.taken_by = now, by


def refuse_if_last(session: Session, person: str) -> None:
    """Refuse to lose the last security officer: nobody could change a role again.

    Raises:
        WrongUseError: This person is the last one.
    """
    held = roles_by_person(session)
    if {name for name, roles in held.items() if FOUNDERS_ROLE in roles} == {person}:
        raise WrongUseError(
            '"{person}" is the last security officer',
            why="without one nobody could change a role again",
            data="nothing was changed",
            next_step="give the role to somebody else first: `{program} user.role --person PERSON"
            " --role security_officer`",
            person=person,
        )
