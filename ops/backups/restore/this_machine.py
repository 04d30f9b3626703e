"""Put a site of this machine back where it belongs to others than who runs the restore.

The service's user reads sites and may not write them. This machine is then a host like any other:
written over its own SSH server, by an administrator's account given for that run.
"""

import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from backup.errors import BackupError
from backup.patterns.patterns import compile_patterns
from backup.repository.repository import Repository
from backup.restorer.metadata import is_root
from backup.snapshots.walk import TreeReader, find_folder, walk
from ops.backups.repositories.moments import State
from ops.backups.restore.targets import Chosen, ChosenFiles
from ops.errors import OpsError
from ops.estate.model.sites import Site
from ops.hosts.admin_login import WayIn
from ops.language.text import N_, show_path
from provisioning.hosts import Host

_SECONDS = 3_600.0
_SET_UP = N_(
    "let an SSH key into this machine for this run (`sudo tee -a ~root/.ssh/authorized_keys"
    " < KEY.pub`) and add `--login root --identity FILE`; or restore it beside: `{program}"
    " backup.restore --site {site} --target FOLDER`"
)
_AS_A_WHOLE = N_(
    "put the part back as a whole, without a pattern below it, and add `--login root --identity"
    " FILE`; or restore it beside: `{program} backup.restore --site {site} --target FOLDER`"
)


def send_to_own_server(
    repository: Repository, state: State, site: Site, chosen: Chosen, way: WayIn
) -> Chosen:
    """Give what is chosen, each part that belongs to others to be written over our own SSH server.

    Args:
        repository: Of the site.
        state: What is restored.
        site: Which.
        chosen: Its parts, as they lie here.
        way: What the person gives for this run.

    Raises:
        OpsError: A part belongs to others, and no account that may write it is given.
    """
    if is_root():
        return chosen
    reader = TreeReader(repository, repository.load_index())
    here, there = [], []
    for files in chosen.files:
        first = _find_foreign(reader, state, site, files)
        if first is None:
            here.append(files)
        elif way.login and not files.include:
            there.append(files)
        else:
            raise _belongs(site, str(files.top), first, is_part=bool(files.include))
    databases = []
    for found in chosen.databases:
        live = Path(os.path.realpath(found.part.database))
        goes_along = any(live.is_relative_to(it.top) for it in there)
        databases.append(replace(found, is_foreign=goes_along or not _may_write(live)))
    for database in databases:
        if database.is_foreign and not way.login:
            place = database.part.database
            raise _belongs(site, place, os.fsencode(place), is_part=False)
    return replace(
        chosen, files=tuple(here), databases=tuple(databases), elsewhere=(*chosen.elsewhere, *there)
    )


def _find_foreign(reader: TreeReader, state: State, site: Site, files: ChosenFiles) -> bytes | None:
    """Give the first path that is, or has to become, somebody else's; None for none."""
    me, top = os.geteuid(), os.fsencode(files.top)
    if not _may_write(files.top) or (files.top.exists() and files.top.stat().st_uid != me):
        return top
    asked = compile_patterns([os.fsencode(it) for it in files.include]) if files.include else None
    with suppress(BackupError):  # of a damaged tree the restore itself tells
        assert state.whole is not None  # noqa: S101 - for mypy; `refuse_lacking` has looked
        at = os.fsencode(f"/{site.name}/{files.at}")
        for entry in walk(reader, find_folder(reader, state.whole.tree, at)):
            if asked is not None and not asked.match(entry.path):
                continue
            place = top + entry.path
            with suppress(OSError):
                if os.lstat(place).st_uid != me:
                    return place
            if entry.node.uid != me:
                return place
    return None


def _may_write(place: Path) -> bool:
    """Tell whether a folder or file may be written, or made where it is not there."""
    there = next(it for it in (place, *place.parents) if it.is_dir())
    may_make = os.access(there, os.W_OK | os.X_OK)
    return may_make and (place.is_dir() or not place.exists() or os.access(place, os.W_OK))


def _belongs(site: Site, place: str, first: bytes, *, is_part: bool) -> OpsError:
    return OpsError(
        "{place} belongs to others than the account that runs this, which may only read it",
        why="the first that it may not write, or not give to its owner: {first}",
        data="nothing was changed",
        next_step=_AS_A_WHOLE if is_part else _SET_UP,
        place=place,
        first=show_path(first),
        site=site.name,
    )


def put_back_on(host: Host, copy: Path, live: Path) -> Path | None:
    """Have an account put an SQLite database back; see `put_database_back`.

    Args:
        host: This machine, as an administrator enters it.
        copy: As restored.
        live: Where it belongs.

    Raises:
        OpsError: It could not.
    """
    words = [
        sys.executable,
        "-P",
        "-m",
        "ops.backups.restore.sqlite_in_place",
        *map(str, (copy, live)),
    ]
    ended = host.run([os.fsencode(it) for it in words], timeout=_SECONDS)
    if ended.status != 0:
        lines = ended.stderr.decode("utf-8", "replace").strip().splitlines()
        raise OpsError(
            "the database {path} could not be put back",
            why="{reason}",
            data="it is as it was",
            next_step="stop the site, so that nobody has it open, then try again",
            path=live,
            reason=" · ".join(lines[:3]) or f"exit status {ended.status}",
        )
    kept = ended.stdout.rstrip(b"\n")
    return Path(os.fsdecode(kept)) if kept else None
