"""The versions of the estate that were in force: kept, journaled, and brought back for verdicts.

Order (`remember_estate`), in the caller's transaction: store the version, note the sites it names,
then journal the difference from the one before. A version that comes back is journaled again, but
stored once.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.canonical import canonical_json, digest_of
from ops.catalog.tables.core import EstateVersion, JournalRow
from ops.catalog.tables.sites import KnownSite
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry, Origin

CHANGED = "estate.changed"
"""The journal's word for an estate that came into force; its subject is the version's hash."""

_NEWEST = (
    select(JournalRow.subject, JournalRow.at)
    .where(JournalRow.action == CHANGED)
    .order_by(JournalRow.sequence.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class PastEstate:
    """An estate that was in force.

    Attributes:
        hash: Of its version.
        since: When it came into force.
        document: The whole estate as JSON values; secrets are references. Not to be changed.
    """

    hash: str
    since: datetime
    document: Mapping[str, Any]


def remember_estate(
    session: Session, document: Mapping[str, Any], *, now: datetime, origin: Origin
) -> str:
    """Store the estate in force, if it is not the one in force already.

    Args:
        session: A writing session.
        document: The whole estate as JSON values; secrets are references.
        now: The wall clock.
        origin: Who acts.

    Returns:
        The version's hash, for `Origin.estate`.
    """
    text = canonical_json(document)
    version = digest_of(document)
    before = session.scalars(_NEWEST).first() or ""
    if version == before:
        return version
    known = read_version(session, before) if before else {}
    if session.get(EstateVersion, version) is None:
        session.add(EstateVersion(hash=version, first_seen_at=now, document=text))
        session.flush()
    _note_sites(session, _site_names(known), _site_names(document), version, now)
    details = {"before": before, "changes": find_changes(known, _parse(text))}
    journal.append(session, replace(origin, estate=version), [Entry(CHANGED, version, details)])
    return version


def find_estate_at(session: Session, moment: datetime) -> PastEstate | None:
    """Give the estate that was in force at a moment; None before the first one."""
    row = session.execute(_NEWEST.where(JournalRow.at <= moment)).first()
    return PastEstate(row[0], row[1], read_version(session, row[0])) if row else None


def read_version(session: Session, version: str) -> Mapping[str, Any]:
    """Give the document of a version, not to be changed; empty where it is not stored."""
    row = session.get(EstateVersion, version)
    return _parse(row.document) if row else {}


def find_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Give what differs: dotted key to [old, new]; None stands for what is not there.

    A list of tables that have names is compared by name, any other list as a whole.
    """
    old, new = dict(_flatten(before)), dict(_flatten(after))
    keys = sorted(old.keys() | new.keys())
    return {key: [old.get(key), new.get(key)] for key in keys if old.get(key) != new.get(key)}


def _site_names(document: Mapping[str, Any]) -> set[str]:
    return {site["name"] for site in document.get("sites", ())}


def _note_sites(
    session: Session, before: set[str], after: set[str], version: str, now: datetime
) -> None:
    for name in sorted(after):
        known = session.get(KnownSite, name)
        if known is None:
            session.add(KnownSite(name=name, since=now, estate=version))
            continue
        known.estate = version
        if name not in before:
            known.since = now
    session.flush()


@lru_cache(maxsize=4)
def _parse(text: str) -> Mapping[str, Any]:
    """Parse what is asked for a hundred times in a look at a year's duties."""
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def _flatten(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:  # JSON values
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flatten(item, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list) and value and all(_is_named(item) for item in value):
        for item in value:
            yield from _flatten(item, f"{key}[{item['name']}]")
    else:
        yield key, value


def _is_named(value: object) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("name"), str)


_DAYS = ("from", "until", "security_since")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def revive(document: Mapping[str, Any], path: Path) -> Estate:
    """Give the estate that `Estate.document` once gave this document of.

    Args:
        document: As stored; secrets are references.
        path: The main estate file; names the estate in texts and is not read.

    Raises:
        OpsError: The document is not of a form that this version knows.
    """
    context = {"folder": path.parent, "path": path}
    try:
        return Estate.model_validate(_with_days(document), context=context)
    except ValidationError as error:
        raise OpsError(
            "the estate as it was cannot be read by this version: {count} places do not fit",
            why="it was written by a version that knew other keys",
            data="it is kept as it was",
            next_step="look at it with `{program} estate.show --at DATE --json`",
            count=error.error_count(),
        ) from error


def _with_days(value: Any, key: str = "") -> Any:  # JSON values
    if isinstance(value, Mapping):
        return {name: _with_days(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_days(item) for item in value]
    if key in _DAYS and isinstance(value, str) and _DAY.fullmatch(value):
        return date.fromisoformat(value)
    return value
