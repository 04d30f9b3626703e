"""Where a restore writes: into which folder, which it makes or takes; in place which parts."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ops.backups.sources.parts import copy_path, files_path, is_folder_here
from ops.entering import find_around, refuse_strange_links, take_folder
from ops.errors import OpsError, WrongUseError
from ops.estate.load.read import INSTALLED_PATH
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import list_own_folders, results_folder
from ops.estate.model.sites import DatabasePart, FilesPart, Site
from ops.language.formats import format_size

_KEPT_FREE = 256 * 1024 * 1024


class NoRoomError(OpsError):
    """The disk has too little room for what is to be restored."""


def refuse_around(target: Path, closed: Iterable[Path]) -> None:
    """Refuse a folder that lies in one of others, links followed.

    Raises:
        WrongUseError: It does.
    """
    place = find_around(target, closed)
    if place is not None:
        raise WrongUseError(
            "{folder} lies in {place}, which the service keeps or a site shows to its visitors",
            next_step="name a folder of its own: `--target FOLDER`; or put the site back with"
            " `--in-place`",
            folder=target,
            place=place,
        )


def take_target(target: Path, *, dry_run: bool) -> None:
    """Make the folder that gets restored files, or take it where nobody else has a hand in it.

    Raises:
        SharedFolderError, StrangeLinkError: Somebody else has.
        OpsError: It cannot be made.
    """
    try:
        take_folder(target, dry_run=dry_run)
    except OSError as error:
        raise OpsError(
            "cannot restore into {folder}",
            why=error.strerror or "",
            data="nothing was changed",
            next_step="choose a folder that can be written",
            folder=target,
        ) from error


def refuse_full(target: Path, needed: int, *, beside: int) -> None:
    """Refuse a restore that its disk has no room for, before anything is written.

    Where the catalog lies on that disk, room is left for it to go on.

    Args:
        target: Folder that gets the content; need not be there yet.
        needed: Bytes that are to be written.
        beside: Device that the catalog lies on.

    Raises:
        NoRoomError: There is too little.
    """
    there = next(it for it in (target, *target.parents) if it.exists())
    is_shared = there.stat().st_dev == beside
    room = shutil.disk_usage(there)
    free = room.free - (_KEPT_FREE if is_shared else 0)
    if room.total and needed > max(free, 0):  # some file systems do not tell their size
        raise NoRoomError(
            "there is no room for {needed}: {free} may be written at {folder}",
            data="nothing was changed; the repository was only read",
            next_step="ask for less with --include, or name a folder on another disk with --target",
            needed=format_size(needed),
            free=format_size(max(free, 0)),
            folder=there,
        )


@dataclass(frozen=True, slots=True)
class ChosenFiles:
    """A folder that is put back.

    Attributes:
        part: As the estate describes it.
        at: Its path in the snapshot, without the site.
        include: Patterns from its own folder on; empty for everything.
        is_absent: Whether it is not there now.
    """

    part: FilesPart
    at: str
    include: tuple[str, ...]
    is_absent: bool

    @property
    def top(self) -> Path:
        """The folder itself; here, links are followed."""
        return Path(self.part.path if self.part.host else os.path.realpath(self.part.path))

    @property
    def place(self) -> str:
        """Where it goes, for people."""
        return f"{self.part.host}:{self.part.path}" if self.part.host else self.part.path


@dataclass(frozen=True, slots=True)
class ChosenDatabase:
    """A database that is put back; the attributes are those of `ChosenFiles`.

    `is_foreign` tells that whoever runs the restore may not write it.
    """

    part: DatabasePart
    at: str
    is_absent: bool
    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a restore in place writes; `elsewhere` is what goes over SSH, each folder as a whole."""

    files: tuple[ChosenFiles, ...]
    databases: tuple[ChosenDatabase, ...]
    elsewhere: tuple[ChosenFiles, ...] = ()

    @property
    def absent(self) -> tuple[str, ...]:
        """Paths of what is not there now and is made anew."""
        return (
            *(it.part.path for it in (*self.files, *self.elsewhere) if it.is_absent),
            *(it.part.database for it in self.databases if it.is_absent),
        )


