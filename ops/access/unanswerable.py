"""Name the people who are told of what is red and may not answer; a warning of `estate.check`."""

from collections.abc import Collection, Iterator, Mapping

from ops.access.identity import open_existing
from ops.access.rights import decide_may
from ops.access.roles import roles_by_person
from ops.errors import OpsError, Problem
from ops.estate.model.estate import Estate
from ops.language.text import N_

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
