"""Tell people of states that are red: the judge's difference to the open alerts.

What is red and has no alert opens one; what has one and is red no more is closed, and whoever was
told of it is told that, too.
"""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ops.alerts.decisions import ESTATE, OpenAlert
from ops.alerts.drafts import (
    DRILL_OVERDUE,
    ESTATE_BROKEN,
    FINDING_OVERDUE,
    FROZEN,
    LATE,
    VANISHED,
    Draft,
)
from ops.alerts.outbox import find_estate, write_all_clears, write_drafts
from ops.alerts.records import close_others, count_closed, settle_retired, take_in
from ops.backups.kinds import backup_job
from ops.catalog.open import Catalog
from ops.errors import EstateError
from ops.estate.load.load import load_changed
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.status.facts import gather_facts
from ops.status.problem import Problem
from ops.status.problems import find_problems

STATES = frozenset({LATE, VANISHED, FROZEN, DRILL_OVERDUE, FINDING_OVERDUE, ESTATE_BROKEN})
"""Codes of what is told as long as it is so. Runs are told with their event, in its transaction;
the rest of what the judge finds is shown and waits for the daily summary."""


def tell_problems(catalog: Catalog, now: datetime) -> int:
    """Write a notice for each state that has become red; give how many are new."""
    with catalog.reading() as session:
        estate = find_estate(session)
    if estate is None:
        return 0
    found = [*find_problems(gather_facts(estate, catalog, now)), *_find_in_file()]
    problems = [it for it in found if it.code in STATES and it.alert is None]
    with catalog.writing() as session:
        closed = close_others(session, STATES, {it.subject for it in problems}, now)
        closed += settle_retired(session, now)
        drafts = [
            draft_problem(it, it.occasion or str(count_closed(session, it.subject)))
            for it in problems
        ]
        taken = take_in(session, (), drafts, now)
        count = write_drafts(session, drafts, estate, taken=taken, now=now)
        gone = {it.site for it in problems if it.code == VANISHED}
        return count + write_all_clears(session, _over(closed, estate, gone), now)


def _find_in_file() -> Iterator[Problem]:
    """Yield that the service's estate file has mistakes, so that an earlier one is in force."""
    file = os.environ.get("GIUCONG_ESTATE")
    if not file:
        return
    try:
        load_changed(Path(file))
    except EstateError as error:
        files = sorted({str(it.file or error.path) for it in error.problems})
        params = {"count": len(error.problems), "files": ", ".join(files)}
        yield Problem(subject=ESTATE, severity="warning", code=ESTATE_BROKEN, params=params)


def draft_problem(problem: Problem, occasion: str) -> Draft:
    """Draft what is told of a state; each occasion of it is told once.

    Args:
        problem: What is red.
        occasion: Its own, or how often it was red and green again before.
    """
    return Draft(
        subject_key=f"{problem.subject}:{occasion}",
        severity=problem.severity,
        code=problem.code,
        params=dict(problem.params),
        job=backup_job(problem.site) if problem.code == LATE else "",
        site=problem.site,
        subject=problem.subject,
    )


def _over(
    closed: Iterable[OpenAlert], estate: Estate, gone: Collection[str]
) -> Iterator[OpenAlert]:
    """Yield what is really over: of a site that vanished nothing has become good."""
    named = {site.name for site in estate.sites}
    for alert in closed:
        if alert.site not in gone:
            retired = bool(alert.site) and alert.site not in {*named, OWN_SITE}
            yield replace(alert, params={**alert.params, "retired": retired})
