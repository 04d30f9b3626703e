"""What happened that duties come with: rows of the journal, read as events; and their terms.

The seam for whoever records more: a new kind of event is one line in `SOURCES`, which says which
journal rows tell of it. Duties whose event no row tells of are named by `list_not_fed`, so that
nobody takes silence for peace.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import JournalRow
from ops.duties.evidence.due import Due, Period, due_after
from ops.duties.evidence.queries import Setting
from ops.duties.table.models import Duty
from ops.duties.table.versions import list_subjects

ELSEWHERE = frozenset({"last-sign-in"})
"""Events whose duty the service does by itself (`ops.duties.idle_accounts`)."""

STOP_PLANNED = "stop.planned"
"""What the journal tells of a planned stop; its subject is the site."""

STOP_CALLED_OFF = "stop.called-off"
"""What it tells of one that is called off; `begins` is that of the plan."""

_KEY_SETTING = re.compile(r"keys\..+|stores\[[^\]]+\]\.key")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        name: As duties name it.
        at: When it happened, as far as the journal knows; else when that was told.
        subject: Site it is about; empty where it is about none.
        ahead: When it will happen, where it was planned; else None.
        about: What papers about it are called: code of the stop, number of the entry.
    """

    name: str
    at: datetime
    subject: str = ""
    ahead: datetime | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Which rows of the journal tell of an event.

    Attributes:
        where: Picks the rows.
        holds: Looks at a row's details, where `where` cannot say enough.
        subject: Gives the site out of the row's subject.
        ahead: Key of the details that tells when it will happen; empty for what has happened.
        moment: Key of the details that tells when it happened, where that is earlier than the row;
            a row that does not tell happened when it was written.
        believed: How long before its row such a moment may lie; what is told of later than that
            happened, for its terms, when it was written down.
        about: Key of the details that says what papers about it are called.
        undone_by: Action of rows, of the same subject and moment ahead, that take it back.
    """

    where: ColumnElement[bool]
    holds: Callable[[Mapping[str, Any]], bool] = lambda _details: True
    subject: Callable[[str], str] = lambda subject: subject
    ahead: str = ""
    moment: str = ""
    believed: timedelta = timedelta.max
    about: str = ""
    undone_by: str = ""


def _changes_a_key(details: Mapping[str, Any]) -> bool:
    changes = details.get("changes") or {}
    return bool(details.get("replaced")) or any(_KEY_SETTING.fullmatch(it) for it in changes)


FOUND_WITHIN = timedelta(days=30)
"""An incident that is found later than this counts from when it was found (NĐ 331/2026 Điều 31(2)d
counts from then); until then from when it happened, the stricter of the two."""

SOURCES: Mapping[str, Source] = {
    "restored-over-production": Source(
        JournalRow.action == "backup.restore", lambda details: bool(details.get("in_place"))
    ),
    "backup-failed": Source(
        and_(
            JournalRow.action == "job.ended",
            JournalRow.subject.startswith("backup/"),
            JournalRow.details.contains('"outcome":"failed"', autoescape=True),
        ),
        lambda details: details.get("outcome") == "failed",
        lambda job: job.split("/")[1],
    ),
    "drill-finding": Source(JournalRow.action == "drill.finding"),
    "key-changed": Source(
        or_(JournalRow.action == "secret.stored", JournalRow.action == "estate.changed"),
        _changes_a_key,
        lambda _subject: "",
    ),
    "feedback-received": Source(
        and_(
            JournalRow.action == "register.add",
            JournalRow.details.contains('"kind":"remark"', autoescape=True),
        ),
        lambda details: details.get("kind") == "remark",
        moment="occurred_at",
    ),
    "incident": Source(
        JournalRow.action == "register.incident", moment="at", believed=FOUND_WITHIN, about="entry"
    ),
    "personal-data-breach": Source(
        JournalRow.action == "register.breach", moment="at", believed=FOUND_WITHIN, about="entry"
    ),
    "planned-stop": Source(
        JournalRow.action == STOP_PLANNED, ahead="begins", about="code", undone_by=STOP_CALLED_OFF
    ),
    "planned-stop-called-off": Source(
        JournalRow.action == STOP_CALLED_OFF,
        lambda details: bool(details.get("was_announced")),
        about="code",
    ),
    "plan-approved": Source(
        JournalRow.action == "plan.decide", subject=lambda _plan: "", moment="at"
    ),
    "accepted": Source(
        JournalRow.action == "plan.complete",
        subject=lambda _plan: "",
        moment="at",
        about="line",
    ),
}
"""Name of the event → which journal rows tell of it."""


def find_events(session: Session, name: str, setting: Setting, days: Period) -> list[Event]:
    """Give what happened within some days, oldest first; nothing for what nobody records."""
    source = SOURCES.get(name)
    if source is None:
        return []
    first, after = setting.bounds(days)
    rows = (
        select(JournalRow.at, JournalRow.subject, JournalRow.details)
        .where(source.where, JournalRow.at >= first)
        .order_by(JournalRow.sequence)
    )
    if not source.moment:
        rows = rows.where(JournalRow.at < after)  # else it may have been told long after
    told = [(at, subject, json.loads(details)) for at, subject, details in session.execute(rows)]
    undone = _find_undone(session, source)
    found = [
        Event(
            name,
            _happened(at, details, source),
            source.subject(subject),
            _ahead(details, source),
            str(details.get(source.about, "")),
        )
        for at, subject, details in told
        if source.holds(details) and at >= undone.get((subject, details.get(source.ahead)), first)
    ]
    return [it for it in found if first <= it.at < after]


def _find_undone(session: Session, source: Source) -> dict[tuple[str, str], datetime]:
    """Give when what was planned was last taken back, by subject and moment ahead."""
    if not source.undone_by:
        return {}
    rows = (
        select(JournalRow.at, JournalRow.subject, JournalRow.details)
        .where(JournalRow.action == source.undone_by)
        .order_by(JournalRow.sequence)
    )
    return {
        (subject, json.loads(details)[source.ahead]): at
        for at, subject, details in session.execute(rows)
    }


def _ahead(details: Mapping[str, Any], source: Source) -> datetime | None:
    return datetime.fromisoformat(details[source.ahead]) if source.ahead else None


def _happened(at: datetime, details: Mapping[str, Any], source: Source) -> datetime:
    told = details.get(source.moment)
    moment = datetime.fromisoformat(told) if told else at
    return moment if at - moment <= source.believed else at


def find_event_dues(
    session: Session, duties: Iterable[Duty], setting: Setting, days: Period
) -> list[tuple[Due, frozenset[str]]]:
    """Give what events of some days ask for: dates, and the names of the subjects concerned.

    Events of one day are one; the period runs from that day to the day by which it is due.
    """
    found: dict[tuple[str, Period], tuple[Due, set[str], dict[str, datetime]]] = {}
    for duty in duties:
        for event in find_events(session, duty.event, setting, days) if duty.event else ():
            due = _due_of(duty, event, setting)
            names = _concerned(duty, event, setting)
            if due is not None and names:
                _due, all_names, about = found.setdefault((duty.row, due.period), (due, set(), {}))
                all_names.update(names)
                about[event.about] = max(event.at, about.get(event.about, event.at))
    return [(replace(due, about=about), frozenset(names)) for due, names, about in found.values()]


def _due_of(duty: Duty, event: Event, setting: Setting) -> Due | None:
    """Give the dates; what is due before an event runs from the day on which it was planned."""
    if duty.due.before != (event.ahead is not None):
        return None
    day = event.at.astimezone(setting.zone).date()
    moment = (event.ahead or event.at).astimezone(setting.zone)
    until = due_after(duty, moment, setting.calendar)
    if not duty.is_valid_on(moment.date()) or until is None:
        return None
    last = until.date() if isinstance(until, datetime) else until
    if event.ahead is not None:
        last = max(last, day)  # planned too late for the term: at once
    # What the service does not do by itself somebody has to be reminded of, and at once.
    remind = None if duty.evidence.query in {"runs", "findings"} else day
    return Due(duty, Period(day, max(last, day)), last, remind)


def _concerned(duty: Duty, event: Event, setting: Setting) -> list[str]:
    return [
        it.name
        for it in list_subjects(duty, setting.estate)
        if not it.name or event.subject == it.name or event.subject in it.sites
    ]


def list_not_fed(duties: Iterable[Duty], today: date) -> list[str]:
    """Give the events of duties in force of which no journal row tells, in the tables' order."""
    names = (it.event for it in duties if it.event and it.is_valid_on(today))
    return [it for it in dict.fromkeys(names) if it not in SOURCES.keys() | ELSEWHERE]


def back_from(day: date, days: int) -> Period:
    """Give the days up to one, that day included."""
    return Period(day - timedelta(days=days), day)
