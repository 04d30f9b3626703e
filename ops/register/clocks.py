"""The clocks of an incident: which reports duties ask for, by when, and whether they were made."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy.orm import Session

from ops.duties.evidence.due import Period, due_after
from ops.duties.evidence.queries import Setting
from ops.duties.evidence.statements import find_statements
from ops.duties.table.models import Duty
from ops.register.entry import Entry

EVENTS = {"incident": "is_serious", "personal-data-breach": "has_personal_data"}
"""Events of duties → what an entry must be for their clocks to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One report that is asked for.

    Attributes:
        duty: The row of the table that asks.
        due_at: By when.
        period: Key of the duty's period, for who records that it was made.
        document: Number of the report; empty while none is recorded.
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
    began = entry.occurred_at.astimezone(setting.zone)
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
            if it.at >= entry.received_at  # what was sent before is of another one of that day
        ]
        document = str(told[-1].details.get("document") or told[-1].sequence) if told else ""
        found.append(
            Clock(duty=clock.duty, due_at=clock.due_at, period=clock.period, document=document)
        )
    return found
