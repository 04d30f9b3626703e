"""Heal damaged objects: from a copy that proves itself, at last from the backup of the archive.

The backup is restored into a folder of its own, object by object, and has to prove itself like any
other copy; so the private root, which has no plain copy, is healed too.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archive.errors import ArchiveError
from archive.fixity.repair import apply_repair, look_everywhere, plan_repair
from archive.ocfl.root import StorageRoot
from backup.errors import BackupError
from backup.patterns.patterns import compile_patterns
from backup.progress import SILENT
from backup.restorer.restore import RestoreRequest, restore_snapshot
from ops.archives.places import PRIVATE, Place, all_places
from ops.backups.repositories.open import hold_reading_lock, open_repository
from ops.backups.repositories.snapshots import choose_snapshot
from ops.errors import OpsError
from ops.estate.model.archive_site import ARCHIVE_SITE, PRIVATE_PART, PUBLIC_PART
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.schedule.kinds import RunContext

REPAIRED = "archive.repair"
_BACKUP = "backup"


@dataclass(slots=True)
class Mended:
    """What became of damaged objects.

    Attributes:
        done: (place, path) of those that are whole again.
        bad: Place → paths that were damaged.
        stopped: Places where so many are that a person must confirm.
        hopeless: (path, why) of those that nothing whole was found of.
    """

    done: list[tuple[str, str]] = field(default_factory=list)
    bad: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stopped: tuple[str, ...] = ()
    hopeless: list[tuple[str, str]] = field(default_factory=list)

    def left(self, place: str) -> set[str]:
        """Give the paths that are damaged still."""
        return {it for it in self.bad.get(place, ()) if (place, it) not in self.done}


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
    shutil.rmtree(folder, ignore_errors=True)
    try:
        roots = {it.name: StorageRoot(it.folder) for it in group if it.folder.is_dir()}
        restored = _restore(estate, part, paths, folder)
        if restored is not None:
            roots[_BACKUP] = StorageRoot(restored)
        verdicts = look_everywhere(roots, paths)
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
        shutil.rmtree(folder, ignore_errors=True)


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
        repository = open_repository(estate, ARCHIVE_SITE)
        with hold_reading_lock(repository):
            snapshot = choose_snapshot(repository, estate, ARCHIVE_SITE)
            base = f"/{ARCHIVE_SITE}/files/{part}"
            wanted = compile_patterns(os.fsencode(_quoted(f"{base}/{it}")) for it in paths)
            request = RestoreRequest(target=os.fsencode(folder), include=wanted)
            restore_snapshot(repository, snapshot.tree, request, SILENT)
    except (ArchiveError, BackupError, OpsError):
        return None
    return folder / base.lstrip("/")


def _quoted(path: str) -> str:
    return "".join(f"[{it}]" if it in "*?[" else it for it in path)


def _count(context: RunContext, place: str) -> int:
    from ops.archives.records import read_place

    with context.catalog.reading() as session:
        return read_place(session, place, datetime.now(UTC)).objects
