"""What is known of removable media: as copies of each site, and which are to be renewed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from ops.backups.copies.rule_32110 import CopyFacts
from ops.backups.media.label import Content, content_from
from ops.backups.media.records import read_media, read_outdated
from ops.duties.evidence.media import Renewal, Stage, plan_renewal
from ops.duties.table.load import DutiesError, load_calendar, load_duties
from ops.estate.model.estate import Estate


@dataclass(frozen=True, slots=True, kw_only=True)
class MediumFacts:
    """What is known of one medium.

    Attributes:
        code, kind, kept_at, holder: As on its label.
        started_on: When it was first used.
        renew_on: When it is to be replaced; None where no duty asks for it.
        stage: Whether that day is near or over.
        basis: What asks for it.
        written_at: When it was last written.
        verified: How it read back last: `ok` or `failed`; empty where it never was.
        verified_at: When.
        contents: What lies on it.
        outdated: Sites that open there only with what has leaked since.
    """

    code: str
    kind: str
    kept_at: str
    holder: str
    started_on: date
    renew_on: date | None
    stage: Stage
    basis: tuple[str, ...]
    written_at: datetime
    verified: str
    verified_at: datetime | None
    contents: tuple[Content, ...] = ()
    outdated: tuple[str, ...] = ()


def read_medium_facts(session: Session, estate: Estate, now: datetime) -> tuple[MediumFacts, ...]:
    """Give what is known of each medium, its day of renewal by the duties in force today."""
    today = now.astimezone(estate.zone).date()
    found, outdated = [], read_outdated(session, estate)
    for row in read_media(session):
        renewal = _find_renewal(estate, row.started_on, today)
        found.append(MediumFacts(
            code=row.code,
            kind=row.kind,
            kept_at=row.kept_at,
            holder=row.holder,
            started_on=row.started_on,
            renew_on=renewal.renew_on if renewal else None,
            stage=renewal.stage(today) if renewal else "",
            basis=renewal.basis if renewal else (),
            written_at=row.written_at,
            verified=row.verified,
            verified_at=row.verified_at,
            contents=tuple(map(content_from, row.contents)),
            outdated=outdated.get(row.code, ()),
        ))  # fmt: skip
    return tuple(found)


def _find_renewal(estate: Estate, started_on: date, today: date) -> Renewal | None:
    try:
        duties, calendar = load_duties(estate).duties, load_calendar(estate)
    except DutiesError:
        return None  # `estate.check` and a notice of its own tell of the mistakes
    return plan_renewal(duties, started_on, today, calendar)


def copies_on_media(media: Sequence[MediumFacts], site: str) -> list[CopyFacts]:
    """Give each medium that holds a site as a copy of it, which nothing here can overwrite; pure.

    One that did not read back, or that opens with what has leaked, is no copy: the status tells it.
    """
    return [
        CopyFacts(
            store=medium.code,
            role="medium",
            location=medium.kept_at,
            medium=medium.kind,
            newest_at=content.newest_at,
            snapshots=len(content.snapshots),
            updated="ok",
            checked_at=medium.verified_at,
            checked="ok",
            protection="protected",
            protection_at=medium.written_at,
        )
        for medium in media
        for content in medium.contents
        if content.site == site and medium.verified == "ok" and site not in medium.outdated
    ]
