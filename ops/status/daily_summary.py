"""The daily summary: all is well, or these things are red; once a day, however often we start.

The organisation's date is in the notice's key, so the outbox lets it through once. After a
standstill the day's own summary is sent late; those of the days before are not made up for.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.alerts.drafts import Draft
from ops.alerts.notice_wording import Message, Told
from ops.alerts.outbox import RELAY, find_estate, is_mail, write_to
from ops.alerts.routing import decide_readers
from ops.catalog.open import Catalog
from ops.catalog.tables.core import Notice
from ops.estate.model.estate import Estate
from ops.language.formats import format_date, format_moment
from ops.language.text import LABELS, _, speaking
from ops.status.facts import Facts, gather_facts
from ops.status.problem import Problem
from ops.status.problem_wording import explain_problem, summarize
from ops.status.problems import find_problems

SUMMARY = "summary"
MOST_TOLD = 20
"""Problems that a summary names; of more only the number is given."""


def decide_summary(at: str, now: datetime, *, zone: ZoneInfo) -> date | None:
    """Give the day whose summary is due now, by the organisation's calendar; None before its time.

    Args:
        at: `HH:MM` in that zone; empty for no summary.
        now: Aware.
        zone: The organisation's time zone.
    """
    if not at:
        return None
    hour, _colon, minute = at.partition(":")
    local = now.astimezone(zone)
    return local.date() if local.time() >= time(int(hour), int(minute)) else None


def note_summary(catalog: Catalog, now: datetime) -> int:
    """Write the day's summary when its time has come; give how many notices are new."""
    with catalog.reading() as session:
        estate = find_estate(session)
        if estate is None or estate.notices.relay is None:
            return 0
        day = decide_summary(estate.notices.daily_summary, now, zone=estate.zone)
        readers = find_readers(estate, now)
        if day is None or not readers or _is_told(session, day):
            return 0
    draft = draft_summary(estate, gather_facts(estate, catalog, now), day)
    with catalog.writing() as session:
        return write_to(session, draft, readers, now)


def find_readers(estate: Estate, now: datetime) -> Sequence[str]:
    """Give who reads the summary: names of people, or the relay itself."""
    people = decide_readers(estate.notices, now, zone=estate.zone)
    is_apart = bool(people) and estate.notices.relay and is_mail(estate.notices.relay)
    return people if is_apart else (RELAY,)


def draft_summary(estate: Estate, facts: Facts, day: date) -> Draft:
    """Sum up what is known; problems are worded now, in the organisation's language."""
    with speaking(estate.organisation.language):
        problems = find_problems(facts)
        red = [it for it in problems if it.level == "red"]
        named = [_as_json(it, facts.zone) for it in red[:MOST_TOLD]]
        closing = summarize(facts, problems)
    params: dict[str, Any] = {
        "day": day.isoformat(),
        "red": named,
        "red_count": len(red),
        "yellow_count": len(problems) - len(red),
        "closing": closing,
        "sites": len(facts.sites),
    }
    severity = "critical" if red else "warning" if problems else "info"
    key = _key(day)
    return Draft(subject_key=key, severity=severity, code=SUMMARY, params=params)  # type: ignore[arg-type] # one of the three


def _as_json(problem: Problem, zone: str) -> dict[str, Any]:
    return {"site": problem.site, **asdict(explain_problem(problem, zone))}


def _key(day: date) -> str:
    return f"{SUMMARY}:{day.isoformat()}"


def _is_told(session: Session, day: date) -> bool:
    query = select(Notice.id).where(Notice.subject_key == _key(day)).limit(1)
    return session.execute(query).first() is not None


def word_summary(told: Told, *, organisation: str, zone: str) -> Message:
    """Word a summary, in the current language."""
    params = told.params
    day = format_date(date.fromisoformat(params["day"]))
    count, yellow = params["red_count"], params["yellow_count"]
    if count:
        headline = _("{day}: these things are red: {count}").format(day=day, count=count)
    elif yellow:
        headline = _("{day}: nothing is red; can wait for the day: {count}").format(
            day=day, count=yellow
        )
    else:
        headline = _("{day}: all is well").format(day=day)
    lines = [headline, "", params["closing"]]
    for item in params["red"]:
        lines += ["", *_lines_of(item)]
    if count > len(params["red"]):
        lines += ["", _("and {count} more red things").format(count=count - len(params["red"]))]
    lines += [
        "",
        _("Everything at a glance: `giucong`."),
        "",
        _("Written {moment} by {organisation}.").format(
            moment=format_moment(told.created_at, zone), organisation=organisation
        ),
    ]
    return Message(f"[Giữ Cổng] {headline}", "\n".join(lines) + "\n")


def _lines_of(item: dict[str, Any]) -> list[str]:
    about = f"{item['site']}: " if item["site"] else ""
    told = [(label, item[label]) for label in ("why", "data", "next_step") if item[label]]
    return [f"● {about}{item['what']}", *(f"  {_(LABELS[label])}: {text}" for label, text in told)]


MESSAGES = {SUMMARY: word_summary}
