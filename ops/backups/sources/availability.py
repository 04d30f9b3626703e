"""What can be read of a site's parts, looked at before anything starts.

What this version cannot read, and what is not there, is refused: a part is never silently left out.
"""

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from ops.backups.sources.parts import is_folder_here
from ops.errors import OpsError
from ops.estate.model.sites import DatabasePart, FilesPart, Site
from ops.estate.site_rules import is_not_yet


class PartNotSupportedError(OpsError):
    """A part of a site is of a kind that comes with a later version."""


class PartMissingError(OpsError):
    """A part of a site is not where the estate says."""


class PartClosedError(OpsError):
    """A part of a site lies where this user may not look."""


def check_site(site: Site, *, database: str | None = None, must_exist: bool = True) -> None:
    """Refuse what this version cannot read, and what is not there; nothing is read.

    Args:
        site: Which.
        database: Look at this database alone.
        must_exist: Whether parts have to be there; a restore makes them anew.

    Raises:
        PartNotSupportedError: A part's engine, host or kind of source comes later.
        PartMissingError: A folder or database is not where the estate says.
        PartClosedError: This user may not even see whether it is there.
    """
    for found in chosen_databases(site, database):
        _check_database(site, found, must_exist=must_exist)
    if database is None:
        for part in site.files:
            _check_files(site, part, must_exist=must_exist)


def _check_database(site: Site, part: DatabasePart, *, must_exist: bool) -> None:
    key = f"sites[{site.name}].databases[{part.name}]"
    if is_not_yet(part):
        raise PartNotSupportedError(
            'the site "{site}" has a part that this version cannot read: {key} = "{value}"',
            why="an SQLite database on another host, or a source of this kind, cannot be read yet",
            data="nothing was read or stored; no part of a site is left out silently",
            next_step="move the part to a site of its own until then, or install a newer version",
            site=site.name,
            key=f"{key}.host",
            value=part.host,
        )
    is_file = part.engine == "sqlite"
    key = f"{key}.database"
    if must_exist and is_file and not part_is_there(site, key, part.database, stat.S_ISREG):
        raise _missing(site, key, part.database)


def _check_files(site: Site, part: FilesPart, *, must_exist: bool) -> None:
    key = f"sites[{site.name}].files[{part.name}].path"
    if must_exist and is_folder_here(part) and not part_is_there(site, key, part.path):
        raise _missing(site, key, part.path)


def part_is_there(
    site: Site, key: str, path: str, fits: Callable[[int], bool] = lambda _mode: True
) -> bool:
    """Tell whether a part of a site is where the estate says.

    Args:
        site: Whose part.
        key: What in the estate names it.
        path: Where it should be.
        fits: Whether a mode is of the right kind.

    Raises:
        PartClosedError: This user may not even see whether it is there.
    """
    try:
        return fits(Path(path).stat().st_mode)
    except PermissionError as error:
        raise PartClosedError(
            'this user may not look for a part of the site "{site}": {path}',
            why="{key} names it, and a folder above it is closed to this user",
            data="nothing was stored; earlier backups are untouched",
            next_step="let the service's user enter it: `setfacl -m u:giucong:x {folder}`;"
            " `{program} estate.test --site {site}` then says what else is closed",
            site=site.name,
            key=key,
            path=path,
            folder=_outermost_closed(path),
        ) from error
    except OSError:
        return False


def _outermost_closed(path: str) -> Path:
    """Give the outermost folder above a path that this user may not enter."""
    above = reversed(Path(path).parents)
    closed = (it for it in above if not os.access(it, os.X_OK, effective_ids=True))
    return next(closed, Path(path))


def _missing(site: Site, key: str, path: str) -> PartMissingError:
    return PartMissingError(
        'a part of the site "{site}" is not there: {path}',
        why="{key} names it",
        data="nothing was stored; earlier backups are untouched",
        next_step="is a disk not mounted? Else correct the path and run `{program} estate.check`",
        site=site.name,
        key=key,
        path=path,
    )


def chosen_databases(site: Site, name: str | None) -> Sequence[DatabasePart]:
    """Give a site's databases, or the one of that name.

    Raises:
        OpsError: It has none of that name.
    """
    chosen = [part for part in site.databases if name in {None, part.name}]
    if name is not None and not chosen:
        raise OpsError(
            'the site "{site}" has no database "{name}"',
            next_step="`{program} estate.show` lists what a site has",
            site=site.name,
            name=name,
        )
    return chosen
