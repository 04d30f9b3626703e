"""When each removable medium is to be replaced: by the duty `media-renewal`, no figure of ours.

The term runs from the day each medium was first used, so the duty has no period of its own: what is
due are the media, and taking an old one out of use is what fulfils it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.copies import Medium
from ops.duties.evidence.due import RENEWAL, Due, Period, add_span
from ops.duties.evidence.queries import Setting
from ops.duties.evidence.verdicts import Verdict
from ops.duties.table.calendar import WorkCalendar
from ops.duties.table.models import Duty, Span

Stage = Literal["", "near", "over"]


@dataclass(frozen=True, slots=True)
class Renewal:
    """The dates of one medium.

    Attributes:
        renew_on: By the end of which day it is to be replaced.
        remind_on: From when on it is told.
        basis: Where that comes from.
    """

    renew_on: date
    remind_on: date
    basis: tuple[str, ...] = ()

    def stage(self, today: date) -> Stage:
        """Say whether the day is near or over."""
        if today > self.renew_on:
            return "over"
        return "near" if today >= self.remind_on else ""


def plan_renewal(
    duties: Iterable[Duty], started_on: date, today: date, calendar: WorkCalendar
) -> Renewal | None:
    """Give when a medium is to be renewed, by the row that is valid today; pure.

    Args:
        duties: All rows in force.
        started_on: When the medium was first used.
        today: The organisation's day.
        calendar: Working days.

    Returns:
        The dates; None where no duty asks for renewal by a period.
    """
    rows = [it for it in duties if it.name == RENEWAL and it.is_valid_on(today)]
    if not rows or rows[-1].every is None:
        return None
    duty, every = rows[-1], rows[-1].every
    if every.count is None or every.unit is None:
        return None
    renew_on = add_span(started_on, Span(count=every.count, unit=every.unit), calendar)
    lead = duty.lead
    remind_on = renew_on if lead is None else add_span(renew_on, lead, calendar, -1)
    return Renewal(renew_on, remind_on, tuple(str(it) for it in duty.basis))


def find_renewals(
    session: Session, duties: Iterable[Duty], setting: Setting
) -> Iterator[tuple[Due, Verdict]]:
    """Yield the renewal of each medium that is in use, and how it stands; by code."""
    rows = [it for it in duties if it.name == RENEWAL and it.is_valid_on(setting.today)]
    for medium in session.execute(select(Medium).order_by(Medium.code)).scalars():
        found = plan_renewal(rows, medium.started_on, setting.today, setting.calendar)
        if found is None:
            continue
        period = Period(medium.started_on, found.renew_on)
        is_over = found.stage(setting.today) == "over"
        outcome, reason = ("missed", "nothing") if is_over else ("not_checked", "nothing_yet")
        yield (
            Due(rows[-1], period, found.renew_on, found.remind_on),
            Verdict(medium.code, period, outcome, reason),  # type: ignore[arg-type] # two of them
        )
