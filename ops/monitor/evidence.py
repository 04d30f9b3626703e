"""What the watch saw: as evidence for duties, as moments for the register.

It speaks from the series alone. What was not looked at, or is no longer kept, is not checked.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from ops.alerts.outbox import find_estate
from ops.duties.evidence.queries import Ask
from ops.duties.evidence.verdicts import Piece
from ops.monitor.availability import count_time, read_stops
from ops.monitor.series.minutes import read_all_days
from ops.monitor.series.read import read_changes
from ops.monitor.series.store import SeriesError, SeriesStore, open_existing, series_url
from ops.monitor.series.write import HOURS_KEPT
from ops.register.timeline import MOST_ROWS, Moment
from ops.schedule.ledger.job import Outcome

_ASPECTS = {"https": "certificate", "ipv6": "ipv6"}
_GOOD = frozenset({"good", "reachable"})
_PARTS = ("up", "down", "unknown", "gap", "planned")


def find_watched(session: Session, ask: Ask) -> Iterator[Piece]:
    """Give a piece for each site with an address, by what its minutes and changes say."""
    estate = find_estate(session)
    store = _open(series_url(estate)) if estate is not None else None
    sites = [it["name"] for it in ask.estate.get("sites", ()) if it.get("url")]
    if estate is None or store is None:
        yield from (_not_checked(ask, site) for site in sites)
        return
    now, ends = datetime.now(UTC), (ask.period.start, ask.period.end)
    try:
        seen, stops = read_all_days(store, sites, *ends), read_stops(session, estate.zone)
        for site in sites:
            days, own = seen.get(site, {}), stops.get(site, ())
            found = count_time(site, ends, days, own, estate.zone, now=now)
            counted = Counter({it: getattr(found, it) for it in _PARTS})
            yield _look(store, ask, site, counted, now)
    except SeriesError:
        yield from (_not_checked(ask, site) for site in sites)
    finally:
        store.close()


def _open(url: str) -> SeriesStore | None:
    try:
        return open_existing(url)
    except SeriesError:
        return None


def _not_checked(ask: Ask, site: str, **details: Any) -> Piece:
    first, _after = ask.bounds()
    return Piece(site, first.astimezone(UTC), "not_checked", "minutes", site, details)


def _look(store: SeriesStore, ask: Ask, site: str, counted: Counter[str], now: datetime) -> Piece:
    _first, after = ask.bounds()
    until = min(after.astimezone(UTC), now)
    if not counted["up"] + counted["down"]:
        return _not_checked(ask, site, **counted)
    proof = ask.duty.evidence
    if proof.query in _ASPECTS:
        changes = read_changes(store, f"site:{site}", until - HOURS_KEPT, until)
        states = [it.state for it in changes if it.what == _ASPECTS[proof.query]]
        if not states:
            return _not_checked(ask, site, **counted)
        outcome: Outcome = "ok" if states[-1] in _GOOD else "failed"
        return Piece(site, until, outcome, "changes", site, {"state": states[-1]})
    outcome, percent = judge_minutes(counted, proof.query, proof.percent)
    details = {**counted, "percent": round(percent, 3), "least": proof.percent}
    return Piece(site, until, outcome, "minutes", site, details)


def judge_minutes(counted: Mapping[str, int], query: str, least: int) -> tuple[Outcome, float]:
    """Judge minutes: share of the time in which somebody looked, or in which the site was there.

    Args:
        counted: `up`, `down`, `unknown`, `gap`, `planned`, as of `Availability`.
        query: `watched` or `available`; of the latter planned stops are no part.
        least: Percent.
    """
    if query == "watched":
        passed = sum(counted[it] for it in ("up", "down", "unknown", "gap", "planned"))
        percent = 100 * (passed - counted["gap"]) / passed
        return ("ok" if percent >= least else "incomplete"), percent
    percent = 100 * counted["up"] / (counted["up"] + counted["down"])
    return ("ok" if percent >= least else "failed"), percent


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
