"""How each duty stands, by its evidence; media and reviews by days of their own."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.copies import Medium
from ops.catalog.tables.core import JournalRow
from ops.duties.evidence.acts import find_media
from ops.duties.evidence.due import (
    RENEWAL,
    Due,
    Period,
    WorkCalendar,
    add_span,
    due_of,
    list_due,
    list_periods,
)
from ops.duties.evidence.events import back_from, find_event_dues
from ops.duties.evidence.queries import Ask, Setting, find_pieces
from ops.duties.evidence.verdicts import (
    LATE,
    SETTLED,
    Frame,
    Piece,
    Records,
    Standing,
    Verdict,
    gravest,
    judge,
)
from ops.duties.table.load import DutySet
from ops.duties.table.models import Duty, Span
from ops.duties.table.versions import Subject, list_subjects
from ops.estate.versions import find_estate_at
from ops.journal.standing import RECOVERED

Stage = Literal["", "near", "over"]


@dataclass(frozen=True, slots=True)
class Renewal:
    """The dates of one medium.

    Attributes:
        renew_on: By the end of which day it is to be replaced.
        remind_on: From when on it is told.
        basis: Where that comes from.
    """

    renew_on: date
    remind_on: date
    basis: tuple[str, ...] = ()

    def stage(self, today: date) -> Stage:
        """Say whether the day is near or over."""
        if today > self.renew_on:
            return "over"
        return "near" if today >= self.remind_on else ""


def plan_renewal(
    duties: Iterable[Duty], started_on: date, today: date, calendar: WorkCalendar
) -> Renewal | None:
    """Give when a medium is to be renewed, by the row that is valid today; pure.

    The term runs from the day each medium was first used, so the duty has no period of its own:
    what is due are the media, and taking an old one out of use is what fulfils it.

    Args:
        duties: All rows in force.
        started_on: When the medium was first used.
        today: The organisation's day.
        calendar: Working days.

    Returns:
        The dates; None where no duty asks for renewal by a period.
    """
    rows = [it for it in duties if it.name == RENEWAL and it.is_valid_on(today)]
    if not rows or rows[-1].every is None:
        return None
    duty, every = rows[-1], rows[-1].every
    if every.count is None or every.unit is None:
        return None
    renew_on = add_span(started_on, Span(count=every.count, unit=every.unit), calendar)
    lead = duty.lead
    remind_on = renew_on if lead is None else add_span(renew_on, lead, calendar, -1)
    return Renewal(renew_on, remind_on, tuple(str(it) for it in duty.basis))


def find_renewals(
    session: Session, duties: Iterable[Duty], setting: Setting
) -> Iterator[tuple[Due, Verdict]]:
    """Yield the renewal of each medium that is in use, and how it stands; by code."""
    rows = [it for it in duties if it.name == RENEWAL and it.is_valid_on(setting.today)]
    for medium in session.execute(select(Medium).order_by(Medium.code)).scalars():
        found = plan_renewal(rows, medium.started_on, setting.today, setting.calendar)
        if found is None:
            continue
        period = Period(medium.started_on, found.renew_on)
        is_over = found.stage(setting.today) == "over"
        outcome, reason = ("missed", "nothing") if is_over else ("not_checked", "nothing_yet")
        yield (
            Due(rows[-1], period, found.renew_on, found.remind_on),
            Verdict(medium.code, period, outcome, reason),  # type: ignore[arg-type] # two of them
        )


def find_renewed(session: Session, duty: Duty, setting: Setting, time: Period) -> Iterator[Verdict]:
    """Yield how the renewal of each medium went that was taken out of use, due in a time."""
    if duty.name != RENEWAL:
        return
    for it in find_media(session):
        period = Period(*(date.fromisoformat(it.details[at]) for at in ("started_on", "renew_on")))
        if time.start <= period.end <= time.end and duty.is_valid_on(period.end):
            frame = Frame(setting.today, find_records(session, setting), period.end)
            day = it.at.astimezone(setting.zone).date()
            late = {**it.details, LATE: True}
            piece = it if day <= period.end else replace(it, outcome="incomplete", details=late)
            yield judge(Subject(it.subject or "", None, ("",)), period, [piece], "every", frame)


_ONE_DAY = timedelta(days=1)


def find_verdicts(
    session: Session, duty: Duty, setting: Setting, year: int, month: int = 0
) -> list[Verdict]:
    """Judge every period of a row that ends in a year and has begun, for every subject.

    Of a duty that comes with an event, what events of that year asked for.

    Args:
        session: For reading.
        duty: The row.
        setting: In force.
        year: Which.
        month: Only periods that end in it; 0 for the whole year.
    """
    first, last = date(year, 1, 1), date(year + 1, 1, 1) - _ONE_DAY
    if month:
        first = date(year, month, 1)
        last = (first + timedelta(days=31)).replace(day=1) - _ONE_DAY
    return find_verdicts_in(session, duty, setting, Period(first, last))


def find_verdicts_in(session: Session, duty: Duty, setting: Setting, time: Period) -> list[Verdict]:
    """Judge likewise every period that ends in a time, both its days included, and has begun."""
    last = min(time.end, setting.today)
    periods = list_periods(duty, time.start, last) if time.start <= last else []
    ended = [it for it in periods if time.start <= it.end <= time.end]
    dues = (due_of(duty, period, setting.calendar) for period in ended)
    found = [it for due in dues for it in judge_due(session, due, setting)]
    for due, names in find_event_dues(session, [duty], setting, Period(time.start, last)):
        found += [it for it in judge_due(session, due, setting) if it.subject in names]
    renewals = find_renewals(session, [duty], setting)
    found += find_renewed(session, duty, setting, time)
    return [*found, *(it for _due, it in renewals if it.period.end <= time.end)]


def judge_due(session: Session, due: Due, setting: Setting) -> list[Verdict]:
    """Judge one period of a duty for every subject, in the estate of its last day or of today."""
    _first, after = setting.bounds(due.period)
    past = find_estate_at(session, after - timedelta(microseconds=1))
    estate = past.document if past else setting.estate
    deadline = due.day or due.period.end
    ask = Ask(due.duty, due.period, estate, setting, deadline, due.about)
    proof = due.duty.evidence
    pieces = find_pieces(session, ask)
    frame = Frame(setting.today, find_records(session, setting), deadline)
    at_site, elsewhere = _by_site(pieces)
    found = []
    for subject in list_subjects(due.duty, estate):
        near = pieces
        if subject.name:  # else all speak; a hundred sites must not each look through all
            near = [*elsewhere, *(it for name in subject.sites for it in at_site.get(name, ()))]
            near.sort(key=lambda it: it.at)
        found.append(judge(subject, due.period, near, proof.coverage, frame))
    return found


def _by_site(pieces: Iterable[Piece]) -> tuple[dict[str, list[Piece]], list[Piece]]:
    """Give the pieces that their site alone speaks for, by site; and all others."""
    at_site, elsewhere = defaultdict[str, list[Piece]](list), list[Piece]()
    for it in pieces:
        (at_site[it.site] if it.site and it.subject is None else elsewhere).append(it)
    return at_site, elsewhere


def recorded_since(session: Session, setting: Setting) -> date | None:
    """Give the first day of which the journal tells; None while it is empty."""
    return find_records(session, setting).since


def find_records(session: Session, setting: Setting) -> Records:
    """Give of which days the journal tells; asked for once in a session.

    What was done after the backup that a lost service came back from is gone: from the day of the
    last row that came back to that of its return nobody knows what was not done.
    """
    known: Records | None = session.info.get(_RECORDS)
    if known is not None:
        return known

    def day_of(moment: datetime) -> date:
        return moment.astimezone(setting.zone).date()

    oldest = select(JournalRow.at).order_by(JournalRow.sequence).limit(1)
    first = session.execute(oldest).scalar_one_or_none()
    if first is None:
        return Records(None)
    returns = select(JournalRow.at, JournalRow.details).where(JournalRow.action == RECOVERED)
    heads = {json.loads(details)["head"]: at for at, details in session.execute(returns)}
    last = select(JournalRow.sequence, JournalRow.at).where(JournalRow.sequence.in_(heads))
    gaps = [Period(day_of(at), day_of(heads[head])) for head, at in session.execute(last)]
    found = Records(day_of(first), tuple(gaps))
    session.info[_RECORDS] = found
    return found


_RECORDS = "duties-records"

REVIEWS = ("role-review", "account-review")
"""How the names of duties begin that ask to look at roles and accounts again."""

_LOOKED_BACK = 366
"""Days; what an event asked for and nobody did is shown for so long."""

When = Literal["overdue", "ahead", "not_in_table"]


@dataclass(frozen=True, slots=True)
class AgendaItem:
    """One period of one duty, for all it concerns.

    Attributes:
        due: Which, and its dates.
        when: Whether it is overdue, ahead, or its date is in no table of holidays.
        outcome: The gravest standing of its verdicts.
        verdicts: One for each subject.
    """

    due: Due
    when: When
    outcome: Standing
    verdicts: tuple[Verdict, ...]

    @property
    def open(self) -> tuple[Verdict, ...]:
        """The verdicts of what is neither proven nor stated."""
        return tuple(it for it in self.verdicts if it.outcome not in SETTLED)

    @property
    def is_lacking(self) -> bool:
        """Whether it is known that nothing, or too little, was done."""
        return self.outcome not in SETTLED | {"not_checked"}


def list_agenda(session: Session, duties: DutySet, setting: Setting, days: int) -> list[AgendaItem]:
    """Give what is overdue and what is due within some days, earliest first.

    Args:
        session: For evidence.
        duties: In force.
        setting: The day it is asked on.
        days: How far to look ahead.
    """
    last = setting.today + timedelta(days=days)
    ahead = list_due(duties.duties, setting.calendar, setting.today, last)
    items = [_item(session, it, setting) for it in ahead if it.duty.lead is not None]
    since = recorded_since(session, setting)
    past = [_item(session, it, setting) for it in _last_ended(duties.duties, setting, since)]
    overdue = [it for it in past if it.is_lacking]
    events = _of_events(session, duties.duties, setting)
    media = [
        AgendaItem(due, _when(due, setting), verdict.outcome, (verdict,))
        for due, verdict in find_renewals(session, duties.duties, setting)
        if due.day is not None and due.day <= last
    ]
    found = [it for it in (*overdue, *items, *events, *media) if it.verdicts]
    return sorted(found, key=lambda it: (it.due.day or date.max, it.due.duty.name))


def _of_events(session: Session, duties: Iterable[Duty], setting: Setting) -> Iterator[AgendaItem]:
    """Yield what events of a year ask for and is not done yet."""
    for due, names in find_event_dues(
        session, duties, setting, back_from(setting.today, _LOOKED_BACK)
    ):
        verdicts = tuple(it for it in judge_due(session, due, setting) if it.subject in names)
        item = AgendaItem(due, _when(due, setting), gravest(verdicts), verdicts)
        is_known = item.when == "ahead" or item.outcome != "not_checked"
        if item.outcome not in SETTLED and is_known:
            yield item


def list_overdue_reviews(session: Session, duties: DutySet, setting: Setting) -> list[AgendaItem]:
    """Give the reviews of roles and accounts that were not done in the period that ended last."""
    rows = [it for it in duties.duties if it.name.startswith(REVIEWS)]
    past = _last_ended(rows, setting, recorded_since(session, setting))
    items = [_item(session, it, setting) for it in past]
    return [it for it in items if it.verdicts and it.is_lacking]


def _last_ended(duties: Iterable[Duty], setting: Setting, since: date | None) -> Iterable[Due]:
    """Yield the newest period of each duty whose day has passed, where there are records of it."""
    yesterday = setting.today - timedelta(days=1)
    for duty in duties if since is not None else ():
        dues = list_due([duty], setting.calendar, _long_before(duty, yesterday), yesterday)
        passed = [it for it in dues if it.day is not None and it.period.end <= yesterday]
        if passed:
            yield passed[-1]


def _long_before(duty: Duty, day: date) -> date:
    periods = list_periods(duty, day, day) or list_periods(duty, duty.valid_from, day)[-1:]
    length = max((it.end - it.start for it in periods), default=timedelta())
    return day - 2 * length - timedelta(days=1)


def _item(session: Session, due: Due, setting: Setting) -> AgendaItem:
    verdicts = tuple(judge_due(session, due, setting))
    return AgendaItem(due, _when(due, setting), gravest(verdicts), verdicts)


def _when(due: Due, setting: Setting) -> When:
    if due.day is None:
        return "not_in_table"
    return "overdue" if due.day < setting.today else "ahead"


def next_due(duty: Duty, setting: Setting) -> Due | None:
    """Give the period of a duty that runs today; None when none does, or it comes with events."""
    periods = list_periods(duty, setting.today, setting.today)
    return due_of(duty, periods[0], setting.calendar) if periods else None
