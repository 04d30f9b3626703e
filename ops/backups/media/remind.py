"""Tell, once when a medium's day of renewal is near and once when it is over."""

from datetime import datetime

from sqlalchemy.orm import Session

from ops.alerts import outbox
from ops.alerts.drafts import Draft
from ops.backups.media.facts import MediumFacts, read_medium_facts
from ops.backups.media.renewal import MEDIUM
from ops.catalog.open import Catalog
from ops.estate.model.estate import Estate


def note_media(catalog: Catalog, now: datetime) -> int:
    """Write the notices of the day; give how many are new."""
    return outbox.remind(catalog, now, _draft_all)


def _draft_all(session: Session, estate: Estate, now: datetime) -> list[Draft]:
    return [draft_renewal(it) for it in read_medium_facts(session, estate, now) if it.stage]


def draft_renewal(medium: MediumFacts) -> Draft:
    """Tell of one medium; pure."""
    day = medium.renew_on.isoformat() if medium.renew_on else ""
    return Draft(
        subject_key=f"{MEDIUM}:{medium.code}:{day}:{medium.stage}",
        severity="warning",
        code=MEDIUM,
        params={
            "code": medium.code,
            "renew_on": day,
            "stage": medium.stage,
            "basis": list(medium.basis),
            "kept_at": medium.kept_at,
            "holder": medium.holder,
        },
    )
