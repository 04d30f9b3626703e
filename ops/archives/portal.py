"""What a portal holds, as its newest backup has it: rows through the sandbox, files by themselves.

1. Choose the newest snapshot of the whole site, and the newest that holds the database.
2. Restore the database's copy and the manifest into the drill's work folder; nothing else.
3. Load it in a sandbox, where nothing of production is in reach; the connector's questions are
   asked there, and their answers come out as lines of JSON.
4. Files that articles name are read from the snapshot one by one, when somebody wants them.

A database that was saved alone since then is taken instead. With `from = "live"` the job saves it
so just before: production is only dumped, as every night, and the questions are asked of that.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from archive.ocfl.files import Digests
from backup.format.snapshot import Snapshot
from backup.format.tree import Node
from backup.patterns.patterns import compile_patterns
from backup.progress import Progress
from backup.repository.repository import Repository
from backup.restorer.restore import RestoreRequest, restore_snapshot
from backup.snapshots.dump import read_content
from backup.snapshots.walk import PathNotFoundError, TreeReader, find_entry
from ops.archives.capture import SMALL
from ops.backups import MANIFEST
from ops.errors import OpsError
from ops.estate.model.archive import SiteArchive
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.sandbox.isolation.new_root import MADE_BELOW
from ops.sandbox.make_plan import bounds_of, plan_database
from ops.sandbox.plan import RehearsalPlan, TablesWanted
from ops.sandbox.rehearse import remove_tree, set_apart
from ops.sandbox.result import tell_remark
from ops.sandbox.tables import read_rows

LARGEST_FILE = 5_000_000_000
"""Bytes of a file that an article may have; a longer one is named and left to the backup."""
_LONGEST_ENDING = 10
_UNTOUCHED = "production, the backup and the archive were not touched"


Rows = dict[str, Iterator[dict[str, Any]]]
"""Answers, by name of the question; each is read once, as it is asked for."""


@dataclass(frozen=True, slots=True)
class PortalCopy:
    """Where a portal is read from.

    Attributes:
        repository: Of the site.
        rows: The newest snapshot that holds its database.
        files: The newest of the whole site; None where there is none.
    """

    repository: Repository
    rows: Snapshot
    files: Snapshot | None


@contextmanager
def portal_rows(
    estate: Estate, site: Site, wanted: SiteArchive, copy: PortalCopy, progress: Progress
) -> Iterator[tuple[Rows, Path]]:
    """Give the answers to what a site's connector asks, by name of the question, and a folder.

    The folder is for files of the block; it goes with it.
    """
    part = wanted.part or site.databases[0].name
    work = estate.drill.workdir / f"archive-{site.name}"
    remove_tree(work)
    work.mkdir(parents=True, mode=0o700)
    try:
        _restore(site.name, part, copy, work, progress)
        plan = _plan(estate, site.name, part, work)
        mapping = wanted.mapping.read_text(encoding="utf-8") if wanted.mapping else ""
        asked = TablesWanted(connector=wanted.connector, mapping=mapping, options=wanted.options)
        result = set_apart(plan, asked)
        if result.remarks or not result.isolated:
            raise OpsError(
                "the articles of {site} could not be read from its backup",
                why="; ".join(map(tell_remark, result.remarks)),
                data=_UNTOUCHED,
                next_step="`{program} drill.run --site {site}` tells more",
                site=site.name,
            )
        taken = work / "taken"
        taken.mkdir()
        yield read_rows(work / MADE_BELOW), taken
    finally:
        remove_tree(work)


def _restore(site: str, part: str, copy: PortalCopy, work: Path, progress: Progress) -> None:
    names = (f"/{site}/databases/{part}.*", f"/{site}/{MANIFEST}")
    request = RestoreRequest(
        target=os.fsencode(work), include=compile_patterns(map(os.fsencode, names))
    )
    if restore_snapshot(copy.repository, copy.rows.tree, request, progress).error_count:
        raise OpsError(
            "the database {name} could not be restored from the snapshot",
            data=_UNTOUCHED,
            next_step="`{program} backup.check --site {site} --read-data`",
            name=part,
            site=site,
        )


def _plan(estate: Estate, site: str, part: str, work: Path) -> RehearsalPlan:
    restored = work / site
    manifest = json.loads((restored / MANIFEST).read_text(encoding="utf-8"))
    known = {str(it["name"]): it for it in manifest["databases"]}
    if part not in known:
        raise OpsError(
            "the backup of {site} has no database {database}",
            why="it has: {known}",
            data=_UNTOUCHED,
            next_step="correct `part` in `[sites.archive]`",
            site=site,
            database=part,
            known=", ".join(known) or "-",
        )
    return RehearsalPlan(
        work=str(work),
        site=site,
        databases=(plan_database(known[part], restored),),
        incident_at=datetime.now(UTC),
        zone=estate.organisation.timezone,
        bounds=bounds_of(estate),
    )


def no_rows(site: str, part: str) -> OpsError:
    """Give the error of a database that no snapshot holds."""
    return OpsError(
        "no backup of {site} holds the database {database}",
        data=_UNTOUCHED,
        next_step="`{program} backup.run --site {site}`",
        site=site,
        database=part,
    )


class PortalFiles:
    """Files of a site in a snapshot, named by the portal's own paths.

    Args:
        repository, snapshot: Where they are.
        root: Path in the snapshot that the portal's paths start at.
        folder: Where files are put for whoever stores them.
    """

    def __init__(
        self, repository: Repository, snapshot: Snapshot, root: PurePosixPath, folder: Path
    ) -> None:
        self._reader = TreeReader(repository, repository.load_index())
        self._tree, self._root, self._folder = snapshot.tree, root, folder
        self._count = 0

    def find(self, path: str) -> Node | None:
        """Give the file at a path that a row names; None where there is none that may be taken."""
        place = PurePosixPath(path.lstrip("/"))
        if ".." in place.parts or "\0" in path:
            return None
        try:
            entry = find_entry(self._reader, self._tree, os.fsencode(self._root / place))
        except PathNotFoundError:  # rows name files that are gone from the disk
            return None
        if entry is None or entry.node.type != "file" or entry.node.size > LARGEST_FILE:
            return None
        return entry.node

    def take(self, path: str, name: str) -> tuple[bytes | Path, Digests] | None:
        """Take a file: its bytes, or its place in the folder, and its digests."""
        node = self.find(path)
        if node is None:
            return None
        digests = Digests()
        if node.size <= SMALL:
            data = b"".join(read_content(self._reader, node))
            digests.update(data)
            return data, digests
        self._count += 1
        place = self._folder / f"{self._count}{PurePosixPath(name).suffix[:_LONGEST_ENDING]}"
        with place.open("xb") as file:
            for piece in read_content(self._reader, node):
                digests.update(piece)
                file.write(piece)
        return place, digests


def root_of(site: Site, wanted: SiteArchive) -> PurePosixPath:
    """Give the path in a snapshot that the portal's own paths start at."""
    name = wanted.files or (site.files[0].name if site.files else "")
    return PurePosixPath(f"/{site.name}/files") / name
