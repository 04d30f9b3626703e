"""Notices ahead of each date, once a day: one draft for each duty and period, told in digests.

Order of a day: the duties in force are remembered, then drafts go into the outbox; both in one
transaction. Each duty and period is told once, so that a second look tells nothing twice.
"""

import logging
from collections.abc import Iterable
from datetime import UTC, date, datetime

from ops.catalog.opening import Catalog
from ops.duties.agenda import Item, list_agenda
from ops.duties.digest import write_digests
from ops.duties.due import longest_days
from ops.duties.load import DutySet, load_calendar, load_duties
from ops.duties.queries import Setting
from ops.duties.telling import DUTY, UNREADABLE
from ops.duties.versions import remember_duties
from ops.errors import OpsError
from ops.estate.models import Estate
from ops.ledger.recording import BY_CLOCK
from ops.notices.drafts import Draft
from ops.notices.outbox import find_estate, write_drafts

log = logging.getLogger(__name__)

_MOST_NAMED = 5


def note_duties(catalog: Catalog, now: datetime) -> int:
    """Write the notices of the day; give how many are new.

    Where a table has mistakes, that is what is told: nobody is reminded of anything else.
    """
    with catalog.reading() as session:
        estate = find_estate(session)
    if estate is None:
        return 0
    try:
        duties, setting = load_duties(estate), make_setting(estate, now)
    except OpsError as error:
        log.error("duties-not-read", extra={"fields": {"error": str(error)}})  # noqa: TRY400 - the log is one line an event
        with catalog.writing() as session:
            return write_drafts(session, [draft_unreadable(now)], estate)
    with catalog.writing() as session:
        remember_duties(session, duties, now=now, origin=BY_CLOCK)
    with catalog.reading() as session:
        agenda = list_agenda(session, duties, setting, _longest_lead(duties))
    drafts = draft_reminders(agenda, setting.today)
    if not drafts:
        return 0
    with catalog.writing() as session:
        return write_digests(session, drafts, estate, now)


def make_setting(estate: Estate, now: datetime | None = None) -> Setting:
    """Give what evidence is looked for in: the estate, its tables, and the organisation's day."""
    today = (now or datetime.now(UTC)).astimezone(estate.zone).date()
    return Setting(estate.zone, today, estate.document(), load_calendar(estate))


def draft_unreadable(now: datetime) -> Draft:
    """Tell, once a day, that no reminders are written; pure."""
    day = now.date().isoformat()
    return Draft(subject_key=f"{UNREADABLE}:{day}", severity="warning", code=UNREADABLE)


def draft_reminders(agenda: Iterable[Item], today: date) -> list[Draft]:
    """Decide what to tell today: what is not done, and whose day of reminding has come; pure."""
    return [
        _draft(item)
        for item in agenda
        if item.when == "ahead"
        and item.outcome != "ok"
        and item.due.remind_on is not None
        and item.due.remind_on <= today
    ]


def _draft(item: Item) -> Draft:
    duty, due = item.due.duty, item.due
    names = [it.subject for it in item.open if it.subject]
    return Draft(
        subject_key=f"{DUTY}:{duty.name}:{due.period.key}",
        severity="warning",
        code=DUTY,
        params={
            "duty": duty.name,
            "title": {"vi": duty.title.vi, "en": duty.title.en},
            "basis": [str(it) for it in duty.basis if it.certainty != "own"],
            "nature": duty.nature,
            "due_on": due.day.isoformat() if due.day else None,
            "from": due.period.start.isoformat(),
            "until": due.period.end.isoformat(),
            "responsible": duty.responsible,
            "open": len(item.open),
            "names": names[:_MOST_NAMED],
        },
        site=names[0] if len(names) == 1 and duty.applies.kind == "site" else "",
    )


def _longest_lead(duties: DutySet) -> int:
    """Give how many days ahead something may have to be told."""
    return max((longest_days(it.lead) for it in duties.duties if it.lead), default=0)
