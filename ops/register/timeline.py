"""One thing that happened around an entry of the register."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from ops.catalog.tables.alerts import Alert
from ops.catalog.tables.core import JournalRow, Run
from ops.catalog.tables.drills import Drill
from ops.catalog.tables.security import SecurityFinding
from ops.parts import Seam
from ops.register.entry import Entry, Link, LinkKind
from ops.register.records import read_links, read_notes

MOST_ROWS = 300
"""So many a timeline shows, and each of its sources gives at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened.

    Attributes:
        at: When.
        source: `entry`, `note`, `alert`, `run`, `drill`, `finding`, `watch` or `journal`.
        what: A word for it: a state, an alert's code, an act of the journal.
        subject: What it was done to, or is about; may be empty.
        person: Who; empty where nobody did it.
        text: In a person's words; may be empty.
        params: What sentences about it are made from.
    """

    at: datetime
    source: str
    what: str
    subject: str = ""
    person: str = ""
    text: str = ""
    params: dict[str, Any] = field(default_factory=dict)


FINDING_WORDS: Seam[Callable[[SecurityFinding], str]] = Seam("finding-words")
"""Tells a finding in the reader's language; from a room above."""

WATCHED: Seam[Callable[[Session, str, datetime, datetime], Iterable[Moment]]] = Seam("site-moments")
"""Gives what a room above saw at a site from one moment to another, oldest first, bounded."""

Outage = tuple[datetime, datetime | None]
"""From when a site did not answer, and from when it did again; None where nobody knows that."""

OUTAGES: Seam[Callable[[Session, str, datetime, datetime | None], Outage | None]] = Seam(
    "site-outage"
)
"""Gives what a room above measured of the outage of a site that an alert tells of, by when the
alert was opened and closed; None where it measured nothing."""


def measure_outage(session: Session, alert: Alert) -> Outage | None:
    """Give how long the watch saw the site of an alert not answer; None for any other alert."""
    if not alert.site or alert.subject != f"site:{alert.site}":
        return None
    ends = (alert.opened_at, alert.closed_at)
    found = (find(session, alert.site, *ends) for find in OUTAGES.parts())
    return next((it for it in found if it is not None), None)


def tell_finding(finding: SecurityFinding) -> str:
    """Tell a finding in the reader's language."""
    return next(iter(tell(finding) for tell in FINDING_WORDS.parts()), finding.title)


def find_around(
    session: Session, entry: Entry, links: Iterable[Link], since: datetime, until: datetime
) -> Iterator[Moment]:
    """Give what is linked, and what befell the entry's site from one moment to another."""
    refs: dict[LinkKind, list[UUID]] = {"run": [], "drill": [], "finding": [], "alert": []}
    for link in links:
        refs[link.kind].append(UUID(link.ref))
    yield from _runs(session, refs["run"])
    yield from _drills(session, entry.site, refs["drill"], since, until)
    yield from _findings(session, entry.site, refs["finding"], since, until)
    if entry.site:
        for find in WATCHED.parts():
            yield from find(session, entry.site, since, until)


def _runs(session: Session, linked: Iterable[UUID]) -> Iterator[Moment]:
    """Give linked runs; those of the site the journal tells."""
    query = select(Run).where(Run.id.in_(linked)).order_by(Run.started_at).limit(MOST_ROWS)
    for run in session.execute(query).scalars():
        params = {"outcome": run.outcome or ""}
        yield Moment(
            at=run.ended_at or run.started_at,
            source="run",
            what="run",
            subject=run.job,
            params=params,
        )


def _drills(
    session: Session, site: str, linked: Iterable[UUID], since: datetime, until: datetime
) -> Iterator[Moment]:
    wanted: ColumnElement[bool] = Drill.id.in_(linked)
    if site:
        wanted = or_(wanted, (Drill.site == site) & Drill.started_at.between(since, until))
    query = select(Drill).where(wanted).order_by(Drill.started_at).limit(MOST_ROWS)
    for drill in session.execute(query).scalars():
        params = {"outcome": drill.outcome or ""}
        yield Moment(
            at=drill.started_at,
            source="drill",
            what="drilled",
            subject=drill.site,
            person=drill.person,
            text=drill.reason,
            params=params,
        )


def _findings(
    session: Session, site: str, linked: Iterable[UUID], since: datetime, until: datetime
) -> Iterator[Moment]:
    wanted: ColumnElement[bool] = SecurityFinding.id.in_(linked)
    if site:
        seen = SecurityFinding.first_seen_at.between(since, until)
        fixed = SecurityFinding.fixed_at.between(since, until)
        wanted = or_(wanted, (SecurityFinding.subject == f"site:{site}") & or_(seen, fixed))
    query = select(SecurityFinding).where(wanted).order_by(SecurityFinding.first_seen_at)
    for row in session.execute(query.limit(MOST_ROWS)).scalars():
        text = tell_finding(row)
        for at, what in ((row.first_seen_at, "found"), (row.fixed_at, "fixed")):
            if at is not None:
                yield Moment(
                    at=at,
                    source="finding",
                    what=what,
                    subject=row.subject,
                    text=text,
                    params={"severity": row.severity},
                )


