"""Say of an alert what it is, who was told, and who answers; in the reader's language."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ops.alerts.overview import AlertView, Telling
from ops.jobs.reasons import Explanation
from ops.notices.wording import Told, explain_notice
from ops.present import format_moment
from ops.text import N_, _, fill

_ARRIVED = {
    "sent": N_("{name} ({moment})"),
    "failed": N_("{name} (could not be reached)"),
    "dropped": N_("{name} (could not be reached)"),
}
_ON_ITS_WAY = N_("{name} (not delivered yet)")


def explain_alert(alert: AlertView, zone: str) -> tuple[str, Explanation]:
    """Give the alert's sentence, and what, why, whether data is safe and what to do."""
    told = Told(
        severity=alert.severity,
        code=alert.code,
        params=alert.params,
        job=alert.job,
        site=alert.site,
        created_at=alert.seen_at,
    )
    return explain_notice(told, zone)


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
