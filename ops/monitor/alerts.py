"""Show alerts and silences to a person, note who takes one up, make and end silences."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from ops.access.session import Bench, at_bench, reading
from ops.alerts.looks import Held
from ops.alerts.notice_wording import RUNBOOK, SEVERITIES, tell_runbook
from ops.alerts.overview import AlertView, find_alert, list_alerts
from ops.alerts.records import acknowledge
from ops.alerts.silences import (
    SilenceView,
    SilenceWish,
    check_wish,
    end_silence,
    list_silences,
    make_silence,
)
from ops.alerts.subjects import name_subject
from ops.alerts.watch import read_states
from ops.catalog.columns import find_by_id
from ops.catalog.tables.alerts import Silence
from ops.errors import OpsError, WrongUseError
from ops.estate.choose import read_moment
from ops.estate.load.load import load_estate
from ops.jobs.definitions import list_jobs
from ops.journal import journal
from ops.journal.journal import Entry
from ops.language.formats import format_duration, format_id, format_moment
from ops.language.text import LABELS, N_, _, fill
from ops.monitor import tasks
from ops.monitor.alert_wording import (
    UNTOLD,
    explain_alert,
    list_under,
    list_untold,
    read_trying_again,
    tell_alert_place,
    tell_all_trying_again,
    tell_answers,
    tell_under,
)
from ops.monitor.tasks import Ack, Alerts
from ops.terminal.output import write_indented, write_json, write_line
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
        told = {"subject": name_subject(it["subject"]), "until": format_moment(it["until"], zone)}
        yield text.format(**told, owner=it["owner"], reason=it["reason"])


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
            "silence": made["full_id"],
            "until": made["until"].isoformat(),
            "critical": made["is_critical_too"],
            "reason": made["reason"],
        }
        journal.append(session, bench.origin, [Entry("silence.make", made["subject"], details)])
    text = _("{subject}: nobody is told until {until} ({reach})")
    write_line(
        text.format(
            subject=name_subject(made["subject"]),
            until=format_moment(made["until"], zone),
            reach=_(REACHES[made["is_critical_too"]]),
        )
    )
    if not wish.dry_run:
        text = _("end it earlier: `giucong monitor.silence --end {silence}`")
        write_line(text.format(silence=made["id"]))


def _end(bench: Bench, wanted: str, *, dry_run: bool) -> None:
    now = datetime.now(UTC)
    with bench.catalog.writing() as session:
        row = find_by_id(session, Silence, wanted)
        running = {it["full_id"]: it for it in list_silences(session, since=now)}
        silence = running.get(row.id.hex) if row else None
        if silence is None or not end_silence(session, silence, _who(bench), now):
            raise WrongUseError(
                'no silence that runs is called "{silence}"',
                next_step="`{program} monitor.silence` lists them",
                silence=wanted,
            )
        details = {"silence": silence["full_id"], "was_until": silence["until"].isoformat()}
        journal.append(session, bench.origin, [Entry("silence.end", silence["subject"], details)])
    text = _("the silence {silence} would end now") if dry_run else _("{silence} has ended")
    write_line(text.format(silence=format_id(row.id)))  # type: ignore[union-attr] # found above


def _who(bench: Bench) -> str:
    return bench.origin.person or bench.origin.login


CLOSED_SINCE = timedelta(days=7)


def show_alerts(wish: Alerts) -> int:
    """Write the open alerts; gives 1 where one is open, else 0.

    A program gets what is not told in any case.
    """
    estate, now = load_estate(), datetime.now(UTC)
    with reading(estate) as session:
        since = now - CLOSED_SINCE if wish.all else None
        alerts = list_alerts(session, closed_since=since)
        waiting = read_trying_again(session, list_jobs(estate))
        states, silences = read_states(session), list_silences(session, since=now)
    code = 1 if any(it.closed_at is None for it in alerts) else 0
    zone = estate.organisation.timezone
    if wish.json:
        write_json(
            (_as_values(it, states, zone) for it in alerts),
            untold=list_untold(states.values()),
            silences=silences,
        )
        return code
    for alert in alerts:
        _write_alert(alert, states, now, zone)
    if code == 0:
        write_line(_("No alert is open."))
    if wish.pending:
        write_list(UNTOLD, list_untold(states.values()), as_json=False, zone=zone)
    for line in tell_all_trying_again(waiting, now, zone):
        write_indented(f"○ {line}", "", "  ")
    for line in tell_silences(silences, zone):
        write_indented(f"○ {line}", "", "  ")
    return code


def _as_values(alert: AlertView, states: Mapping[str, Held], zone: str) -> dict[str, Any]:
    headline, said = explain_alert(alert, zone)
    under = list_under(alert, states)
    return {**asdict(alert), "headline": headline, **asdict(said), "under": under}


def _write_alert(alert: AlertView, states: Mapping[str, Held], now: datetime, zone: str) -> None:
    headline, told = explain_alert(alert, zone)
    about = tell_alert_place(alert)
    style = "bold" if alert.closed_at else "bold red" if alert.severity == "critical" else "yellow"
    line = f"● {alert.id} · {_(SEVERITIES[alert.severity])} · {about}{headline}"
    write_indented(line, "", "  ", style=style)
    if told.what:
        write_indented(told.what, "    ")
    for label, text in (("why", told.why), ("data", told.data), ("next_step", told.next_step)):
        if text:
            write_indented(f"{_(LABELS[label])}: {text}", "    ", "      ")
    write_indented(f"{_(RUNBOOK)}: {tell_runbook(alert.code, alert.params)}", "    ", "      ")
    write_indented(_tell_age(alert, now, zone), "    ", "      ")
    for line in tell_under(alert, states, now):
        write_indented(line, "    ", "      ")
    for line in tell_answers(alert, now, zone):
        write_indented(line, "    ", "      ")
    write_line()


def _tell_age(alert: AlertView, now: datetime, zone: str) -> str:
    since = format_moment(alert.opened_at, zone)
    if alert.closed_at is not None:
        text = _("red from {since}, green again after {age}; noticed {times} times")
        return text.format(
            since=since, age=format_duration(alert.closed_at - alert.opened_at), times=alert.times
        )
    text = _("red since {since}, for {age}; noticed {times} times")
    age = format_duration(now - alert.opened_at)
    return text.format(since=since, age=age, times=alert.times)


def take_up(wish: Ack) -> int:
    """Note that the person at the terminal takes an alert up; gives 0.

    Raises:
        WrongUseError: There is no open alert of that id, or the note says nothing.
        OpsError: Somebody else has taken it up.
    """
    if not wish.note.strip():
        raise WrongUseError(
            "the note says nothing",
            next_step='say what you are doing: `--note "restarting the database"`',
        )
    with at_bench(load_estate(), dry_run=wish.dry_run) as bench:
        with bench.catalog.reading() as session:
            alert = find_alert(session, wish.alert)
        if alert is None:
            raise WrongUseError(
                'no open alert, or more than one, is called "{alert}"',
                next_step="`{program} monitor.alerts` lists them",
                alert=wish.alert,
            )
        person = bench.origin.person or bench.origin.login
        if alert.acked_at is not None:
            raise _taken(alert)
        if wish.dry_run:
            write_line(_("{person} would take up {alert}").format(person=person, alert=alert.id))
            return 0
        with bench.catalog.writing() as session:
            entry = Entry("alert.ack", alert.subject, {"alert": alert.full_id, "note": wish.note})
            if not acknowledge(session, UUID(alert.full_id), person, wish.note, datetime.now(UTC)):
                raise _taken(alert)
            journal.append(session, bench.origin, [entry])
    write_line(
        _("{person} has taken up {alert}; nobody else is told of it").format(
            person=person, alert=alert.id
        )
    )
    _write_next(alert, bench.estate.organisation.timezone)
    return 0


def _write_next(alert: AlertView, zone: str) -> None:
    _headline, told = explain_alert(alert, zone)
    if told.next_step:
        write_line(f"  {_(LABELS['next_step'])}: {told.next_step}")
    write_line(
        fill(N_("  it closes by itself when it is green again: `{program} monitor.alerts`"), {})
    )


def _taken(alert: AlertView) -> OpsError:
    return OpsError(
        "the alert {alert} is taken up already, or closed",
        why='{person} says: "{note}"' if alert.acked_by else "",
        data="nothing was changed",
        next_step="`{program} monitor.alerts` shows who works on what",
        alert=alert.id,
        person=alert.acked_by,
        note=alert.ack_note,
    )