BEFORE = timedelta(hours=2)
"""How long before it happened a cause is looked for."""

_LEFT_OUT = (
    "register.add",
    "register.update",
    "register.close",
    "register.incident",
    "register.breach",
)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The moments, oldest first, and whether there are more than are shown."""

    moments: tuple[Moment, ...]
    is_cut: bool = False


def collect_timeline(session: Session, entry: Entry, now: datetime) -> Timeline:
    """Gather what happened to an entry's site while it was open, and what belongs to it."""
    until = entry.closed_at or now
    since = entry.occurred_at - BEFORE
    links = read_links(session, entry)
    found = [
        *_states(entry),
        *(
            Moment(at=it.at, source="note", what="noted", person=it.person, text=it.text)
            for it in read_notes(session, entry)
        ),
        *_alerts(session, entry, links, since, until),
        *find_around(session, entry, links, since, until),
        *_acts(session, entry, since, until),
    ]
    return cut_timeline(found)


def cut_timeline(moments: Iterable[Moment]) -> Timeline:
    """Put moments in order and bound them; what people wrote stays before what machines did."""
    ordered = sorted(moments, key=lambda it: it.at)
    if len(ordered) <= MOST_ROWS:
        return Timeline(tuple(ordered))
    kept = sorted(ordered, key=lambda it: _WEIGHT.get(it.source, 1))[:MOST_ROWS]
    return Timeline(tuple(sorted(kept, key=lambda it: it.at)), is_cut=True)


_WEIGHT = {"entry": 0, "note": 0, "journal": 2, "watch": 2}


def _states(entry: Entry) -> Iterator[Moment]:
    for what, at, person in (
        ("occurred", entry.occurred_at, ""),
        ("received", entry.received_at, entry.opened_by),
        ("acknowledged", entry.acknowledged_at, ""),
        ("restored", entry.restored_at, ""),
        ("closed", entry.closed_at, entry.closed_by),
    ):
        if at is not None:
            yield Moment(at=at, source="entry", what=what, person=person)


def _alerts(
    session: Session, entry: Entry, links: Iterable[Link], since: datetime, until: datetime
) -> Iterator[Moment]:
    """Give alerts that are linked, and those of the site that were open within the time."""
    linked = [UUID(it.ref) for it in links if it.kind == "alert"]
    wanted: ColumnElement[bool] = Alert.id.in_(linked)
    if entry.site:
        of_site = (Alert.site == entry.site) & (Alert.opened_at <= until)
        wanted = or_(wanted, of_site & (Alert.closed_at.is_(None) | (Alert.closed_at >= since)))
    rows = session.execute(select(Alert).where(wanted).order_by(Alert.opened_at).limit(MOST_ROWS))
    for alert in rows.scalars():
        opened = Moment(
            at=alert.opened_at,
            source="alert",
            what=alert.code,
            subject=alert.subject,
            params={**alert.params, "severity": alert.severity},
        )
        yield opened
        if alert.acked_at is not None:
            yield Moment(
                at=alert.acked_at,
                source="alert",
                what="acked",
                subject=alert.subject,
                person=alert.acked_by,
                text=alert.ack_note,
            )
        if alert.closed_at is not None:
            yield replace(opened, at=alert.closed_at, what="cleared")


def _acts(session: Session, entry: Entry, since: datetime, until: datetime) -> Iterator[Moment]:
    """Give the journal's acts on the site; jobs of a site are named `kind/site`."""
    if not entry.site:
        return
    query = (
        select(JournalRow)
        .where(
            JournalRow.at >= since,
            JournalRow.at <= until,
            or_(
                JournalRow.subject == entry.site,
                JournalRow.subject.endswith(f"/{entry.site}", autoescape=True),
                JournalRow.subject.contains(f"/{entry.site}/", autoescape=True),
            ),
            JournalRow.action.not_in(_LEFT_OUT),
        )
        .order_by(JournalRow.sequence)
        .limit(MOST_ROWS + 1)
    )
    for row in session.execute(query).scalars():
        details = json.loads(row.details)
        yield Moment(
            at=row.at,
            source="journal",
            what=row.action,
            subject=row.subject,
            person=row.person or row.login,
            text=row.reason,
            params={"outcome": str(details.get("outcome", "")), "sequence": row.sequence},
        )
