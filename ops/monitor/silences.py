"""Show, make and end silences for a person at a terminal."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
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
from ops.catalog.tables.conditions import Silence
from ops.errors import WrongUseError
from ops.estate.choose import read_moment
from ops.estate.load.load import load_estate
from ops.journal import journal
from ops.journal.journal import Entry
from ops.language.formats import format_id, format_moment
from ops.language.text import _
from ops.terminal.output import write_json, write_line, write_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What was typed; fields as the flags of `monitor.silence`."""

    about: str = ""
    until: str = ""
    reason: str = ""
    critical: bool = False
    end: str = ""


def show_silences(*, as_json: bool) -> int:
    """Write the silences that run."""
    estate, now = load_estate(), datetime.now(UTC)
    with reading(estate) as session:
        silences = list_silences(session, since=now)
    if as_json:
        write_json(asdict(it) for it in silences)
    elif silences:
        _write(silences, estate.organisation.timezone)
    else:
        write_line(_("Nothing is silenced."))
    return 0


def _write(silences: Sequence[SilenceView], zone: str) -> None:
    heads = [_("Silence"), _("About"), _("Until"), _("What"), _("Owner"), _("Reason")]
    write_table(heads, [
        (it.id, name_subject(it.subject), format_moment(it.until, zone), _tell_reach(it), it.owner,
         it.reason)
        for it in silences
    ])  # fmt: skip


def _tell_reach(silence: SilenceView) -> str:
    return _("everything") if silence.is_critical_too else _("all but what is critical")


def tell_silences(silences: Iterable[SilenceView], zone: str) -> Iterator[str]:
    """Yield a line for each silence that runs."""
    for it in silences:
        text = _("{subject}: silenced until {until} by {owner}: {reason}")
        until = format_moment(it.until, zone)
        subject = name_subject(it.subject)
        yield text.format(subject=subject, until=until, owner=it.owner, reason=it.reason)


def change_silence(typed: Typed, *, dry_run: bool) -> int:
    """Make a silence, or end one; gives 0.

    Raises:
        WrongUseError: A flag is missing, or says what cannot be.
    """
    with at_bench(load_estate(), dry_run=dry_run) as bench:
        if typed.end:
            _end(bench, typed.end, dry_run=dry_run)
        else:
            _make(bench, typed, dry_run=dry_run)
    if dry_run:
        write_line(_("nothing was recorded"))
    return 0


def _make(bench: Bench, typed: Typed, *, dry_run: bool) -> None:
    for flag, value in (("until", typed.until), ("reason", typed.reason)):
        if not value:
            raise WrongUseError(
                "the flag --{flag} must be given",
                data="nothing was changed",
                next_step="`{program} {task} --help` lists all flags",
                flag=flag,
                task="monitor.silence",
            )
    now, zone = datetime.now(UTC), bench.estate.organisation.timezone
    wish = SilenceWish(
        subject=typed.about,
        reason=typed.reason,
        until=read_moment(typed.until, bench.estate),
        is_critical_too=typed.critical,
    )
    check_wish(wish, bench.estate, now)
    with bench.catalog.writing() as session:
        made = make_silence(session, wish, _who(bench), now)
        details = {
            "silence": made.full_id,
            "until": made.until.isoformat(),
            "critical": made.is_critical_too,
            "reason": made.reason,
        }
        journal.append(session, bench.origin, [Entry("silence.make", made.subject, details)])
    text = _("{subject}: nobody is told until {until} ({reach})")
    write_line(text.format(
        subject=name_subject(made.subject), until=format_moment(made.until, zone),
        reach=_tell_reach(made),
    ))  # fmt: skip
    if not dry_run:
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
                data="nothing was changed",
                next_step="`{program} monitor.silence` lists them",
                silence=wanted,
            )
        details = {"silence": silence.full_id, "was_until": silence.until.isoformat()}
        journal.append(session, bench.origin, [Entry("silence.end", silence.subject, details)])
    text = _("the silence {silence} would end now") if dry_run else _("{silence} has ended")
    write_line(text.format(silence=format_id(row.id)))  # type: ignore[union-attr] # found above


def _who(bench: Bench) -> str:
    return bench.origin.person or bench.origin.login
