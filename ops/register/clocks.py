"""The clocks of an incident: which reports duties ask for, by when, and what is told of them.

The duties' digest comes once a day, which is too seldom for what is due within 24 hours. Each stage
of a clock is told once; one whose report is recorded is told no more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ops.alerts import outbox
from ops.alerts.drafts import Draft, Severity
from ops.alerts.notice_wording import STATE, NoticeKind, NoticeRow
from ops.catalog.open import Catalog
from ops.catalog.tables.register import RegisterEntry
from ops.duties.evidence.due import Period, due_after
from ops.duties.evidence.events import FOUND_WITHIN
from ops.duties.evidence.papers import find_number, find_statements
from ops.duties.evidence.queries import Setting
from ops.duties.reminders import make_setting
from ops.duties.table.load import load_duties
from ops.duties.table.models import Duty
from ops.estate.model.estate import Estate
from ops.language.formats import format_moment
from ops.language.text import N_, _, fill, language
from ops.outcomes import Explanation
from ops.register.entry import Entry
from ops.register.records import as_entry

EVENTS = {"incident": "is_serious", "personal-data-breach": "has_personal_data"}
"""Events of duties → what an entry must be for their clocks to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One report that is asked for.

    Attributes:
        duty: The row of the table that asks.
        due_at: By when.
        period: Key of the duty's period, for who records that it was made.
        document: Number of the report that was taken back as issued, or kept and stated; empty
            while none was.
    """

    duty: Duty
    due_at: datetime
    period: Period
    document: str = ""

    def is_over(self, now: datetime) -> bool:
        """Say whether it has run out and nothing was recorded."""
        return not self.document and now > self.due_at


def set_clocks(duties: Iterable[Duty], setting: Setting, entry: Entry) -> list[Clock]:
    """Give the clocks that run for an entry, the first to run out first; pure."""
    is_late = entry.received_at - entry.occurred_at > FOUND_WITHIN
    began = (entry.received_at if is_late else entry.occurred_at).astimezone(setting.zone)
    found = []
    for duty in duties:
        if not getattr(entry, EVENTS.get(duty.event, ""), False):
            continue
        until = due_after(duty, began, setting.calendar)
        if until is None or not duty.is_valid_on(began.date()):
            continue
        if not isinstance(until, datetime):
            until = datetime.combine(until, time.max, setting.zone)
        period = Period(began.date(), max(until.date(), began.date()))
        found.append(Clock(duty=duty, due_at=until, period=period))
    return sorted(found, key=lambda it: it.due_at)


def read_clocks(
    session: Session, duties: Iterable[Duty], setting: Setting, entry: Entry
) -> list[Clock]:
    """Give the clocks of an entry with what was recorded for each."""
    found = []
    for clock in set_clocks(duties, setting, entry):
        told = [
            it
            for it in find_statements(session, clock.duty.name, clock.period.key)
            # What was sent before is of another one of that day; a word alone is no report.
            if it.at >= entry.received_at and it.details.get("sha256")
        ]
        document = str(told[-1].details.get("document") or told[-1].sequence) if told else ""
        document = find_number(session, clock.duty, entry.called) or document
        found.append(
            Clock(duty=clock.duty, due_at=clock.due_at, period=clock.period, document=document)
        )
    return found


CLOCK = "register_clock"
LITTLE = timedelta(hours=6)
"""So much before its end a clock is told of again."""

TOLD_FOR = timedelta(days=30)
"""So long after it was received an incident's clocks are told of; the duties keep what is late."""

_STAGES = {
    "runs": N_("{title} is due by {moment} for {entry}"),
    "near": N_("{title} is due in a few hours, by {moment}, for {entry}"),
    "over": N_("{title} was due by {moment} for {entry}, and no report is recorded"),
}


def note_clocks(catalog: Catalog, now: datetime) -> int:
    """Write what is to be told of clocks now; give how many notices are new."""
    return outbox.remind(catalog, now, _draft_all)


def _draft_all(session: Session, estate: Estate, now: datetime) -> list[Draft]:
    incidents = select(RegisterEntry).where(
        RegisterEntry.received_at >= now - TOLD_FOR,
        or_(RegisterEntry.is_serious, RegisterEntry.has_personal_data),
    )
    entries = [as_entry(it) for it in session.execute(incidents).scalars()]
    if not entries:
        return []
    duties, setting = load_duties(estate).duties, make_setting(estate, now)
    return [
        draft
        for entry in entries
        for draft in draft_clocks(entry, read_clocks(session, duties, setting, entry), now)
    ]


def draft_clocks(entry: Entry, clocks: Iterable[Clock], now: datetime) -> list[Draft]:
    """Draft the stage of each clock that runs; pure."""
    return [_draft(entry, it, now) for it in clocks if not it.document]


def _draft(entry: Entry, clock: Clock, now: datetime) -> Draft:
    is_near = now >= clock.due_at - LITTLE
    stage = "over" if clock.is_over(now) else "near" if is_near else "runs"
    severity: Severity = "warning" if stage == "runs" else "critical"
    return Draft(
        subject_key=f"{CLOCK}:{entry.id}:{clock.duty.name}:{stage}",
        severity=severity,
        code=CLOCK,
        params={
            "stage": stage,
            "entry": entry.called,
            "about": entry.title,
            "title": {"vi": clock.duty.title.vi, "en": clock.duty.title.en},
            "due_at": clock.due_at.isoformat(),
        },
        site=entry.site,
    )


def _word(told: NoticeRow, zone: str) -> tuple[str, Explanation]:
    params = told.params
    named = {
        "title": params["title"][language()],
        "entry": params["entry"],
        "moment": format_moment(datetime.fromisoformat(params["due_at"]), zone),
    }
    return _(_STAGES[params["stage"]]).format(**named), Explanation(
        params["about"], next_step=fill("`{program} register.show --id {entry}`", named)
    )


NOTICE_KINDS = {CLOCK: NoticeKind(_word, about_sites=False, label=STATE)}
