"""Make repositories and the key; build the index tables anew."""

from collections.abc import Collection, Sequence

from backup.errors import BackupError
from ops.access.session import Bench, at_bench
from ops.backups.repositories.catalog_index import update_index, was_seen
from ops.backups.repositories.guide import put_guides
from ops.backups.repositories.lost_places import give_up, refuse_lost, refuse_new_keys
from ops.backups.repositories.open import (
    RepositoryMissingError,
    find_missing_keys,
    find_repository,
    init_repository,
    open_repository,
    recorded_id,
)
from ops.backups.tasks import Init, Reindex
from ops.durable_files import make_key_file
from ops.errors import OpsError
from ops.estate.choose import choose_sites, choose_stores
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.language.text import _
from ops.terminal.exit_codes import gravest, report
from ops.terminal.output import write_line
from ops.terminal.progress import need_confirmation


def make_repositories(wish: Init) -> int:
    """Make what is missing of one site or all; gives the exit code."""
    estate = load_estate()
    lost = estate.store(wish.anew) if wish.anew else None
    sites = _with_own(estate, wish.site)
    keys, stores = find_missing_keys(estate), choose_stores(estate, "", ("primary", "copy"))
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        refuse_new_keys(estate, bench.catalog, keys)
        if wish.dry_run:
            for key in keys:
                write_line(_("would make the key {path}"), path=key)
            places = [(site.name, store) for site in sites for store in stores]
            return gravest([_tell_missing(bench, site, it, wish.anew) for site, it in places])
    if lost is not None:
        question = _("What the store {store} held is given up.").format(store=lost.name)
        need_confirmation(lost.name, wish.confirm, question)
    for key in keys:
        make_key_file(key)
        write_line(_("made the key {path}"), path=key)
        write_line(
            "  " + _("copy it now, to paper or a safe: without it nobody can open the backups")
        )
    with at_bench(estate) as bench:
        if lost is not None:
            _give_up(bench, sites, lost)
        places = [(site.name, store) for site in sites for store in stores]
        code = gravest([_make_repository(bench, site, store) for site, store in places])
        put_guides(estate, bench.catalog)
    return code


def _with_own(estate: Estate, name: str) -> list[Site]:
    """Give the sites that a command means, and the service itself, which always belongs to them."""
    chosen = choose_sites(estate, name)
    return [*chosen, *([] if estate.own_site in chosen else [estate.own_site])]


def _give_up(bench: Bench, sites: Sequence[Site], store: Store) -> None:
    """Expect no more what a lost disk held; where the repository is there, nothing changes.

    One that was re-made there by other means is another one: from now on it counts.
    """
    found = {it.name: find_repository(bench.estate, it.name, store, any_id=True) for it in sites}
    gone = {
        site: "" if repository is None else repository.id
        for site, repository in found.items()
        if repository is None or recorded_id(bench.estate, site, store) not in {"", repository.id}
    }
    with bench.catalog.writing() as session:
        for site in gone:
            give_up(session, site, store)
        entries = [
            journal.Entry("backup.init-anew", site, {"store": store.name, "found": there})
            for site, there in gone.items()
        ]
        journal.append(session, bench.origin, entries)


def _tell_missing(bench: Bench, site: str, store: Store, anew: str) -> int:
    estate = bench.estate
    try:
        is_anew = store.name == anew
        is_made = not _missing_key_of(estate, store) and find_repository(
            estate, site, store, any_id=is_anew
        )
        if not is_made:
            if not is_anew:
                refuse_lost(estate, bench.catalog, site, store)
            place = estate.repository_url(store, site)
            write_line(_("would make the repository {place}"), place=place)
    except (BackupError, OpsError) as error:
        return report(error)
    return 0


def _missing_key_of(estate: Estate, store: Store) -> bool:
    path = estate.repository_key(store).partition(":")[2]
    return path in map(str, find_missing_keys(estate))


def _make_repository(bench: Bench, site: str, store: Store) -> int:
    """Make a repository; a copy's is cut like its source, so that it shares what is stored."""
    estate = bench.estate
    try:
        with hold_site_lock(estate.service.state, site, holder="init"):
            if (there := find_repository(estate, site, store)) is not None:
                if not was_seen(bench.catalog, site, store.name):
                    update_index(bench.catalog, there, site=site, store=store.name)
                place = estate.repository_url(store, site)
                write_line(_("{site}: there already: {place}"), site=site, place=place)
                return 0
            refuse_lost(estate, bench.catalog, site, store)
            source = open_repository(estate, site, estate.store(store.of)) if store.of else None
            repository = init_repository(estate, site, store, like=source)
            update_index(bench.catalog, repository, site=site, store=store.name)
    except (BackupError, OpsError) as error:
        return report(error)
    bench.note("backup.init", site, {"store": store.name, "repository": repository.id})
    place = repository.store.location
    write_line(_("{site}: made the repository {place}"), site=site, place=place)
    return 0


def reindex(wish: Reindex) -> int:
    """Build the index tables anew for one site or all; gives the exit code."""
    return rebuild_index(wish.site, dry_run=wish.dry_run)


def rebuild_index(name: str, *, leaving_out: Collection[str] = (), dry_run: bool = False) -> int:
    """Build the index tables anew for one site or all; gives the exit code.

    Args:
        name: Of the site; empty: all.
        leaving_out: Names of stores of which the tables stay as they are.
        dry_run: Keep nothing of what is found.
    """
    estate = load_estate()
    with at_bench(estate, dry_run=dry_run) as bench:
        sites = choose_sites(estate, name) if name else _with_own(estate, name)
        code = gravest([_rebuild(bench, site.name, leaving_out) for site in sites])
    if dry_run:
        write_line(_("Nothing was changed: this was a rehearsal."))
    return code


def _rebuild(bench: Bench, site: str, leaving_out: Collection[str]) -> int:
    codes = []
    for store in bench.estate.stores:
        if store.name in leaving_out:
            continue
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
        write_line(text, site=site, store=store.name, count=len(found))
    return gravest(codes)
