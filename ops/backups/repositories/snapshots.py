"""A site's snapshots: the one that is meant, and how each was read."""

from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from backup.format.snapshot import Snapshot
from backup.repository.repository import Repository
from backup.snapshots.selection import SnapshotFilter, find_snapshot, load_readable_snapshots
from ops.backups.run.kind import backup_job
from ops.catalog.tables.core import Run
from ops.errors import OpsError, WrongUseError
from ops.estate.choose import read_moment
from ops.estate.model.estate import Estate
from ops.language.text import N_

Method = Literal["full", "incremental"]

KEY = "method"
"""Under which a run's summary, and so its journal row, says it."""
TOLD: dict[str, str] = {"full": N_("full"), "incremental": N_("incremental")}
_LOOKED_BACK = timedelta(days=400)
_DONE = ("ok", "incomplete")


def method_of(*, full_read: bool, is_whole: bool, parent: str) -> Method:
    """Say how much a backup read; pure.

    Args:
        full_read: Whether it was to read every byte again.
        is_whole: Whether it took the whole site, not a database alone.
        parent: Id of the snapshot whose unchanged files it took over unread; empty for none.
    """
    return "full" if full_read or (is_whole and not parent) else "incremental"


def read_methods(session: Session, site: str) -> dict[str, str]:
    """Give how each snapshot of a site was made, by its id, as far as runs tell of it."""
    summaries = session.execute(
        select(Run.summary).where(Run.kind == "backup", Run.site == site, Run.outcome.in_(_DONE))
    ).scalars()
    return {str(it["snapshot"]): str(it[KEY]) for it in summaries if KEY in it}


def read_newest_full(session: Session) -> dict[str, datetime]:
    """Give when each whole site was last read in full, by its name."""
    # Runs from before the method was kept are known by their job.
    is_full_read = Run.job == literal("full-read/") + Run.site
    is_full_backup = (Run.job == literal(backup_job("")) + Run.site) & (
        Run.summary[KEY].as_string() == "full"
    )
    rows = session.execute(
        select(Run.site, func.max(Run.started_at))
        .where(Run.kind == "backup", Run.outcome.in_(_DONE), is_full_read | is_full_backup)
        .group_by(Run.site)
    )
    return {site: started for site, started in rows}  # noqa: C416 - dict() loses the types


class NoSnapshotError(OpsError):
    """No snapshot is what was asked for."""


def choose_snapshot(
    repository: Repository, estate: Estate, site: str, *, wanted: str = "", at: str = ""
) -> Snapshot:
    """Choose one snapshot.

    Args:
        repository: The site's.
        estate: For its time zone.
        site: Name of the site; `latest` and `at` mean snapshots of the whole site.
        wanted: Beginning of an id, `latest`, or empty.
        at: A moment in the organisation's zone; the newest snapshot not after it is meant.

    Raises:
        SnapshotNotFoundError, NoSnapshotError: There is none.
        WrongUseError: The moment cannot be read, or both are given.
    """
    whole = SnapshotFilter(paths=(f"/{site}",))
    if not at:
        return find_snapshot(repository, wanted or "latest", whole)
    if wanted:
        raise WrongUseError(
            "--snapshot and --at name two snapshots", next_step="leave one of the two out"
        )
    moment = read_moment(at, estate)
    snapshots = load_readable_snapshots(repository).snapshots
    fitting = [it for it in snapshots if whole.matches(it) and it.time <= moment]
    if not fitting:
        raise NoSnapshotError(
            'the site "{site}" has no snapshot from before {moment}',
            data="nothing was changed",
            next_step="`{program} backup.list --site {site}` lists what there is",
            site=site,
            moment=moment,
        )
    return fitting[-1]
