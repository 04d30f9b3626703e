"""How each of a site's snapshots was read."""

from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from ops.backups.run.kind import backup_job
from ops.catalog.tables.core import Run
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
