"""Have the service save itself before the night, because something was decided that counts."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.records import Occurrence
from ops.estate.models import Estate
from ops.estate.own_site import OWN_SITE
from ops.jobs.definitions import backup_job, list_jobs
from ops.journal import Origin
from ops.ledger import overview


def ask_for_backup(session: Session, estate: Estate, origin: Origin) -> None:
    """Have the service save itself soon, e.g. after an approval, in the caller's transaction.

    Args:
        session: A writing session.
        estate: As it is now.
        origin: Who has caused it; journaled. One that waits already is enough.
    """
    name = backup_job(OWN_SITE)
    waiting = select(Occurrence.id).where(
        Occurrence.job == name, Occurrence.state == "due", Occurrence.trigger == "person"
    )
    if session.execute(waiting).first() is not None:
        return
    job = next(job for job in list_jobs(estate) if job.name == name)
    overview.trigger(session, job, now=datetime.now(UTC), origin=origin)
