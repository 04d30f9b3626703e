"""Keep the record of each medium in the catalog, in step with its label, until it is retired.

Order of a retirement: confirm; delete the record and journal it whole, in one transaction. The
medium itself is not touched: what becomes of it is the archive's and the security officer's
business.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.session import at_bench
from ops.backups.media.label import Label, content_values
from ops.backups.media.tasks import RetireMedia
from ops.catalog.tables.copies import Medium
from ops.catalog.tables.core import JournalRow
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.journal.record_proofs import read_acts
from ops.language.text import _
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
    """Take it out of use; gives 0.

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
