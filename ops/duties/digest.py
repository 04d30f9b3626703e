"""One message for each person and day about everything that is due soon, not one for each duty.

What was told to whom stands in the outbox: each duty and period is told to each person once, in
the first digest after its day of reminding. What turns up after a day's digest waits for the next.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.records import Notice
from ops.duties.telling import DUTIES, DUTY
from ops.estate.models import Estate
from ops.notices.drafts import Draft
from ops.notices.outbox import find_targets, write_to


def write_digests(session: Session, drafts: Sequence[Draft], estate: Estate, now: datetime) -> int:
    """Write each person's digest of the day; give how many are new.

    Args:
        session: A writing session.
        drafts: One for each duty and period that is to be told, whether told before or not.
        estate: Says whom.
        now: The moment.
    """
    if not drafts:
        return 0
    told = told_before(session)
    fresh: dict[str, list[Draft]] = {}
    for draft in drafts:
        for target in find_targets(estate, draft.severity, draft.site, now).first:
            if (target, draft.subject_key) not in told:
                fresh.setdefault(target, []).append(draft)
    day = now.astimezone(estate.zone).date()
    return sum(
        write_to(session, draft_digest(found, day), [target], now)
        for target, found in fresh.items()
    )


def told_before(session: Session) -> set[tuple[str, str]]:
    """Give what was told already: target, and subject key of a duty and period."""
    query = select(Notice.target, Notice.subject_key, Notice.code, Notice.params).where(
        Notice.code.in_((DUTY, DUTIES))
    )
    found: set[tuple[str, str]] = set()
    for target, key, code, params in session.execute(query):
        keys = [item["key"] for item in params["items"]] if code == DUTIES else [key]
        found.update((target, it) for it in keys)
    return found


def draft_digest(drafts: Sequence[Draft], day: date) -> Draft:
    """Put drafts of single duties together, the earliest date first; pure."""
    ordered = sorted(drafts, key=lambda it: (it.params["due_on"], it.subject_key))
    sites = {it.site for it in drafts}
    return Draft(
        subject_key=f"{DUTIES}:{day.isoformat()}",
        severity="warning",
        code=DUTIES,
        params={"items": [{**it.params, "key": it.subject_key} for it in ordered]},
        site=sites.pop() if len(sites) == 1 else "",
    )
