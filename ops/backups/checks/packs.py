"""Packs of a store: which were read back and when, and how damaged ones are mended.

A copy holds the same blobs in other packs; what is lost is fetched from it by id before a damaged
pack goes (`backup.repair.packs_from_copy`). What no store has stays for a person: `backup.repair`
takes out a pack and keeps what is sound of it, and the next backup or copy stores the rest again.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
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
from ops.catalog.open import Catalog
from ops.catalog.tables.copies import PackReading
from ops.catalog.tables.core import JournalRow, Run
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.journal import journal
from ops.outcomes import Explanation, explain
from ops.schedule.kinds import RunContext

DAMAGED_AT = datetime(1970, 1, 1, tzinfo=UTC)
"""When a damaged pack counts as read: every check reads it again, until it is sound or gone."""

_DAY = timedelta(days=1)
_AT_ONCE = 500


def choose_packs(
    packs: Mapping[bytes, int],
    read_at: Mapping[bytes, datetime],
    *,
    within: timedelta,
    now: datetime,
) -> frozenset[bytes]:
    """Choose the packs to read back today; pure.

    Args:
        packs: All packs of the store: id to size in bytes.
        read_at: When each was last found sound, `DAMAGED_AT` for those found damaged; those never
            read are left out.
        within: Everything is to be read back within that time, whole days.
        now: Present moment.

    Returns:
        Those not read for longest, until a day's share of the bytes is reached, and one share more
        for each day on which nothing was read; and whatever else would be overdue tomorrow.
    """
    known = [read_at[it] for it in packs if read_at.get(it, DAMAGED_AT) != DAMAGED_AT]
    days = max((now - max(known) + _DAY / 2) // _DAY, 1) if known else 1
    left = sum(packs.values()) * days / max(within // _DAY, 1)
    overdue = now - within + _DAY
    chosen = set()
    for pack in sorted(packs, key=lambda it: (_age_key(read_at.get(it)), it)):
        last = read_at.get(pack)
        if left <= 0 and (last is None or last >= overdue):
            continue
        chosen.add(pack)
        left -= packs[pack]
    return frozenset(chosen)


def _age_key(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()


def recall_readings(catalog: Catalog, site: str, store: str) -> dict[bytes, datetime]:
    """Give when each pack was last read back and found sound, `DAMAGED_AT` for damaged ones."""
    query = select(PackReading.pack, PackReading.read_at).where(
        PackReading.site == site, PackReading.store == store
    )
    with catalog.reading() as session:
        return {bytes.fromhex(pack): read_at for pack, read_at in session.execute(query)}


def remember_readings(
    catalog: Catalog,
    where: tuple[str, str],
    sound: Iterable[bytes],
    *,
    damaged: Collection[bytes],
    gone: Collection[bytes],
    now: datetime,
) -> None:
    """Note which packs were found sound or damaged, and forget those that are gone.

    Args:
        catalog: Open.
        where: Site and store.
        sound: Packs that were read back whole just now.
        damaged: Packs that were found damaged and are there.
        gone: Packs that the store has no more.
        now: When.
    """
    site, store = where
    fresh = dict.fromkeys(sound, now) | dict.fromkeys(damaged, DAMAGED_AT)
    old = sorted(fresh.keys() | set(gone))
    with catalog.writing() as session:
        for start in range(0, len(old), _AT_ONCE):
            names = [it.hex() for it in old[start : start + _AT_ONCE]]
            session.execute(
                delete(PackReading).where(
                    PackReading.site == site,
                    PackReading.store == store,
                    PackReading.pack.in_(names),
                ),
                execution_options={"synchronize_session": False},
            )
        session.add_all(
            PackReading(site=site, store=store, pack=it.hex(), read_at=at)
            for it, at in sorted(fresh.items())
        )


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
