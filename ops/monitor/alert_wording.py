"""What has failed and is tried again: no alert yet, and nobody is told before the last try.

Say of an alert what it is, who was told, and who answers; in the reader's language.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.session import reading
from ops.alerts.notice_wording import Told, explain_notice, tell_place
from ops.alerts.overview import AlertView, Telling
from ops.catalog.tables.core import Occurrence
from ops.estate.model.estate import Estate
from ops.jobs.definitions import list_jobs
from ops.language.formats import format_moment
from ops.language.text import N_, _, fill
from ops.outcomes.plain import Explanation
from ops.schedule.ledger.job import STOPPED, JobDefinition

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


def _as_told(alert: AlertView) -> Told:
    return Told(
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
