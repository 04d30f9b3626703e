"""The register in the catalog: each change is one transaction with its journal rows."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ops.catalog.columns import Base, find_by_id, new_id
from ops.catalog.tables.alerts import Alert
from ops.catalog.tables.core import Run
from ops.catalog.tables.drills import Drill
from ops.catalog.tables.register import RegisterEntry, RegisterLink, RegisterNote
from ops.catalog.tables.security import SecurityFinding
from ops.errors import WrongUseError
from ops.journal import journal
from ops.journal.journal import Entry as Act
from ops.journal.journal import Origin
from ops.language.text import _
from ops.register.entry import (
    LINK_WORDS,
    Change,
    Entry,
    Link,
    LinkKind,
    NewEntry,
    check_change,
    check_new,
)
from ops.told_text import clean_text, one_line

INCIDENT = "register.incident"
"""What the journal tells of a serious incident; its details tell when it happened."""

BREACH = "register.breach"
"""What it tells of an incident that touches personal data."""

LINKED: Mapping[LinkKind, type[Base]] = {
    "run": Run,
    "alert": Alert,
    "finding": SecurityFinding,
    "drill": Drill,
}
"""Which table a link's id stands in."""

MOST_LISTED = 500
_CALLED = re.compile(r"(\d{4})[-/](\d{1,6})")
_FIELDS = (
    "kind", "title", "unit", "site", "reporter", "document", "is_serious", "has_personal_data",
    "occurred_at", "received_at", "acknowledged_at", "restored_at", "closed_at", "cause", "result",
    "opened_by", "closed_by",
)  # fmt: skip


def add_entry(
    session: Session, origin: Origin, new: NewEntry, *, zone: ZoneInfo, now: datetime
) -> Entry:
    """Write an entry down, and journal it.

    Args:
        session: A writing session.
        origin: Who writes.
        new: What.
        zone: The organisation's, in which the year is counted.
        now: Aware.
    """
    check_new(new, now)
    year = new.received_at.astimezone(zone).year
    newest = select(func.max(RegisterEntry.number)).where(RegisterEntry.year == year)
    row = RegisterEntry(
        id=new_id(),
        year=year,
        number=(session.execute(newest).scalar() or 0) + 1,
        opened_by=origin.person or origin.login,
        **{name: _clean(getattr(new, name)) for name in _FIELDS[:10]},
    )
    session.add(row)
    session.flush()
    for link in new.links:
        _link(session, row.id, link, now)
    entry = as_entry(row)
    details = {
        "entry": entry.called,
        **{name: getattr(row, name) for name in ("kind", "title", "unit", "document")},
        "occurred_at": row.occurred_at.isoformat(),
        "links": [f"{it.kind}:{it.ref}" for it in new.links],
    }
    acts = [Act("register.add", row.site, details)]
    journal.append(session, origin, [*acts, *_clocks_of(entry, new)])
    return entry


def change_entry(
    session: Session, origin: Origin, entry: Entry, change: Change, *, now: datetime
) -> Entry:
    """Change an entry, and journal what changed."""
    check_change(entry, change, now)
    row = session.get_one(RegisterEntry, uuid.UUID(entry.id))
    for name in (
        "acknowledged_at",
        "restored_at",
        "closed_at",
        "cause",
        "result",
        "document",
        "is_serious",
        "has_personal_data",
    ):
        if getattr(change, name):
            setattr(row, name, _clean(getattr(change, name)))
    person = origin.person or origin.login
    if change.closed_at is not None:
        row.closed_by = person
    if change.note:
        session.add(
            RegisterNote(entry_id=row.id, at=now, person=person, text=clean_text(change.note))
        )
    for link in change.links:
        _link(session, row.id, link, now)
    verb = "register.update" if change.closed_at is None else "register.close"
    acts = [Act(verb, row.site, {"entry": entry.called, **change.as_values()})]
    news = replace(
        change,
        is_serious=change.is_serious and not entry.is_serious,
        has_personal_data=change.has_personal_data and not entry.has_personal_data,
    )
    journal.append(session, origin, [*acts, *_clocks_of(entry, news)])
    session.flush()
    return as_entry(row)


