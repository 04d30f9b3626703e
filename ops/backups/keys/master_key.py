"""Give a site a new master key: a new repository, filled by copy, that takes the old one's place.

restic's master key cannot change in its repository. Order; killed after any step, the same command
goes on from what it finds:

1. Note the old repository's id in the state folder: a change is under way.
2. Make `STORE/.new-keys/SITE`, cut like the old one, and copy every snapshot into it.
3. Read every byte of it back, and find each snapshot's copy.
4. Make the same repository in each mirror, byte for byte.
5. In each store move the old one to `STORE/.old-keys/SITE-ID`, then the new one into its place.
6. Bring the index tables up to date, and expect the new snapshots from now on.
7. Remove the note.

The site's lock is held from 1 to 7. Only stores that are folders here can move a repository.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from backup.check.check import CheckRequest, check_repository
from backup.copies.copy import copy_snapshots, find_copy
from backup.copies.mirror import update_mirror
from backup.errors import RepositoryNotFoundError
from backup.progress import SILENT, Progress
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.stores import open_store
from backup.stores.durable_write import sync_folder
from ops.backups.kinds import check_job
from ops.backups.repositories.catalog_index import update_index
from ops.backups.retention.look_before_deleting import accept_present
from ops.catalog.open import Catalog
from ops.durable_files import put_new
from ops.errors import OpsError, WrongUseError
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve
from ops.estate.model.stores import Store
from ops.jobs.site_lock import hold_site_lock
from ops.schedule.ledger.job import lock_name

NEW, OLD = ".new-keys", ".old-keys"
_CONFIG = "config"
_SHORT_ID = 16

Stage = Literal["begin", "copy", "switch"]


@dataclass(frozen=True, slots=True)
class MasterRotation:
    """What is changed.

    Attributes:
        estate: The estate.
        site: Name of the site.
        stores: The store whose repository it is, then the mirrors that hold it.
        note: Holds the old repository's id while the change is under way.
    """

    estate: Estate
    site: str
    stores: tuple[Store, ...]
    note: Path

    def here(self, store: Store) -> Path:
        """Give the repository's place."""
        return Path(store.url) / self.site

    def new(self, store: Store) -> Path:
        """Give where the new one grows."""
        return Path(store.url) / NEW / self.site

    def old(self, store: Store, repository: str) -> Path:
        """Give where the old one is kept."""
        return Path(store.url) / OLD / f"{self.site}-{repository[:_SHORT_ID]}"

    def open(self, place: Path) -> Repository:
        """Open a repository of the site with its password."""
        password = resolve(self.estate.repository_key(self.stores[0])).get_secret_value()
        cache = self.estate.service.cache
        return Repository.open(open_store(str(place)), password.encode(), cache_dir=cache)


def plan_master_rotation(estate: Estate, site: str, store: Store) -> MasterRotation:
    """Find out what has to be changed; changes nothing.

    Raises:
        WrongUseError: A store is no folder here.
    """
    mirrors = [it for it in estate.stores if it.role == "mirror" and it.of == store.name]
    rotation = MasterRotation(
        estate,
        site,
        (store, *mirrors),
        estate.service.state / "key-rotations" / f"{store.name}-{site}",
    )
    for it in rotation.stores:
        if not it.url.startswith("/"):
            raise WrongUseError(
                'in "{store}" a repository cannot be moved, so its master key cannot be changed',
                why="the store is no folder of this machine",
                next_step="add a copy with a key of its own to the estate, fill it with"
                " `{program} backup.copy`, and make it the primary store",
                store=it.name,
            )
    there = [it for it in mirrors if _is_there(rotation.here(it)) or _is_there(rotation.new(it))]
    return MasterRotation(estate, site, (store, *there), rotation.note)


def stage_of(rotation: MasterRotation) -> Stage:
    """Tell how far a change has come."""
    if not rotation.note.exists():
        return "begin"
    here = rotation.here(rotation.stores[0])
    now = rotation.open(here).id if _is_there(here) else ""
    return "copy" if now == rotation.note.read_text() else "switch"


