"""Make repositories and the key, never in place of what is only unseen; build the index anew.

A new key would open nothing that is stored, and a new repository on a disk that is mounted in the
wrong place would take the next backup as if all were well.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backup.errors import BackupError
from ops.access.session import Bench, at_bench
from ops.backups.repositories.catalog_index import (
    drop_expected,
    read_expected,
    read_seen,
    update_index,
    was_seen,
)
from ops.backups.repositories.guide import put_guides
from ops.backups.repositories.open import (
    RepositoryKeyError,
    RepositoryMissingError,
    find_missing_keys,
    find_repository,
    init_repository,
    open_place,
    open_repository,
    recorded_id,
)
from ops.backups.retention.look_before_deleting import give_up_gone
from ops.backups.tasks import Init, Reindex
from ops.catalog.open import Catalog
from ops.catalog.tables.index import StoreSeen
from ops.catalog.tables.retention import ExpectedSnapshot
from ops.durable_files import make_key_file
from ops.errors import OpsError
from ops.estate.choose import choose_sites, choose_stores
from ops.estate.known_sites import find_repositories
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.journal.standing import find_doubt
from ops.language.text import _
from ops.terminal.exit_codes import gravest, report
from ops.terminal.output import write_line
from ops.terminal.progress import need_confirmation

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

    What stores held before this catalog began is indexed before anybody is asked who may do what:
    an empty catalog knows no repository, and so could not tell that it is not the first one.

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
