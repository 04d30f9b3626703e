"""What stores held once: no key and no repository is made anew because it cannot be seen now.

A new key would open nothing that is stored, and a new repository on a disk that is mounted in the
wrong place would take the next backup as if all were well.

What they held before this catalog began is indexed before anybody is asked who may do what: an
empty catalog knows no repository, and so could not tell that it is not the first one.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backup.errors import BackupError
from ops.access.session import Bench
from ops.backups.repositories.catalog_index import (
    drop_expected,
    read_expected,
    read_seen,
    update_index,
    was_seen,
)
from ops.backups.repositories.open import (
    RepositoryKeyError,
    RepositoryMissingError,
    find_repository,
    open_place,
)
from ops.backups.retention.look_before_deleting import give_up_gone
from ops.catalog.open import Catalog
from ops.catalog.tables.index import StoreSeen
from ops.catalog.tables.retention import ExpectedSnapshot
from ops.errors import OpsError
from ops.estate.known_sites import find_repositories
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.journal.standing import find_doubt

_CONFIG = "config"  # the one object every repository has at its top; restic's format, "Repository"


def refuse_new_keys(estate: Estate, catalog: Catalog, missing: Sequence[Path]) -> None:
    """Refuse to make a key for stores that hold repositories already.

    Args:
        estate: As loaded.
        catalog: Knows which repositories were ever seen.
        missing: Key files that are not there.

    Raises:
        RepositoryKeyError: The key is lost, not new.
    """
    known = find_known(estate, catalog) if missing else {}
    for path in missing:
        reference = f"file:{path}"
        stores = [it for it in estate.stores if estate.repository_key(it) == reference]
        places = [f"{store.name}/{site}" for store in stores for site in known.get(store.name, ())]
        if places:
            raise RepositoryKeyError(
                "the key {path} is not there, and repositories were made with it: {places}",
                why="a new key would open none of them",
                data="nothing was changed; with the right key everything is there",
                next_step="put the key back from its copy on paper or in the safe:"
                " `{program} backup.key-combine`",
                path=path,
                places=", ".join(places),
            )


def refuse_lost(estate: Estate, catalog: Catalog, site: str, store: Store) -> None:
    """Refuse to make a repository where there was one: a disk that is not mounted, most likely.

    Raises:
        RepositoryMissingError: It was there before.
    """
    if was_seen(catalog, site, store.name):
        raise RepositoryMissingError(
            'the store "{store}" has lost the repository of the site "{site}": {place}',
            why="it was there before; the store may not be mounted, or is another disk",
            data="nothing was changed; no new one was made in its place",
            next_step="mount or reach the store; only where what it lay on was lost and replaced:"
            " `{program} backup.init --anew {store} --confirm {store}`",
            store=store.name,
            site=site,
            place=estate.repository_url(store, site),
        )


def give_up(session: Session, site: str, store: Store) -> None:
    """Expect a site's repository in a store no more: its disk was lost. What is held stays told."""
    session.execute(
        delete(StoreSeen).where(StoreSeen.site == site, StoreSeen.store == store.name),
        execution_options={"synchronize_session": False},
    )
    expected = read_expected(session, site, store.name)
    if store.role == "mirror":  # it follows its source, where holds are looked after
        drop_expected(session, site, store.name, expected)
    else:
        give_up_gone(session, site, store.name, expected)


def find_known(estate: Estate, catalog: Catalog) -> Mapping[str, list[str]]:
    """Give the sites whose repository each store holds or is known to have held, by store."""
    known: dict[str, set[str]] = {}
    with catalog.reading() as session:
        for table in (StoreSeen, ExpectedSnapshot):
            for site, store in session.execute(select(table.site, table.store).distinct()):
                known.setdefault(store, set()).add(site)
    for site, stores in find_repositories(estate).items():
        for store in stores:
            known.setdefault(store, set()).add(site)
    for each in estate.stores:
        if each.name not in known:
            known[each.name] = _look_for(estate, each)
    return {store: sorted(sites) for store, sites in known.items()}


def _look_for(estate: Estate, store: Store) -> set[str]:
    """Ask a store that no catalog knows; one that does not answer shows nothing."""
    found = set()
    with suppress(BackupError, OpsError):
        for site in (*estate.sites, estate.own_site):
            place = open_place(estate, site.name, store)
            with suppress(BackupError):
                place.size(_CONFIG)
                found.add(site.name)
    return found


def index_past(bench: Bench) -> None:
    """Index repositories until one is older than the catalog; nothing where one is known already.

    The service's own comes first. A store that does not answer shows nothing: what could be freed
    there has to open it, and indexes it then.
    """
    with bench.catalog.reading() as session:
        if read_seen(session):
            return
    estate = bench.estate
    for site in (estate.own_site, *estate.sites):
        for store in estate.stores:
            with suppress(BackupError, OpsError):
                repository = find_repository(estate, site.name, store)
                if repository is None:
                    continue
                update_index(bench.catalog, repository, site=site.name, store=store.name)
                with bench.catalog.reading() as session:
                    if find_doubt(session):
                        return
