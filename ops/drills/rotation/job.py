"""Ask the ledger for the drills that are due, one after the other.

When a day begins, `drill-plan` looks at what duties and findings ask and asks for the first; when a
drill has ended, the next one is asked for, in the transaction that records the end. Each waits for
the window of its site's backups. So one runs at a time, and what a night has no room for waits for
the next.

Order, in one transaction:

1. Take the journal's lock, so that two services cannot ask at once.
2. Where a drill is asked for or runs already, leave it at that.
3. Write the occurrence, with its journal row.

Killed at any step, nothing was asked for; the next day asks again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.alerts.outbox import find_estate
from ops.catalog.tables.core import Occurrence
from ops.drills.kind import drill_job
from ops.drills.rotation.read import DRILL, read_plan
from ops.drills.rotation.rotation import Choice, Need, choose_next, next_moment
from ops.duties.table.load import DutiesError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.jobs.definitions import list_jobs
from ops.journal import journal
from ops.journal.journal import Origin
from ops.schedule.kinds import RunContext
from ops.schedule.ledger import overview
from ops.schedule.ledger.endings import BY_CLOCK
from ops.schedule.ledger.job import JobDefinition, JobResult, LedgerEvent, read_schedule

log = logging.getLogger(__name__)

_LEFT_AFTER = timedelta(hours=12)
"""A drill that stopped so long ago measures nothing any more; nobody takes it up."""


@dataclass(frozen=True, slots=True)
class AskedDrill:
    """A drill that was asked for.

    Attributes:
        job: Name of the job.
        due_at: When it is to run.
        entry: What it is for.
    """

    job: str
    due_at: datetime
    entry: Need


def plan_drills(context: RunContext) -> JobResult:
    """Sweep what stopped drills have left; look at what is due, and ask for the first.

    The run of the kind `drill-plan`.
    """
    from ops.access.session import Bench
    from ops.drills.stop import sweep  # the service itself, which asks too, stays small

    estate, now = load_estate(Path(context.estate)), datetime.now(UTC)
    swept = sweep(Bench(estate, context.catalog, context.origin), now - _LEFT_AFTER)
    with context.catalog.writing() as session:
        asked = ask_for_next(session, estate, now, context.origin)
        entries = read_plan(session, estate, now)
    counts: dict[str, Any] = {
        state: sum(it.state == state for it in entries) for state in ("overdue", "due", "ahead")
    }
    return JobResult("ok", summary={**counts, "asked": asked.job if asked else "", "swept": swept})


def follow_drills(session: Session, events: Sequence[LedgerEvent]) -> None:
    """Ask for the next drill when one has ended. A listener of the ledger."""
    ask_after(session, events, datetime.now(UTC))


def ask_after(session: Session, events: Sequence[LedgerEvent], now: datetime) -> None:
    """Ask for the next drill where these events tell of the end of one."""
    ended = [it for it in events if it.kind == DRILL and it.occasion == "ended"]
    estate = find_estate(session) if ended else None
    if estate is None:
        return
    origin = replace(BY_CLOCK, run=str(ended[-1].run_id or ""))
    try:
        ask_for_next(session, estate, now, origin)
    except DutiesError as error:  # a notice of its own tells of it; the drill's end is recorded
        log.error("drills-not-planned", extra={"fields": {"error": str(error)}})  # noqa: TRY400 - the log is one line an event


def ask_for_next(
    session: Session, estate: Estate, now: datetime, origin: Origin
) -> AskedDrill | None:
    """Ask for the drill whose turn it is; None where none is due, or one is under way.

    Args:
        session: A writing session.
        estate: As it is now.
        now: Aware.
        origin: Who asks; journaled.
    """
    journal.hold(session)
    under_way = select(Occurrence.id).where(Occurrence.kind == DRILL, Occurrence.state != "ended")
    if session.execute(under_way.limit(1)).first() is not None:
        return None
    entry = choose_next(read_plan(session, estate, now))
    if entry is None or entry.choice is None:
        return None
    job = _job_for(estate, entry.choice)
    schedule = estate.site(entry.choice.site).schedule.backup
    due_at = next_moment(read_schedule(schedule, job.timezone, job.site), now)
    reason = f"{entry.duty} {entry.subject}".rstrip()
    arguments = arguments_of(entry.choice)
    overview.ask_at(
        session,
        job,
        due_at=due_at,
        now=now,
        origin=replace(origin, reason=reason),
        arguments=arguments,
    )
    return AskedDrill(job.name, due_at, entry)


def arguments_of(choice: Choice) -> dict[str, Any]:
    """Give what the run of a drill is told beyond its job; what is as by default is left out."""
    asked = {"engine": choice.engine, "store": choice.store, "path": choice.path}
    return {name: value for name, value in asked.items() if value and value != "ours"}


def _job_for(estate: Estate, choice: Choice) -> JobDefinition:
    name = drill_job(choice.site, choice.scope)
    return next(it for it in list_jobs(estate) if it.name == name)
