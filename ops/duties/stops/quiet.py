"""A planned stop that runs is told to nobody: that its site does not answer is what was planned."""

from collections.abc import Iterator
from datetime import UTC

from sqlalchemy.orm import Session

from ops.alerts.quiet import Quiet
from ops.duties.stops.call_off import find_stops


def find_quiet_times(session: Session) -> Iterator[Quiet]:
    """Yield the time of each planned stop that was not called off."""
    for stop in find_stops(session, UTC):
        yield Quiet(
            subject=f"site:{stop.site}",
            site=stop.site,
            begins=stop.begins,
            until=stop.until,
            is_critical_too=True,
        )
