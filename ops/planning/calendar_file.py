"""The decided items of a plan and its windows as a calendar (iCalendar, RFC 5545); pure."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from icalendar import Calendar, Event

from ops.catalog.tables.plans import PlanNote
from ops.planning.item import GROUPS
from ops.planning.records import KeptPlan

_PRODUCT = "-//Giu Cong//plan//VI"
_ONE_DAY = timedelta(days=1)


def write_calendar(plan: KeptPlan, notes: Sequence[PlanNote]) -> bytes:
    """Give the file; the same plan and notes give the same file (RFC 5545)."""
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"Kế hoạch {plan.called}")
    stamp = plan.row.made_at.astimezone(UTC)
    titles = {it.number: it.item.title for it in plan.lines}
    for line in plan.lines:
        if line.is_alive:
            begins, ends = quarter_days(plan.row.year, line.item.quarter)
            event = _event(f"{plan.called}-{line.number}", line.item.title, stamp)
            event.add("dtstart", begins)
            event.add("dtend", ends + _ONE_DAY)
            event.add("description", f"{GROUPS[line.item.group]}. {line.item.reason}")
            calendar.add_component(event)
    for note in notes:
        if note.kind == "window" and note.begins and note.until:
            title = f"Bảo trì: {titles.get(note.item, '')}"
            event = _event(note.id.hex, title, note.at.astimezone(UTC))
            event.add("dtstart", note.begins.astimezone(UTC))
            event.add("dtend", note.until.astimezone(UTC))
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def _event(uid: str, title: str, stamp: datetime) -> Event:
    event = Event()
    event.add("uid", f"{uid}@giucong")
    event.add("dtstamp", stamp)
    event.add("summary", title)
    return event


def quarter_days(year: int, quarter: int) -> tuple[date, date]:
    """Give the first and the last day of a quarter."""
    first = date(year, quarter * 3 - 2, 1)
    after = date(year + 1, 1, 1) if quarter == 4 else date(year, quarter * 3 + 1, 1)  # noqa: PLR2004 - the last
    return first, after - _ONE_DAY
