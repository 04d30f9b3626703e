"""Which sites were ever named or seen, which were retired, and which have gone missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.catalog.tables.index import StoreSeen
from ops.catalog.tables.sites import KnownSite, RetiredSite


@dataclass(frozen=True, slots=True)
class Vanished:
    """A site that the estate no longer names although nobody has retired it.

    Attributes:
        name: Its name.
        estate: Hash of the newest estate version that names it; empty where none does.
        stores: Stores that hold a repository of it, as far as known.
    """

    name: str
    estate: str
    stores: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SiteHistory:
    """What the catalog knows of sites.

    Attributes:
        named: For each site that an estate named, since when, and the newest version that did.
        retired_at: When each retired site was retired last.
        stores: The stores in which a repository of a site was seen.
    """

    named: Mapping[str, tuple[datetime, str]]
    retired_at: Mapping[str, datetime]
    stores: Mapping[str, tuple[str, ...]]


def read_history(session: Session) -> SiteHistory:
    """Read what is known; touches no store."""
    named = select(KnownSite.name, KnownSite.since, KnownSite.estate)
    retired = select(RetiredSite.name, func.max(RetiredSite.retired_at).label("at")).group_by(
        RetiredSite.name
    )
    stores: dict[str, tuple[str, ...]] = {}
    for site, store in session.execute(
        select(StoreSeen.site, StoreSeen.store).order_by(StoreSeen.site, StoreSeen.store)
    ):
        stores[site] = (*stores.get(site, ()), store)
    return SiteHistory(
        {name: (since, estate) for name, since, estate in session.execute(named)},
        {name: at for name, at in session.execute(retired)},  # noqa: C416 - dict() loses the types
        stores,
    )


def find_vanished(
    in_force: Iterable[str], history: SiteHistory, found: Mapping[str, tuple[str, ...]]
) -> list[Vanished]:
    """Give the sites that are missing from the estate, by name; pure.

    Args:
        in_force: Names of the sites of the estate in force, and names that belong to no site.
        history: What the catalog knows.
        found: The stores in which a repository was found just now, by site; may be empty.
    """
    present = set(in_force)
    known = history.named.keys() | history.stores.keys() | found.keys()
    vanished = []
    for name in sorted(known - present):
        if not is_retired(name, history):
            estate = history.named[name][1] if name in history.named else ""
            stores = {*history.stores.get(name, ()), *found.get(name, ())}
            vanished.append(Vanished(name, estate, tuple(sorted(stores))))
    return vanished


def is_retired(name: str, history: SiteHistory) -> bool:
    """Tell whether a site was retired after the estate began to name it (anew)."""
    retired_at = history.retired_at.get(name)
    if retired_at is None:
        return False
    return name not in history.named or retired_at >= history.named[name][0]
