"""Mend packs that a check found damaged: with the same bytes from a mirror, else from a copy.

A copy holds the same blobs in other packs; what is lost is fetched from it by id before a damaged
pack goes (`backup.repair.packs_from_copy`). What no store has stays for a person: `backup.repair`
takes out a pack and keeps what is sound of it, and the next backup or copy stores the rest again.
"""

import json
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.copies.mirror import ensure_same
from backup.copies.mirror_objects import mend_packs
from backup.errors import BackupError
from backup.repair.packs import plan_repair_packs
from backup.repair.packs_from_copy import repair_from_copy
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from ops.backups.repositories.open import hold_reading_lock, open_place, open_repository
from ops.backups.retention.deletion_records import root_of
from ops.catalog.tables.core import JournalRow, Run
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.journal import journal
from ops.outcomes import Explanation, explain
from ops.schedule.kinds import RunContext

_Way = Callable[[Estate, str, Store, Repository, list[bytes], timedelta], Collection[bytes]]


def mend(
    context: RunContext,
    estate: Estate,
    store: Store,
    repository: Repository,
    damaged: Sequence[bytes],
    *,
    wait_for_lock: timedelta,
) -> dict[str, list[str]]:
    """Mend what can be mended, and journal it.

    Args:
        context: The run.
        estate: As it is now.
        store: Where packs are damaged.
        repository: The site's repository there.
        damaged: Ids of the packs.
        wait_for_lock: How long to wait for a conflicting lock.

    Returns:
        Ids of mended packs by the store they came from; a store that fails gives none.
    """
    left, found = list(damaged), dict[str, list[str]]()
    ways: list[tuple[Store, _Way]] = [(it, _from_twin) for it in find_twins(estate, store)]
    if store.role != "mirror":  # a mirror has no packs of its own
        ways += [(it, _from_copy) for it in find_others(estate, store)]
    for other, fetch in ways:
        if not left:
            break
        with suppress(BackupError, OpsError):
            if mended := fetch(estate, context.site, other, repository, left, wait_for_lock):
                found[other.name] = [it.hex() for it in mended]
                left = [it for it in left if it not in mended]
    if found:
        details = {"store": store.name, "from": found}
        with context.catalog.writing() as session:
            entry = journal.Entry(MENDED, context.site, details)
            journal.append(session, context.origin, [entry])
    return found


def _from_twin(
    estate: Estate,
    site: str,
    twin: Store,
    repository: Repository,
    left: list[bytes],
    wait: timedelta,
) -> Collection[bytes]:
    place = open_place(estate, site, twin)
    if not ensure_same(repository, place):
        return ()
    with hold_lock(repository, exclusive=True, retry_for=wait) as lock:
        return mend_packs(repository, place, left, lock)


def _from_copy(
    estate: Estate,
    site: str,
    other: Store,
    repository: Repository,
    left: list[bytes],
    wait: timedelta,
) -> Collection[bytes]:
    copy = open_repository(estate, site, other)
    with (
        hold_reading_lock(copy, retry_for=wait),
        hold_lock(repository, exclusive=True, retry_for=wait) as lock,
    ):
        return repair_from_copy(repository, copy, plan_repair_packs(repository, left), lock)


def find_others(estate: Estate, store: Store) -> list[Store]:
    """Give the stores that hold the same content in a repository of their own; pure."""
    root = root_of(estate, store)
    return [it for it in estate.stores if it.role != "mirror" and it.name != root.name]


def find_twins(estate: Estate, store: Store) -> list[Store]:
    """Give the stores that hold the same bytes: a mirror's source, its other mirrors; pure."""
    root = root_of(estate, store)
    return [
        other
        for other in estate.stores
        if other.name != store.name and root_of(estate, other).name == root.name
    ]


MENDED = "backup.mend"
"""The journal's word for packs that a check has mended from another store."""

TOLD_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Mended:
    """Packs of a site that were damaged in a store and were mended.

    Attributes:
        site, store: Names.
        count: How many packs.
        at: When, at last.
    """

    site: str
    store: str
    count: int
    at: datetime

    def explain(self) -> Explanation:
        """Say it in the reader's language."""
        params = {"count": self.count, "store": self.store}
        return explain("damage_mended", params, site=self.site)


def read_mended(session: Session, now: datetime) -> list[Mended]:
    """Give what was mended lately and not followed by a check that read everything back."""
    found: dict[tuple[str, str], Mended] = {}
    query = (
        select(JournalRow.subject, JournalRow.at, JournalRow.details)
        .where(JournalRow.action == MENDED, JournalRow.at >= now - TOLD_FOR)
        .order_by(JournalRow.sequence)
    )
    for site, at, text in session.execute(query):
        details = json.loads(text)
        place = (site, str(details["store"]))
        earlier = found[place].count if place in found else 0
        found[place] = Mended(*place, earlier + sum(map(len, details["from"].values())), at)
    return [it for it in found.values() if not _is_proven(session, it)]


def _is_proven(session: Session, mended: Mended) -> bool:
    """Say whether a good check has read every pack of that store back since."""
    query = select(Run.summary).where(
        Run.kind == "check",
        Run.site == mended.site,
        Run.outcome == "ok",
        Run.started_at > mended.at,
    )
    return any(
        it.get("store") == mended.store and it.get("every_pack_read")
        for it in session.execute(query).scalars()
    )
