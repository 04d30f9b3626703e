"""Tell of the clocks of incidents: when one begins, when little of it is left, when it has run out.

The duties' digest comes once a day, which is too seldom for what is due within 24 hours. Each stage
of a clock is told once; one whose report is recorded is told no more.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ops.alerts import outbox
from ops.alerts.drafts import Draft, Severity
from ops.alerts.notice_wording import STATE, NoticeKind, Told
from ops.catalog.open import Catalog
from ops.catalog.tables.register import RegisterEntry
from ops.duties.reminders import make_setting
from ops.duties.table.load import load_duties
from ops.estate.model.estate import Estate
from ops.language.formats import format_moment
from ops.language.text import N_, _, fill, language
from ops.outcomes.plain import Explanation
from ops.register.clocks import Clock, read_clocks
from ops.register.entry import Entry
from ops.register.records import as_entry

CLOCK = "register_clock"
LITTLE = timedelta(hours=6)
"""So much before its end a clock is told of again."""

TOLD_FOR = timedelta(days=30)
"""So long after it happened an incident's clocks are told of; the duties keep what is late."""

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
        RegisterEntry.occurred_at >= now - TOLD_FOR,
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


def _word(told: Told, zone: str) -> tuple[str, Explanation]:
    params = told.params
    named = {
        "title": params["title"][language()],
        "entry": params["entry"],
        "moment": format_moment(datetime.fromisoformat(params["due_at"]), zone),
    }
    return _(_STAGES[params["stage"]]).format(**named), Explanation(
        params["about"],
        next_step=fill("`{program} register.show --id {entry}`", named),
    )


NOTICE_KINDS = {CLOCK: NoticeKind(_word, about_sites=False, label=STATE)}
