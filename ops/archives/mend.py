"""Take objects of the archive out of its backup, the site `luu-tru` of every store.

The backup is restored into a folder of its own, object by object, and has to prove itself like any
other copy; so the private root, which has no plain copy, is healed too.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archive.errors import ArchiveError
from archive.fixity.repair import apply_repair, look_everywhere, plan_repair
from archive.ocfl.files import remove_tree
from archive.ocfl.root import StorageRoot
from backup.errors import BackupError
from backup.format.snapshot import Snapshot
from backup.patterns.patterns import compile_patterns
from backup.progress import SILENT, Progress
from backup.restorer.restore import RestoreRequest, restore_snapshot
from ops.archives.places import PRIVATE, Place, all_places, read_place
from ops.backups.repositories.moments import choose_snapshot
from ops.backups.repositories.open import hold_reading_lock, open_repository
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import ARCHIVE_SITE, PRIVATE_PART, PUBLIC_PART
from ops.estate.model.stores import Store
from ops.journal import journal
from ops.schedule.kinds import RunContext


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


REPAIRED = "archive.repair"
_BACKUP = "backup"


@dataclass(slots=True)
class Mended:
    """What became of damaged objects.

    Attributes:
        done: (place, path) of those that are whole again.
        whole: (place, path) of those that were found whole before anything was done.
        bad: Place → paths that were damaged.
        stopped: Places where so many are that a person must confirm.
        hopeless: (path, why) of those that nothing whole was found of.
    """

    done: list[tuple[str, str]] = field(default_factory=list)
    whole: set[tuple[str, str]] = field(default_factory=set)
    bad: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stopped: tuple[str, ...] = ()
    hopeless: list[tuple[str, str]] = field(default_factory=list)

    def left(self, place: str) -> set[str]:
        """Give the paths that are damaged still."""
        good = {*self.done, *self.whole}
        return {it for it in self.bad.get(place, ()) if (place, it) not in good}


def mend(
    context: RunContext, estate: Estate, bad: Mapping[str, tuple[str, ...]], *, confirmed: bool
) -> Mended:
    """Heal what is damaged; each repair is journaled as soon as it is durable.

    Args:
        context: Who acts.
        estate: The estate in force.
        bad: Place → paths of damaged objects.
        confirmed: Whether a person said that very much may be repaired at once.
    """
    mended = Mended(bad=dict(bad))
    places = {it.name: it for it in all_places(estate)}
    groups = [[it for it in places.values() if it.name != PRIVATE], [places[PRIVATE]]]
    for group in groups:
        paths = sorted({path for it in group for path in bad.get(it.name, ())})
        if paths:
            _mend_group(context, estate, group, paths, mended, confirmed=confirmed)
    return mended


def _mend_group(
    context: RunContext,
    estate: Estate,
    group: list[Place],
    paths: list[str],
    mended: Mended,
    *,
    confirmed: bool,
) -> None:
    part = PRIVATE_PART if group[0].name == PRIVATE else PUBLIC_PART
    folder = estate.service.scratch / "archive-mend"
    remove_tree(folder)
    try:
        roots = {it.name: StorageRoot(it.folder) for it in group if it.folder.is_dir()}
        restored = _restore(estate, part, paths, folder)
        if restored is not None:
            roots[_BACKUP] = StorageRoot(restored)
        verdicts = look_everywhere(roots, paths)
        mended.whole |= {
            (name, path)
            for path, by_place in verdicts.items()
            for name, it in by_place.items()
            if it is not None and it.is_valid
        }
        totals = {it.name: _count(context, it.name) for it in group}
        plan = plan_repair(_without_backup_gaps(verdicts), totals, confirmed=confirmed)
        mended.hopeless += [(it.path, it.reason) for it in plan.hopeless]
        if plan.stopped:
            mended.stopped = (*mended.stopped, *plan.stopped)
            return
        for event in apply_repair(plan, roots, datetime.now(UTC)):
            with context.catalog.writing() as session:
                entry = journal.Entry(REPAIRED, str(event["copy"]), event)
                journal.append(session, context.origin, [entry])
            if event["outcome"] != "failure":
                mended.done.append((str(event["copy"]), str(event["object"])))
    finally:
        remove_tree(folder)


def _without_backup_gaps(verdicts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Leave out what the backup lacks or has damaged: it is a source, and never repaired here."""
    return {
        path: {
            name: it
            for name, it in by_place.items()
            if name != _BACKUP or (it is not None and it.is_valid)
        }
        for path, by_place in verdicts.items()
    }


def _restore(estate: Estate, part: str, paths: list[str], folder: Path) -> Path | None:
    """Restore objects from the newest backup of the archive; None where there is none."""
    try:
        restore_objects(estate, ((part, it) for it in paths), folder)
    except (ArchiveError, BackupError, OpsError):
        return None
    return restored_root(folder, part)


def _count(context: RunContext, place: str) -> int:
    with context.catalog.reading() as session:
        return read_place(session, place, datetime.now(UTC)).objects
