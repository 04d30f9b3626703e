"""What an estate asks for that this version cannot do yet: one list, for `estate.check` and jobs.

A kind that becomes possible is taken out here, and both the check and the backup believe it.
"""

from collections.abc import Iterator

from backup.errors import UsageError
from backup.stores import open_store
from ops.errors import Problem, SecretError, make_warning
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.estate.model.sites import DatabasePart, Site
from ops.estate.model.stores import Store
from ops.language.text import N_


def list_not_available(estate: Estate) -> list[Problem]:
    """List all of it; an error is what stops a site's backup, a warning what does not."""
    return [
        *(problem for store in estate.stores for problem in _about_store(store)),
        *(problem for site in estate.sites for problem in _about_site(site)),
    ]


def is_not_yet(part: DatabasePart) -> bool:
    """Tell whether this version cannot read a part: an SQLite file of another host."""
    return part.engine == "sqlite" and part.host is not None


def _about_site(site: Site) -> Iterator[Problem]:
    for part in filter(is_not_yet, site.databases):
        yield Problem(
            f"sites[{site.name}].databases[{part.name}].host",
            'not in this version yet: "{value}"; the backup of the site "{site}" is refused',
            "move the part to a site of its own until then, or install a newer version",
            {"value": part.host, "site": site.name},
        )


def _about_store(store: Store) -> Iterator[Problem]:
    if _is_available(store):
        return
    place = f"stores[{store.name}].url"
    fix = N_("name a folder of this machine, or a mounted one")
    if store.role == "primary":
        what = N_("not in this version yet: stores of this kind; every backup is refused")
        yield Problem(place, what, fix)
    else:
        what = N_("not in this version yet: stores of this kind; nothing is copied to this one")
        yield make_warning(place, what, fix)


def _is_available(store: Store) -> bool:
    """Ask the engine, which touches nothing for that; an unknown secret is told elsewhere."""
    try:
        open_store(reveal(store.url))
    except UsageError:
        return False
    except SecretError:
        return True
    return True
