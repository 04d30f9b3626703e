"""What an estate asks for that this version cannot do yet: one list, for `estate.check` and jobs.

A kind that becomes possible is taken out here, and both the check and the backup believe it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from backup.errors import UsageError
from backup.stores import open_store
from ops.errors import Problem, SecretError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.estate.model.sites import DatabasePart, FilesPart, Site
from ops.estate.model.stores import Store


@dataclass(frozen=True, slots=True)
class NotYet:
    """One thing that comes with a later version.

    Attributes:
        key: Dotted key in the estate.
        value: What stands there.
    """

    key: str
    value: str


def list_not_available(estate: Estate) -> list[Problem]:
    """List all of it; an error is what stops a site's backup, a warning what does not."""
    return [
        *(problem for store in estate.stores for problem in _about_store(store)),
        *(_about_part(site, found) for site in estate.sites for found in _in_site(site)),
    ]


def _in_site(site: Site) -> Iterator[NotYet]:
    for database in site.databases:
        yield from not_yet_in_part(site, database)
    for files in site.files:
        yield from not_yet_in_part(site, files)


def not_yet_in_part(site: Site, part: DatabasePart | FilesPart) -> Iterator[NotYet]:
    """Yield what of a part this version cannot read.

    Args:
        site: Whose part it is.
        part: Which.
    """
    is_database = isinstance(part, DatabasePart)
    has_server = isinstance(part, DatabasePart) and part.engine != "sqlite"
    key = f"sites[{site.name}].{'databases' if is_database else 'files'}[{part.name}]"
    if part.host is not None and is_database and not has_server:
        yield NotYet(f"{key}.host", part.host)


def _about_part(site: Site, found: NotYet) -> Problem:
    return Problem(
        found.key,
        'not in this version yet: "{value}"; the backup of the site "{site}" is refused',
        "move the part to a site of its own until then, or install a newer version",
        {"value": found.value, "site": site.name},
    )


def _about_store(store: Store) -> Iterator[Problem]:
    if _is_available(store):
        return
    if store.role != "primary":
        yield Problem(
            f"stores[{store.name}].url",
            "not in this version yet: stores of this kind; nothing is copied to this one",
            "name a folder of this machine, or a mounted one",
            severity="warning",
        )
    else:
        yield Problem(
            f"stores[{store.name}].url",
            "not in this version yet: stores of this kind; every backup is refused",
            "name a folder of this machine, or a mounted one",
        )


def _is_available(store: Store) -> bool:
    """Ask the engine, which touches nothing for that; an unknown secret is told elsewhere."""
    try:
        open_store(reveal(store.url))
    except UsageError:
        return False
    except SecretError:
        return True
    return True
