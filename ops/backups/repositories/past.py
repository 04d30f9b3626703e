"""What the stores held before this catalog began: indexed before anybody is asked who may do what.

An empty catalog knows no repository, and so could not tell that it is not the first one.
"""

from contextlib import suppress

from backup.errors import BackupError
from ops.access.session import Bench
from ops.backups.repositories.catalog_index import read_seen, update_index
from ops.backups.repositories.open import find_repository
from ops.errors import OpsError
from ops.journal.standing import find_doubt


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
