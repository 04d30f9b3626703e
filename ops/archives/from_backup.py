"""Take objects of the archive out of its backup, the site `luu-tru` of every store."""

import os
from collections.abc import Iterable
from pathlib import Path

from backup.format.snapshot import Snapshot
from backup.patterns.patterns import compile_patterns
from backup.progress import SILENT, Progress
from backup.restorer.restore import RestoreRequest, restore_snapshot
from ops.backups.repositories.moments import choose_snapshot
from ops.backups.repositories.open import hold_reading_lock, open_repository
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import ARCHIVE_SITE
from ops.estate.model.stores import Store


def restore_objects(
    estate: Estate,
    parts: Iterable[tuple[str, str]],
    folder: Path,
    *,
    store: Store | None = None,
    wanted: str = "",
    progress: Progress = SILENT,
) -> Snapshot:
    """Restore objects; they come to lie as `folder / luu-tru / files / part / path`.

    Args:
        estate: The estate in force.
        parts: (part of the site, path of the object below its root).
        folder: New or empty.
        store: Which; None is the primary.
        wanted: Beginning of a snapshot's id; empty for the newest.
        progress: Told of it.

    Raises:
        OpsError: The repository does not open, or there is no snapshot.
        BackupError: The store failed.
    """
    repository = open_repository(estate, ARCHIVE_SITE, store)
    with hold_reading_lock(repository):
        snapshot = choose_snapshot(repository, estate, ARCHIVE_SITE, wanted=wanted)
        paths = (f"/{ARCHIVE_SITE}/files/{part}/{path}" for part, path in parts)
        request = RestoreRequest(
            target=os.fsencode(folder),
            include=compile_patterns(os.fsencode(_quoted(it)) for it in paths),
        )
        restore_snapshot(repository, snapshot.tree, request, progress)
    return snapshot


def restored_root(folder: Path, part: str) -> Path:
    """Give where a part's objects lie below the folder they were restored to."""
    return folder / ARCHIVE_SITE / "files" / part


def _quoted(path: str) -> str:
    return "".join(f"[{it}]" if it in "*?[" else it for it in path)
