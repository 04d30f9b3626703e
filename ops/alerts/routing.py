"""Who is told first, who next when nobody answers, and who would not be told."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from ops.alerts.drafts import SEVERITIES, Severity
from ops.errors import OpsError, Problem
from ops.estate.model.estate import Estate
from ops.estate.model.people import Notices, Person, Route, Turn
from ops.estate.model.references import reveal
from ops.language.text import N_

EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Targets:
    """Whom something goes to.

    Attributes:
        first: Names of those who are told at once, without repetition; may be empty.
        others: Who is told next, one after the other, while nobody answers.
        has_gap: There is a roster, but nobody on it can be reached at that moment.
    """

    first: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    has_gap: bool = False


def decide_targets(
    notices: Notices,
    people: Sequence[Person],
    severity: Severity,
    site: str,
    now: datetime,
    *,
    zone: ZoneInfo,
) -> Targets:
    """Decide who is told of something.

    What is critical goes to the person on duty first and to the others when nobody answers. Where
    the roster has a gap, and for everything less grave, all people of the routes are told at once.

    Args:
        notices: Routes and roster.
        people: Everybody; who has no mail address cannot be reached on duty.
        severity: How grave it is.
        site: Name of the site; empty for the whole estate, which every route is for.
        now: Aware.
        zone: The organisation's time zone; turns change at its midnight.
    """
    routed = _unique(_routed_people(notices.routes, severity, site))
    if severity != "critical" or not notices.roster:
        return Targets(first=routed)
    reachable = {person.name for person in people if person.mail}
    on_duty = find_on_duty(notices.roster, now.astimezone(zone).date())
    first = tuple(name for name in on_duty if name in reachable)
    listed = _unique(turn.person for turn in notices.roster)
    if not first:
        return Targets(first=routed or listed, has_gap=True)
    others = tuple(name for name in _unique([*routed, *listed]) if name not in first)
    return Targets(first, others)


def decide_readers(notices: Notices, now: datetime, *, zone: ZoneInfo) -> tuple[str, ...]:
    """Decide who reads the daily summary: who is told of all sites, and who is on duty."""
    whole = [route for route in notices.routes if EVERYTHING in route.sites]
    named = [name for route in whole or notices.routes for name in route.people]
    return _unique([*named, *find_on_duty(notices.roster, now.astimezone(zone).date())])


def find_on_duty(roster: Sequence[Turn], day: date) -> tuple[str, ...]:
    """Give whose turn it is on a day, in the order of the roster; may be empty."""
    return _unique(turn.person for turn in roster if turn.since <= day < turn.until)


@dataclass(frozen=True, slots=True)
class Gap:
    """Days on which it is nobody's turn.

    Attributes:
        since: The first of them.
        until: The day after the last.
    """

    since: date
    until: date


def find_gaps(roster: Sequence[Turn], today: date, days: int) -> list[Gap]:
    """Give the gaps within the next days, oldest first; none where there is no roster."""
    gaps: list[Gap] = []
    if not roster:
        return gaps
    for day in (today + timedelta(days=number) for number in range(days)):
        if find_on_duty(roster, day):
            continue
        after = day + timedelta(days=1)
        if gaps and gaps[-1].until == day:
            gaps[-1] = Gap(gaps[-1].since, after)
        else:
            gaps.append(Gap(day, after))
    return gaps


def concerns(route: Route, site: str) -> bool:
    """Say whether a route is for a site; its names may be patterns such as `so-*`."""
    return not site or any(fnmatchcase(site, pattern) for pattern in route.sites)


def _routed_people(routes: Sequence[Route], severity: Severity, site: str) -> Iterator[str]:
    gravity = SEVERITIES.index(severity)
    for route in routes:
        if concerns(route, site) and SEVERITIES.index(route.severity) <= gravity:
            yield from route.people


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def is_mail(relay: str) -> bool:
    """Say whether a relay sends mail, so that each person is told apart."""
    try:
        return reveal(relay).startswith("mailto")
    except OpsError:
        return True  # the courier will say what is wrong with it


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
