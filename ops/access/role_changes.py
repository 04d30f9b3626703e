"""Give a role or take one away, by the owner first and then by two people; who may not answer."""

import os
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from ops.access.approvals.ask import Agreed, ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.credentials import has_good_credentials, no_credentials
from ops.access.identity import NotAllowedError, check_person, open_existing
from ops.access.rights import ROLES, decide_may
from ops.access.roles import (
    FOUNDERS_ROLE,
    give_role,
    is_anybody_appointed,
    refuse_if_last,
    roles_by_person,
    take_role,
)
from ops.access.session import Bench, at_bench, look_at_past
from ops.access.tasks_user import Role
from ops.errors import OpsError, Problem, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal.journal import Entry
from ops.language.text import N_, _
from ops.terminal.output import write_line


def change_role(wish: Role) -> None:
    """Change a person's roles, or say what would be done."""
    estate = load_estate()
    if not wish.take:
        check_person(estate.people, wish.person)
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        look_at_past(bench)
        with bench.catalog.reading() as session:
            is_change = _check_change(session, wish)
            if not is_anybody_appointed(session):
                _check_founder(estate, wish)
        if not is_change:
            write_line(_("nothing to do: it is so already"))
            return
        if wish.dry_run:
            give, take = _("would give {person}: {role}"), _("would take from {person}: {role}")
            write_line(take if wish.take else give, person=wish.person, role=_(ROLES[wish.role]))
        if _apply(bench, wish):
            text = _("taken from {person}: {role}") if wish.take else _("{person} is now: {role}")
            write_line(text.format(person=wish.person, role=_(ROLES[wish.role])))


def is_founder(me: int, owner: int) -> bool:
    """Decide from two user ids whether this user may give the first role; pure."""
    return me in {0, owner}


def _check_change(session: Session, wish: Role) -> bool:
    """Refuse a change that makes no sense; tells whether there is anything to change."""
    held: Collection[str] = roles_by_person(session, with_disabled=True).get(wish.person, ())
    if wish.take:
        refuse_if_last(session, wish.person, wish.role)
        return wish.role in held
    if not has_good_credentials(session, wish.person):
        raise no_credentials(wish.person)
    return wish.role not in held


def _check_founder(estate: Estate, wish: Role) -> None:
    """Let root or the catalog's owner give the first role, and only the one that gives others."""
    if wish.role != FOUNDERS_ROLE:
        raise WrongUseError(
            "the first role has to be that of a security officer",
            why="nobody else may give roles",
            next_step="`{program} user.role --person {person} --role security_officer`",
            person=wish.person,
        )
    if not is_founder(os.geteuid(), estate.service.state.stat().st_uid):
        raise NotAllowedError(
            "only root or the owner of the catalog gives the first role",
            data="nothing was changed",
            next_step="type the same with `sudo`",
        )


def _apply(bench: Bench, wish: Role) -> Agreed | None:
    """Change it with a second person; None for a rehearsal."""
    now = datetime.now(UTC)
    by = bench.origin.person or bench.origin.login

    def record(session: Session, agreed: Agreed) -> list[Entry]:
        is_first = not is_anybody_appointed(session)
        if not _check_change(session, wish):
            return []  # somebody else has done it meanwhile
        if wish.take:
            take_role(session, wish.person, wish.role, by=by, now=now)
        else:
            request = agreed.permit.request
            give_role(session, wish.person, wish.role, by=by, request=request, now=now)
        details = {"role": wish.role, "change": wish.change}
        return [Entry("user.role", wish.person, details | ({"need": "first"} if is_first else {}))]

    plan = {"person": wish.person, "role": wish.role, "change": wish.change}
    asked = Wish("role-change", wish.person, plan, wish.reason, wish.document)
    return ask_second_person(bench, asked, record)


_ANSWER = "monitor.ack"


def check_answering(estate: Estate) -> list[Problem]:
    """List the turns and routes of people who may not run `monitor.ack`.

    Before anybody holds a role everybody may; so it is where there is no catalog yet.
    """
    try:
        catalog = open_existing(estate)
    except OpsError:
        return []  # what keeps the catalog from being opened is told elsewhere
    if catalog is None:
        return []
    with catalog, catalog.reading() as session:
        return list(find_mute(estate, roles_by_person(session)))


def find_mute(estate: Estate, roles: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """Name who is waited for and may not answer; pure.

    Args:
        estate: Whose routes and roster.
        roles: The roles that count, by person; empty before anybody holds one.
    """
    if not roles:
        return
    named = [
        (f"notices.routes[{number}].people", name)
        for number, route in enumerate(estate.notices.routes)
        for name in route.people
    ]
    named += [
        (f"notices.roster[{number}].person", turn.person)
        for number, turn in enumerate(estate.notices.roster)
    ]
    logins = {person.name: person.login for person in estate.people}
    for key, name in named:
        if not decide_may(roles.get(name, ()), _ANSWER, is_asked=True):
            yield _mute(
                key, name, N_("give a role: `{program} user.role --person {person} --role ROLE`")
            )
        elif not logins.get(name):
            yield _mute(key, name, N_("write `login` at the person's `[[people]]` entry"))


def _mute(key: str, name: str, fix: str) -> Problem:
    return Problem(
        key,
        '"{person}" is told of what is red and may not answer with `monitor.ack`',
        fix,
        {"person": name},
        severity="warning",
    )
