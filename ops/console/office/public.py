"""What the public may see without a login: which sites answer, planned stops, this month's figures.

Titles of sites and nothing else of the house: no host, no address, no name, no cause.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.console.office.desk import EstateKeeper
from ops.console.office.server import Answer, Handler
from ops.duties.call_off import PlannedStop, find_stops
from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.monitor.availability import Stop, count_month
from ops.monitor.series.minutes import read_days
from ops.monitor.series.read import Latest, read_latest
from ops.monitor.series.store import SeriesError, SeriesStore, open_series, series_url

_FRESH = timedelta(minutes=15)
_AHEAD = timedelta(days=60)
_MOST_STOPS = 100


@dataclass(frozen=True, slots=True)
class PublicStatus:
    """Answers for the public page; `keeper` keeps estate and catalog."""

    keeper: EstateKeeper

    def handlers(self) -> Mapping[str, Handler]:
        """Give what answers to what."""
        return {"public": self.show}

    def show(self, _request: Mapping[str, Any]) -> Answer:
        """Give the page's figures.

        Raises:
            WrongUseError: The estate shows the public nothing.
        """
        estate, catalog = self.keeper.get()
        if estate.console is None or not estate.console.public_status:
            raise WrongUseError("there is no such page")
        now = datetime.now(UTC)
        with catalog.reading() as session:
            stops = find_stops(session, estate.zone)
        titles = {it.name: it.title for it in estate.sites if it.url}
        ahead = [
            it for it in stops if it.site in titles and now < it.until and it.begins < now + _AHEAD
        ]
        return Answer(
            {
                "organisation": estate.name_at(),
                "at": _moment(now),
                "month": now.astimezone(estate.zone).strftime("%m/%Y"),
                "sites": list(_sites(estate, titles, stops, now)),
                "stops": [
                    {
                        "site": titles[it.site],
                        "begins": _moment(it.begins),
                        "until": _moment(it.until),
                    }
                    for it in sorted(ahead, key=lambda it: it.begins)[:_MOST_STOPS]
                ],
            }
        )


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _sites(
    estate: Estate, titles: Mapping[str, str], stops: list[PlannedStop], now: datetime
) -> Iterator[dict[str, Any]]:
    """Yield each site; where the figures cannot be read, each is not checked."""
    running = {it.site for it in stops if it.begins <= now < it.until}
    try:
        store = open_series(series_url(estate))
    except SeriesError:
        store = None
    try:
        latest = _latest(store, now)
        for name, title in titles.items():
            yield {
                "title": title,
                "state": "stopped" if name in running else latest.get(name, "not_checked"),
                "percent": _percent(store, estate, name, stops, now),
            }
    finally:
        if store is not None:
            store.close()


def _latest(store: SeriesStore | None, now: datetime) -> dict[str, str]:
    try:
        found: list[Latest] = read_latest(store, now - _FRESH) if store else []
    except SeriesError:
        found = []
    return {
        it.subject.partition(":")[2]: "up" if it.value else "down"
        for it in found
        if it.metric == "probe_up" and it.subject.startswith("site:")
    }


def _percent(
    store: SeriesStore | None, estate: Estate, site: str, stops: list[PlannedStop], now: datetime
) -> float | None:
    """Give how many percent of this month's minutes it was there; None where nobody knows."""
    first = now.astimezone(estate.zone).date().replace(day=1)
    try:
        seen = read_days(store, site, first, first + timedelta(days=31)) if store else {}
    except SeriesError:
        return None
    own = [Stop(it.code, it.begins, it.until) for it in stops if it.site == site]
    found = count_month(site, first, seen, own, estate.zone, now=now).percent
    return None if found is None else int(found * 100) / 100  # never rounded up to 100
