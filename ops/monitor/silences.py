"""Show, make and end silences for a person at a terminal."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from ops.access.session import Bench, at_bench, reading
from ops.alerts.silences import (
    SilenceView,
    SilenceWish,
    check_wish,
    end_silence,
    list_silences,
    make_silence,
)
from ops.alerts.subjects import name_subject
from ops.catalog.find import find_by_id
from ops.catalog.tables.alerts import Silence
from ops.errors import WrongUseError
from ops.estate.choose import read_moment
from ops.estate.load.load import load_estate
from ops.journal import journal
from ops.journal.journal import Entry
from ops.language.formats import format_id, format_moment
from ops.language.text import N_, _
from ops.monitor import tasks
from ops.terminal.output import write_line
from ops.terminal.view import Column, View, moment, words, write_list

REACHES = {True: N_("everything"), False: N_("all but what is critical")}
SILENCES = View(
    N_("Nothing is silenced."),
    Column("id", N_("Silence")),
    Column("subject", N_("About"), lambda value, _zone: name_subject(value)),
    Column("until", N_("Until"), moment),
    Column("is_critical_too", N_("What"), words(REACHES, {True: "bad"})),
    Column("owner", N_("Owner")),
    Column("reason", N_("Reason")),
)


def show_or_change(wish: tasks.Silence) -> int:
    """Write the silences that run, make one, or end one; gives 0."""
    return _change(wish) if wish.about or wish.end else _show(wish)


def _show(wish: tasks.Silence) -> int:
    estate, now = load_estate(), datetime.now(UTC)
    with reading(estate) as session:
        silences = list_silences(session, since=now)
    write_list(SILENCES, silences, as_json=wish.json, zone=estate.organisation.timezone)
    return 0


def tell_silences(silences: Iterable[SilenceView], zone: str) -> Iterator[str]:
    """Yield a line for each silence that runs."""
    for it in silences:
        text = _("{subject}: silenced until {until} by {owner}: {reason}")
        until = format_moment(it.until, zone)
        subject = name_subject(it.subject)
        yield text.format(subject=subject, until=until, owner=it.owner, reason=it.reason)


def _change(wish: tasks.Silence) -> int:
    with at_bench(load_estate(), dry_run=wish.dry_run) as bench:
        if wish.end:
            _end(bench, wish.end, dry_run=wish.dry_run)
        else:
            _make(bench, wish)
    if wish.dry_run:
        write_line(_("nothing was recorded"))
    return 0


def _make(bench: Bench, wish: tasks.Silence) -> None:
    for flag, value in (("until", wish.until), ("reason", wish.reason)):
        if not value:
            raise WrongUseError(
                "the flag --{flag} must be given",
                next_step="`{program} {task} --help` lists all flags",
                flag=flag,
                task="monitor.silence",
            )
    now, zone = datetime.now(UTC), bench.estate.organisation.timezone
    asked = SilenceWish(
        subject=wish.about,
        reason=wish.reason,
        until=read_moment(wish.until, bench.estate),
        is_critical_too=wish.critical,
    )
    check_wish(asked, bench.estate, now)
    with bench.catalog.writing() as session:
        made = make_silence(session, asked, _who(bench), now)
        details = {
            "silence": made.full_id,
            "until": made.until.isoformat(),
            "critical": made.is_critical_too,
            "reason": made.reason,
        }
        journal.append(session, bench.origin, [Entry("silence.make", made.subject, details)])
    text = _("{subject}: nobody is told until {until} ({reach})")
    write_line(
        text.format(
            subject=name_subject(made.subject),
            until=format_moment(made.until, zone),
            reach=_(REACHES[made.is_critical_too]),
        )
    )
    if not wish.dry_run:
        text = _("end it earlier: `giucong monitor.silence --end {silence}`")
        write_line(text.format(silence=made.id))


def _end(bench: Bench, wanted: str, *, dry_run: bool) -> None:
    now = datetime.now(UTC)
    with bench.catalog.writing() as session:
        row = find_by_id(session, Silence, wanted)
        running = {it.full_id: it for it in list_silences(session, since=now)}
        silence = running.get(row.id.hex) if row else None
        if silence is None or not end_silence(session, silence, _who(bench), now):
            raise WrongUseError(
                'no silence that runs is called "{silence}"',
                next_step="`{program} monitor.silence` lists them",
                silence=wanted,
            )
        details = {"silence": silence.full_id, "was_until": silence.until.isoformat()}
        journal.append(session, bench.origin, [Entry("silence.end", silence.subject, details)])
    text = _("the silence {silence} would end now") if dry_run else _("{silence} has ended")
    write_line(text.format(silence=format_id(row.id)))  # type: ignore[union-attr] # found above


def _who(bench: Bench) -> str:
    return bench.origin.person or bench.origin.login
