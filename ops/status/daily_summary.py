"""Tell people of what is red: a notice as it becomes so, and the summary of each day."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.alerts.decisions import ESTATE, OpenAlert
from ops.alerts.drafts import (
    DRILL_OVERDUE,
    ESTATE_BROKEN,
    FINDING_OVERDUE,
    FROZEN,
    LATE,
    VANISHED,
    Draft,
)
from ops.alerts.notice_wording import Message, NoticeRow
from ops.alerts.outbox import RELAY, find_estate, write_all_clears, write_drafts, write_to
from ops.alerts.records import close_others, count_closed, settle_retired, take_in
from ops.alerts.routing import decide_readers, is_mail
from ops.backups.kinds import backup_job
from ops.catalog.open import Catalog
from ops.catalog.tables.core import Notice
from ops.errors import EstateError
from ops.estate.load.load import load_changed
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.language.formats import format_date, format_moment
from ops.language.text import LABELS, _, speaking
from ops.status.facts import Facts, gather_facts
from ops.status.problem import Problem
from ops.status.problem_wording import explain_problem, summarize
from ops.status.problems import find_problems

STATES = frozenset({LATE, VANISHED, FROZEN, DRILL_OVERDUE, FINDING_OVERDUE, ESTATE_BROKEN})
"""Codes of what is told as long as it is so. Runs are told with their event, in its transaction;
the rest of what the judge finds is shown and waits for the daily summary."""


def tell_problems(catalog: Catalog, now: datetime) -> int:
    """Write a notice for each state that has become red; give how many are new.

    What is red and has no alert opens one; what has one and is red no more is closed, and whoever
    was told of it is told that, too.
    """
    with catalog.reading() as session:
        estate = find_estate(session)
    if estate is None:
        return 0
    found = [*find_problems(gather_facts(estate, catalog, now)), *_find_in_file()]
    problems = [it for it in found if it.code in STATES and it.alert is None]
    with catalog.writing() as session:
        closed = close_others(session, STATES, {it.subject for it in problems}, now)
        closed += settle_retired(session, now)
        drafts = [
            draft_problem(it, it.occasion or str(count_closed(session, it.subject)))
            for it in problems
        ]
        taken = take_in(session, (), drafts, now)
        count = write_drafts(session, drafts, estate, taken=taken, now=now)
        gone = {it.site for it in problems if it.code == VANISHED}
        return count + write_all_clears(session, _over(closed, estate, gone), now)


def _find_in_file() -> Iterator[Problem]:
    """Yield that the service's estate file has mistakes, so that an earlier one is in force."""
    file = os.environ.get("GIUCONG_ESTATE")
    if not file:
        return
    try:
        load_changed(Path(file))
    except EstateError as error:
        files = sorted({str(it.file or error.path) for it in error.problems})
        params = {"count": len(error.problems), "files": ", ".join(files)}
        yield Problem(subject=ESTATE, severity="warning", code=ESTATE_BROKEN, params=params)


def draft_problem(problem: Problem, occasion: str) -> Draft:
    """Draft what is told of a state; each occasion of it is told once.

    Args:
        problem: What is red.
        occasion: Its own, or how often it was red and green again before.
    """
    return Draft(
        subject_key=f"{problem.subject}:{occasion}",
        severity=problem.severity,
        code=problem.code,
        params=dict(problem.params),
        job=backup_job(problem.site) if problem.code == LATE else "",
        site=problem.site,
        subject=problem.subject,
    )


def _over(
    closed: Iterable[OpenAlert], estate: Estate, gone: Collection[str]
) -> Iterator[OpenAlert]:
    """Yield what is really over: of a site that vanished nothing has become good."""
    named = {site.name for site in estate.sites}
    for alert in closed:
        if alert.site not in gone:
            retired = bool(alert.site) and alert.site not in {*named, OWN_SITE}
            yield replace(alert, params={**alert.params, "retired": retired})


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
    """Write the day's summary when its time has come; give how many notices are new.

    The organisation's date is in the notice's key, so the outbox lets it through once, however
    often the service starts. After a standstill the day's own summary is sent late; those of the
    days before are not made up for.
    """
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


def word_summary(told: NoticeRow, *, organisation: str, zone: str) -> Message:
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
