"""Snapshots that are gone although nobody here has deleted them; read from the catalog alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.backups.brakes import HELD_MISSING, MISSING
from ops.backups.retention.holds import read_all_holds
from ops.backups.retention.protection import HoldView
from ops.catalog.tables.index import Snapshot
from ops.catalog.tables.retention import Deletion, ExpectedSnapshot
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store

Key = tuple[str, str, str]
"""Site, store and id of a snapshot."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What is gone of one site from one store.

    Attributes:
        store: Its name.
        count: How many snapshots.
        newest: When the newest of them was taken.
        held: How many of them are held.
        reference: The document that asks for the first hold; empty without any.
    """

    store: str
    count: int
    newest: datetime
    held: int = 0
    reference: str = ""

    @property
    def reason(self) -> str:
        """The reason code of it."""
        return HELD_MISSING if self.held else MISSING

    def as_params(self) -> dict[str, str | int]:
        """Give what its sentence tells, as JSON values."""
        count = self.held or self.count
        return {"count": count, "store": self.store, "reference": self.reference}


def read_losses(session: Session, estate: Estate) -> dict[str, list[Loss]]:
    """Give what is gone, by site; what is gone from a mirror because its source let it go is not.

    Args:
        session: Reading is enough.
        estate: As it is now: whose stores and sites.
    """
    gone = _read_gone(session)
    going = _read_going(session)
    roots = {it.name: root_of(estate, it).name for it in estate.stores}
    expected = _read_expected_of_sources(session, estate, gone)
    holds = read_all_holds(session)
    found: dict[str, list[Loss]] = {}
    for site in (*estate.sites, estate.own_site):
        for store in estate.stores:
            lost = {
                key[2]: taken
                for key, taken in gone.items()
                if key[:2] == (site.name, store.name)
                and key not in going
                and (store.role != "mirror" or (site.name, roots[store.name], key[2]) in expected)
            }
            if lost:
                held = holds.get(site.name, ())
                found.setdefault(site.name, []).append(_sum_up(store.name, lost, held))
    return found


def _sum_up(store: str, lost: Mapping[str, datetime], holds: Sequence[HoldView]) -> Loss:
    about = {it: [hold for hold in holds if hold.snapshot in {"", it}] for it in lost}
    held = [found[0].reference for found in about.values() if found]
    return Loss(store, len(lost), max(lost.values()), len(held), held[0] if held else "")


def root_of(estate: Estate, store: Store) -> Store:
    """Give the store whose bytes a mirror holds; any other store is its own."""
    while store.role == "mirror" and store.of is not None:
        store = estate.store(store.of)
    return store


def _read_gone(session: Session) -> dict[Key, datetime]:
    """Give what is expected and not in the index."""
    query = (
        select(
            ExpectedSnapshot.site,
            ExpectedSnapshot.store,
            ExpectedSnapshot.id,
            ExpectedSnapshot.taken_at,
        )
        .outerjoin(
            Snapshot,
            (Snapshot.site == ExpectedSnapshot.site)
            & (Snapshot.store == ExpectedSnapshot.store)
            & (Snapshot.id == ExpectedSnapshot.id),
        )
        .where(Snapshot.id.is_(None))
    )
    return {(site, store, key): taken for site, store, key, taken in session.execute(query)}


def _read_going(session: Session) -> set[Key]:
    """Give what runs that have not ended planned to delete."""
    query = select(Deletion).where(Deletion.ended_at.is_(None))
    return {
        (row.site, row.store, it["id"])
        for row in session.execute(query).scalars()
        for it in row.planned
    }


def _read_expected_of_sources(session: Session, estate: Estate, gone: Iterable[Key]) -> set[Key]:
    """Give what the sources of mirrors are expected to hold, where a mirror lacks something."""
    mirrors = {it.name: root_of(estate, it).name for it in estate.stores if it.role == "mirror"}
    asked = {(site, mirrors[store]) for site, store, _id in gone if store in mirrors}
    return {
        (site, store, key)
        for site, store in asked
        for (key,) in session.execute(
            select(ExpectedSnapshot.id).where(
                ExpectedSnapshot.site == site, ExpectedSnapshot.store == store
            )
        )
    }
