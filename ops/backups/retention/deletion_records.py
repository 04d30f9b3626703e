"""Snapshots that went: each deletion's record, before the first goes; what nobody here deleted."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.format.snapshot import Snapshot
from ops.access.approvals.require import Permit
from ops.access.session import at_bench
from ops.backups.brakes import HELD_MISSING, MISSING
from ops.backups.repositories.catalog_index import drop_expected
from ops.backups.retention.holds import read_all_holds
from ops.backups.retention.protection import HoldView, is_held
from ops.canonical import digest_of
from ops.catalog.columns import columns_of, new_id
from ops.catalog.open import Catalog
from ops.catalog.tables.index import Snapshot as SnapshotRow
from ops.catalog.tables.retention import Deletion, ExpectedSnapshot
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.language.formats import format_number
from ops.language.text import N_, _
from ops.terminal.output import Cell
from ops.terminal.view import Column, Row, View, moment, write_list


class HeldError(OpsError):
    """A hold protects what was to go."""


@dataclass(frozen=True, slots=True)
class DeletionPlan:
    """What is to go, and on what ground.

    Attributes:
        site, store: Names in the estate.
        rule: The retention that decides; `{"named": true}` where snapshots were named.
        basis: Who set the minimum, or the document behind a deletion by name.
        snapshots: All that go.
        reason: Why, where a person wants it.
    """

    site: str
    store: str
    rule: Mapping[str, object]
    basis: str
    snapshots: tuple[Snapshot, ...]
    reason: str = field(default="", compare=False)

    def as_values(self) -> dict[str, object]:
        """Give it as JSON values: what an approval is bound to."""
        return {
            "site": self.site,
            "store": self.store,
            "rule": dict(self.rule),
            "remove": sorted(it.id for it in self.snapshots),
        }


def refuse_held(plan: DeletionPlan, holds: Sequence[HoldView]) -> None:
    """Refuse a plan that a hold has overtaken; pure.

    Raises:
        HeldError: A snapshot that was to go is held now.
    """
    for snapshot in plan.snapshots:
        if is_held(snapshot.id, holds) or is_held(snapshot.original, holds):
            raise HeldError(
                'the snapshot {snapshot} of "{site}" is held now',
                why="a hold was placed while this ran",
                data="nothing was removed",
                next_step="run it again, so that it decides anew",
                snapshot=snapshot.short_id,
                site=plan.site,
            )


def plan_deletion(
    session: Session, origin: Origin, plan: DeletionPlan, permit: Permit | None, *, now: datetime
) -> uuid.UUID:
    """Write what is about to be deleted; gives the record's id."""
    deletion = Deletion(
        id=new_id(),
        site=plan.site,
        store=plan.store,
        run=origin.run,
        rule=dict(plan.rule),
        basis=plan.basis,
        planned=[{"id": it.id, "taken_at": it.time.isoformat()} for it in plan.snapshots],
        removed=[],
        plan_digest=digest_of(plan.as_values()),
        requested_by=origin.person or ("" if origin.via == "clock" else origin.login),
        approved_by=permit.approved_by if permit else "",
        request=permit.request if permit else None,
        reason=plan.reason,
        planned_at=now,
    )
    session.add(deletion)
    session.flush()
    return deletion.id


def complete_deletion(
    catalog: Catalog,
    origin: Origin,
    deletion_id: uuid.UUID,
    removed: Sequence[str],
    *,
    now: datetime,
) -> None:
    """Write what is gone, expect it no more, and journal it."""
    with catalog.writing() as session:
        _conclude(session, origin, session.get_one(Deletion, deletion_id), removed, now=now)


def settle_cut_off(
    session: Session,
    origin: Origin,
    site: str,
    store: str,
    present: Collection[str],
    *,
    now: datetime,
) -> None:
    """Complete the records of runs that were cut off: what they planned and is gone, they removed.

    The caller knows that none of them still runs: it holds the site's lock.
    """
    query = select(Deletion).where(
        Deletion.site == site, Deletion.store == store, Deletion.ended_at.is_(None)
    )
    for deletion in list(session.execute(query).scalars()):
        removed = [it["id"] for it in deletion.planned if it["id"] not in present]
        _conclude(session, origin, deletion, removed, now=now, cut_off=True)


def _conclude(
    session: Session,
    origin: Origin,
    deletion: Deletion,
    removed: Sequence[str],
    *,
    now: datetime,
    cut_off: bool = False,
) -> None:
    deletion.removed = list(removed)
    deletion.ended_at = now
    drop_expected(session, deletion.site, deletion.store, removed)
    details = {
        "deletion": str(deletion.id),
        "plan": deletion.plan_digest,
        "planned": len(deletion.planned),
        "removed": sorted(removed),
        "approved_by": deletion.approved_by,
    }
    if cut_off:
        details["cut_off"] = True
    journal.append(session, origin, [Entry("backup.delete", deletion.site, details)])


def list_deletions(session: Session, site: str) -> list[Deletion]:
    """Give a site's deletions, oldest first."""
    query = select(Deletion).where(Deletion.site == site)
    return list(session.execute(query.order_by(Deletion.planned_at, Deletion.id)).scalars())


def _count_removed(row: Row) -> Cell:
    if not row["ended_at"]:
        return Cell(_("not ended"), "warning")
    return Cell("/".join(format_number(len(row[it])) for it in ("removed", "planned")))


DELETIONS = View(
    N_("Nothing was deleted so far."),
    Column("planned_at", N_("Planned"), moment),
    Column("store", N_("Store")),
    Column("removed", N_("Deleted"), of=_count_removed),
    Column(
        "rule",
        N_("By"),
        of=lambda row: _("by name") if row["rule"].get("named") else _("retention"),
    ),
    Column("basis", N_("Ground")),
    Column("approved_by", N_("Approved by")),
)


def show_deletions(name: str, *, as_json: bool) -> None:
    """Write the deletion records of a site, oldest first."""
    estate = load_estate()
    with at_bench(estate) as bench, bench.catalog.reading() as session:
        items = [columns_of(it) for it in list_deletions(session, name)]
    write_list(DELETIONS, items, as_json=as_json, zone=estate.organisation.timezone)


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
            SnapshotRow,
            (SnapshotRow.site == ExpectedSnapshot.site)
            & (SnapshotRow.store == ExpectedSnapshot.store)
            & (SnapshotRow.id == ExpectedSnapshot.id),
        )
        .where(SnapshotRow.id.is_(None))
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
