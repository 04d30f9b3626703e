"""Roles: which may run and approve what; who holds which, in dated rows that are never removed."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.access import Credential, RoleGrant
from ops.errors import WrongUseError
from ops.journal.record_proofs import journaled_roles, keep_proven
from ops.language.text import N_
from ops.terminal.elsewhere import BARE
from ops.terminal.task import all_tasks

ROLES: Mapping[str, str] = {
    "viewer": N_("viewer"),
    "operator": N_("operator"),
    "backup_admin": N_("backup administrator"),
    "security_officer": N_("security officer"),
    "head": N_("head of the unit in charge"),
    "approver": N_("approver"),
    "auditor": N_("auditor"),
    "archivist": N_("archivist"),
    "unit_contact": N_("contact of a unit"),
}

ACTIONS: Mapping[str, str] = {
    "restore-in-place": N_("restore over production"),
    "deletion-below-minimum": N_("deletion below a minimum"),
    "key-export": N_("export of a key"),
    "plan-decision": N_("decision on a plan"),
    "hold-release": N_("release of a hold"),
    "role-change": N_("change of roles or credentials"),
    "key-replacement": N_("replacement of a key"),
    "minimum-lowering": N_("lowering of a minimum"),
    "service-recovery": N_("recovery over a service that is there"),
    "journal-acceptance": N_("acceptance of what the journal cannot explain"),
    "finding-acceptance": N_("acceptance of what an audit found"),
    "security-baseline": N_("change of what is allowed on a host"),
    "moment-correction": N_("correction of a backup's moment"),
    "runbook-step": N_("a step of a runbook that takes two people"),
}
"""What needs two people, with its title."""

NEVER_ALONE = frozenset(
    {
        "deletion-below-minimum",
        "finding-acceptance",
        "hold-release",
        "minimum-lowering",
        "moment-correction",
        "plan-decision",
        "security-baseline",
    }
)
"""What nobody does alone, also where nobody else has credentials: it cannot be brought back."""

APPROVERS: Mapping[str, frozenset[str]] = {
    "restore-in-place": frozenset({"approver", "backup_admin", "security_officer"}),
    "deletion-below-minimum": frozenset({"approver"}),
    "key-export": frozenset({"approver", "security_officer"}),
    "plan-decision": frozenset({"approver", "head"}),
    "hold-release": frozenset({"approver", "security_officer"}),
    "role-change": frozenset({"approver", "security_officer"}),
    "key-replacement": frozenset({"approver", "security_officer"}),
    "minimum-lowering": frozenset({"approver"}),
    "service-recovery": frozenset({"approver", "security_officer"}),
    "journal-acceptance": frozenset({"approver", "security_officer"}),
    "finding-acceptance": frozenset({"approver", "security_officer"}),
    "security-baseline": frozenset({"approver", "backup_admin", "security_officer"}),
    "moment-correction": frozenset({"approver", "backup_admin", "security_officer"}),
    "runbook-step": frozenset({"approver", "backup_admin", "security_officer"}),
}
"""Which roles may approve an action; the Center's own choice, no law names them."""

OFFICE = frozenset(ROLES) - {"unit_contact"}
OPERATE = frozenset({"operator", "backup_admin"})
ADMIN = frozenset({"backup_admin"})
ARCHIVE = frozenset({"archivist", "backup_admin"})
INCIDENT = frozenset({"operator", "backup_admin", "security_officer"})
KEYS = frozenset({"backup_admin", "security_officer"})
PRIVATE = frozenset({"archivist", "security_officer"})
SECURITY = frozenset({"security_officer"})


def decide_may(
    roles: Collection[str],
    task: str,
    *,
    is_own_site: bool = False,
    is_asked: bool = False,
    flags: Collection[str] = (),
) -> bool:
    """Decide whether somebody with these roles may run a task.

    Args:
        roles: What the person holds; may be empty.
        task: Its full name, `area.verb`.
        is_own_site: Whether the task is asked for a site of the person's own unit.
        is_asked: Whether the estate's routes or roster name the person.
        flags: Names of the flags that are given.
    """
    declared = all_tasks().get(task)
    if declared is None:
        return task == BARE and bool(OFFICE & frozenset(roles))
    if declared.roles is None:
        return True
    fitting = declared.roles & frozenset(roles)
    if declared.when_asked and is_asked:
        fitting = frozenset(roles)
    if declared.own_sites and not is_own_site:
        fitting -= {"unit_contact"}
    for name in flags:
        if name in declared.flags and (may_give := declared.flags[name].roles) is not None:
            fitting &= may_give
    return bool(fitting)


def decide_may_approve(roles: Collection[str], action: str) -> bool:
    """Decide whether somebody with these roles may approve an action; pure."""
    return bool(APPROVERS[action] & frozenset(roles))


def roles_for(task: str, *, is_own_site: bool = False, flags: Collection[str] = ()) -> list[str]:
    """List the roles that may run a task as it is asked for, in the order of `ROLES`."""
    return [it for it in ROLES if decide_may([it], task, is_own_site=is_own_site, flags=flags)]


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
