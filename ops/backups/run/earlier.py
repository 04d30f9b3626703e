"""What the last good backups of a site have noted in their manifests, to learn from.

A run that was suspicious, or whose pages have jumped, teaches nothing until a person accepts it:
else the second night would take what the first one told of for usual.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backup.errors import BackupError
from backup.repository.repository import Repository
from backup.snapshots.selection import load_readable_snapshots
from backup.snapshots.walk import TreeReader
from ops.alerts.drafts import SUSPICIOUS
from ops.backups.kinds import backup_job, database_job, full_read_job
from ops.backups.pages.notes import PageNote, read_note
from ops.backups.pages.noting import LEARNT_FROM
from ops.backups.pages.verdict import UNLIKE
from ops.backups.ransomware.freeze import find_accepted_run
from ops.backups.repositories.catalog_index import read_manifest
from ops.catalog.open import Catalog
from ops.catalog.tables.core import Run
from ops.catalog.tables.index import is_believed

Manifest = Mapping[str, Any]


def read_earlier(
    catalog: Catalog, repository: Repository, site: str, *, database: str | None
) -> list[Manifest]:
    """Give the manifests of the last good backups, the newest first; those that can be read.

    Args:
        catalog: Knows the runs.
        repository: The site's, in the primary store.
        site: Name of the site.
        database: Of runs of this database alone.

    Raises:
        BackupError: The repository cannot be read.
    """
    jobs = whole_jobs(site) if database is None else [database_job(site, database)]
    with catalog.reading() as session:
        ids = find_good(session, site, jobs)
    stored = {it.id: it for it in load_readable_snapshots(repository).snapshots} if ids else {}
    wanted = [stored[it] for it in ids if it in stored]
    if not wanted:
        return []
    reader = TreeReader(repository, repository.load_index())
    found: list[Manifest] = []
    for snapshot in wanted:
        with suppress(BackupError, ValueError):  # an older one will do
            found.append(read_manifest(reader, snapshot, site))
    return found


def whole_jobs(site: str) -> list[str]:
    """Give the jobs that save a whole site."""
    return [backup_job(site), full_read_job(site)]


def find_good(session: Session, site: str, jobs: Sequence[str]) -> list[str]:
    """Give the ids of the snapshots that the last good runs of jobs have made, newest first."""
    is_good = Run.reason.not_in((SUSPICIOUS, UNLIKE))
    query = (
        select(Run.summary)
        .where(
            Run.job.in_(jobs),
            Run.outcome == "ok",
            or_(is_good, Run.id == find_accepted_run(session, site)),
            is_believed(dated=Run.started_at),
        )
        .order_by(Run.started_at.desc())
        .limit(LEARNT_FROM)
    )
    return [str(it.get("snapshot")) for it in session.execute(query).scalars()]


def list_notes(manifests: Sequence[Manifest]) -> list[PageNote]:
    """Give what manifests have noted of pages; pure."""
    return [read_note(it) for manifest in manifests for it in manifest.get("pages", ())]
