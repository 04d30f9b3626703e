"""What the watch saw change at a site, for whoever puts together what happened (`ops.register`)."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from sqlalchemy.orm import Session

from ops.alerts.outbox import find_estate
from ops.monitor.series.read import read_changes
from ops.monitor.series.store import SeriesError, open_existing, series_url
from ops.register.timeline import MOST_ROWS, Moment


def find_moments(session: Session, site: str, since: datetime, until: datetime) -> Iterator[Moment]:
    """Give the changes of a site's checks, oldest first; nothing where the series cannot be read.

    One that says that it could not be read says so as a moment, so that silence is no peace.
    """
    estate = find_estate(session)
    if estate is None:
        return
    try:
        store = open_existing(series_url(estate))
        if store is None:
            return
        try:
            changes = read_changes(store, f"site:{site}", since, until)
        finally:
            store.close()
    except SeriesError:
        yield Moment(at=until, source="watch", what="not_read", subject=f"site:{site}")
        return
    for it in islice(changes, MOST_ROWS):
        text = f"{it.what}: {it.state}" + (f" ({it.detail})" if it.detail else "")
        yield Moment(at=it.at, source="watch", what="seen", subject=it.subject, text=text)
