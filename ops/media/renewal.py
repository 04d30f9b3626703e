"""When a medium is to be replaced by a new one: by the duty `media-renewal`, no figure of ours."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from ops.duties.calendar import WorkCalendar
from ops.duties.due import add_span
from ops.duties.models import Duty
from ops.duties.parts import Span

DUTY = "media-renewal"

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
    rows = [it for it in duties if it.name == DUTY and it.is_valid_on(today)]
    if not rows or rows[-1].every is None:
        return None
    duty, every = rows[-1], rows[-1].every
    if every.count is None or every.unit is None:
        return None
    renew_on = add_span(started_on, Span(count=every.count, unit=every.unit), calendar)
    lead = duty.lead
    remind_on = renew_on if lead is None else add_span(renew_on, lead, calendar, -1)
    return Renewal(renew_on, remind_on, tuple(str(it) for it in duty.basis))
