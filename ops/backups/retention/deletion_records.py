"""Records of deletions: one for each run, written before the first snapshot goes."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.format.snapshot import Snapshot
from ops.access.approvals.require import Permit
from ops.backups.repositories.catalog_index import drop_expected
from ops.backups.retention.protection import HoldView, is_held
from ops.canonical import digest_of
from ops.catalog.columns import new_id
from ops.catalog.open import Catalog
from ops.catalog.tables.retention import Deletion
from ops.errors import OpsError
from ops.journal import journal
from ops.journal.journal import Entry, Origin


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
