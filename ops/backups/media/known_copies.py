"""Gather every copy that is known: each snapshot in each store, and on each medium.

Print the list of all copies as XML.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.access.session import reading
from ops.backups.checks.kind import check_job
from ops.backups.media.copy_list import CopyEntry, write_copy_list
from ops.backups.media.label import Content, content_from
from ops.backups.media.records import read_media
from ops.backups.repositories.snapshots import read_methods
from ops.catalog.tables.copies import Medium
from ops.catalog.tables.core import Run
from ops.catalog.tables.index import Snapshot, StoreSeen
from ops.catalog.tables.watch import MalwareScan
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.terminal.output import write_text


@dataclass(frozen=True, slots=True)
class _Known:
    """What the catalog knows besides the snapshots.

    Attributes:
        titles: Of sites, by name.
        methods: How snapshots were made, by id.
        repositories: Ids of repositories, by site and store.
        keys: Ids of key files, by the repository they open.
        checks: How and when the newest check of a job ended.
        scans: The newest look for malware, by site and snapshot.
        rows: Snapshots by site and id, wherever they lie.
    """

    titles: Mapping[str, str]
    methods: Mapping[str, str]
    repositories: Mapping[tuple[str, str], str]
    keys: Mapping[str, tuple[str, ...]]
    checks: Mapping[str, tuple[str, datetime | None]]
    scans: Mapping[tuple[str, str], MalwareScan]
    rows: Mapping[tuple[str, str], Snapshot]


def list_copies(session: Session, estate: Estate) -> list[CopyEntry]:
    """Give every copy: stores in the order of the estate, then media; by site, the oldest first."""
    query = select(Snapshot).order_by(Snapshot.site, Snapshot.taken_at, Snapshot.id)
    snapshots = list(session.execute(query).scalars())
    known = _gather(session, estate, snapshots)
    stores = {it.name: it for it in estate.stores}
    found = []
    for store in estate.stores:
        there = [it for it in snapshots if it.store == store.name]
        found += list(_in_store(there, store, known))
    gone = sorted({it.store for it in snapshots} - set(stores))
    for name in gone:
        there = [it for it in snapshots if it.store == name]
        found += list(_in_store(there, None, known))
    for medium in read_media(session):
        for values in medium.contents:
            found += list(_on_medium(medium, content_from(values), known))
    return found


def _gather(session: Session, estate: Estate, snapshots: list[Snapshot]) -> _Known:
    sites = (*estate.sites, estate.own_site)
    methods: dict[str, str] = {}
    for site in {it.site for it in snapshots}:
        methods |= read_methods(session, site)
    seen = session.execute(select(StoreSeen)).scalars().all()
    scans = session.execute(select(MalwareScan).order_by(MalwareScan.ended_at)).scalars()
    return _Known(
        titles={it.name: estate.title_at(it.name) for it in sites},
        methods=methods,
        repositories={(it.site, it.store): it.repository_id for it in seen},
        keys={it.repository_id: tuple(it.key_ids) for it in seen},
        checks=_read_checks(session),
        scans={(it.site, it.snapshot): it for it in scans},
        rows={(it.site, it.id): it for it in snapshots},
    )


def _read_checks(session: Session) -> dict[str, tuple[str, datetime | None]]:
    newest = (
        select(Run.job, func.max(Run.started_at).label("started_at"))
        .where(Run.kind == "check", Run.outcome.is_not(None))
        .group_by(Run.job)
        .subquery()
    )
    query = select(Run.job, Run.outcome, Run.ended_at).join(
        newest, (Run.job == newest.c.job) & (Run.started_at == newest.c.started_at)
    )
    return {job: (outcome or "", ended_at) for job, outcome, ended_at in session.execute(query)}


def _in_store(there: list[Snapshot], store: Store | None, known: _Known) -> Iterator[CopyEntry]:
    """Yield the copies in one store; None for one that the estate no longer names."""
    versions: dict[str, int] = {}
    for row in there:
        versions[row.site] = versions.get(row.site, 0) + 1
        is_primary = store is not None and store.role == "primary"
        checked = known.checks.get(check_job(row.site, "" if is_primary else row.store), ("", None))
        repository = known.repositories.get((row.site, row.store), "")
        first = row.original or row.id
        scan = known.scans.get((row.site, row.id)) or known.scans.get((row.site, first))
        entry = CopyEntry(
            site=row.site,
            title=known.titles.get(row.site, ""),
            snapshot=row.id,
            version=versions[row.site],
            taken_at=row.taken_at,
            holds=tuple(row.paths),
            method=known.methods.get(first, ""),
            outcome=row.outcome,
            size_bytes=row.processed_bytes,
            place=row.store,
            location=store.location if store else "",
            medium=store.medium if store else "",
            repository=repository,
            keys=known.keys.get(repository, ()),
            checked=checked[0],
            checked_at=checked[1],
        )
        yield _with_scan(entry, scan)


def _on_medium(medium: Medium, content: Content, known: _Known) -> Iterator[CopyEntry]:
    """Yield the copies of one site on a medium; one that no store has any more is named by id."""
    for version, held in enumerate(content.snapshots, 1):
        row = known.rows.get((content.site, held.id))
        entry = CopyEntry(
            site=content.site,
            title=known.titles.get(content.site, ""),
            snapshot=held.id,
            version=version,
            taken_at=held.taken_at,
            holds=tuple(row.paths) if row else (),
            method=known.methods.get(held.id, ""),
            outcome=row.outcome if row else "",
            size_bytes=row.processed_bytes if row else None,
            place=medium.code,
            location=medium.kept_at,
            medium=medium.kind,
            is_offline=True,
            started_on=medium.started_on,
            renew_on=medium.renew_on,
            holder=medium.holder,
            digest=content.digest,
            repository=content.repository,
            keys=known.keys.get(content.repository, ()),
            checked=medium.verified,
            checked_at=medium.verified_at,
        )
        yield _with_scan(entry, known.scans.get((content.site, held.id)))


def _with_scan(entry: CopyEntry, scan: MalwareScan | None) -> CopyEntry:
    if scan is None:
        return entry
    told = f"{scan.tool}; {scan.database}"
    return replace(entry, scanned=scan.verdict, scanned_at=scan.ended_at, scanned_with=told)


def print_copy_list() -> int:
    """Write it to standard output; gives 0."""
    estate = load_estate()
    with reading(estate) as session:
        copies = list_copies(session, estate)
    made_at = datetime.now(UTC)
    write_text(write_copy_list(copies, estate.name_at(made_at), made_at).decode())
    return 0
