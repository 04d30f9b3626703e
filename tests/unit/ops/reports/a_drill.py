"""Minutes for one of the drills of a year."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.canonical import digest_of
from ops.catalog.tables.drills import Drill
from tests.unit.ops.drills.minutes.test_verdict import a_drill, make, phase


def write_minutes(session: Session, site: str) -> str:
    """Give the newest drill of a site minutes, with a scan that nobody asked for; gives its id."""
    query = select(Drill).where(Drill.site == site).order_by(Drill.started_at.desc())
    drill = session.execute(query.limit(1)).scalar_one()
    scan = phase("scan", "not_checked", start=55, end=65, facts={"needed": False})
    drill.minutes = make(a_drill(scan)).as_values()
    drill.minutes_sha256 = digest_of(drill.minutes)
    return drill.id.hex
