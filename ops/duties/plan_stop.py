"""Plan a stop of a site: is there time for the notice that the law asks for, and what it says.

Order: the plan is made and printed; without `--dry-run` it is journaled first, so that the notice
becomes a duty with a date (`ops.duties.evidence.events`). The notice itself is published by people,
who record it with `duty.record`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from ops.access.session import at_bench
from ops.duties.evidence.due import BeyondTableError, WorkCalendar, add_span
from ops.duties.evidence.events import STOP_PLANNED
from ops.duties.table.load import load_calendar, load_duties
from ops.duties.table.models import Duty
from ops.duties.tasks import Stop
from ops.errors import WrongUseError
from ops.estate.choose import read_moment
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry
from ops.language.formats import format_date, format_spoken
from ops.language.text import _, speaking
from ops.terminal.output import write_line

_EVENT = "planned-stop"
_FURTHEST = timedelta(days=366)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StopPlan:
    """A stop, and the notice it needs.

    Attributes:
        wish: What was asked for.
        begins, until: Aware.
        duty: What asks for the notice.
        notice_by: Last day on which it may be published; with force majeure today at the earliest.
        is_expected: Whether holidays were counted that are not announced yet.
    """

    wish: Stop
    begins: datetime
    until: datetime
    duty: Duty
    notice_by: date
    is_expected: bool


def plan_stop(
    wish: Stop,
    moments: tuple[datetime, datetime],
    duty: Duty,
    calendar: WorkCalendar,
    now: datetime,
) -> StopPlan:
    """Decide whether a stop may be planned so; pure.

    Args:
        wish: What is wanted.
        moments: Beginning and end, in the organisation's zone.
        duty: What asks for the notice, as valid on the day of the beginning.
        calendar: Working days.
        now: The moment, in the organisation's zone.
    """
    begins, until = moments
    if not now < begins < until:
        raise WrongUseError(
            "a planned stop begins in the future, and ends after that",
            next_step="give `--from` and `--until` like '2026-12-20 22:00'",
        )
    today, day = now.date(), begins.date()
    try:
        notice_by = add_span(day, duty.due, calendar, -1)
    except BeyondTableError as error:
        raise _beyond_table(error.day) from error
    if notice_by < today and not wish.force_majeure.strip():
        raise _too_near(day, notice_by, duty, first=_first_day(today, duty, calendar))
    expected = calendar.is_expected(notice_by, day)
    return StopPlan(wish, begins, until, duty, max(notice_by, today), expected)


def _beyond_table(day: date) -> WrongUseError:
    return WrongUseError(
        "no table of holidays covers {day}",
        why="so the working days before the stop cannot be counted",
        next_step="add the year to a table under `[calendar] holidays`, or choose an earlier day",
        day=format_date(day),
    )


def _too_near(day: date, notice_by: date, duty: Duty, *, first: str) -> WrongUseError:
    return WrongUseError(
        "a stop on {day} would have had to be announced by {notice_by}",
        why="{basis}: {count} working days ahead",
        next_step="choose {first} or later; only where it cannot wait, say why:"
        " `--force-majeure TEXT`",
        day=format_date(day),
        notice_by=format_date(notice_by),
        basis="; ".join(map(str, duty.basis)),
        count=duty.due.count,
        first=first,
    )


def _first_day(today: date, duty: Duty, calendar: WorkCalendar) -> str:
    """Give the first day on which a stop may begin that is announced today."""
    day = today
    while day < today + _FURTHEST:
        try:
            if add_span(day, duty.due, calendar, -1) >= today:
                break
        except BeyondTableError:
            break
        day += _ONE_DAY
    return format_date(day)


def choose_duty(duties: Sequence[Duty], day: date) -> Duty:
    """Give what asks for the notice on a day; of several the one that wants it first; pure."""
    found = [it for it in duties if it.event == _EVENT and it.due.before and it.is_valid_on(day)]
    if not found:
        raise WrongUseError(
            "no duty asks for a notice before a stop on {day}",
            next_step="`{program} duty.list` lists what is asked for, and since when",
            day=format_date(day),
        )
    return max(found, key=lambda it: it.due.count)


def write_notice(plan: StopPlan, estate: Estate) -> Iterator[str]:
    """Yield the lines of the notice to the public (law.md 2.9: what it has to say)."""
    site = estate.site(plan.wish.site)
    zone = estate.organisation.timezone
    begins, until = (format_spoken(it, zone) for it in (plan.begins, plan.until))
    title = estate.title_at(site.name)
    yield _("NOTICE of a planned stop: {title}").format(title=title)
    yield _("{organisation} announces:").format(organisation=estate.name_at())
    yield _("1. Reason: {reason}").format(reason=plan.wish.reason)
    scope = f"{title} ({site.url})" if site.url else title
    yield _("2. What stops: {scope}").format(scope=scope)
    yield _("3. From {begins} until {until}").format(begins=begins, until=until)
    yield _("4. Expected to be back: {until}").format(until=until)
    yield _("5. Meanwhile: {instead}").format(instead=plan.wish.instead or "…")
    yield _("6. Questions: {contact}").format(contact=contact_of(estate, site.owner or ""))
    if plan.wish.force_majeure:
        yield _("Force majeure: {why}").format(why=plan.wish.force_majeure)


def contact_of(estate: Estate, name: str) -> str:
    """Give whom to ask: a person of the estate, else the organisation."""
    person = next((it for it in estate.people if it.name == name), None)
    told = (person.title, person.phone, person.mail) if person else ()
    return ", ".join(filter(None, told)) or estate.name_at()


def plan_planned_stop(wish: Stop) -> int:
    """Plan a stop for the person at the terminal: print it and the notice, and journal it.

    Raises:
        WrongUseError: It may not be planned so.
    """
    for flag, value in (("site", wish.site), ("from", wish.from_), ("until", wish.until)):
        if not value:
            raise WrongUseError(
                "the flag --{flag} must be given",
                next_step="`{program} {task} --help` lists all flags",
                flag=flag,
                task="duty.planned-stop",
            )
    estate = load_estate()
    estate.site(wish.site)
    begins, until = read_moment(wish.from_, estate), read_moment(wish.until, estate)
    begins, until = begins.astimezone(estate.zone), until.astimezone(estate.zone)
    duty = choose_duty(load_duties(estate).duties, begins.date())
    now = datetime.now(UTC).astimezone(estate.zone)
    plan = plan_stop(wish, (begins, until), duty, load_calendar(estate), now)
    if not wish.dry_run:
        _journal(plan, estate)
    _tell(plan)
    write_line(
        _("its code, if it is called off (`--cancel`): {code}").format(
            code=code_of(wish.site, begins)
        )
    )
    with speaking(estate.organisation.language):
        notice = list(write_notice(plan, estate))
    write_line()
    for line in notice:
        write_line(line)
    return 0


def code_of(site: str, begins: datetime) -> str:
    """Give the code of a planned stop: a site has one at a time; pure.

    Args:
        site: Its name.
        begins: In the organisation's zone.
    """
    return f"{site}-{begins:%Y%m%d-%H%M}"


def _journal(plan: StopPlan, estate: Estate) -> None:
    wish = plan.wish
    details = {
        "code": code_of(wish.site, plan.begins),
        "begins": plan.begins.isoformat(),
        "until": plan.until.isoformat(),
        "notice_by": plan.notice_by.isoformat(),
        "duty": plan.duty.row,
        "force_majeure": wish.force_majeure,
        "reason": wish.reason,
        "instead": wish.instead,
    }
    with at_bench(estate) as bench, bench.catalog.writing() as session:
        origin = replace(bench.origin, reason=wish.reason, document=wish.document)
        journal.append(session, origin, [Entry(STOP_PLANNED, wish.site, details)])


def _tell(plan: StopPlan) -> None:
    duty = plan.duty
    write_line(
        _("publish the notice by {day}: {basis}").format(
            day=format_date(plan.notice_by), basis="; ".join(map(str, duty.basis))
        )
    )
    if plan.is_expected:
        write_line(_("holidays on the way there are not announced yet: look again"))
    if plan.wish.force_majeure:
        write_line(_("force majeure: the term is not kept; the reason goes into the journal"))
    if plan.wish.dry_run:
        write_line(_("nothing was recorded"))
