"""The index tables: what repositories hold, by which losses are seen; they can be made anew."""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from backup.errors import BackupError
from backup.format.config import is_id
from backup.format.pack import BlobType
from backup.format.snapshot import Snapshot as StoredSnapshot
from backup.repository.repository import Repository
from backup.snapshots.selection import load_readable_snapshots
from backup.snapshots.walk import TreeReader, find_entry
from ops.backups import MANIFEST
from ops.catalog.open import Catalog
from ops.catalog.tables.index import Snapshot, StoreSeen, is_of_whole_site
from ops.catalog.tables.retention import ExpectedSnapshot


def remember_seen(
    session: Session, site: str, store: str, snapshots: Sequence[StoredSnapshot]
) -> None:
    """Expect from now on what was seen; nothing that was expected before is dropped."""
    known = read_expected(session, site, store)
    session.add_all(
        ExpectedSnapshot(site=site, store=store, id=it.id, taken_at=it.time, accepted=False)
        for it in snapshots
        if it.id not in known
    )


def read_expected(session: Session, site: str, store: str) -> dict[str, bool]:
    """Give the ids of the snapshots that are expected, and whether each was found right."""
    query = select(ExpectedSnapshot.id, ExpectedSnapshot.accepted).where(
        ExpectedSnapshot.site == site, ExpectedSnapshot.store == store
    )
    return {snapshot_id: accepted for snapshot_id, accepted in session.execute(query)}  # noqa: C416 - dict() loses the types


def drop_expected(session: Session, site: str, store: str, ids: Collection[str]) -> None:
    """Expect these snapshots no more."""
    for snapshot_id in ids:
        session.execute(
            delete(ExpectedSnapshot).where(
                ExpectedSnapshot.site == site,
                ExpectedSnapshot.store == store,
                ExpectedSnapshot.id == snapshot_id,
            ),
            execution_options={"synchronize_session": False},
        )


FIGURE_COLUMNS = {
    "file_count": "total_files_processed",
    "processed_bytes": "total_bytes_processed",
    "added_bytes": "data_added",
    "added_packed_bytes": "data_added_packed",
}
"""Columns of the index → what a snapshot's summary calls them."""


def update_index(
    catalog: Catalog,
    repository: Repository,
    *,
    site: str,
    store: str,
    outcomes: Mapping[str, str] | None = None,
    rebuild: bool = False,
) -> list[StoredSnapshot]:
    """Make the tables say what the repository holds.

    Args:
        catalog: The catalog.
        repository: The site's repository in that store, open.
        site: Name of the site.
        store: Name of the store.
        outcomes: What is known by now about snapshots that are new.
        rebuild: Read everything anew, whatever the tables say.

    Returns:
        The snapshots, oldest first.
    """
    stored = load_readable_snapshots(repository).snapshots
    with catalog.reading() as session:
        known = {} if rebuild else _known_outcomes(session, site, store)
    told = {**known, **(outcomes or {})}
    unknown = [it for it in stored if it.id not in told]
    told |= _read_outcomes(repository, site, unknown)
    objects = list(repository.store.list(""))
    names = (it.key.removeprefix("keys/") for it in objects if it.key.startswith("keys/"))
    key_ids = sorted(name for name in names if is_id(name))
    with catalog.writing() as session:
        session.execute(delete(Snapshot).where(Snapshot.site == site, Snapshot.store == store))
        session.add_all(_row(it, site, store, told.get(it.id, "")) for it in stored)
        remember_seen(session, site, store, stored)
        session.merge(
            StoreSeen(
                site=site,
                store=store,
                repository_id=repository.id,
                seen_at=datetime.now(UTC),
                snapshot_count=len(stored),
                size_bytes=sum(it.size for it in objects),
                key_ids=key_ids,
            )
        )
    return stored


def read_seen(session: Session) -> list[tuple[str, str]]:
    """Give the names of site and store wherever a repository was seen."""
    rows = session.execute(select(StoreSeen.site, StoreSeen.store))
    return [(site, store) for site, store in rows]


