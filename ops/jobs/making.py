"""Make repositories and the key; build the index tables anew."""

from backup.errors import BackupError
from ops import journal
from ops.errors import OpsError
from ops.estate.load import load_estate
from ops.estate.models import Estate
from ops.estate.own_site import OWN_SITE
from ops.estate.sites import Site
from ops.jobs.by_hand import Bench, at_bench
from ops.jobs.choosing import choose_sites
from ops.jobs.indexing import update_index
from ops.jobs.own_backup import put_guides
from ops.jobs.repositories import (
    RepositoryMissingError,
    find_missing_key,
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
    key = find_missing_key(estate)
    if dry_run:
        if key:
            write_line(_("would make the key {path}").format(path=key))
        for site in sites:
            if key or find_repository(estate, site.name) is None:
                place = estate.repository_url(estate.primary_store, site.name)
                write_line(_("would make the repository {place}").format(place=place))
        return 0
    if key:
        make_key_file(key)
        write_line(_("made the key {path}").format(path=key))
        write_line(
            "  " + _("copy it now, to paper or a safe: without it nobody can open the backups")
        )
    with at_bench(estate) as bench:
        code = gravest([_make_repository(bench, site.name) for site in sites])
    put_guides(estate)
    return code


def _with_own(estate: Estate, name: str) -> list[Site]:
    """Give the sites that a command means, and the service itself, which always belongs to them."""
    chosen = choose_sites(estate, name)
    return [*chosen, *([] if estate.own_site in chosen else [estate.own_site])]


def _make_repository(bench: Bench, site: str) -> int:
    estate = bench.estate
    try:
        with hold_site_lock(estate.service.state, site, holder="init"):
            if find_repository(estate, site) is not None:
                place = estate.repository_url(estate.primary_store, site)
                write_line(_("{site}: there already: {place}").format(site=site, place=place))
                return 0
            repository = init_repository(estate, site)
            store = estate.primary_store.name
            update_index(bench.catalog, repository, site=site, store=store)
    except (BackupError, OpsError) as error:
        return report(error)
    details = {"store": store, "repository": repository.id}
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
