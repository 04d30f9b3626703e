"""Who sees to it that a finding is fixed, and by when: by the site and a duty of the tables.

A drill shows a finding fixed only where it proves as much as the one that failed: from the same
store, with the same engine, from paper where that was. A drill of a whole site compares every file,
so it also shows findings about one file fixed; a drill of one file restores the file that failed.
What could not be checked is a finding, too: somebody has to see to it that it can be.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.drills import Drill, DrillFinding
from ops.drills.records import KeptDrill, Kind, find_drill, kind_of
from ops.drills.rotation.rotation import FINDING
from ops.duties.evidence.due import WorkCalendar, add_span, due_after
from ops.duties.table.load import DutiesError, load_calendar, load_duties
from ops.duties.table.models import Duty, Span
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry, Origin


@dataclass(frozen=True, slots=True)
class Terms:
    """Of one finding.

    Attributes:
        owner: Name of the site's owner; where there is none, the role or person whom the duty
            names; empty where no duty is in force either.
        due: By the end of which day it is to be fixed.
    """

    owner: str
    due: date


def find_terms(estate: Estate, site: str, now: datetime) -> Terms:
    """Give the terms of a finding that a drill of a site has shown at a moment.

    Where the tables of duties or holidays have mistakes, it is due at once: `estate.check` and a
    notice of its own tell of the mistakes.
    """
    moment = now.astimezone(estate.zone)
    owner = next((it.owner or "" for it in estate.sites if it.name == site), "")
    try:
        duties, calendar = load_duties(estate).duties, load_calendar(estate)
    except DutiesError:
        return Terms(owner, moment.date())
    return decide_terms(duties, calendar, owner, moment)


def decide_terms(
    duties: Iterable[Duty], calendar: WorkCalendar, owner: str, moment: datetime
) -> Terms:
    """Give the terms of a finding; pure.

    Args:
        duties: All rows.
        calendar: Working days; where they lead out of the table of holidays, all days are counted.
        owner: Of the site; may be empty.
        moment: Of the finding, in the organisation's zone.
    """
    day = moment.date()
    row = next((it for it in duties if it.name == FINDING and it.is_valid_on(day)), None)
    if row is None:
        return Terms(owner, day)
    due = due_after(row, moment, calendar)
    if due is None:
        due = add_span(day, Span(count=row.due.count, unit="days"), calendar)
    last = due.date() if isinstance(due, datetime) else due
    return Terms(owner or row.responsible, last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a failed drill has shown.

    Attributes:
        id, drill: Its own id, and that of the drill.
        site: Of the drill.
        scope: What it was to prove.
        store, engine, from_paper: Of the drill; one that shows it fixed has the same. The store
            is empty where the drill had not come to choose one.
        code, params: What was found, as the reason of the drill.
        owner: Name of the person; empty where the estate names none for the site.
        due: By when.
        opened_at: Aware.
        fixed_by, closed_at: The drill that showed it fixed, and when; empty and None until then.
    """

    id: str
    drill: str
    site: str
    scope: Kind
    store: str
    engine: str
    from_paper: bool
    code: str
    params: Mapping[str, Any]
    owner: str
    due: date
    opened_at: datetime
    fixed_by: str
    closed_at: datetime | None


def open_finding(
    session: Session, origin: Origin, drill: KeptDrill, *, owner: str, due: date, now: datetime
) -> None:
    """Write down what a concluded drill has shown, and journal it.

    Where the same finding of the site is open already, it stays as it is, with its owner and date.

    Args:
        session: A writing session.
        origin: Whose drill.
        drill: Concluded as failed or incomplete.
        owner: Name of the person who has to see to it; may be empty.
        due: By when.
        now: Aware.
    """
    known = list_findings(session, site=drill.site)
    if any(_is_same(it, drill) for it in known):
        return
    row = DrillFinding(
        drill=uuid.UUID(drill.id),
        site=drill.site,
        scope=drill.scope,
        code=drill.reason_code,
        params=dict(drill.params),
        owner=owner,
        due=due,
        opened_at=now,
    )
    session.add(row)
    session.flush()
    details = {
        "finding": str(row.id),
        "drill": drill.id,
        "code": row.code,
        "params": row.params,
        "owner": owner,
        "due": due.isoformat(),
    }
    journal.append(session, origin, [Entry("drill.finding", drill.site, details)])


def close_findings(
    session: Session, origin: Origin, drill: KeptDrill, *, now: datetime
) -> list[Finding]:
    """Close what a concluded drill that went well has shown fixed; gives those, oldest first."""
    fixed = [it for it in list_findings(session, site=drill.site) if shows_fixed(drill, it)]
    for finding in fixed:
        row = session.get_one(DrillFinding, uuid.UUID(finding.id))
        row.fixed_by, row.closed_at = uuid.UUID(drill.id), now
    entries = [
        Entry("drill.fixed", drill.site, {"finding": it.id, "drill": drill.id}) for it in fixed
    ]
    if entries:
        journal.append(session, origin, entries)
    return fixed


def shows_fixed(drill: KeptDrill, finding: Finding) -> bool:
    """Tell whether a drill that went well proves as much as the one that failed; pure."""
    if drill.site != finding.site or finding.store not in {"", drill.store}:
        return False
    if drill.engine != finding.engine or drill.from_paper < finding.from_paper:
        return False
    if drill.kind == "file":
        return finding.scope == "file" and file_of(drill.params) == file_of(finding.params)
    return (drill.kind == "archive") == (finding.scope == "archive")


def file_of(params: Mapping[str, Any]) -> str:
    """Give the file that the reason of a drill names; empty where it names none."""
    return str(params.get("path", ""))


def list_findings(session: Session, *, site: str = "", closed: bool = False) -> list[Finding]:
    """Give findings, oldest first.

    Args:
        session: Any.
        site: Only those of this site; empty for all.
        closed: Also those that a drill has shown fixed.
    """
    query = select(DrillFinding, Drill).join(Drill, Drill.id == DrillFinding.drill)
    query = query.order_by(DrillFinding.opened_at, DrillFinding.id)
    if site:
        query = query.where(DrillFinding.site == site)
    if not closed:
        query = query.where(DrillFinding.closed_at.is_(None))
    return [_finding(row, drill) for row, drill in session.execute(query)]


def settle(
    session: Session, origin: Origin, drill: str, *, owner: str, due: date, now: datetime
) -> Iterable[Finding]:
    """Open or close what a concluded drill asks for; gives the findings it has shown fixed."""
    kept = find_drill(session, drill)
    if kept.outcome in {"failed", "incomplete"}:
        open_finding(session, origin, kept, owner=owner, due=due, now=now)
    return close_findings(session, origin, kept, now=now) if kept.outcome == "ok" else ()


def _is_same(finding: Finding, drill: KeptDrill) -> bool:
    return (finding.scope, finding.store, finding.code, finding.params) == (
        drill.kind,
        drill.store,
        drill.reason_code,
        drill.params,
    )


def _finding(row: DrillFinding, drill: Drill) -> Finding:
    return Finding(
        id=str(row.id),
        drill=str(row.drill),
        site=row.site,
        scope=kind_of(row.scope, drill.source),  # type: ignore[arg-type]  # the table refuses others
        store=drill.store,
        engine=drill.engine,
        from_paper=drill.from_paper,
        code=row.code,
        params=row.params,
        owner=row.owner,
        due=row.due,
        opened_at=row.opened_at,
        fixed_by="" if row.fixed_by is None else str(row.fixed_by),
        closed_at=row.closed_at,
    )