def _clean(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


def _clocks_of(entry: Entry, told: NewEntry | Change) -> list[Act]:
    details = {"entry": entry.called, "at": entry.occurred_at.isoformat()}
    wanted = ((INCIDENT, told.is_serious), (BREACH, told.has_personal_data))
    return [Act(action, entry.site, details) for action, is_so in wanted if is_so]


def _link(session: Session, entry: uuid.UUID, link: Link, now: datetime) -> None:
    if session.get(RegisterLink, (entry, link.kind, link.ref)) is None:
        session.add(RegisterLink(entry_id=entry, kind=link.kind, ref=link.ref, linked_at=now))


def find_link(session: Session, kind: LinkKind, wanted: str) -> Link:
    """Give the link to a row, by as much of its id as somebody typed."""
    row = find_by_id(session, LINKED[kind], wanted)
    if row is None:
        raise WrongUseError(
            'no {kind} is called "{id}"',
            next_step="look it up: `{program} {list}`",
            kind=_(LINK_WORDS[kind]),
            id=wanted,
            list=_LISTS[kind],
        )
    found: uuid.UUID = row.id  # type: ignore[attr-defined] # each of LINKED has one
    return Link(kind=kind, ref=found.hex)


_LISTS: Mapping[LinkKind, str] = {
    "run": "service.jobs",
    "alert": "monitor.alerts",
    "finding": "security.findings",
    "drill": "drill.list",
}


def find_entry(session: Session, wanted: str) -> Entry:
    """Give the entry that is called `2026-017`, or whose id begins or ends as typed."""
    called = _CALLED.fullmatch(wanted.strip())
    if called:
        year, number = map(int, called.groups())
        query = select(RegisterEntry).where(
            RegisterEntry.year == year, RegisterEntry.number == number
        )
        row = session.execute(query).scalar_one_or_none()
    else:
        row = find_by_id(session, RegisterEntry, wanted)
    if row is None:
        raise WrongUseError(
            'the register has no entry "{id}"',
            next_step="`{program} register.list --all` lists them",
            id=wanted,
        )
    return as_entry(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries are asked for; empty and None ask for all.

    Attributes:
        kind, site, unit: Only of these.
        only_open: Leave out what is closed.
        since, until: Only those received from a moment on, and before another.
    """

    kind: str = ""
    site: str = ""
    unit: str = ""
    only_open: bool = False
    since: datetime | None = None
    until: datetime | None = None


def list_entries(
    session: Session, wanted: Wanted, *, limit: int | None = MOST_LISTED
) -> list[Entry]:
    """Give entries, those received last first; at most so many, None for all."""
    query: Select[RegisterEntry] = select(RegisterEntry)
    for column, value in (
        (RegisterEntry.kind, wanted.kind),
        (RegisterEntry.site, wanted.site),
        (RegisterEntry.unit, wanted.unit),
    ):
        query = query.where(column == value) if value else query
    if wanted.only_open:
        query = query.where(RegisterEntry.closed_at.is_(None))
    if wanted.since is not None:
        query = query.where(RegisterEntry.received_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(RegisterEntry.received_at < wanted.until)
    ordered = query.order_by(RegisterEntry.received_at.desc(), RegisterEntry.id.desc())
    return [as_entry(row) for row in session.execute(ordered.limit(limit)).scalars()]


def read_notes(session: Session, entry: Entry) -> Sequence[RegisterNote]:
    """Give what was noted, oldest first."""
    query = select(RegisterNote).where(RegisterNote.entry_id == uuid.UUID(entry.id))
    return session.execute(query.order_by(RegisterNote.at)).scalars().all()


def read_links(session: Session, entry: Entry) -> list[Link]:
    """Give what belongs to an entry, in the order it was linked."""
    query = select(RegisterLink).where(RegisterLink.entry_id == uuid.UUID(entry.id))
    rows = session.execute(query.order_by(RegisterLink.linked_at)).scalars()
    return [Link(kind=row.kind, ref=row.ref) for row in rows]  # type: ignore[arg-type] # checked by the table


def as_entry(row: RegisterEntry) -> Entry:
    """Give a row as an entry."""
    values = {name: getattr(row, name) for name in _FIELDS}
    return Entry(id=row.id.hex, called=f"{row.year}-{row.number:03}", **values)
