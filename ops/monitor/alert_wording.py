"""What is red, in the reader's words: told or not, tried again, who was told, who answers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.session import reading
from ops.alerts.looks import RED, Held, find_hidden
from ops.alerts.notice_wording import (
    PROBLEM,
    SEVERITIES,
    NoticeKind,
    NoticeRow,
    explain_notice,
    tell_place,
)
from ops.alerts.overview import AlertView, Telling
from ops.alerts.subjects import name_subject, name_subjects
from ops.alerts.watch import read_states
from ops.catalog.tables.core import Occurrence
from ops.estate.model.estate import Estate
from ops.jobs.definitions import list_jobs
from ops.language.formats import format_moment
from ops.language.text import N_, _, fill
from ops.monitor.beat import EXPLANATIONS as OF_THE_WATCH
from ops.monitor.forecast_wording import EXPLANATIONS as OF_FORECASTS
from ops.monitor.probes.wording import EXPLANATIONS as OF_PROBES
from ops.monitor.samples.wording import EXPLANATIONS as OF_SAMPLES
from ops.monitor.watch_figures import EXPLANATIONS as OF_FIGURES
from ops.outcomes import Explanation, explain
from ops.schedule.ledger.job import STOPPED, JobDefinition
from ops.terminal.output import Tone
from ops.terminal.view import Column, Row, View, age, moment, words

_NOBODY_YET = N_(
    "it has failed {failed} of {tries} times and is tried again {moment}; an alert is opened, and"
    " people are told, when the last try fails too"
)
_RIGHT_NOW = N_(
    "it has failed {failed} of {tries} times and is being tried again right now; an alert is"
    " opened, and people are told, when the last try fails too"
)
_SHORT_WAIT = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class TryingAgain:
    """A job whose run failed, and which has tries left.

    Attributes:
        job: Its name.
        failed: How many tries have failed.
        tries: How many there are in all.
        next_at: When the next one may begin; None while it runs.
    """

    job: str
    failed: int
    tries: int
    next_at: datetime | None


def look_for_tries(estate: Estate) -> list[TryingAgain]:
    """Open the catalog and give what is tried again, by job."""
    with reading(estate) as session:
        return read_trying_again(session, list_jobs(estate))


def read_trying_again(session: Session, jobs: Sequence[JobDefinition]) -> list[TryingAgain]:
    """Give what is tried again after a failure, by job; what was only stopped has not failed."""
    tries: Mapping[str, int] = {job.name: job.retry.tries for job in jobs}
    rows = session.execute(
        select(
            Occurrence.job,
            Occurrence.state,
            Occurrence.attempts,
            Occurrence.not_before,
            Occurrence.due_at,
        )
        .where(Occurrence.state != "ended", Occurrence.reason.not_in(("", STOPPED)))
        .order_by(Occurrence.job, Occurrence.due_at)
    )
    found = []
    for job, state, attempts, not_before, due_at in rows:
        failed = attempts - 1 if state == "running" else attempts
        if failed > 0 and job in tries:
            next_at = (not_before or due_at) if state == "due" else None
            found.append(TryingAgain(job, failed, max(tries[job], failed + 1), next_at))
    return found


def tell_trying_again(it: TryingAgain, now: datetime, zone: str) -> str:
    """Say how often it has failed, when it is tried again, and when people are told."""
    if it.next_at is None:
        return _(_RIGHT_NOW).format(failed=it.failed, tries=it.tries)
    text = format_moment(max(it.next_at, now), zone)
    if abs(it.next_at - now) < _SHORT_WAIT:
        text = text.split()[1]
    return _(_NOBODY_YET).format(failed=it.failed, tries=it.tries, moment=text)


def tell_all_trying_again(
    waiting: Sequence[TryingAgain], now: datetime, zone: str
) -> Iterator[str]:
    """Yield a line for each, with the job in front."""
    for it in waiting:
        yield f"{it.job}: {tell_trying_again(it, now, zone)}"


_ARRIVED = {
    "sent": N_("{name} ({moment})"),
    "failed": N_("{name} (could not be reached)"),
    "dropped": N_("{name} (not sent: taken up before)"),
}
_ON_ITS_WAY = N_("{name} (not delivered yet)")


def explain_alert(alert: AlertView, zone: str) -> tuple[str, Explanation]:
    """Give the alert's sentence, and what, why, whether data is safe and what to do."""
    return explain_notice(_as_told(alert), zone)


def tell_alert_place(alert: AlertView) -> str:
    """Give the site that an alert is about, as it stands before its sentence; may be empty."""
    return tell_place(_as_told(alert))


def _as_told(alert: AlertView) -> NoticeRow:
    return NoticeRow(
        severity=alert.severity,
        code=alert.code,
        params=alert.params,
        job=alert.job,
        site=alert.site,
        created_at=alert.seen_at,
    )