def was_seen(catalog: Catalog, site: str, store: str) -> bool:
    """Tell whether a store has ever been seen to hold a site's repository.

    Snapshots that are expected there tell it too: they are records, and survive a lost index.
    """
    with catalog.reading() as session:
        return any(
            session.execute(select(it.site).where(it.site == site, it.store == store)).first()
            for it in (StoreSeen, ExpectedSnapshot)
        )


def _known_outcomes(session: Session, site: str, store: str) -> dict[str, str]:
    rows = session.execute(
        select(Snapshot.id, Snapshot.outcome).where(Snapshot.site == site, Snapshot.store == store)
    )
    return {snapshot_id: outcome for snapshot_id, outcome in rows if outcome}


def _read_outcomes(
    repository: Repository, site: str, snapshots: Sequence[StoredSnapshot]
) -> dict[str, str]:
    """Read from the manifests inside snapshots whether each is whole; foreign ones do not say."""
    if not snapshots:
        return {}
    reader = TreeReader(repository, repository.load_index())
    outcomes = {}
    for snapshot in snapshots:
        with suppress(BackupError, ValueError, KeyError, TypeError):
            outcomes[snapshot.id] = outcome_of(read_manifest(reader, snapshot, site))
    return outcomes


def read_newest_whole(session: Session, site: str) -> dict[str, datetime]:
    """Give by store when the newest snapshot of the whole site was taken, as last seen there."""
    query = (
        select(Snapshot.store, func.max(Snapshot.taken_at))
        .where(Snapshot.site == site, is_of_whole_site())
        .group_by(Snapshot.store)
    )
    return dict(session.execute(query).tuples().all())


def read_manifest(reader: TreeReader, snapshot: StoredSnapshot, site: str) -> dict[str, Any]:
    """Read the manifest in a snapshot.

    Raises:
        BackupError: There is none, or it cannot be read.
        ValueError: It is not JSON.
    """
    entry = find_entry(reader, snapshot.tree, f"{site}/{MANIFEST}".encode())
    ids = entry.node.content_ids() if entry is not None else ()
    content = b"".join(
        reader.repository.load_blob(reader.index, blob_id, expected=BlobType.DATA)
        for blob_id in ids
    )
    manifest: dict[str, Any] = json.loads(content)
    return manifest


def outcome_of(manifest: Mapping[str, Any]) -> str:
    """Say from its manifest whether a snapshot is `ok` or `incomplete`."""
    is_sound = all(database["check"]["ok"] for database in manifest["databases"])
    return "ok" if is_sound and not manifest["missing"]["count"] else "incomplete"


def _row(snapshot: StoredSnapshot, site: str, store: str, outcome: str) -> Snapshot:
    summary = dict(snapshot.summary)
    values = {column: summary.pop(name, None) for column, name in FIGURE_COLUMNS.items()}
    return Snapshot(
        site=site,
        store=store,
        id=snapshot.id,
        taken_at=snapshot.time,
        hostname=snapshot.hostname,
        paths=[path.encode("utf-8", "backslashreplace").decode() for path in snapshot.paths],
        tags=list(snapshot.tags),
        parent=snapshot.parent,
        original=snapshot.original,
        outcome=outcome,
        seconds=_seconds(summary),
        summary=summary,
        **values,
    )


def _seconds(summary: Mapping[str, Any]) -> float | None:
    try:
        start, end = (
            datetime.fromisoformat(_cut(str(summary[name])))
            for name in ("backup_start", "backup_end")
        )
    except (KeyError, ValueError):
        return None
    return round((end - start).total_seconds(), 3)


def _cut(text: str) -> str:
    """Leave out the digits below a microsecond, which Python's times cannot hold."""
    head, dot, tail = text.partition(".")
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return head + dot + tail[: min(digits, 6)] + tail[digits:] if dot else text
