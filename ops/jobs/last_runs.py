"""How the last runs of jobs ended, and whether the service runs."""

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from ops.catalog.tables.core import Run
from ops.catalog.tables.index import is_believed

_OPENED = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""Root looks, too, in a folder of the service's: a pipe there keeps nobody waiting."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """How the newest ended run of a job ended; fields as in `ops.catalog.tables.core.Run`."""

    job: str
    outcome: str
    reason: str
    params: Mapping[str, Any]
    ended_at: datetime


def is_service_running(state: Path) -> bool:
    """Say whether a service of this machine holds its sign on the state folder."""
    try:
        opened = os.open(state / "locks" / "service.pid", _OPENED)
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        finally:
            os.close(opened)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def last_runs(session: Session) -> dict[str, LastRun]:
    """Give how the newest ended run of each job ended, those that people ran included.

    One that is dated ahead of now is not the newest: it would hide every failure until then.
    Of each job only the newest rows are read, by the index over jobs, however many there are.
    """
    jobs, run = select(Run.job).distinct().subquery(), aliased(Run)
    newest = select(run.id).where(run.job == jobs.c.job, run.outcome.is_not(None))
    newest = newest.where(is_believed(dated=run.started_at))
    newest_id = newest.order_by(run.started_at.desc()).limit(1).correlate(jobs).scalar_subquery()
    query = select(Run.job, Run.outcome, Run.reason, Run.params, Run.ended_at).where(
        Run.id.in_(select(newest_id).select_from(jobs))
    )
    return {
        job: LastRun(job, outcome, reason, params, ended_at)
        for job, outcome, reason, params, ended_at in session.execute(query)
        if outcome is not None and ended_at is not None
    }
