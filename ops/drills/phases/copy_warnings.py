"""What was said of a copy when it was made: a drill of it proves no more than the copy can."""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.format.snapshot import Snapshot
from ops.backups.pages.jump import UNLIKE
from ops.backups.ransomware.freeze import FROZEN, list_freezes
from ops.catalog.tables.core import Run

_TOLD_OTHERWISE = frozenset({"unreadable", "database_damaged", UNLIKE})
"""The manifest has the first two, and the rehearsal names them; the last one freezes its site."""


def find_warnings(
    session: Session, site: str, snapshots: Collection[Snapshot]
) -> list[dict[str, Any]]:
    """Give the warnings of the runs that made these snapshots, and what freezes the site for them.

    Args:
        session: Reading is enough.
        site: Its name.
        snapshots: What the copy is made of; copied ones name those they were made from.

    Returns:
        Reason codes and parameters, JSON values: `reason`, `params`; the oldest run's first.
    """
    ids = {it for one in snapshots for it in (one.id, one.original) if it}
    return [*_of_runs(session, site, ids), *_of_freezes(session, site, ids)]


def _of_runs(session: Session, site: str, ids: set[str]) -> Iterator[dict[str, Any]]:
    query = select(Run.reason, Run.params).where(
        Run.site == site,
        Run.kind == "backup",
        Run.reason.notin_(("", *_TOLD_OTHERWISE)),
        Run.summary["snapshot"].as_string().in_(ids),
    )
    for reason, params in session.execute(query.order_by(Run.started_at)):
        yield {"reason": reason, "params": params}


def _of_freezes(session: Session, site: str, ids: set[str]) -> Iterator[dict[str, Any]]:
    for it in list_freezes(session, site):
        if it.snapshot in ids:
            yield {"reason": FROZEN, "params": it.as_params()}
