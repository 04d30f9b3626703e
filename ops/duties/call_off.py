"""Call a planned stop off: the journal knows it, and where it was announced the public is told.

Order: the stop is found; without `--dry-run` its end is journaled, so that its notice is no duty
any more, and the one that it is called off is. Then that notice is printed.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.session import at_bench
from ops.alerts.silences import Quiet
from ops.catalog.tables.core import JournalRow
from ops.documents.issued import read_issued
from ops.duties.evidence.due import Period
from ops.duties.evidence.events import STOP_CALLED_OFF, STOP_PLANNED
from ops.duties.evidence.papers import find_statements
from ops.duties.plan_stop import code_of, contact_of, plan_planned_stop
from ops.duties.tasks import Stop
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry
from ops.language.formats import format_moment, format_spoken
from ops.language.text import _, speaking
from ops.terminal.output import write_line


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStop:
    """A stop that was planned and not called off.

    Attributes:
        code: Its own.
        site: Name of the site.
        planned_on: The organisation's day.
        begins, until: In the organisation's zone.
        details: As journaled.
    """

    code: str
    site: str
    planned_on: date
    begins: datetime
    until: datetime
    details: dict[str, Any]

    @property
    def notice(self) -> tuple[str, str]:
        """Duty of its notice, and that duty's period."""
        last = max(date.fromisoformat(self.details["notice_by"]), self.planned_on)
        name = str(self.details["duty"]).partition("@")[0]
        return name, Period(self.planned_on, last).key


def find_stops(session: Session, zone: tzinfo) -> list[PlannedStop]:
    """Give the stops that were planned and not called off since, in the order of the journal."""
    actions = (STOP_PLANNED, STOP_CALLED_OFF)
    rows = session.execute(
        select(JournalRow).where(JournalRow.action.in_(actions)).order_by(JournalRow.sequence)
    ).scalars()
    read = ((it.action, it.at, it.subject, json.loads(it.details)) for it in rows)
    return sort_stops(read, zone)


def sort_stops(
    rows: Iterable[tuple[str, datetime, str, dict[str, Any]]], zone: tzinfo
) -> list[PlannedStop]:
    """Leave out what was called off, and what was planned again; pure.

    Args:
        rows: Action, moment, site and details of the journal's rows, oldest first.
        zone: Of the organisation.
    """
    open_ones: dict[str, PlannedStop] = {}
    for action, at, site, details in rows:
        begins = datetime.fromisoformat(details["begins"]).astimezone(zone)
        code = code_of(site, begins)
        open_ones.pop(code, None)
        if action == STOP_PLANNED:
            open_ones[code] = PlannedStop(
                code=code,
                site=site,
                planned_on=at.astimezone(zone).date(),
                begins=begins,
                until=datetime.fromisoformat(details["until"]).astimezone(zone),
                details=details,
            )
    return list(open_ones.values())


def choose_stop(stops: Iterable[PlannedStop], code: str, now: datetime, zone: str) -> PlannedStop:
    """Choose the stop of a code; pure."""
    known = {it.code: it for it in stops}
    stop = known.get(code)
    if stop is None:
        ahead = [it.code for it in known.values() if it.begins > now]
        raise WrongUseError(
            'no stop with the code "{code}" is planned',
            why="planned and not begun: {known}",
            next_step="give one of these codes with `--cancel`",
            code=code,
            known=", ".join(ahead) or "-",
        )
    if stop.begins <= now:
        raise WrongUseError(
            "this stop has begun at {begins}, so it cannot be called off any more",
            next_step="start the site, and tell the public that it is back",
            begins=format_moment(stop.begins, zone),
        )
    return stop


def plan_or_call_off(wish: Stop) -> int:
    """Plan a stop, or call one off; gives the exit code."""
    return call_stop_off(wish) if wish.cancel else plan_planned_stop(wish)


def call_stop_off(wish: Stop) -> int:
    """Call a stop off for the person at the terminal; gives the exit code."""
    estate = load_estate()
    zone = estate.organisation.timezone
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        with bench.catalog.reading() as session:
            stop = choose_stop(
                find_stops(session, estate.zone), wish.cancel, datetime.now(UTC), zone
            )
            was_announced = is_announced(session, stop)
        if not wish.dry_run:
            names = ("begins", "until", "duty", "notice_by")
            details = {name: stop.details[name] for name in names}
            told = {**details, "code": stop.code, "was_announced": was_announced}
            origin = replace(bench.origin, reason=wish.reason, document=wish.document)
            with bench.catalog.writing() as session:
                journal.append(session, origin, [Entry(STOP_CALLED_OFF, stop.site, told)])
    _tell(wish, stop, was_announced=was_announced)
    if was_announced:
        with speaking(estate.organisation.language):
            notice = list(write_cancellation(stop, wish.reason, estate))
        write_line()
        for line in notice:
            write_line(line)
    return 0


def is_announced(session: Session, stop: PlannedStop) -> bool:
    """Tell whether a notice of a stop was issued, or is stated to have been published."""
    issued = read_issued(session, [f"report:notice:{stop.code}"])
    return any(issued) or any(find_statements(session, *stop.notice))


def _tell(wish: Stop, stop: PlannedStop, *, was_announced: bool) -> None:
    write_line(_("called off: {code}").format(code=stop.code))
    write_line(
        _(
            "it was announced: publish this notice, too, then take the signed one back with"
            " `report.issue --kind notice`"
        )
        if was_announced
        else _("no notice of it was recorded as published, so nobody has to be told")
    )
    if wish.dry_run:
        write_line(_("nothing was recorded"))


def write_cancellation(stop: PlannedStop, reason: str, estate: Estate) -> Iterator[str]:
    """Yield the lines of the notice to the public."""
    site, zone = estate.site(stop.site), estate.organisation.timezone
    begins, until = (format_spoken(it, zone) for it in (stop.begins, stop.until))
    title = estate.title_at(site.name)
    scope = f"{title} ({site.url})" if site.url else title
    yield _("NOTICE that a planned stop is called off: {title}").format(title=title)
    yield _("{organisation} announces:").format(organisation=estate.name_at())
    yield _("1. The stop from {begins} until {until} is called off").format(
        begins=begins, until=until
    )
    yield _("2. What stays open meanwhile: {scope}").format(scope=scope)
    yield _("3. Reason: {reason}").format(reason=reason)
    yield _("4. Questions: {contact}").format(contact=contact_of(estate, site.owner or ""))


def find_quiet_times(session: Session) -> Iterator[Quiet]:
    """Yield the time of each planned stop that was not called off."""
    for stop in find_stops(session, UTC):
        yield Quiet(
            subject=f"site:{stop.site}",
            site=stop.site,
            begins=stop.begins,
            until=stop.until,
            is_critical_too=True,
        )
