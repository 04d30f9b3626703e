"""Which duties were in force when, and whom each concerns in the estate of a day."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.canonical import canonical_json
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.plans import DutyVersion
from ops.duties.table.load import SHIPPED_DUTIES, DutySet, read_duties
from ops.duties.table.models import Duty
from ops.estate.versions import find_changes
from ops.hosts.connect import THIS_MACHINE
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

    Order, in the caller's transaction: store the set, then journal the difference from the one
    before.

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


Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """What must be proven for itself.

    Attributes:
        name: Of the system or site; empty for the organisation.
        level: Security level; None where there is none.
        sites: Names of the sites that belong to it.
    """

    name: str
    level: int | None
    sites: tuple[str, ...]


def list_subjects(duty: Duty, estate: Document) -> list[Subject]:
    """Give the subjects of a duty, in the order of the estate.

    A site without an information system has no level: duties of certain levels pass it by.
    """
    found = {"organisation": _organisation, "system": _systems, "site": _sites}
    levels = duty.applies.levels
    subjects = list(found[duty.applies.kind](estate, duty.applies.role))
    if duty.applies.kind == "organisation" and levels:
        return subjects if any(it.level in levels for it in _systems(estate, None)) else []
    return [it for it in subjects if not levels or it.level in levels]


def levels_in(estate: Document) -> frozenset[int]:
    """Give the security levels of the estate's systems."""
    return frozenset(it["level"] for it in estate.get("systems", ()))


def sites_without_level(estate: Document) -> list[str]:
    """Give the sites that belong to no information system, and so have no level."""
    return [site["name"] for site in estate.get("sites", ()) if not site.get("system")]


def hosts_of(site: Mapping[str, Any]) -> list[str]:
    """Give the hosts that a site's files and databases lie on, each once; `localhost` for here."""
    files = (
        it for it in site.get("files", ()) if it.get("host") or it.get("source", "files") == "files"
    )
    databases = (
        it for it in site.get("databases", ()) if it.get("host") or it.get("engine") == "sqlite"
    )
    return list(dict.fromkeys(it.get("host") or THIS_MACHINE for it in (*files, *databases)))


def _organisation(estate: Document, role: str | None) -> Iterator[Subject]:
    sites = tuple(it["name"] for it in _of_role(estate, role))
    if sites or role is None:
        yield Subject("", None, sites)


def _systems(estate: Document, role: str | None) -> Iterator[Subject]:
    for system in estate.get("systems", ()):
        sites = [it["name"] for it in _of_role(estate, role) if it.get("system") == system["name"]]
        if sites:
            yield Subject(system["name"], system.get("level"), tuple(sites))


def _sites(estate: Document, role: str | None) -> Iterator[Subject]:
    levels = {it["name"]: it.get("level") for it in estate.get("systems", ())}
    for site in _of_role(estate, role):
        yield Subject(site["name"], levels.get(site.get("system")), (site["name"],))


def _of_role(estate: Document, role: str | None) -> Iterator[Mapping[str, Any]]:
    sites = estate.get("sites", ())
    return (site for site in sites if role is None or site.get("role") == role)
