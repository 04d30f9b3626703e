"""Look at hosts and sites, and keep what was found.

Order:

1. Read what is due, or what somebody asked for, and what is allowed where.
2. Look at several subjects at a time (`take_looks`); what goes wrong with one is its own.
3. As each is done, write its looks, its findings and one journal row in one transaction.
4. The caller records the run's result.

Killed before 3, nothing is claimed of that subject; those that were done stay.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any

from backup.progress import SILENT, Progress
from ops.errors import unknown
from ops.jobs.begin import begin
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult, Outcome
from ops.security.controls import load_controls
from ops.security.findings import ToolLook
from ops.security.looking import Bounds, find_ssh_waits, take_looks
from ops.security.records import (
    KeptLook,
    find_baselines,
    find_last_looks,
    hold_against,
    remember_looks,
)
from ops.security.subjects import TOOLS, Plan, Subject, list_subjects, plan_asked, plan_looks

MOST_AT_ONCE = 8
FEW, MOST_NAMED = 5, 100


def audit(context: RunContext, progress: Progress = SILENT) -> JobResult:
    """Run it; the caller holds the job's lock.

    Arguments in the context: `hosts`, `sites`, `only`, lists of names. With any of them, or
    `all`, exactly that is looked at; without, what the controls ask for today.

    Raises:
        EstateError, OpsError: The estate, its tables, or a name that was given cannot be used.
    """
    estate, _version, _site = begin(context)
    now = datetime.now(UTC)
    controls = load_controls(estate)
    subjects = list_subjects(estate.document())
    with context.catalog.reading() as session:
        answered = find_last_looks(session, answered=True)
        baselines = find_baselines(session)
        waits = find_ssh_waits(session, subjects, now)
    today = now.astimezone(estate.zone).date()
    if context.arguments:
        plans = choose_plans(subjects, context.arguments)
    else:
        plans = plan_looks(subjects, controls.on(today), answered, now)
    bounds = Bounds(estate, controls, waits, now)
    kept: list[KeptLook] = []
    progress.start("look at hosts and sites", len(plans), "hosts and sites")
    for looks in _look_at_all(plans, bounds):
        held = [hold_against(it, baselines) for it in looks]
        with context.catalog.writing() as session:
            kept += remember_looks(session, context.origin, held, now=datetime.now(UTC))
        progress.advance(1)
    progress.finish()
    return conclude(kept)


def choose_plans(subjects: Collection[Subject], arguments: Mapping[str, Any]) -> list[Plan]:
    """Give the looks that somebody asks for."""
    hosts, sites, only = (tuple(arguments.get(it, ())) for it in ("hosts", "sites", "only"))
    known = {it.key for it in subjects}
    for kind, names in (("host:", hosts), ("site:", sites)):
        _refuse_unknown(names, [it.partition(":")[2] for it in known if it.startswith(kind)])
    _refuse_unknown(only, TOOLS)
    return plan_asked(subjects, hosts=hosts, sites=sites, only=only)


def _refuse_unknown(names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise unknown('nothing called "{name}" is looked at', name, sorted(known))


def _look_at_all(plans: list[Plan], bounds: Bounds) -> Iterator[list[ToolLook]]:
    """Yield the looks at each subject as they are done."""
    workers = min(MOST_AT_ONCE, 2 * (os.cpu_count() or 1))
    with ThreadPoolExecutor(workers, thread_name_prefix="audit") as pool:
        running: set[Future[list[ToolLook]]] = {pool.submit(take_looks, it, bounds) for it in plans}
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (it.result() for it in done)
        finally:
            for future in running:
                future.cancel()


def conclude(kept: Collection[KeptLook]) -> JobResult:
    """Give the result of an audit; pure. What did not come about is never a pass."""
    blind = [it for it in kept if it.look.outcome != "ok"]
    grave = [it for it in kept if it.grave]
    summary: dict[str, Any] = {
        "looks": len(kept),
        "not_ok": len(blind),
        "opened": sum(it.opened for it in kept),
        "fixed": sum(it.fixed for it in kept),
        "open": sum(it.open for it in kept),
    }
    if grave:
        first = [f"{it.look.subject} ({it.look.tool})" for it in grave[:FEW]]
        found = [f"{it.look.subject} {it.look.tool} {name}" for it in grave for name in it.grave]
        params = {"count": len(found), "first": first, "found": found[:MOST_NAMED]}
        return JobResult("incomplete", "audit_found", params, summary)
    if blind:
        first = [f"{it.look.subject} ({it.look.tool})" for it in blind[:FEW]]
        params = {"count": len(blind), "all": len(kept), "first": first}
        outcome: Outcome = "not_checked" if len(blind) == len(kept) else "incomplete"
        return JobResult(outcome, "not_all_looked", params, summary)
    return JobResult("ok", summary=summary)
