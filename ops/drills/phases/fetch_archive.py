"""Fetch items by lot from a copy of the archive, and verify every byte of all their versions.

Which items there must be, and in which version, the archive's index says; which of them are taken
is decided by lot as in `ops.drills.phases.fetch`, so that everybody can draw it again. The
copy is a plain one, or the backup of the archive in a store, which alone holds private parts.

1. Clear what an earlier try has fetched.
2. Draw the lot; take the objects into the drill's folder, and nothing else of them.
3. Hold each against its inventory, and its newest version against the index.
4. Show a page of the newest captured month again (`ops.archives.replay`).
"""

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive.errors import ArchiveError
from archive.ocfl.layout import object_path
from archive.ocfl.root import open_root, read_object
from archive.ocfl.validate import Verdict, validate_object
from backup.repository.ids import SnapshotNotFoundError
from ops.archives.mend import restore_objects, restored_root
from ops.archives.places import PRIVATE, Place, find_copy, opened_index, own_places
from ops.archives.replay import DAMAGED, show_page
from ops.backups.repositories.catalog_index import read_expected, was_seen
from ops.backups.repositories.open import RepositoryMissingError
from ops.drills.phases.work import Work, make_folder
from ops.drills.records import PhaseResult, choose_copy
from ops.estate.model.own_site import ARCHIVE_SITE, PRIVATE_PART, PUBLIC_PART
from ops.version import software_version

LOT = 20
"""Items that a drill takes, besides the newest month of captured pages."""

PAGES = "web/"
"""Beginning of the source keys of captured pages, a month each."""

_MOST_BYTES = 2 << 30
_FEW = 5


@dataclass(frozen=True, slots=True)
class Drawn:
    """An item of the lot.

    Attributes:
        part: Of the site `luu-tru`: the public or the private root.
        path: Of its object, below the root.
        head: Its newest version, as the index knows it.
        is_month: Whether it is a month of captured pages.
    """

    part: str
    path: str
    head: str
    is_month: bool = False


def fetch_archive(work: Work) -> PhaseResult:
    """Fetch and verify."""
    folder = make_folder(work.restored)
    copy = find_copy(work.estate, work.store.name)
    lot, count = draw(work, is_public_only=copy is not None)
    if not lot:
        return PhaseResult(outcome="not_checked", reason="drill_archive_empty")
    if copy is not None:
        with work.catalog.writing() as session:
            choose_copy(session, work.drill.id, store=copy.name, snapshot="", taken_at=None)
        _take(copy, lot, folder)
    else:
        try:
            snapshot = restore_objects(
                work.estate,
                ((it.part, it.path) for it in lot),
                folder,
                store=work.store,
                wanted=work.drill.wanted,
                progress=work.progress,
            )
        except (RepositoryMissingError, SnapshotNotFoundError) as error:
            if work.drill.wanted or _was_saved(work, error):
                raise
            params = {"store": work.store.name}
            return PhaseResult(outcome="not_checked", reason="drill_archive_unsaved", params=params)
        with work.catalog.writing() as session:
            choose_copy(
                session,
                work.drill.id,
                store=work.store.name,
                snapshot=snapshot.id,
                taken_at=snapshot.time,
            )
    return judge(lot, count, [_look(folder, it) for it in lot], _show_page(work, folder, lot))


def _was_saved(work: Work, error: Exception) -> bool:
    """Tell whether the store should have what it was not found to have."""
    if isinstance(error, RepositoryMissingError):
        return was_seen(work.catalog, ARCHIVE_SITE, work.store.name)
    with work.catalog.reading() as session:
        return bool(read_expected(session, ARCHIVE_SITE, work.store.name))


def draw(work: Work, *, is_public_only: bool) -> tuple[list[Drawn], int]:
    """Draw the lot; gives it, and from how many items."""
    found = [
        (hashlib.sha256(f"{work.drill.id}\0{item_id}".encode()).digest(), place, item_id)
        for place in own_places(work.estate)
        if not (is_public_only and place.name == PRIVATE)
        for item_id in _ids_of(place, work.site.name)
    ]
    found.sort(key=lambda it: it[0])
    public, _private = own_places(work.estate)
    pages = _ids_of(public, work.site.name, PAGES)[-1:]
    chosen = [*((public, it) for it in pages), *((place, it) for _lot, place, it in found)]
    return list(_within_bounds(chosen, LOT + len(pages))), len(found) + len(pages)


