"""Notices ahead of each duty's date, once a day, told to each person in one digest.

Order of a day (`note_duties`): the duties in force are remembered, then drafts go into the outbox;
both in one transaction. Each duty and period is told once, so that a second look tells nothing
twice.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.alerts.drafts import Draft
from ops.alerts.notice_wording import STATE, NoticeKind
from ops.alerts.outbox import find_estate, find_targets, write_drafts, write_to
from ops.catalog.open import Catalog
from ops.catalog.tables.core import Notice
from ops.duties.evidence.due import RENEWAL, Period, longest_days
from ops.duties.evidence.judge import AgendaItem, list_agenda, recorded_since
from ops.duties.evidence.queries import Setting
from ops.duties.evidence.verdicts import SETTLED
from ops.duties.table.load import DutySet, load_calendar, load_duties
from ops.duties.table.versions import remember_duties
from ops.duties.wording import tell_period, tell_subject
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.language.formats import format_date
from ops.language.text import _, language
from ops.outcomes import Explanation
from ops.schedule.ledger.endings import BY_CLOCK

DUTY = "duty"
"""Code of the notice ahead of one date; a part of `DUTIES` since there are digests."""

DUTIES = "duties"
"""Code of a person's digest of what is due soon."""

NEAR_DAYS = 30
"""How far ahead lists of duties look first."""

UNREADABLE = "duties-unreadable"
"""Code of the notice that there are none, because a table has mistakes."""


def word_duty(params: Mapping[str, Any]) -> tuple[str, Explanation]:
    """Give headline and explanation, in the current language.

    Args:
        params: As `ops.duties.reminders` wrote them.
    """
    title = params["title"][language()]
    day = format_date(date.fromisoformat(params["due_on"]))
    period = Period(date.fromisoformat(params["from"]), date.fromisoformat(params["until"]))
    names = ", ".join(params["names"]) or tell_subject("")
    more = " …" if params["open"] > max(len(params["names"]), 1) else ""
    if params["nature"] == "own":
        why = _("the Center's own target; period {period}").format(period=tell_period(period))
    else:
        why = _("basis: {bases}; period {period}").format(
            bases="; ".join(params["basis"]), period=tell_period(period)
        )
    return _("{title} is due on {day}").format(title=title, day=day), Explanation(
        _("nothing proves it yet, for {names}").format(names=names + more),
        why=why,
        next_step=f"giucong duty.evidence --duty {params['duty']}",
    )


def word_duties(params: Mapping[str, Any]) -> tuple[str, Explanation]:
    """Give headline and explanation of a digest, in the current language.

    Args:
        params: As `ops.duties.reminders` wrote them.
    """
    items = params["items"]
    if len(items) == 1:
        return word_duty(items[0])
    lines = []
    for item in items:
        headline, told = word_duty(item)
        lines.append(f"    ● {headline}\n      {told.what}; {told.why}")
    first = format_date(date.fromisoformat(items[0]["due_on"]))
    text = _("{count} duties are due soon, the first on {day}")
    return text.format(count=len(items), day=first), Explanation(
        "\n" + "\n".join(lines), next_step="giucong duty.due"
    )


def word_unreadable() -> tuple[str, Explanation]:
    """Give headline and explanation, in the current language."""
    return _("nobody is reminded of duties"), Explanation(
        _("a table of duties or holidays has mistakes"),
        data=_("backups already taken are not affected"),
        next_step="giucong duty.list",
    )


def write_digests(session: Session, drafts: Sequence[Draft], estate: Estate, now: datetime) -> int:
    """Write each person's digest of the day; give how many are new.

    A person gets one message a day about everything that is due soon, not one for each duty. What
    was told to whom stands in the outbox: each duty and period is told to each person once, in the
    first digest after its day of reminding. What turns up after a day's digest waits for the next.

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
        since = recorded_since(session, setting) or setting.today
    drafts = draft_reminders(agenda, setting.today, since)
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


def draft_reminders(agenda: Iterable[AgendaItem], today: date, since: date) -> list[Draft]:
    """Decide what to tell today: what is not done, and whose day of reminding has come; pure.

    Args:
        agenda: What is ahead.
        today: The organisation's day.
        since: The service's first day. What should have been told before that is told when it is
            near: else that day told of everything at once.
    """
    return [
        _draft(item)
        for item in agenda
        if item.due.duty.name != RENEWAL  # `ops.backups.media.records` tells of each medium
        and item.when == "ahead"
        and item.outcome not in SETTLED
        and item.due.remind_on is not None
        and item.due.remind_on <= today
        and (item.due.remind_on >= since or _is_near(item, today))
    ]


def _is_near(item: AgendaItem, today: date) -> bool:
    return item.due.day is None or item.due.day <= today + timedelta(days=NEAR_DAYS)


def _draft(item: AgendaItem) -> Draft:
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
    return max((longest_days(it.lead) for it in duties.duties if it.lead), default=0)


NOTICE_KINDS = {
    DUTIES: NoticeKind(
        lambda told, _zone: word_duties(told.params), about_sites=False, label=STATE
    ),
    DUTY: NoticeKind(lambda told, _zone: word_duty(told.params), about_sites=False, label=STATE),
    UNREADABLE: NoticeKind(lambda _told, _zone: word_unreadable(), about_sites=False),
}
