"""Who sees to it that a finding is fixed, and by when: by the site and a duty of the tables."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from ops.drills.rotation.rotation import FINDING
from ops.duties.evidence.due import WorkCalendar, add_span, due_after
from ops.duties.table.load import DutiesError, load_calendar, load_duties
from ops.duties.table.models import Duty, Span
from ops.estate.model.estate import Estate


@dataclass(frozen=True, slots=True)
class Terms:
    """Of one finding.

    Attributes:
        owner: Name of the site's owner; where there is none, the role or person whom the duty
            names; empty where no duty is in force either.
        due: By the end of which day it is to be fixed.
    """

    owner: str
    due: date


def find_terms(estate: Estate, site: str, now: datetime) -> Terms:
    """Give the terms of a finding that a drill of a site has shown at a moment.

    Where the tables of duties or holidays have mistakes, it is due at once: `estate.check` and a
    notice of its own tell of the mistakes.
    """
    moment = now.astimezone(estate.zone)
    owner = next((it.owner or "" for it in estate.sites if it.name == site), "")
    try:
        duties, calendar = load_duties(estate).duties, load_calendar(estate)
    except DutiesError:
        return Terms(owner, moment.date())
    return decide_terms(duties, calendar, owner, moment)


def decide_terms(
    duties: Iterable[Duty], calendar: WorkCalendar, owner: str, moment: datetime
) -> Terms:
    """Give the terms of a finding; pure.

    Args:
        duties: All rows.
        calendar: Working days; where they lead out of the table of holidays, all days are counted.
        owner: Of the site; may be empty.
        moment: Of the finding, in the organisation's zone.
    """
    day = moment.date()
    row = next((it for it in duties if it.name == FINDING and it.is_valid_on(day)), None)
    if row is None:
        return Terms(owner, day)
    due = due_after(row, moment, calendar)
    if due is None:
        due = add_span(day, Span(count=row.due.count, unit="days"), calendar)
    last = due.date() if isinstance(due, datetime) else due
    return Terms(owner or row.responsible, last)