def _ids_of(place: Place, site: str, beginning: str = "") -> list[str]:
    """Give the ids of items whose source key begins so; captured pages only where asked for."""
    with opened_index(place, read_only=True) as index:
        known = sorted(index.known_of(site, beginning).items())
    return [it.id for key, it in known if beginning or not key.startswith(PAGES)]


def _within_bounds(found: list[tuple[Place, str]], most: int) -> Iterator[Drawn]:
    size = number = 0
    for place, item_id in found:
        with opened_index(place, read_only=True) as index:
            entry = index.entry(item_id)
        if entry is None or (number and size + entry.bytes > _MOST_BYTES):
            continue
        part = PRIVATE_PART if place.name == PRIVATE else PUBLIC_PART
        is_month = entry.source_key.startswith(PAGES)
        yield Drawn(part, object_path(item_id), entry.version, is_month)
        size, number = size + entry.bytes, number + 1
        if number == most:
            return


def _take(copy: Place, lot: list[Drawn], folder: Path) -> None:
    """Take objects of a plain copy over, links as links: what is no plain file is a finding."""
    open_root(copy.folder)
    for it in lot:
        source = copy.folder / it.path
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(source, restored_root(folder, it.part) / it.path, symlinks=True)


def _look(folder: Path, drawn: Drawn) -> Verdict | None:
    """Validate an object that was taken; None where it is not there."""
    place = restored_root(folder, drawn.part) / drawn.path
    try:
        return validate_object(place) if place.is_dir() else None
    except ArchiveError:
        return None


def _show_page(work: Work, folder: Path, lot: list[Drawn]) -> Mapping[str, Any]:
    """Show a page of the month that was drawn; nothing where none was."""
    month = next((it for it in lot if it.is_month), None)
    if month is None:
        return {}
    try:
        stored = read_object(restored_root(folder, month.part) / month.path)
    except ArchiveError:
        return {"outcome": "failed", "why": DAMAGED}
    return show_page(stored, work.estate, work.drill.id)


def judge(
    lot: list[Drawn], count: int, verdicts: list[Verdict | None], page: Mapping[str, Any]
) -> PhaseResult:
    """Give the result; pure.

    Args:
        lot: What was drawn.
        count: From how many.
        verdicts: Of each.
        page: How a captured page was shown; empty where there is none.
    """
    there = [it for it in verdicts if it is not None]
    good = [it for it in there if it.is_valid]
    wrong = [
        {"path": drawn.path, "what": "missing" if verdict is None else "content"}
        for drawn, verdict in zip(lot, verdicts, strict=True)
        if verdict is None or not verdict.is_valid
    ]
    behind = [
        drawn.path
        for drawn, verdict in zip(lot, verdicts, strict=True)
        if verdict is not None and verdict.is_valid and _is_older(verdict.head, drawn.head)
    ]
    marks = sorted(f"{it.object_id} {it.inventory}" for it in good)
    facts: dict[str, Any] = {
        "items": len(lot),
        "whole_items": len(good),
        "chosen_from": count,
        "files": sum(it.files for it in there),
        "equal_files": sum(it.files for it in good),
        "size_bytes": sum(it.size for it in there),
        "difference_count": len(wrong),
        "differences": wrong,
        "hash_list": hashlib.sha256("\n".join(marks).encode()).hexdigest(),
        "engine": f"giucong {software_version()}",
        "made_by": "OCFL 1.1",
        "page": dict(page),
    }
    if wrong:
        params = {
            "path": wrong[0]["path"],
            "what": wrong[0]["what"],
            "first": wrong[:_FEW],
            "count": len(wrong),
        }
        return PhaseResult(outcome="failed", reason="drill_differs", params=params, facts=facts)
    if page.get("outcome") == "failed":
        params = {"page": page.get("page", ""), "reason": page.get("why", "")}
        return PhaseResult(
            outcome="failed", reason="drill_page_not_shown", params=params, facts=facts
        )
    if behind:
        params = {"count": len(behind)}
        return PhaseResult(
            outcome="incomplete", reason="drill_archive_behind", params=params, facts=facts
        )
    return PhaseResult(outcome="ok", facts=facts)


def _is_older(head: str, wanted: str) -> bool:
    return int(head[1:] or 0) < int(wanted[1:])