def tell_answers(alert: AlertView, now: datetime, zone: str) -> Iterator[str]:
    """Give the lines that say who was told and who answers."""
    names = [_tell_one(it, now, zone) for it in alert.told]
    yield _("told: {names}").format(names=" → ".join(names)) if names else _("nobody was told")
    if alert.acked_at is not None:
        moment = _format(alert.acked_at, now, zone)
        text = _("taken up by {person} ({moment}): {note}")
        yield text.format(person=alert.acked_by, moment=moment, note=alert.ack_note)
    elif alert.closed_at is None:
        params = {"alert": alert.id}
        yield fill(
            N_("nobody answers yet: `{program} monitor.ack --alert {alert} --note TEXT`"), params
        )


def _tell_one(telling: Telling, now: datetime, zone: str) -> str:
    text = _(_ARRIVED.get(telling.state, _ON_ITS_WAY))
    return text.format(name=telling.target, moment=_format(telling.at, now, zone))


def _format(moment: datetime, now: datetime, zone: str) -> str:
    """Give the time alone for what is less than half a day old: it cannot be mistaken."""
    text = format_moment(moment, zone)
    return text.split()[1] if abs(now - moment) < timedelta(hours=12) else text


_UNTOLD = {
    "pending": N_("waits whether it lasts"),
    "suppressed": N_("told with what it stands on"),
    "hushed": N_("silenced, or a planned stop"),
}
_TONES: Mapping[str, Tone] = {"critical": "bad", "warning": "warning", "info": "faint"}


def _subject(value: str, _zone: str) -> str:
    return name_subject(value)


def _where(stage: str, key: str) -> Callable[[Row], Any]:
    return lambda row: row[key] if row["stage"] == stage else ""


UNTOLD = View(
    N_("Nothing else is red."),
    Column("subject", N_("Red, and told to nobody"), _subject),
    Column("since", N_("For"), age),
    Column("severity", N_("How grave"), words(SEVERITIES, _TONES)),
    Column("stage", N_("Why not told"), words(_UNTOLD)),
    Column("told_from", N_("Told if it lasts until"), moment, of=_where("pending", "told_from")),
    Column("parent", N_("Told with"), _subject, of=_where("suppressed", "parent")),
)


def look_for_states(estate: Estate) -> dict[str, Held]:
    """Open the catalog and give every state, by subject."""
    with reading(estate) as session:
        return read_states(session)


def list_untold(states: Iterable[Held]) -> list[dict[str, Any]]:
    """Give a row for each thing that is red and told to nobody, the oldest first."""
    names = ("subject", "stage", "state", "severity", "code", "params", "parent", "site", "since")
    found = [it for it in states if it.stage in _UNTOLD and it.state in RED]
    return [
        {**{name: getattr(it, name) for name in names}, "told_from": it.since + it.holds_for}
        for it in sorted(found, key=lambda it: (it.since, it.subject))
    ]


def list_under(alert: AlertView, states: Mapping[str, Held]) -> dict[str, list[str]]:
    """Give what an alert stands for besides its subject, by name.

    Returns:
        `members`: what became red together; `hidden`: what is not told because of it.
    """
    members = sorted(it.subject for it in states.values() if _is_member(it, alert))
    hidden = find_hidden(states, {alert.subject, *members})
    return {"members": members, "hidden": [it.subject for it in hidden]}


def _is_member(held: Held, alert: AlertView) -> bool:
    is_told = held.alert is not None and held.alert.hex == alert.full_id
    return is_told and held.subject != alert.subject


def tell_under(alert: AlertView, states: Mapping[str, Held], now: datetime) -> Iterator[str]:
    """Yield the lines for people that say so, and whether it keeps changing."""
    under = list_under(alert, states)
    texts = {
        "members": _("still red of them ({count}): {names}"),
        "hidden": _("red with it, and not told apart ({count}): {names}"),
    }
    for kind, subjects in under.items():
        if subjects and len(subjects) != alert.params.get("count"):  # else it names all of them
            names = name_subjects(subjects, len(subjects))
            yield texts[kind].format(count=len(subjects), names=names)
    held = states.get(alert.subject)
    if held is not None and held.is_flapping(now):
        text = _("it changed {count} times within an hour; the alert stays open until it is steady")
        yield text.format(count=len(held.changes))


def _word(told: NoticeRow, _zone: str) -> tuple[str, Explanation]:
    found = explain(told.code, told.params, site=told.site)
    return found.what, replace(found, what="")


NOTICE_KINDS = {
    code: NoticeKind(_word, about_sites=False, label=PROBLEM)
    for code in (*OF_PROBES, *OF_SAMPLES, *OF_THE_WATCH, *OF_FIGURES, *OF_FORECASTS)
}
