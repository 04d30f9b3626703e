"""Record for a person at a terminal that a duty was done, with the document that shows it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from sqlalchemy.orm import Session

from ops.access.identity import NotAllowedError
from ops.access.rights import ROLES
from ops.access.roles import is_anybody_appointed, roles_of
from ops.access.session import at_bench
from ops.duties.cli import at_desk
from ops.duties.evidence.due import Due, Period, list_periods, longest_days
from ops.duties.evidence.events import back_from, find_event_dues
from ops.duties.evidence.papers import state_done
from ops.duties.evidence.queries import STATED
from ops.duties.table.load import DutySet, load_duties
from ops.duties.table.models import Duty
from ops.duties.table.versions import list_subjects
from ops.duties.tasks import Record
from ops.duties.wording import tell_period
from ops.errors import WrongUseError
from ops.estate.choose import read_day
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_date
from ops.language.text import _
from ops.terminal.output import write_line


def record_done(wish: Record) -> None:
    """Write the statement."""
    estate = load_estate()
    duty, period = _find_period(load_duties(estate), wish.duty, read_day(wish.period))
    if duty.evidence.query not in STATED:
        raise WrongUseError(
            'the duty "{name}" is proven by what the service did, not by a statement',
            next_step="`{program} duty.evidence --duty {name}` shows what there is",
            name=duty.name,
        )
    _check_subject(duty, estate, wish.subject)
    with at_bench(estate, dry_run=True) as bench, bench.catalog.reading() as session:
        _check_person(session, duty, bench.origin.person)
    today = datetime.now(UTC).astimezone(estate.zone).date()
    done_on = read_day(wish.done) if wish.done else today
    if done_on > today:
        raise WrongUseError(
            "{day} has not come yet",
            next_step="record it when it is done",
            day=format_date(done_on),
        )
    told = {"duty": duty.name, "period": tell_period(period), "document": wish.document}
    if wish.dry_run:
        write_line(_("would record: {duty} of {period} is done, see {document}").format(**told))
        return
    with at_bench(estate) as bench, bench.catalog.writing() as session:
        origin = replace(bench.origin, document=wish.document)
        state_done(
            session,
            origin,
            duty=duty.name,
            subject=wish.subject,
            period=period.key,
            done_on=done_on,
        )
    write_line(_("recorded: {duty} of {period} is done, see {document}").format(**told))


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


def _check_person(session: Session, duty: Duty, person: str) -> None:
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


def _find_period(duties: DutySet, name: str, day: date) -> tuple[Duty, Period]:
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


def _check_subject(duty: Duty, estate: Estate, subject: str) -> None:
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
