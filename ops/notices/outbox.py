"""Write notices into the outbox, in the transaction of what they tell about.

So a notice and its cause are kept or lost together; the courier delivers later.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ops.catalog.columns import new_id
from ops.catalog.records import EstateVersion, Notice, Run
from ops.errors import OpsError
from ops.estate.load import load_estate
from ops.estate.models import Estate
from ops.estate.read import find_estate_path
from ops.estate.references import reveal
from ops.ledger.definitions import LedgerEvent
from ops.notices.drafts import SEVERITIES, Draft, draft_notices

log = logging.getLogger(__name__)

RELAY = "relay"
"""Target of a relay that is no mail: it is told once, whoever reads it."""


def write_notices(session: Session, events: Sequence[LedgerEvent]) -> None:
    """Write what is worth telling of these events; a listener of the ledger."""
    drafts = draft_notices(events, _failed_before(session, events))
    if drafts:
        write_drafts(session, drafts, find_estate(session))


def write_drafts(session: Session, drafts: Sequence[Draft], estate: Estate | None) -> int:
    """Write one row for each draft and target; give how many are new."""
    if estate is None:
        return 0
    now = datetime.now(UTC)
    rows = [
        {
            "id": new_id(),
            "subject_key": draft.subject_key,
            "severity": draft.severity,
            "code": draft.code,
            "params": draft.params,
            "job": draft.job,
            "site": draft.site,
            "run_id": draft.run_id,
            "target": target,
            "state": "waiting",
            "attempts": 0,
            "next_try_at": now,
            "created_at": now,
            "error": "",
        }
        for draft in drafts
        for target in find_targets(estate, draft)
    ]
    if not rows:
        return 0
    statement = _insert_missing(session).returning(Notice.id)
    return len(session.execute(statement, rows).all())


def _insert_missing(session: Session) -> Insert:
    """Begin an INSERT that leaves alone what has been told already."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(Notice).on_conflict_do_nothing()
    return postgresql.insert(Notice).on_conflict_do_nothing()


def find_targets(estate: Estate, draft: Draft) -> list[str]:
    """Give whom a draft goes to: names of people, ascending, or the relay itself; may be empty."""
    if estate.notices.relay is None:
        return []
    people = sorted(set(_routed_people(estate, draft)))
    if not estate.notices.routes or (people and not _is_mail(estate.notices.relay)):
        return [RELAY]
    return people


def _routed_people(estate: Estate, draft: Draft) -> Iterator[str]:
    gravity = SEVERITIES.index(draft.severity)
    for route in estate.notices.routes:
        concerns = "*" in route.sites or not draft.site or draft.site in route.sites
        if concerns and SEVERITIES.index(route.severity) <= gravity:
            yield from route.people


def _is_mail(relay: str) -> bool:
    try:
        return reveal(relay).startswith("mailto")
    except OpsError:
        return True  # the courier will say what is wrong with it


def find_estate(session: Session) -> Estate | None:
    """Give the estate in force: the file's, or where that has mistakes now, the stored one."""
    try:
        path = find_estate_path()
        return _load(path, path.stat().st_mtime_ns)
    except (OpsError, OSError):
        return _stored_estate(session)


@lru_cache(maxsize=2)
def _load(path: Path, _changed_at: int) -> Estate:
    return load_estate(path)


def _stored_estate(session: Session) -> Estate | None:
    newest = select(EstateVersion).order_by(EstateVersion.first_seen_at.desc()).limit(1)
    row = session.execute(newest).scalar_one_or_none()
    if row is None:
        return None
    try:
        folder = Path(os.environ.get("GIUCONG_ESTATE", ".")).absolute().parent
        return Estate.model_validate_json(row.document, context={"folder": folder})
    except ValueError as error:  # written by another version; nobody can be told
        log.error("estate-unreadable", extra={"fields": {"error": type(error).__name__}})  # noqa: TRY400 - the traceback would repeat the document
        return None


def _failed_before(session: Session, events: Sequence[LedgerEvent]) -> list[str]:
    """Give the jobs that ended ok now and whose ended run before this one had failed."""
    found = []
    for event in events:
        if event.occasion == "ended" and event.outcome == "ok":
            before = session.execute(
                select(Run.outcome)
                .where(Run.job == event.job, Run.outcome.is_not(None), Run.id != event.run_id)
                .order_by(Run.started_at.desc())
                .limit(1)
            ).scalar_one_or_none()
            if before == "failed":
                found.append(event.job)
    return found
