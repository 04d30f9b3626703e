"""Keep every set of duties that was in force, and journal what changed.

Order, in the caller's transaction: store the set, then journal the difference from the one before.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.canonical import canonical_json
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.duties import DutyVersion
from ops.duties.table.load import SHIPPED_DUTIES, DutySet, read_duties
from ops.estate.versions import find_changes
from ops.journal import journal
from ops.journal.journal import Entry, Origin

ACTION = "duty.changed"


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs, as dotted key to [old, new].

    Attributes:
        from_shipped: The duties in force against those that ship with the service.
        from_journaled: The duties in force against those journaled last.
        journaled: Digest journaled last; empty when none was.
    """

    from_shipped: Mapping[str, list[Any]]
    from_journaled: Mapping[str, list[Any]]
    journaled: str


def remember_duties(session: Session, duties: DutySet, *, now: datetime, origin: Origin) -> str:
    """Store the duties in force, if they are not those in force already.

    Args:
        session: A writing session.
        duties: In force.
        now: The wall clock.
        origin: Who acts.

    Returns:
        The set's digest.
    """
    digest, before = duties.digest(), digest_in_force(session)
    if digest == before:
        return digest
    known = _document(session, before)
    if session.get(DutyVersion, digest) is None:
        text = canonical_json(duties.document())
        session.add(DutyVersion(digest=digest, first_seen_at=now, document=text))
        session.flush()
    changes = find_changes(known, as_stored(duties))
    details = {"before": before, "changes": changes if before else {}}
    journal.append(session, origin, [Entry(ACTION, digest, details)])
    return digest


def find_differences(session: Session, duties: DutySet) -> Differences:
    """Compare the duties in force with the shipped ones, and with those journaled last."""
    now = as_stored(duties)
    before = digest_in_force(session)
    shipped = as_stored(read_duties((SHIPPED_DUTIES,)))
    return Differences(
        from_shipped=find_changes(shipped, now),
        from_journaled=find_changes(_document(session, before), now) if before else {},
        journaled=before,
    )


def digest_in_force(session: Session) -> str:
    """Give the digest that was journaled last; empty when none was."""
    newest = (
        select(JournalRow.subject)
        .where(JournalRow.action == ACTION)
        .order_by(JournalRow.sequence.desc())
        .limit(1)
    )
    return session.execute(newest).scalar_one_or_none() or ""


def _document(session: Session, digest: str) -> dict[str, Any]:
    row = session.get(DutyVersion, digest) if digest else None
    parsed: dict[str, Any] = json.loads(row.document) if row else {}
    return parsed


def as_stored(duties: DutySet) -> dict[str, Any]:
    """Give a set as it comes back from the catalog, so that both sides compare alike."""
    parsed: dict[str, Any] = json.loads(canonical_json(duties.document()))
    return parsed
