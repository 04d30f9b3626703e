"""What a restored site is set to: its databases' places, and its caches; only read, never run."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from backup.patterns.markers import CACHE_MARKER
from backup.patterns.patterns import Patterns
from ops.backups.sources.site import compile_excludes
from ops.estate.load.inherit import shipped_profiles
from ops.estate.model.sites import Site
from ops.sandbox.plan import DatabasePlan, FilesPlan
from ops.sites.discovery.find import find_settings
from ops.sites.discovery.machine_files import Below, DatabaseSettings

_LEAST_PORT = 1024  # servers of the sandbox are nobody's who may take a lower one
_ADDRESS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Ways:
    """Databases as the site looks for them, and the addresses it calls their servers by."""

    databases: tuple[DatabasePlan, ...]
    addresses: tuple[str, ...]


def follow_site(
    databases: Sequence[DatabasePlan], files: Iterable[FilesPlan], root: str = ""
) -> Ways:
    """Give databases the ports that the site's own configuration names.

    The estate tells how the service reaches a database; the site may go another way, by another
    port.

    Args:
        databases: As the manifest describes them.
        files: The site's restored folders.
        root: The document root as the estate names it: a folder's name, and one below.
    """
    named = list(read_settings(files, root))
    found = [
        (database, settings)
        for database in databases
        for settings in named
        if (database.engine, database.database) == (settings.engine, settings.database)
    ]
    # Databases of one server stay on one.
    ports = {
        _server_of(database): settings.port
        for database, settings in found
        if settings.port is not None and settings.port >= _LEAST_PORT
    }
    addresses = (settings.address for _database, settings in found)
    return Ways(
        tuple(replace(it, port=ports.get(_server_of(it), it.port)) for it in databases),
        tuple(dict.fromkeys(it for it in addresses if _ADDRESS.fullmatch(it))),
    )


def _server_of(database: DatabasePlan) -> tuple[str, str, int | None, str]:
    return database.engine, database.address, database.port, database.socket


def read_settings(files: Iterable[FilesPlan], root: str) -> Iterator[DatabaseSettings]:
    """Yield what configurations in restored folders name; arguments as of `follow_site`."""
    name, _slash, below = root.partition("/")
    for part in files:
        if not Path(part.restored).is_dir():
            continue
        places = ["/", f"/{below}"] if below and part.name == name else ["/"]
        for place in places:
            _folder, settings = find_settings(Below(Path(part.restored), []), place)
            yield from settings


_CALLED = b"cache"


def find_caches(site: Site, files: Sequence[FilesPlan]) -> Iterator[str]:
    """Yield the live paths of a site's caches, as far as the copy has their folders.

    A page that a site has made and kept would be shown though the rows behind it are lost, or as it
    was at another moment. A cache is a folder whose path says so and which backups of such a site
    leave out: by the estate's patterns, or by those of the content system that its configuration is
    of. A copy from before the patterns may hold one. Any other folder that is marked as a cache
    (CACHEDIR.TAG) is one, too.
    """
    for part in files:
        known = next((it for it in site.files if it.name == part.name), None)
        texts = [*site.exclude, *(known.exclude if known else ()), *_of_system(site, part)]
        patterns = compile_excludes(texts, os.fsencode(part.live))
        for folder in _find(os.fsencode(part.restored), patterns):
            with suppress(UnicodeDecodeError):  # a plan is told as text
                yield part.live.rstrip("/") + folder.decode()


def _of_system(site: Site, part: FilesPlan) -> Iterator[str]:
    profiles = shipped_profiles()
    for it in read_settings([part], site.drill.root):
        yield from profiles.get(it.application, {}).get("exclude", ())


def _find(top: bytes, patterns: Patterns) -> Iterator[bytes]:
    """Yield paths below the folder, outermost only."""
    for folder, folders, files in os.walk(top):
        below = folder[len(top) :]
        for name in list(folders):
            path = below + b"/" + name
            if _CALLED in path.lower() and patterns.match(path):
                folders.remove(name)
                yield path
        if CACHE_MARKER.name in files and below and _is_marked(folder):
            folders.clear()
            yield below


def _is_marked(folder: bytes) -> bool:
    path = Path(os.fsdecode(folder)) / os.fsdecode(CACHE_MARKER.name)
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(CACHE_MARKER.header)) == CACHE_MARKER.header
