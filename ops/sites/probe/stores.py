"""Try a store: does it take and give an object, does the repository open, is there room?

Try a site's chosen pages. A backup does not need them, so one that fails is not checked.
"""

import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from backup.errors import BackupError
from ops.backups.pages.notes import PageNote, rules_of, tell_problem
from ops.backups.pages.noting import PagesOrder, noting_beside
from ops.backups.pages.wording import tell_moving
from ops.backups.repositories.open import (
    RepositoryMissingError,
    find_missing_keys,
    open_repository,
)
from ops.backups.repositories.stores import open_store_of
from ops.errors import OpsError, SecretError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.language.formats import format_number, format_size
from ops.language.text import N_, _, fill
from ops.sites.probe.trial import Trial, failed

_PROBE = b"giucong probe\n"


def try_store(estate: Estate, site: Site, store: Store, needed_bytes: int) -> Iterator[Trial]:
    """Try a store, the site's repository in it, and whether there is room for the first copy."""
    key = f"stores[{store.name}]"
    try:
        url = reveal(store.url)
    except SecretError as error:
        yield failed(key, error)
        return
    yield _probe(estate, site, store, url)
    yield _try_repository(estate, site, store)
    if store.role == "primary" and url.startswith("/"):
        yield try_room(key, Path(url), needed_bytes)


def _probe(estate: Estate, site: Site, store: Store, url: str) -> Trial:
    """Write, read and remove a small object in the store, beside the repositories."""
    key = f"stores[{store.name}]"
    if url.startswith("/") and not Path(url).is_dir():
        told = _("the folder {path} does not exist yet").format(path=url)
        fix = N_("mount the disk; only if it is new: {command}")
        return Trial(key, "not_checked", told, fill(fix, {"command": _how_to_make(site, store)}))
    try:
        opened = open_store_of(estate, store, url)
    except (BackupError, SecretError) as error:
        return failed(key, error)
    name = f"giucong-probe-{secrets.token_hex(8)}"
    try:
        opened.write(name, _PROBE)
        try:
            same = opened.read(name) == _PROBE
        finally:
            opened.delete(name)
    except BackupError as error:
        return failed(key, error)
    if not same:
        return Trial(key, "failed", _("the store gave back other bytes"), _("do not use it"))
    return Trial(key, "ok", _("a probe was written, read and removed"))


def _try_repository(estate: Estate, site: Site, store: Store) -> Trial:
    key = f"stores[{store.name}]/{site.name}"
    make = _how_to_make(site, store)
    try:
        open_repository(estate, site.name, store)
    except RepositoryMissingError:
        return Trial(key, "not_checked", _("there is no repository yet"), make)
    except (BackupError, OpsError) as error:
        if estate.repository_key(store) in {f"file:{it}" for it in find_missing_keys(estate)}:
            return Trial(key, "not_checked", _("there is no repository key yet"), make)
        return failed(key, error)
    return Trial(key, "ok", _("the repository opens with the key"))


def _how_to_make(site: Site, store: Store) -> str:
    """Name the task that makes a store's repository; a mirror's is written with its bytes."""
    text = (
        N_("`{program} backup.copy --site {site} --to {store}`")
        if store.role == "mirror"
        else N_("`{program} backup.init --site {site}`")
    )
    return fill(text, {"site": site.name, "store": store.name})


def try_room(key: str, folder: Path, needed_bytes: int) -> Trial:
    """Compare the free space under a folder, which need not exist yet, with what is needed."""
    nearest = next(it for it in (folder, *folder.parents) if it.exists())
    part = _("free space: {part}").format(part=_(key))
    free = shutil.disk_usage(nearest).free
    told = _("{free} free, {needed} needed at most").format(
        free=format_size(free), needed=format_size(needed_bytes)
    )
    if free >= needed_bytes:
        return Trial(part, "ok", told)
    return Trial(part, "failed", told, _("make room, or move it to a larger disk"))


def try_pages(site: Site) -> Iterator[Trial]:
    """Fetch each page as a backup would; yields what was seen, and better ones for what moves."""
    order = PagesOrder(url=site.url, pages=site.pages, rules=rules_of(site), proposes=True)
    with noting_beside(order) as take:
        notes = take()
    better = [it.page.removeprefix(site.url) for it in notes[len(site.pages) :]]
    for note in notes[: len(site.pages)]:
        yield _tell(f"sites[{site.name}].pages[{note.page}]", note, better)


def _tell(part: str, note: PageNote, better: Sequence[str]) -> Trial:
    if note.problem:
        told = tell_problem(note.problem, note.address, note.detail)
        fix = _("a backup tells of it and goes on; correct `url` or `pages`, or mend the site")
        return Trial(part, "not_checked", told, fix)
    if note.moves_much:
        return Trial(part, "not_checked", *tell_moving(note.stays, better))
    told = _('it answers: "{title}", {length} characters to read, {stays} % of them stay')
    return Trial(
        part,
        "ok",
        told.format(
            title=note.title, length=format_number(note.length), stays=int(100 * note.stays)
        ),
    )
