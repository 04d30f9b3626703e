"""Which packs of a store were read back and when, and which are to be read today."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select

from ops.catalog.open import Catalog
from ops.catalog.tables.copies import PackReading

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
