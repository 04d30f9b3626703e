"""Who is told first and who next, for every severity, pattern and state of the roster."""

from datetime import UTC, date, datetime
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ops.alerts.drafts import SEVERITIES, Severity
from ops.alerts.routing import Gap, Targets, decide_readers, decide_targets, find_gaps
from ops.estate.model.people import Notices, Person, Route, Turn

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 12, 3, 18, tzinfo=UTC)
PEOPLE = [
    Person(name="nva", title="A", mail="nva@example.vn"),
    Person(name="ttb", title="B", mail="ttb@example.vn"),
    Person(name="lvc", title="C", mail="lvc@example.vn"),
    Person(name="no-mail", title="D"),
]


Written = dict[str, Any]


def turn(person: str, since: str, until: str) -> Written:
    """Write a turn as it stands in the estate file."""
    return {
        "person": person,
        "from": date.fromisoformat(since),
        "until": date.fromisoformat(until),
    }


def route(*people: str, severity: Severity = "warning", sites: tuple[str, ...] = ("*",)) -> Route:
    return Route(severity=severity, sites=sites, people=people)


def decide(
    routes: list[Route], roster: list[Written], *, severity: Severity = "critical",
    site: str = "so-y-te", now: datetime = NOW,
) -> Targets:  # fmt: skip
    notices = Notices.model_validate({"routes": tuple(routes), "roster": tuple(roster)})
    return decide_targets(notices, PEOPLE, severity, site, now, zone=ZONE)


PATTERNS = [
    (("*",), True),
    (("so-y-te",), True),
    (("so-*",), True),
    (("xa-*", "so-y-t?"), True),
    (("xa-*",), False),
    (("so-y",), False),
    (("SO-*",), False),
    ((), False),
]


@pytest.mark.parametrize(
    ("asked", "told", "pattern"), list(product(SEVERITIES, SEVERITIES, PATTERNS))
)
def test_a_route_is_taken_from_its_severity_up_and_for_its_sites(
    asked: Severity, told: Severity, pattern: tuple[tuple[str, ...], bool]
) -> None:
    sites, fits = pattern
    takes = fits and SEVERITIES.index(told) >= SEVERITIES.index(asked)
    found = decide([route("nva", severity=asked, sites=sites)], [], severity=told)

    assert found == Targets(("nva",) if takes else ())


@pytest.mark.parametrize(("sites", "_fits"), PATTERNS)
def test_what_concerns_the_whole_estate_takes_every_route(
    sites: tuple[str, ...], _fits: bool
) -> None:
    assert decide([route("nva", sites=sites)], [], site="").first == ("nva",)


DUTY = [turn("ttb", "2026-12-01", "2026-12-08")]
GAP = [turn("ttb", "2026-11-01", "2026-12-01")]
UNREACHABLE = [turn("no-mail", "2026-12-01", "2026-12-08")]
TWO = [*DUTY, turn("lvc", "2026-12-03", "2026-12-05")]
SOME = [route("nva"), route("lvc", "nva")]
ELSEWHERE = [route("nva", sites=("xa-*",))]


@pytest.mark.parametrize(
    ("routes", "roster", "severity", "expected"),
    [
        # what is not critical goes to the routes, whoever is on duty
        (SOME, DUTY, "info", Targets()),
        (SOME, DUTY, "warning", Targets(("nva", "lvc"))),
        (SOME, GAP, "warning", Targets(("nva", "lvc"))),
        # what is critical goes to the person on duty first
        (SOME, [], "critical", Targets(("nva", "lvc"))),
        (SOME, DUTY, "critical", Targets(("ttb",), ("nva", "lvc"))),
        (SOME, TWO, "critical", Targets(("ttb", "lvc"), ("nva",))),
        # a gap: all of the routes at once, and nobody is left for later
        (SOME, GAP, "critical", Targets(("nva", "lvc"), (), has_gap=True)),
        (SOME, UNREACHABLE, "critical", Targets(("nva", "lvc"), (), has_gap=True)),
        # no route for the site: the roster alone
        (ELSEWHERE, DUTY, "critical", Targets(("ttb",))),
        (ELSEWHERE, TWO, "critical", Targets(("ttb", "lvc"))),
        (ELSEWHERE, GAP, "critical", Targets(("ttb",), (), has_gap=True)),
        (ELSEWHERE, [], "critical", Targets()),
        ([], [], "critical", Targets()),
        ([], DUTY, "warning", Targets()),
    ],
)
def test_severity_routes_and_roster_decide_the_first_and_the_others(
    routes: list[Route], roster: list[Written], severity: Severity, expected: Targets
) -> None:
    assert decide(routes, roster, severity=severity) == expected


@pytest.mark.parametrize(
    ("now", "first"),
    [
        ("2026-12-07T16:59:59+00:00", "nva"),
        ("2026-12-07T17:00:00+00:00", "ttb"),
        ("2026-12-08T00:00:00+07:00", "ttb"),
        ("2026-12-07T23:59:59+07:00", "nva"),
        ("2026-12-08T06:59:59+07:00", "ttb"),
    ],
)
def test_a_turn_ends_at_the_organisations_midnight(now: str, first: str) -> None:
    roster = [turn("nva", "2026-12-01", "2026-12-08"), turn("ttb", "2026-12-08", "2026-12-15")]
    found = decide([route("lvc")], roster, now=datetime.fromisoformat(now))

    assert found.first == (first,)


def test_gaps_are_found_and_joined() -> None:
    written = [turn("nva", "2026-12-01", "2026-12-04"), turn("ttb", "2026-12-06", "2026-12-08")]
    roster = [Turn.model_validate(it) for it in written]

    assert find_gaps(roster, date(2026, 12, 1), 10) == [
        Gap(date(2026, 12, 4), date(2026, 12, 6)),
        Gap(date(2026, 12, 8), date(2026, 12, 11)),
    ]
    assert find_gaps(roster, date(2026, 12, 1), 3) == []
    assert find_gaps([], date(2026, 12, 1), 10) == []


def test_the_summary_goes_to_those_of_all_sites_and_to_who_is_on_duty() -> None:
    routes = (route("nva", severity="critical"), route("lvc", sites=("so-*",)))
    notices = Notices.model_validate({"routes": routes, "roster": tuple(DUTY)})
    only_parts = Notices(routes=(route("lvc", sites=("so-*",)),))

    assert decide_readers(notices, NOW, zone=ZONE) == ("nva", "ttb")
    assert decide_readers(only_parts, NOW, zone=ZONE) == ("lvc",)
