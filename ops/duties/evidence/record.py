"""Record for a person at a terminal that somebody says a duty was done.

It is shown as stated, never as proven. A document that is named is one that is kept. What a query
would prove is stated only where it was done out of the service's sight, with such a document.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from sqlalchemy.orm import Session

from ops.access.identity import NotAllowedError
from ops.access.rights import ROLES
from ops.access.roles import is_anybody_appointed, roles_of
from ops.access.session import at_bench
from ops.catalog.tables.register import Document
from ops.documents.records import MOST_TEXT, get_whole
from ops.duties.cli import at_desk
from ops.duties.evidence.due import Due, Period, list_periods, longest_days
from ops.duties.evidence.events import back_from, find_event_dues
from ops.duties.evidence.papers import state_done
from ops.duties.evidence.queries import QUERIES
from ops.duties.table.load import DutySet, load_duties
from ops.duties.table.models import Duty
from ops.duties.table.versions import list_subjects
from ops.duties.tasks import Record
from ops.duties.wording import tell_period
from ops.errors import WrongUseError
from ops.estate.choose import read_day
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_date, format_id
from ops.language.text import _
from ops.terminal.output import write_line


def record_done(wish: Record) -> None:
    """Write the statement."""
    estate = load_estate()
    duty, period = find_period(load_duties(estate), wish.duty, read_day(wish.period))
    _check_provable(duty, wish)
    check_subject(duty, estate, wish.subject)
    with at_bench(estate, dry_run=True) as bench, bench.catalog.reading() as session:
        check_person(session, duty, bench.origin.person)
        kept = None
        if wish.document:
            kept = get_whole(session, estate.service.state, wish.document)
    today = datetime.now(UTC).astimezone(estate.zone).date()
    done_on = read_day(wish.done) if wish.done else today
    if done_on > today:
        raise WrongUseError(
            "{day} has not come yet",
            next_step="record it when it is done",
            day=format_date(done_on),
        )
    told = {"duty": duty.name, "period": tell_period(period), "document": _tell_document(kept)}
    if wish.dry_run:
        write_line(_("would record as stated: {duty} of {period}; {document}").format(**told))
        return
    with at_bench(estate) as bench, bench.catalog.writing() as session:
        state_done(
            session,
            replace(bench.origin, reason=wish.elsewhere.strip()),
            duty=duty.name,
            subject=wish.subject,
            period=period.key,
            done_on=done_on,
            kept=kept,
        )
    write_line(_("recorded as stated: {duty} of {period}; {document}").format(**told))


def _tell_document(kept: Document | None) -> str:
    if kept is None:
        return _("by word of mouth: no document is kept")
    text = _("see {document}, SHA-256 {hash}")
    return text.format(document=kept.number or format_id(kept.id), hash=kept.sha256)


def _check_provable(duty: Duty, wish: Record) -> None:
    """Refuse to take a word for what a query proves, or done elsewhere without a document."""
    query = QUERIES.get(duty.evidence.query)
    elsewhere = wish.elsewhere.strip()
    if query is not None and not elsewhere:
        raise WrongUseError(
            'the duty "{name}" is proven by what the service records, not by a statement',
            why="what proves it is made by `{program} {command}`",
            next_step="type that; what was done where the service saw nothing takes `--elsewhere`"
            " with why, and `--document`",
            name=duty.name,
            command=query.tell_maker(duty),
        )
    if elsewhere and (not wish.document or len(elsewhere) > MOST_TEXT):
        raise WrongUseError(
            "what was done out of the service's sight needs a document and a reason of at most"
            " {most} characters",
            next_step="keep the paper with `{program} document.add`, and give its number with"
            " `--document`",
            most=MOST_TEXT,
        )


RECORDERS: Mapping[str, frozenset[str]] = {
    "operator": frozenset({"operator", "backup_admin"}),
    "backup admin": frozenset({"backup_admin"}),
    "security officer": frozenset({"security_officer"}),
    "head": frozenset({"approver", "head"}),
    # Who does these has no role here: the operators record them, on a document.
    "archivist": frozenset({"archivist", "operator", "backup_admin"}),
    "editors": frozenset({"operator", "backup_admin"}),
    "unit": frozenset({"operator", "backup_admin"}),
}
"""Who answers for a duty → the roles that may record it; any other word is a person's name."""


def decide_may_record(responsible: str, person: str, roles: Collection[str]) -> bool:
    """Decide whether somebody may state that a duty was done; pure."""
    if responsible not in RECORDERS:
        return person == responsible
    return bool(RECORDERS[responsible] & frozenset(roles))


def check_person(session: Session, duty: Duty, person: str) -> None:
    """Refuse who does not answer for the duty; before anybody has a role, nobody is refused."""
    if not is_anybody_appointed(session):
        return
    if decide_may_record(duty.responsible, person, roles_of(session, person)):
        return
    needed = RECORDERS.get(duty.responsible, frozenset())
    raise NotAllowedError(
        'the duty "{name}" is not yours to record',
        why="it is recorded by: {needed}",
        data="nothing was changed",
        next_step="have it recorded by who answers for it: `{program} user.list` says who that is",
        name=duty.name,
        needed=", ".join(_(ROLES[it]) for it in ROLES if it in needed) or duty.responsible,
    )


def find_period(duties: DutySet, name: str, day: date) -> tuple[Duty, Period]:
    """Give the row of a duty and its period that hold a day; refuses a day that none holds."""
    rows = duties.named(name)
    for duty in rows:
        for period in list_periods(duty, day, day):
            return duty, period
    for due in _find_event_dues(rows, day):
        if due.period.start <= day <= due.period.end:
            return due.duty, due.period
    raise WrongUseError(
        'the duty "{name}" has no period that holds {day}',
        why="it comes with an event that the journal does not tell of, or is not valid then",
        next_step="`{program} duty.list` says when it comes and how long it is valid",
        name=name,
        day=format_date(day),
    )


def _find_event_dues(rows: Sequence[Duty], day: date) -> list[Due]:
    """Give what events near a day asked for, the oldest first."""
    if not any(it.event for it in rows):
        return []
    with at_desk() as desk, desk.catalog.reading() as session:
        back = max(longest_days(it.due) for it in rows)
        return [
            it for it, _names in find_event_dues(session, rows, desk.setting, back_from(day, back))
        ]


def check_subject(duty: Duty, estate: Estate, subject: str) -> None:
    """Refuse what the duty does not concern."""
    known = [it.name for it in list_subjects(duty, estate.document())]
    if subject not in known:
        raise WrongUseError(
            'the duty "{name}" does not concern "{subject}"',
            why="it concerns: {known}" if any(known) else "it concerns the Center as a whole",
            next_step="give `--subject` with one of these names, or leave it out",
            name=duty.name,
            subject=subject,
            known=", ".join(known),
        )
