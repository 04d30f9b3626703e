"""The record of each medium in the catalog, and what follows of it: copies of sites, renewals."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.session import at_bench
from ops.alerts import outbox
from ops.alerts.drafts import Draft
from ops.alerts.notice_wording import STATE, NoticeKind
from ops.backups.copies.rule_32110 import CopyFacts
from ops.backups.media.label import Label, MediumContent, content_from, content_values
from ops.backups.tasks import RetireMedia
from ops.catalog.open import Catalog
from ops.catalog.tables.copies import Medium
from ops.catalog.tables.core import JournalRow
from ops.duties.evidence.judge import Renewal, Stage, plan_renewal
from ops.duties.table.load import DutiesError, load_calendar, load_duties
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.journal.record_proofs import read_acts
from ops.language.formats import format_date
from ops.language.text import N_, _, fill
from ops.outcomes import Explanation
from ops.terminal.output import write_line
from ops.terminal.progress import need_confirmation

WRITTEN = "media.written"
READ_BACK = "media.read-back"
RETIRED = "media.retired"
ROTATED = "backup.key-rotate"
"""Journaled when a password opens nothing any more, or a site has a new master key."""


def read_media(session: Session) -> Sequence[Medium]:
    """Give every medium, by code."""
    return session.execute(select(Medium).order_by(Medium.code)).scalars().all()


def read_codes(session: Session) -> set[str]:
    """Give every code that was ever given to a medium; the journal forgets none."""
    written = select(JournalRow.subject).where(JournalRow.action == WRITTEN).distinct()
    return {*session.execute(written).scalars(), *(it.code for it in read_media(session))}


def read_outdated(session: Session, estate: Estate) -> dict[str, tuple[str, ...]]:
    """Give, by code, the sites that open there only with what has leaked since they were written.

    The order is that of the journal's rows, which no clock changes.
    """
    store, written, leaked = estate.primary_store.name, dict[tuple[str, str], int](), {"": 0}
    for act in read_acts(session, WRITTEN, ROTATED):
        if act.action == WRITTEN:
            sites = act.details.get("written", act.details.get("digests", ()))
            written |= {(act.subject, str(site)): act.sequence for site in sites}
        elif act.details.get("leaked") == "password" and act.subject == store:
            leaked[""] = act.sequence
        elif store in act.details.get("stores", ()):
            leaked[act.subject] = act.sequence
    found: dict[str, tuple[str, ...]] = {}
    for medium in read_media(session):
        for site in sorted(it["site"] for it in medium.contents):
            if written.get((medium.code, site), 0) < max(leaked[""], leaked.get(site, 0)):
                found[medium.code] = (*found.get(medium.code, ()), site)
    return found


def note_written(
    session: Session, origin: Origin, label: Label, *, damaged: int, read_back: Collection[str]
) -> None:
    """Keep what stands on a medium's label, and journal it.

    Where only some of what lies there was written and read back, the rest is as good, and was read
    back as long ago, as it was.

    Args:
        session: A writing session.
        origin: Who wrote it.
        label: As it stands on the medium now.
        damaged: How many files did not read back as they were written.
        read_back: Names of the sites that were read back from it.
    """
    contents = [content_values(it) for it in label.contents]
    verified, verified_at = "failed" if damaged else "ok", label.written_at
    if not {it.site for it in label.contents} <= set(read_back):
        known = session.get(Medium, label.code)
        verified_at = known.verified_at if known else None
        verified = "failed" if damaged else known.verified if known else ""
    session.merge(
        Medium(
            code=label.code,
            kind=label.kind,
            started_on=label.started_on,
            renew_on=label.renew_on,
            kept_at=label.kept_at,
            holder=label.holder,
            written_at=label.written_at,
            verified_at=verified_at,
            verified=verified,
            contents=contents,
        )
    )
    details = {
        **_describe(label),
        "digests": {it.site: it.digest for it in label.contents},
        "written": sorted(read_back),
        "damaged": damaged,
    }
    journal.append(session, origin, [Entry(WRITTEN, label.code, details)])


def _describe(it: Label | Medium) -> dict[str, object]:
    return {
        "kind": it.kind,
        "started_on": it.started_on.isoformat(),
        "renew_on": it.renew_on.isoformat() if it.renew_on else None,
        "kept_at": it.kept_at,
        "holder": it.holder,
    }


def note_read_back(
    session: Session, origin: Origin, code: str, *, damaged: Sequence[str], now: datetime
) -> None:
    """Note that a medium was read back whole, and journal it.

    Args:
        session: A writing session.
        origin: Who read it.
        code: Which.
        damaged: Names of the sites whose repositories are not as the label says.
        now: When.
    """
    medium = session.get(Medium, code)
    if medium is not None:
        medium.verified_at, medium.verified = now, "failed" if damaged else "ok"
    journal.append(session, origin, [Entry(READ_BACK, code, {"damaged": list(damaged)})])


def note_retired(session: Session, origin: Origin, medium: Medium) -> None:
    """Delete a medium's record, and journal all of it.

    Args:
        session: A writing session.
        origin: Who takes it out of use, and why.
        medium: Which.
    """
    details = {
        **_describe(medium),
        "written_at": medium.written_at.isoformat(),
        "verified": medium.verified,
        "digests": {it["site"]: it["digest"] for it in medium.contents},
    }
    journal.append(session, origin, [Entry(RETIRED, medium.code, details)])
    session.delete(medium)


def retire_medium(wish: RetireMedia) -> int:
    """Take a medium out of use; gives 0.

    Order: confirm; delete the record and journal it whole, in one transaction. The medium itself is
    not touched: what becomes of it is the archive's and the security officer's business.

    Raises:
        WrongUseError: There is no such medium, no reason, or nobody has confirmed it.
    """
    estate = load_estate()
    if not wish.reason.strip():
        raise WrongUseError(
            "taking a medium out of use needs a reason",
            next_step="add `--reason TEXT`: why, and what became of it",
        )
    told = _("the medium {code} counts as a copy no more; its code stays taken")
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        with bench.catalog.reading() as session:
            codes = [it.code for it in read_media(session)]
        if wish.code not in codes:
            raise WrongUseError(
                'there is no medium "{code}"',
                next_step="the media in use: {codes}",
                code=wish.code,
                codes=", ".join(codes) or "–",
            )
        if not wish.dry_run:
            need_confirmation(wish.code, wish.confirm, told.format(code=wish.code))
        origin = replace(bench.origin, reason=wish.reason, document=wish.document)
        with bench.catalog.writing() as session:
            medium = session.get_one(Medium, wish.code)
            note_retired(session, origin, medium)
    write_line(told, code=wish.code)
    return 0


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
    contents: tuple[MediumContent, ...] = ()
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
        params: As `ops.backups.media.records` wrote them.
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
    """Write the notices of the day; give how many are new.

    A renewal is told once when its day is near, and once when it is over.
    """
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