def rotate_master(
    rotation: MasterRotation, catalog: Catalog, progress: Progress = SILENT
) -> Iterator[str]:
    """Change the master key, and yield the name of each step that is done.

    Raises:
        OpsError: The new repository lacks something, or does not read back.
        SiteBusyError: A run works on the site.
        BackupError: A store failed, or the old repository is damaged.
    """
    state, site = rotation.estate.service.state, rotation.site
    checks = lock_name(site, check_job(site))  # a check would find half of either repository
    with (
        hold_site_lock(state, site, holder="key-rotate"),
        hold_site_lock(state, checks, holder="key-rotate"),
    ):
        if stage_of(rotation) == "begin":
            source = rotation.open(rotation.here(rotation.stores[0]))
            rotation.note.parent.mkdir(mode=0o700, exist_ok=True)
            sync_folder(str(rotation.note.parent.parent))
            put_new(rotation.note, source.id.encode(), 0o600)
            yield "noted"
        if stage_of(rotation) == "copy":
            yield from _fill(rotation, progress)
        for store in rotation.stores:
            _switch(rotation, store)
            yield f"switched {store.name}"
        for store in rotation.stores:
            _index(rotation, catalog, store)
        yield "indexed"
        rotation.note.unlink()


def _fill(rotation: MasterRotation, progress: Progress) -> Iterator[str]:
    first, *mirrors = rotation.stores
    source = rotation.open(rotation.here(first))
    fresh = _open_or_make(rotation, rotation.new(first), source)
    with hold_lock(source), hold_lock(fresh) as lock:
        snapshots = source.load_snapshots()
        for _copied in copy_snapshots(source, fresh, snapshots, lock=lock, progress=progress):
            pass
    yield "copied"
    with hold_lock(fresh):
        there = fresh.load_snapshots()
        lacking = [it for it in snapshots if find_copy(it, there) is None]
        found = check_repository(fresh, CheckRequest(read_data="all"), progress)
    if lacking or found.errors:
        raise OpsError(
            "the new repository is not whole: {lacking} snapshots lack, {errors} errors were found",
            data="the old one is in its place and serves as before",
            next_step="look at the disk, then type the same command again",
            lacking=len(lacking),
            errors=len(found.errors),
        )
    yield "verified"
    for mirror in mirrors:
        rotation.new(mirror).mkdir(mode=0o700, parents=True, exist_ok=True)
        update_mirror(fresh, open_store(str(rotation.new(mirror))), progress=progress)
        yield f"mirrored {mirror.name}"


def _open_or_make(rotation: MasterRotation, place: Path, source: Repository) -> Repository:
    try:
        return rotation.open(place)
    except RepositoryNotFoundError:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    password = resolve(rotation.estate.repository_key(rotation.stores[0])).get_secret_value()
    return Repository.init(
        open_store(str(place)),
        password.encode(),
        cache_dir=rotation.estate.service.cache,
        polynomial=source.config.polynomial,
    )


def _switch(rotation: MasterRotation, store: Store) -> None:
    here, new = rotation.here(store), rotation.new(store)
    if not _is_there(new):
        return  # switched before
    if _is_there(here):
        old = rotation.old(store, rotation.note.read_text())
        old.parent.mkdir(mode=0o700, exist_ok=True)
        here.rename(old)
        sync_folder(str(old.parent))
        sync_folder(str(here.parent))
    new.rename(here)
    sync_folder(str(here.parent))
    sync_folder(str(new.parent))


def _index(rotation: MasterRotation, catalog: Catalog, store: Store) -> None:
    repository = rotation.open(rotation.here(store))
    site = rotation.site
    stored = update_index(catalog, repository, site=site, store=store.name, rebuild=True)
    with catalog.writing() as session:
        accept_present(session, site, store.name, stored, now=datetime.now(UTC))


def _is_there(place: Path) -> bool:
    return (place / _CONFIG).is_file()
