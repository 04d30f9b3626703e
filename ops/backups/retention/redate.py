"""Give snapshots that are dated ahead of now a moment that is believed: what two people agree to.

A clock that was ahead has dated them. When they were made nobody can say to the minute, but the
journal's rows have an order that no clock changes: they were made between the last row before them
and the first after them that are dated right. The first of these moments is taken unless a person
names one in between: so a backup never claims to be newer than it is.

Order, under the site's lock:

1. Find them in the primary store and in every copy; a mirror follows its source.
2. Have another person agree to these snapshots and this moment.
3. In each repository, under its exclusive lock: write the snapshot anew with that time, durable;
   then the old file goes. It remembers its first id, so that what held it still does.
4. Expect the new one instead of the old, and journal both, in one transaction; index.

Cut off between 3 and 4, the old one is told as gone until `backup.forget --accept`; cut off within
3, both are there, with the same files, and the same command finishes it.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backup.format.snapshot import Snapshot
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.snapshots.selection import load_readable_snapshots
from backup.snapshots.tag import rewrite_snapshot
from ops.access.approvals.ask import Agreed, ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.session import Bench, at_bench
from ops.backups.repositories.catalog_index import (
    drop_expected,
    remember_seen,
    update_index,
    was_seen,
)
from ops.backups.repositories.open import open_repository
from ops.backups.retention.tasks import Redate
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.index import ALLOWED_AHEAD, is_ahead
from ops.errors import WrongUseError
from ops.estate.choose import choose_stores, read_moment
from ops.estate.known_sites import require_site
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.journal.journal import Entry
from ops.language.formats import format_moment
from ops.language.text import _
from ops.terminal.output import write_line

CORRECTION = "moment-correction"


@dataclass(frozen=True, slots=True)
class Between:
    """Between which moments a snapshot was made; None where the journal does not say."""

    after: datetime | None
    before: datetime


@dataclass(frozen=True, slots=True)
class _Found:
    """One snapshot in one store, and the moment it is to have."""

    store: Store
    repository: Repository
    snapshot: Snapshot
    moment: datetime


def redate(wish: Redate) -> int:
    """Have it agreed to and do it; gives the exit code.

    Raises:
        WrongUseError: The moment is none that can be believed.
        ApprovalAwaitedError: Another person has to agree first.
        OpsError: Nobody else has credentials.
    """
    estate, now = load_estate(), datetime.now(UTC)
    with ExitStack() as held:
        bench = held.enter_context(at_bench(estate, dry_run=wish.dry_run))
        require_site(estate, bench.catalog, wish.site)
        if not wish.dry_run:
            state = estate.service.state
            held.enter_context(hold_site_lock(state, wish.site, holder="redate"))
        found = _find(bench, wish, now)
        if not found:
            write_line(_("nothing to do: no backup of this site is dated ahead of now"))
            return 0
        _write_plan(estate, found)
        if agreed := ask_second_person(bench, _wish(wish, found)):
            for it in found:
                _rewrite(agreed, wish.site, it)
    return 0


def _find(bench: Bench, wish: Redate, now: datetime) -> list[_Found]:
    estate, found = bench.estate, []
    wanted = read_moment(wish.to, estate) if wish.to else None
    for store in choose_stores(estate, "", ("primary", "copy")):
        if store.role != "primary" and not was_seen(bench.catalog, wish.site, store.name):
            continue
        repository = open_repository(estate, wish.site, store)
        for snapshot in load_readable_snapshots(repository).snapshots:
            if is_ahead(snapshot.time, now):
                with bench.catalog.reading() as session:
                    bounds = read_bounds(session, snapshot, now)
                moment = choose_moment(snapshot, bounds, wanted)
                found.append(_Found(store, repository, snapshot, moment.astimezone(estate.zone)))
    return found


def read_bounds(session: Session, snapshot: Snapshot, now: datetime) -> Between:
    """Read from the journal's order between which moments a snapshot was made."""
    ids = [it for it in (snapshot.id, snapshot.original) if it]
    names = [JournalRow.details.contains(f'"snapshot":"{it}"', autoescape=True) for it in ids]
    first = None
    for name in names:
        query = select(func.min(JournalRow.sequence)).where(
            JournalRow.action.startswith("job."), name
        )
        first = first or session.execute(query).scalar()
    if first is None:
        return Between(None, now)
    believed = JournalRow.at <= now + ALLOWED_AHEAD
    earlier = select(func.max(JournalRow.at)).where(believed, JournalRow.sequence < first)
    later = select(func.min(JournalRow.at)).where(believed, JournalRow.sequence > first)
    return Between(session.execute(earlier).scalar(), session.execute(later).scalar() or now)


def choose_moment(snapshot: Snapshot, bounds: Between, wanted: datetime | None) -> datetime:
    """Choose the moment a snapshot is to have; pure.

    Raises:
        WrongUseError: The one that is wanted cannot be, or none is known.
    """
    moment = wanted or bounds.after
    if moment is None:
        raise WrongUseError(
            "when the snapshot {snapshot} was made stands nowhere in the journal",
            next_step="name the moment: `--to '20/11/2026 18:00'`",
            snapshot=snapshot.short_id,
        )
    if moment > bounds.before or (bounds.after is not None and moment < bounds.after):
        raise WrongUseError(
            "the snapshot {snapshot} was not made then: it was made between {after} and {before}",
            why="the journal's rows before and after it say so",
            next_step="name a moment in between, or leave `--to` out",
            snapshot=snapshot.short_id,
            after=bounds.after or "–",
            before=bounds.before,
        )
    return moment


def _wish(wish: Redate, found: Sequence[_Found]) -> Wish:
    moments = {f"{it.store.name}/{it.snapshot.id}": it.moment.isoformat() for it in found}
    plan = {"act": "redate", "moments": moments}
    return Wish(CORRECTION, wish.site, plan, wish.reason, wish.document)


def _write_plan(estate: Estate, found: Sequence[_Found]) -> None:
    zone = estate.organisation.timezone
    for it in found:
        text = _("{snapshot} in {store}: dated {old}, becomes {new}")
        write_line(
            text.format(
                snapshot=it.snapshot.short_id,
                store=it.store.name,
                old=format_moment(it.snapshot.time, zone),
                new=format_moment(it.moment, zone),
            )
        )


def _rewrite(agreed: Agreed, site: str, found: _Found) -> None:
    catalog, store, old = agreed.bench.catalog, found.store.name, found.snapshot
    with hold_lock(found.repository, exclusive=True) as lock:
        new_id = rewrite_snapshot(found.repository, old, lock, time=found.moment)
        new = found.repository.load_snapshot(new_id)
    details: Mapping[str, object] = {
        "store": store,
        "snapshot": old.id,
        "dated": old.time.isoformat(),
        "becomes": new_id,
        "to": found.moment.isoformat(),
        **agreed.permit.as_details(),
    }
    with catalog.writing() as session:
        remember_seen(session, site, store, [new])
        drop_expected(session, site, store, [old.id])
        journal.append(session, agreed.bench.origin, [Entry("backup.redate", site, details)])
    update_index(catalog, found.repository, site=site, store=store)
    write_line("  " + _("{old} is now {new}"), old=old.short_id, new=new.short_id)
