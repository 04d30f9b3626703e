"""Which sites were ever named or seen; those that are gone, retired or not: told, protected."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.index import StoreSeen
from ops.catalog.tables.sites import KnownSite, RetiredSite
from ops.errors import OpsError, Problem, make_warning
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.estate.model.sites import RESERVED_SITE_NAMES, Site

_SQLITE = "sqlite:///"
_CONFIG = "config"  # the one file every repository has at its top; restic's format, "Repository"


@dataclass(frozen=True, slots=True)
class Vanished:
    """A site that the estate no longer names although nobody has retired it.

    Attributes:
        name: Its name.
        estate: Hash of the newest estate version that names it; empty where none does.
        stores: Stores that hold a repository of it, as far as known.
    """

    name: str
    estate: str
    stores: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SiteHistory:
    """What the catalog knows of sites.

    Attributes:
        named: For each site that an estate named, since when, and the newest version that did.
        retired_at: When each retired site was retired last.
        stores: The stores in which a repository of a site was seen.
    """

    named: Mapping[str, tuple[datetime, str]]
    retired_at: Mapping[str, datetime]
    stores: Mapping[str, tuple[str, ...]]


def read_history(session: Session) -> SiteHistory:
    """Read what is known; touches no store."""
    named = select(KnownSite.name, KnownSite.since, KnownSite.estate)
    retired = select(RetiredSite.name, func.max(RetiredSite.retired_at).label("at")).group_by(
        RetiredSite.name
    )
    stores: dict[str, tuple[str, ...]] = {}
    for site, store in session.execute(
        select(StoreSeen.site, StoreSeen.store).order_by(StoreSeen.site, StoreSeen.store)
    ):
        stores[site] = (*stores.get(site, ()), store)
    return SiteHistory(
        {name: (since, estate) for name, since, estate in session.execute(named)},
        {name: at for name, at in session.execute(retired)},  # noqa: C416 - dict() loses the types
        stores,
    )


def find_vanished(
    in_force: Iterable[str], history: SiteHistory, found: Mapping[str, tuple[str, ...]]
) -> list[Vanished]:
    """Give the sites that are missing from the estate, by name; pure.

    Args:
        in_force: Names of the sites of the estate in force, and names that belong to no site.
        history: What the catalog knows.
        found: The stores in which a repository was found just now, by site; may be empty.
    """
    present = set(in_force)
    known = history.named.keys() | history.stores.keys() | found.keys()
    vanished = []
    for name in sorted(known - present):
        if not is_retired(name, history):
            estate = history.named[name][1] if name in history.named else ""
            stores = {*history.stores.get(name, ()), *found.get(name, ())}
            vanished.append(Vanished(name, estate, tuple(sorted(stores))))
    return vanished


def is_retired(name: str, history: SiteHistory) -> bool:
    """Tell whether a site was retired after the estate began to name it (anew)."""
    retired_at = history.retired_at.get(name)
    if retired_at is None:
        return False
    return name not in history.named or retired_at >= history.named[name][0]


class SiteVanishedError(OpsError):
    """The estate no longer names a site that nobody has retired."""


class SiteRetiredError(OpsError):
    """The site was retired; its backups stay as they are."""


def require_site(estate: Estate, catalog: Catalog, name: str) -> Site:
    """Give a site of the estate; nothing is ever done to one that is gone or retired.

    Raises:
        SiteVanishedError: It was named once, or has backups, and nobody retired it.
        SiteRetiredError: It was retired.
        WrongUseError: Nobody has ever heard of it.
    """
    if name in RESERVED_SITE_NAMES or any(site.name == name for site in estate.sites):
        return estate.site(name)
    with catalog.reading() as session:
        history = read_history(session)
    if name in history.named or name in history.stores or name in history.retired_at:
        if is_retired(name, history):
            raise SiteRetiredError(
                'the site "{site}" was retired on {at}',
                data="its backups stay as they are; nothing was removed",
                next_step="`{program} backup.restore --site {site} --target FOLDER` reads them;"
                " `{program} estate.retire --site {site} --show` prints the minutes",
                site=name,
                at=history.retired_at[name],
            )
        raise SiteVanishedError(
            'the site "{site}" has vanished from the estate and was not retired',
            why="{path} no longer names it",
            data="its backups stay as they are; nothing was removed",
            next_step="put its lines back, or retire it: `{program} estate.retire --site {site}"
            " --reason TEXT --document NUMBER`",
            site=name,
            path=estate.path,
        )
    return estate.site(name)


def title_of_known(estate: Estate, name: str) -> str:
    """Give the title of a site whose backups may be looked at, restored aside, and held.

    That is every site that was ever heard of: what is retired or has vanished is what an inspector
    asks for. Of those only the name is known.

    Raises:
        WrongUseError: Nobody has ever heard of it.
    """
    if name in RESERVED_SITE_NAMES or any(site.name == name for site in estate.sites):
        return estate.title_at(name)
    history = _history_if_any(estate)
    known = {*history.named, *history.stores, *history.retired_at, *find_repositories(estate)}
    return name if name in known else estate.site(name).name


def read_vanished(
    session: Session, estate: Estate, found: Mapping[str, tuple[str, ...]] | None = None
) -> list[Vanished]:
    """Give the sites that are missing from the estate in force.

    Args:
        session: A reading session.
        estate: The estate in force.
        found: Repositories found in stores just now, by site; what the catalog has seen counts
            in any case.
    """
    return find_vanished(_in_force(estate), read_history(session), found or {})


def _in_force(estate: Estate) -> list[str]:
    return [*(site.name for site in estate.sites), *RESERVED_SITE_NAMES]


def find_repositories(estate: Estate) -> dict[str, tuple[str, ...]]:
    """Look for repositories in the stores that are folders here: the stores by site.

    A store that cannot be listed shows nothing; whether it works is for others to tell.
    """
    found: dict[str, tuple[str, ...]] = {}
    for store in estate.stores:
        if not store.url.startswith("/"):
            continue
        try:
            names = sorted(it.name for it in Path(store.url).iterdir() if (it / _CONFIG).is_file())
        except OSError:
            continue
        for name in names:
            found[name] = (*found.get(name, ()), store.name)
    return found


def check_vanished(estate: Estate) -> list[Problem]:
    """List sites that are missing from the estate, as warnings of `estate.check`."""
    found = find_repositories(estate)
    return [
        make_warning(
            f"sites[{it.name}]",
            "the site has vanished from the estate and was not retired; its backups are kept",
            "put its lines back, or retire it: `{program} estate.retire --site {site}"
            " --reason TEXT --document NUMBER`",
            site=it.name,
        )
        for it in find_vanished(_in_force(estate), _history_if_any(estate), found)
    ]


def _history_if_any(estate: Estate) -> SiteHistory:
    """Read the catalog where there is one; checking an estate makes none."""
    nothing = SiteHistory({}, {}, {})
    try:
        url = reveal(estate.catalog.url)
        if url.startswith(_SQLITE) and not Path(url.removeprefix(_SQLITE)).is_file():
            return nothing
        catalog = open_catalog(url)
    except OpsError:
        return nothing
    with catalog, catalog.reading() as session:
        return read_history(session)