def choose_parts(site: Site, include: tuple[str, ...], *, enters_hosts: bool = False) -> Chosen:
    """Look which parts are meant, and whether each has a place to go to; nothing is changed.

    Args:
        site: Which.
        include: Patterns on paths in the snapshot; empty for everything.
        enters_hosts: Whether an administrator's way into hosts is given.

    Raises:
        OpsError: The folder that should hold a part is not there.
        StrangeLinkError: A part's path leads over a link that others could have put there.
        OpsError: A database lies on a server, or files on a host.
    """
    files, elsewhere = [], []
    for part in site.files:
        at = files_path(part)
        texts = narrow(include, site.name, at)
        if texts == () and enters_hosts and part.host is not None and part.source == "files":
            elsewhere.append(ChosenFiles(part, at, (), is_absent=False))
        elif texts is not None:
            _refuse_elsewhere(site, part, at)
            files.append(ChosenFiles(part, at, texts, not Path(part.path).exists()))
    for found in files:
        refuse_strange_links(Path(found.part.path))
        _check_place(site, found.top)
    whole = [found.top for found in files if not found.include]
    databases = []
    for database in site.databases:
        at = copy_path(database)
        if narrow(include, site.name, at) is not None:
            _refuse_server(site, database)
            refuse_strange_links(Path(database.database))
            live = Path(os.path.realpath(database.database))
            if not any(live.is_relative_to(top) for top in whole):
                _check_place(site, live)
            databases.append(ChosenDatabase(database, at, not live.exists()))
    return Chosen(tuple(files), tuple(databases), tuple(elsewhere))


def narrow(include: tuple[str, ...], site: str, at: str) -> tuple[str, ...] | None:
    """Give the patterns that concern one part, from its own folder on.

    Returns:
        Empty for everything; None where none of the patterns can match in that part.
    """
    if not include:
        return ()
    narrowed = []
    for text in include:
        bare = text.lstrip("/")
        if bare.rstrip("/") in {site, f"{site}/{at.partition('/')[0]}", f"{site}/{at}"}:
            return ()
        if bare.startswith(f"{site}/{at}/"):
            narrowed.append(bare.removeprefix(f"{site}/{at}"))
        elif not bare.startswith(f"{site}/"):
            narrowed.append(text)
    return tuple(narrowed) or None


def _refuse_elsewhere(site: Site, part: FilesPart, at: str) -> None:
    if is_folder_here(part):
        return
    raise OpsError(
        "{name} is not put back in its place by this task: it comes from the host {host}",
        why="the account that reads there for the backup may not write",
        data="nothing was changed",
        next_step="as a whole with an administrator's account: add `--login ACCOUNT --identity"
        " FILE`; else restore it into a folder: `{program} backup.restore --site {site} --target"
        " DIR --include /{site}/{at}`, and copy it there",
        name=part.name,
        host=part.host or "localhost",
        site=site.name,
        at=at,
    )


def _refuse_server(site: Site, database: DatabasePart) -> None:
    if database.engine == "sqlite":
        return
    raise OpsError(
        "the database {name} is not put back in its place by this task",
        why="the account that reads it for the backup may not write it, and the service keeps no"
        " other",
        data="nothing was changed",
        next_step="files and database, step by step: `{program} runbook.run --id"
        " restore-site-on-host`; the database alone: `{program} backup.load`; the files alone: add"
        " `--include /{site}/files`",
        site=site.name,
        name=database.name,
    )


def _check_place(site: Site, path: Path) -> None:
    if not path.parent.is_dir():
        raise OpsError(
            'a part of the site "{site}" has no place to go back to: {folder} is not there',
            why="it should hold {path}",
            data="nothing was changed",
            next_step="is a disk not mounted? Else make the folder, then try again: "
            "`mkdir -p {folder}`",
            site=site.name,
            folder=path.parent,
            path=path,
        )


def refuse_target(estate: Estate, target: Path) -> None:
    """Refuse a folder where restored files would mix with backups or orders, or be shown.

    The console's own folder for results is one of the service where they may go.

    Raises:
        WrongUseError: It lies in a folder of the service, or in the content of a site.
    """
    if not find_around(target, [results_folder(estate)]):
        refuse_around(target, closed_folders(estate))


def closed_folders(estate: Estate) -> list[Path]:
    """Give the folders that nothing is restored into: the service's own, and what sites show."""
    published = [
        Path(part.path)
        for site in estate.sites
        for part in site.files
        if part.kind == "content" and not part.host
    ]
    return [*list_own_folders(estate), INSTALLED_PATH.parent, *published]
