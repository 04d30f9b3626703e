"""Tell the next person when nobody answers.

Order, for each alert, in one transaction:

1. Take the step: one UPDATE that names the step it leaves, so of two services one takes it.
2. Write the notice and who was told. The courier delivers later.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ops.alerts.decisions import Escalation, OpenAlert, decide_escalations
from ops.alerts.drafts import Draft
from ops.alerts.outbox import find_estate, find_targets, write_to
from ops.alerts.records import read_open, take_step
from ops.alerts.routing import Targets
from ops.alerts.silences import Quiet, read_quiet
from ops.catalog.open import Catalog
from ops.estate.model.estate import Estate


def escalate(catalog: Catalog, now: datetime) -> int:
    """Take every step that is due; give how many notices were written."""
    with catalog.reading() as session:
        alerts = [it for it in read_open(session) if it.acked_at is None]
        if not alerts:
            return 0
        quiet, estate = read_quiet(session, now), find_estate(session)
    if estate is None:
        return 0
    told = [it for it in alerts if not _is_hushed(it, quiet)]
    steps = _find_steps(estate, told, now)
    return sum(_take(catalog, step, estate, now) for step in steps)


def _is_hushed(alert: OpenAlert, quiet: Iterable[Quiet]) -> bool:
    is_watched = "watch" in alert.params
    return is_watched and any(it.hushes(alert.subject, alert.site, "critical") for it in quiet)


def _find_steps(estate: Estate, alerts: list[OpenAlert], now: datetime) -> list[Escalation]:
    def find(alert: OpenAlert) -> Targets:
        return find_targets(estate, "critical", alert.site, now)

    wait = timedelta(minutes=estate.notices.escalate_after_minutes)
    return decide_escalations(alerts, find, now, wait)


def _take(catalog: Catalog, escalation: Escalation, estate: Estate, now: datetime) -> int:
    alert = escalation.alert
    draft = Draft(
        # The moment tells a step after an answer that no longer holds from the one before it.
        subject_key=f"escalation:{alert.id}:{alert.told_at.isoformat()}",
        severity="critical",
        code=alert.code,
        params={
            **alert.params,
            "unanswered": {
                "told": list(alert.told),
                "minutes": estate.notices.escalate_after_minutes,
                "step": escalation.step,
            },
        },
        job=alert.job,
        site=alert.site,
    )
    with catalog.writing() as session:
        if not take_step(session, alert, now):
            return 0
        people = escalation.people
        return write_to(session, draft, people, now, alert=alert.id, step=escalation.step)
