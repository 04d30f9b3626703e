"""Judge a duty by what the catalog holds, in the estate of that day."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import JournalRow
from ops.duties.evidence.due import Due, Period, due_of, list_periods
from ops.duties.evidence.events import find_event_dues
from ops.duties.evidence.media import find_renewals
from ops.duties.evidence.queries import QUERIES, Ask, Setting
from ops.duties.evidence.verdicts import Frame, Piece, Verdict, judge
from ops.duties.table.models import Duty
from ops.duties.table.subjects import list_subjects
from ops.estate.history.versions import find_estate_at

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
    last = min(last, setting.today)
    ends = [(year, month or it) for it in range(1, 13)]
    periods = [it for it in list_periods(duty, first, last) if (it.end.year, it.end.month) in ends]
    dues = (due_of(duty, period, setting.calendar) for period in periods)
    found = [it for due in dues for it in judge_due(session, due, setting)]
    for due, names in find_event_dues(session, [duty], setting, Period(first, last)):
        found += [it for it in judge_due(session, due, setting) if it.subject in names]
    renewals = find_renewals(session, [duty], setting)
    return [*found, *(it for _due, it in renewals if it.period.end.year <= year)]


def judge_due(session: Session, due: Due, setting: Setting) -> list[Verdict]:
    """Judge one period of a duty for every subject, in the estate of its last day or of today."""
    _first, after = setting.bounds(due.period)
    past = find_estate_at(session, after - timedelta(microseconds=1))
    estate = past.document if past else setting.estate
    deadline = due.day or due.period.end
    ask = Ask(due.duty, due.period, estate, setting, deadline)
    proof = due.duty.evidence
    pieces = sorted(QUERIES[proof.query](session, ask), key=lambda it: it.at)
    frame = Frame(setting.today, recorded_since(session, setting), deadline)
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
    oldest = select(JournalRow.at).order_by(JournalRow.sequence).limit(1)
    first = session.execute(oldest).scalar_one_or_none()
    return first.astimezone(setting.zone).date() if first else None
