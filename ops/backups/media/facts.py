"""What is known of removable media: as copies of each site, and which are to be renewed.

That is told once when a medium's day of renewal is near, and once when it is over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from ops.alerts import outbox
from ops.alerts.drafts import Draft
from ops.alerts.notice_wording import STATE, NoticeKind
from ops.backups.copies.rule_32110 import CopyFacts
from ops.backups.media.label import Content, content_from
from ops.backups.media.records import read_media, read_outdated
from ops.catalog.open import Catalog
from ops.duties.evidence.judge import Renewal, Stage, plan_renewal
from ops.duties.table.load import DutiesError, load_calendar, load_duties
from ops.estate.model.estate import Estate
from ops.language.formats import format_date
from ops.language.text import N_, _, fill
from ops.outcomes import Explanation


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
        found.append(
            MediumFacts(
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
            )
        )
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


MEDIUM = "medium_renewal"
"""Code of the notice."""


def explain_renewal(code: str, renew_on: date, stage: str, basis: Sequence[str]) -> Explanation:
    """Say that a medium is to be replaced by a new one, in the current language.

    Args:
        code: The medium's.
        renew_on: By the end of which day.
        stage: `near` or `over`.
        basis: What asks for it.
    """
    told = (
        N_("the medium {code} should have been renewed by {day}")
        if stage == "over"
        else N_("the medium {code} is to be renewed by {day}")
    )
    return Explanation(
        fill(told, {"code": code, "day": format_date(renew_on)}),
        _("basis: {basis}").format(basis="; ".join(basis)) if basis else "",
        _("what lies on it is still there; old media fail without warning"),
        fill(N_("fill a new one: `{program} backup.export-media --to FOLDER --code NEWCODE`"), {}),
    )


def word_medium(params: Mapping[str, Any]) -> tuple[str, Explanation]:
    """Give headline and explanation of the notice, in the current language.

    Args:
        params: As `ops.backups.media.facts` wrote them.
    """
    day = date.fromisoformat(params["renew_on"])
    found = explain_renewal(params["code"], day, params["stage"], params["basis"])
    kept = _("it is kept at: {place}; by: {holder}").format(
        place=params["kept_at"] or "–", holder=params["holder"] or "–"
    )
    return found.what, Explanation(kept, found.why, found.data, found.next_step)


NOTICE_KINDS = {
    MEDIUM: NoticeKind(lambda told, _zone: word_medium(told.params), about_sites=False, label=STATE)
}


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
