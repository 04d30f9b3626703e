"""Where the restored site's own configuration looks for its databases; only read, never run.

The estate tells how the service reaches a database; the site may go another way, by another port.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ops.sandbox.plan import DatabasePlan, FilesPlan
from ops.sites.discovery.find import find_settings
from ops.sites.discovery.findings import DatabaseSettings
from ops.sites.discovery.machine_files import Below

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
