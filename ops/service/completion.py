"""What may be typed after a flag: names of the estate, and ids of the catalog.

For completion and for a stray word, so it reads as whoever types and tells only what that person's
roles let see; where anything is amiss it gives nothing, and the task itself says what is wrong.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ops.errors import OpsError
from ops.terminal.task import DeclaredFlag, all_tasks

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from ops.estate.model.estate import Estate

_MOST = 200
_Ids = Callable[["Session", "Estate", str], Iterable[str]]


def stay() -> None:
    """Read as this process is: it has the catalog's rights already."""


def list_values(
    task: str, flag: str, given: Mapping[str, str], become_owner: Callable[[], None] = stay
) -> list[str]:
    """Give the values that fit a flag; none where it takes something else, or nobody may know.

    Args:
        task: As it is typed, `backup.run`.
        flag: Without hyphens, `site`.
        given: What other flags have been given, for the site whose snapshots are meant.
        become_owner: Has the catalog be read as its owner.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from ops.access.identity import check_door
    from ops.estate.load.load import load_estate

    try:
        found = _find_flag(task, flag)
        shape = found.shape if found else None
        if found and (known := found.choices()):
            return sorted(known)
        if shape in _NAMES:
            check_door("estate.show", {})
            return sorted(it.name for it in _NAMES[shape](load_estate()))
        if shape in _IDS:
            listing, ids = _IDS[shape]
            become_owner()
            check_door(listing, given)
            return _read(ids, given.get("site", ""))
    except (OpsError, OSError, SQLAlchemyError):
        pass
    return []


def _find_flag(task: str, flag: str) -> DeclaredFlag | None:
    """Give a flag; none that confirms: who gives it has to type it."""
    flags = all_tasks()[task].flags.values() if task in all_tasks() else ()
    return next((it for it in flags if it.written == flag != "confirm"), None)


def _read(ids: _Ids, site: str) -> list[str]:
    from ops.access.identity import open_existing
    from ops.estate.load.load import load_estate

    estate = load_estate()
    if (catalog := open_existing(estate)) is None:
        return []
    with closing(catalog), catalog.reading() as session:
        return list(dict.fromkeys(ids(session, estate, site)))[:_MOST]


def _snapshots(session: "Session", _estate: "Estate", site: str) -> Iterable[str]:
    from sqlalchemy import select

    from ops.catalog.tables.index import Snapshot

    query = select(Snapshot.id).order_by(Snapshot.taken_at.desc())
    found = session.execute(query.where(Snapshot.site == site) if site else query).scalars()
    return (it[:8] for it in found)


def _jobs(_session: "Session", estate: "Estate", _site: str) -> Iterable[str]:
    from ops.jobs.definitions import list_jobs

    return (it.name for it in list_jobs(estate))


def _short(ids: Iterable[UUID | str]) -> Iterable[str]:
    from ops.language.formats import format_id

    return map(format_id, ids)


def _drills(session: "Session", _estate: "Estate", site: str) -> Iterable[str]:
    from ops.drills.records import list_drills

    return _short(it.id for it in list_drills(session, site=site, limit=_MOST))


def _holds(session: "Session", _estate: "Estate", site: str) -> Iterable[str]:
    from ops.backups.retention.holds import list_holds

    return _short(it.id for it in list_holds(session, site))


def _requests(session: "Session", _estate: "Estate", _site: str) -> Iterable[str]:
    from datetime import UTC, datetime

    from ops.access.approvals.requests import list_requests, standing_of

    now = datetime.now(UTC)
    return _short(it.id for it in list_requests(session) if standing_of(it, now) == "waiting")


def _runs(session: "Session", _estate: "Estate", _site: str) -> Iterable[str]:
    from ops.runbooks.states import list_unfinished

    return _short(it.id for it in list_unfinished(session))


def _alerts(session: "Session", _estate: "Estate", _site: str) -> Iterable[str]:
    from ops.alerts.overview import list_alerts

    return (it.id for it in list_alerts(session))


def _runbooks(_session: "Session", estate: "Estate", _site: str) -> Iterable[str]:
    from ops.runbooks.library import load_runbooks

    return (it.id for it in load_runbooks(estate.path))


_NAMES: Mapping[str | None, Callable[["Estate"], Iterable[Any]]] = {
    "site": lambda estate: estate.sites,
    "store": lambda estate: estate.stores,
    "host": lambda estate: estate.hosts,
    "person": lambda estate: estate.people,
    "place": lambda estate: estate.places,
}
"""By shape: what stands in the estate by name."""

_IDS: Mapping[str | None, tuple[str, _Ids]] = {
    "snapshot": ("backup.list", _snapshots),
    "job": ("service.jobs", _jobs),
    "drill": ("drill.list", _drills),
    "hold": ("backup.hold", _holds),
    "alert": ("monitor.alerts", _alerts),
    "run": ("runbook.list", _runs),
    "request": ("approval.list", _requests),
    "runbook": ("runbook.list", _runbooks),
}
"""By shape: the task that lists them, and what gives them."""


def find_flag(
    task: str, flags: Iterable[str], word: str, become_owner: Callable[[], None] = stay
) -> str:
    """Give the flag that takes a word as its value; empty where nothing is so called."""
    return next((it for it in flags if word in list_values(task, it, {}, become_owner)), "")
