"""Find who would not be told: gaps in the roster, sites without a route, missing addresses."""

from collections.abc import Iterator
from datetime import date

from ops.alerts.outbox import is_mail
from ops.alerts.routing import concerns, find_gaps
from ops.errors import Problem
from ops.estate.model.estate import Estate
from ops.language.text import N_

DAYS_AHEAD = 28
"""How far ahead a gap in the roster is told: four weeks, so that a month is planned in time."""


def check_telling(estate: Estate, today: date) -> Iterator[Problem]:
    """Yield what keeps people from being told; warnings, in the order of the estate.

    Args:
        estate: A loaded estate.
        today: The organisation's date.
    """
    yield from _check_roster(estate, today)
    if estate.notices.relay is None:
        return
    if is_mail(estate.notices.relay):
        yield from _check_addresses(estate)
    if estate.notices.routes:
        yield from _check_routes(estate)


def _check_roster(estate: Estate, today: date) -> Iterator[Problem]:
    for gap in find_gaps(estate.notices.roster, today, DAYS_AHEAD):
        yield Problem(
            "notices.roster",
            "nobody is on duty from {since} until {until}",
            "add a turn; until then everybody is told at once",
            {"since": f"{gap.since:%d/%m/%Y}", "until": f"{gap.until:%d/%m/%Y}"},
            severity="warning",
        )


def _check_addresses(estate: Estate) -> Iterator[Problem]:
    told = {name for route in estate.notices.routes for name in route.people}
    told |= {turn.person for turn in estate.notices.roster}
    for person in estate.people:
        if person.name in told and not person.mail:
            yield Problem(
                f"people[{person.name}].mail",
                "{name} is to be told, but has no mail address",
                "add `mail`, or take the person out of routes and roster",
                {"name": person.name},
                severity="warning",
            )


def _check_routes(estate: Estate) -> Iterator[Problem]:
    on_roster = {turn.person for turn in estate.notices.roster}
    for site in estate.named_sites:
        routes = [route for route in estate.notices.routes if concerns(route, site.name)]
        reached = on_roster | {name for route in routes for name in route.people}
        if len(reached) > 1:
            continue
        what = (
            N_("only {name} is told when this site fails: nobody comes second")
            if reached
            else N_("nobody is told when this site fails")
        )
        yield Problem(
            f"sites[{site.name}]",
            what,
            "add people to a route for it, `[[notices.routes]]`",
            {"name": "".join(reached)},
            severity="warning",
        )
