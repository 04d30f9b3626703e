"""When a medium is to be replaced by a new one: by the duty `media-renewal`, no figure of ours.

Say in words that a medium is to be renewed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from ops.alerts.notice_wording import STATE, NoticeKind
from ops.duties.evidence.due import add_span
from ops.duties.table.calendar import WorkCalendar
from ops.duties.table.models import Duty
from ops.duties.table.parts import Span
from ops.language.formats import format_date
from ops.language.text import N_, _, fill
from ops.outcomes.plain import Explanation

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


MEDIUM = "medium_renewal"
"""Code of the notice."""


def explain_renewal(code: str, renew_on: date, stage: str, basis: Sequence[str]) -> Explanation:
    """Say that a medium is to be replaced by a new one, in the current language.

    Args:
        code: The medium's.
        renew_on: By the end of which day.
        stage: `near` or `over`.
        basis: What asks for it.
    """
    told = (
        N_("the medium {code} should have been renewed by {day}")
        if stage == "over"
        else N_("the medium {code} is to be renewed by {day}")
    )
    return Explanation(
        fill(told, {"code": code, "day": format_date(renew_on)}),
        _("basis: {basis}").format(basis="; ".join(basis)) if basis else "",
        _("what lies on it is still there; old media fail without warning"),
        fill(N_("fill a new one: `{program} backup.export-media --to FOLDER --code NEWCODE`"), {}),
    )


def word_medium(params: Mapping[str, Any]) -> tuple[str, Explanation]:
    """Give headline and explanation of the notice, in the current language.

    Args:
        params: As `ops.backups.media.remind` wrote them.
    """
    day = date.fromisoformat(params["renew_on"])
    found = explain_renewal(params["code"], day, params["stage"], params["basis"])
    kept = _("it is kept at: {place}; by: {holder}").format(
        place=params["kept_at"] or "–", holder=params["holder"] or "–"
    )
    return found.what, Explanation(kept, found.why, found.data, found.next_step)


NOTICE_KINDS = {
    MEDIUM: NoticeKind(lambda told, _zone: word_medium(told.params), about_sites=False, label=STATE)
}
