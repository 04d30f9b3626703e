"""Make repositories and the key; build the index tables anew."""

from backup.errors import BackupError
from ops import journal
from ops.errors import OpsError
from ops.estate.load import load_estate
from ops.estate.models import Estate
from ops.estate.own_site import OWN_SITE
from ops.estate.sites import Site
from ops.estate.stores import Store
from ops.jobs.by_hand import Bench, at_bench
from ops.jobs.choosing import choose_sites, choose_stores
from ops.jobs.indexing import update_index
from ops.jobs.lost_places import refuse_new_keys
from ops.jobs.own_backup import put_guides
from ops.jobs.repositories import (
    RepositoryMissingError,
    find_missing_keys,
    find_repository,
    init_repository,
    make_key_file,
    open_repository,
)
from ops.present import write_line
from ops.service.site_lock import hold_site_lock
from ops.tasks.gravest import gravest
from ops.tasks.running import report
from ops.text import _


def make_repositories(name: str, *, dry_run: bool) -> int:
    """Make what is missing of one site or all; gives the exit code."""
    estate = load_estate()
    sites = _with_own(estate, name)
    keys, stores = find_missing_keys(estate), choose_stores(estate, "", ("primary", "copy"))
    with at_bench(estate, dry_run=dry_run) as bench:
        refuse_new_keys(estate, bench.catalog, keys)
    if dry_run:
        for key in keys:
            write_line(_("would make the key {path}").format(path=key))
        for site in sites:
            for store in stores:
                _tell_missing(estate, site.name, store)
        return 0
    for key in keys:
        make_key_file(key)
        write_line(_("made the key {path}").format(path=key))
        write_line(
            "  " + _("copy it now, to paper or a safe: without it nobody can open the backups")
        )
    with at_bench(estate) as bench:
        places = [(site.name, store) for site in sites for store in stores]
        code = gravest([_make_repository(bench, site, store) for site, store in places])
    put_guides(estate)
    return code


def _with_own(estate: Estate, name: str) -> list[Site]:
    """Give the sites that a command means, and the service itself, which always belongs to them."""
    chosen = choose_sites(estate, name)
    return [*chosen, *([] if estate.own_site in chosen else [estate.own_site])]


def _tell_missing(estate: Estate, site: str, store: Store) -> None:
    key = _missing_key_of(estate, store)
    if key or find_repository(estate, site, store) is None:
        place = estate.repository_url(store, site)
        write_line(_("would make the repository {place}").format(place=place))


def _missing_key_of(estate: Estate, store: Store) -> bool:
    path = estate.repository_key(store).partition(":")[2]
    return path in map(str, find_missing_keys(estate))


def _make_repository(bench: Bench, site: str, store: Store) -> int:
    """Make a repository; a copy's is cut like its source, so that it shares what is stored."""
    estate = bench.estate
    try:
        with hold_site_lock(estate.service.state, site, holder="init"):
            if find_repository(estate, site, store) is not None:
                place = estate.repository_url(store, site)
                write_line(_("{site}: there already: {place}").format(site=site, place=place))
                return 0
            source = open_repository(estate, site, estate.store(store.of)) if store.of else None
            repository = init_repository(estate, site, store, like=source)
            update_index(bench.catalog, repository, site=site, store=store.name)
    except (BackupError, OpsError) as error:
        return report(error)
    details = {"store": store.name, "repository": repository.id}
    with bench.catalog.writing() as session:
        journal.append(session, bench.origin, [journal.Entry("backup.init", site, details)])
    place = repository.store.location
    write_line(_("{site}: made the repository {place}").format(site=site, place=place))
    return 0


def rebuild_index(name: str, *, dry_run: bool = False) -> int:
    """Build the index tables anew for one site or all; gives the exit code."""
    estate = load_estate()
    with at_bench(estate, dry_run=dry_run) as bench:
        sites = choose_sites(estate, name) if name else _with_own(estate, name)
        code = gravest([_rebuild(bench, site.name) for site in sites])
    if dry_run:
        write_line(_("Nothing was changed: this was a rehearsal."))
    return code


def _rebuild(bench: Bench, site: str) -> int:
    codes = []
    for store in bench.estate.stores:
        try:
            repository = open_repository(bench.estate, site, store)
            found = update_index(
                bench.catalog, repository, site=site, store=store.name, rebuild=True
            )
        except RepositoryMissingError as error:
            if store.role == "primary" and site != OWN_SITE:
                codes.append(report(error))
            continue
        except (BackupError, OpsError) as error:
            codes.append(report(error))
            continue
        text = _("{site} in {store}: {count} snapshots")
        write_line(text.format(site=site, store=store.name, count=len(found)))
    return gravest(codes)
