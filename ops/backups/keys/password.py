"""Change a leaked password: a new one everywhere first, then the old one nowhere.

Order; killed after any step, the same command goes on from what it finds:

1. Make the new password in `KEY.next`, beside the key file.
2. Add it to every repository in every store that the old one opens, mirrors included.
3. Prove that it opens each of them, read anew from each store.
4. Link the key file as `KEY.old`, then give `KEY.next` its name: a key file is there at any moment.
5. Prove again, repository by repository, that the new password opens it; then remove the key files
   that the old one opens.
6. Remove `KEY.old`.

The master key stays. Whoever has the old password and once copied a key file can read what is there
and what is added: then the master key has leaked too (`ops.backups.keys.master_key`).
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sqlalchemy import select

from backup.errors import DamagedError, ObjectNotFoundError, UnsupportedFormatError
from backup.format.bounds import read_bounded
from backup.format.key_file import parse_key_file, unwrap_master_key
from backup.repository.keyring import add_key, remove_key
from backup.repository.repository import Repository
from backup.stores.base import Store as OpenStore
from backup.stores.durable_write import sync_folder
from ops.backups.keys.key_holders import choose_with_own, stores_with_key
from ops.backups.repositories.open import open_place, open_with
from ops.catalog.open import Catalog
from ops.catalog.tables.index import StoreSeen
from ops.durable_files import make_key_file
from ops.errors import OpsError, WrongUseError
from ops.estate.known_sites import find_repositories
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.jobs.site_lock import hold_site_lock

Stage = Literal["begin", "add", "remove"]


@dataclass(frozen=True, slots=True)
class KeyPaths:
    """The key file and its two companions while it is changed."""

    key: Path
    next: Path
    old: Path


@dataclass(slots=True)
class PasswordRotation:
    """What is changed, and what was done so far.

    Attributes:
        estate: The estate.
        store: The primary store, or a copy: whose password it is.
        paths: Where it lies.
        places: Site and store of every repository it opens, a source before its mirrors.
        added, removed: Ids of key files by `STORE/SITE`.
    """

    estate: Estate
    store: Store
    paths: KeyPaths
    places: tuple[tuple[str, Store], ...]
    added: dict[str, str] = field(default_factory=dict)
    removed: dict[str, list[str]] = field(default_factory=dict)


def plan_password_rotation(estate: Estate, catalog: Catalog, store: Store) -> PasswordRotation:
    """Find out what a password opens; changes nothing.

    Raises:
        WrongUseError: The password is not kept in a file, so it cannot be replaced here.
    """
    reference = estate.repository_key(store)
    scheme, _colon, rest = reference.partition(":")
    if scheme != "file":
        raise WrongUseError(
            "{reference} is not kept in a file, so it cannot be changed here",
            why="`env:` comes from the service's environment, `credential:` from systemd",
            next_step="write `file:PATH` in the estate, or add a password with"
            " `{program} backup.key-add` and remove the old one with `python -m backup key remove`",
            reference=reference,
        )
    path = Path(rest)
    paths = KeyPaths(path, path.with_name(f"{path.name}.next"), path.with_name(f"{path.name}.old"))
    stores = stores_with_key(estate, store)
    names = _all_names(estate, catalog)
    places = [
        (name, it) for name in names for it in stores if _is_there(open_place(estate, name, it))
    ]
    return PasswordRotation(estate, store, paths, tuple(places))


def stage_of(paths: KeyPaths) -> Stage:
    """Tell from the files beside the key how far a change has come."""
    return decide_stage(has_next=paths.next.exists(), has_old=paths.old.exists())


def decide_stage(*, has_next: bool, has_old: bool) -> Stage:
    """Decide where a change goes on; pure."""
    if has_next:
        return "add"
    return "remove" if has_old else "begin"


def rotate_password(rotation: PasswordRotation) -> Iterator[str]:
    """Change the password, and yield the name of each step that is done.

    Raises:
        OpsError: A repository opens with neither password, or not with the new one.
        BackupError: A store failed.
        SiteBusyError: A run works on a site.
    """
    paths = rotation.paths
    if stage_of(paths) == "begin":
        make_key_file(paths.next)
        yield "made"
    if stage_of(paths) == "add":
        old, new = _read(paths.key), _read(paths.next)
        for site, store in rotation.places:
            _add(rotation, site, store, old, new)
            yield f"added {store.name}/{site}"
        for site, store in rotation.places:
            _prove(rotation, site, store, new)
        yield "proven"
        with suppress(FileExistsError):
            os.link(paths.key, paths.old)
        sync_folder(str(paths.key.parent))
        yield "kept"
        paths.next.replace(paths.key)
        sync_folder(str(paths.key.parent))
        yield "switched"
    old, new = _read(paths.old), _read(paths.key)
    for site, store in rotation.places:
        _remove(rotation, site, store, old, new)
        yield f"removed {store.name}/{site}"
    paths.old.unlink()
    sync_folder(str(paths.key.parent))


def _add(rotation: PasswordRotation, site: str, store: Store, old: bytes, new: bytes) -> None:
    place = open_place(rotation.estate, site, store)
    with hold_site_lock(rotation.estate.service.state, site, holder="key-rotate"):
        if open_with(place, new) is not None:
            return
        if store.role == "mirror" and store.of:
            key_id = _copy_key(rotation, site, store, place, new)
        else:
            key_id = add_key(_open(place, site, store, old), new)
        rotation.added[f"{store.name}/{site}"] = key_id


def _copy_key(
    rotation: PasswordRotation, site: str, store: Store, place: OpenStore, new: bytes
) -> str:
    """Give a mirror the key file that its source got: it holds the same bytes."""
    source = open_place(rotation.estate, site, rotation.estate.store(store.of or ""))
    key_id = _open(source, site, store, new).key_id
    place.write(f"keys/{key_id}", read_bounded(source, f"keys/{key_id}"))
    return key_id


def _prove(rotation: PasswordRotation, site: str, store: Store, new: bytes) -> Repository:
    return _open(open_place(rotation.estate, site, store), site, store, new)


def _open(place: OpenStore, site: str, store: Store, password: bytes) -> Repository:
    repository = open_with(place, password)
    if repository is None:
        raise _stopped(site, store)
    return repository


def _remove(rotation: PasswordRotation, site: str, store: Store, old: bytes, new: bytes) -> None:
    with hold_site_lock(rotation.estate.service.state, site, holder="key-rotate"):
        repository = _prove(rotation, site, store, new)
        gone = [
            remove_key(repository, key_id)
            for key_id in repository.list_files("keys")
            if key_id != repository.key_id and _opens(repository, key_id, old)
        ]
    if gone:
        rotation.removed[f"{store.name}/{site}"] = gone


def _opens(repository: Repository, key_id: str, password: bytes) -> bool:
    """Tell whether a key file opens with a password; one that cannot be read opens with none."""
    try:
        key_file = parse_key_file(read_bounded(repository.store, f"keys/{key_id}"))
        return unwrap_master_key(key_file, password) is not None
    except (DamagedError, UnsupportedFormatError, ObjectNotFoundError):
        return False


def _is_there(place: OpenStore) -> bool:
    try:
        place.size("config")
    except ObjectNotFoundError:
        return False
    return True


def _all_names(estate: Estate, catalog: Catalog) -> Sequence[str]:
    """Name every site that has, or had, a repository: retired ones keep theirs."""
    with catalog.reading() as session:
        seen = set(session.execute(select(StoreSeen.site)).scalars())
    known = {site.name for site in choose_with_own(estate, "")}
    return sorted(known | seen | find_repositories(estate).keys())


def _read(path: Path) -> bytes:
    return path.read_bytes().rstrip(b"\r\n")


def _stopped(site: str, store: Store) -> OpsError:
    return OpsError(
        'the repository of "{site}" in "{store}" does not open with the password it has to',
        why="it was made with another one, or a mirror has not caught up",
        data="no password was taken away from it: what opened it before opens it now",
        next_step="bring the store up to date, `{program} backup.copy --to {store}`, then type the"
        " same command again",
        site=site,
        store=store.name,
    )
