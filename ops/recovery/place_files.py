"""Put a recovery's files in place, and give them to the user the service runs as.

Nothing is overwritten: what is in the way is renamed first. Each file is whole under its name or
not there, so a recovery that was cut off is simply run again.
"""

import os
import pwd
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from ops.backups.repositories.stores import Access
from ops.durable_files import copy_new, put_new
from ops.entering import entered
from ops.errors import OpsError, SecretError, WrongUseError
from ops.estate.load.read import INSTALLED_PATH
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.references import reveal
from ops.estate.model.stores import Store
from ops.recovery.content import CATALOG_FILE
from ops.recovery.fetch import Found
from ops.recovery.plan import KEY, RecoveryPlan, Step, companions, is_secret, list_outside


def find_owner(user: str) -> pwd.struct_passwd | None:
    """Give the account that gets everything; None where this process is no root.

    Raises:
        WrongUseError: Root would own files of a service that is to run as somebody else.
    """
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(user)
    except KeyError as error:
        raise WrongUseError(
            'the service ran as "{user}", and this machine has no such user',
            why="files of root would keep the service from working",
            next_step="`adduser --system --group --home /var/lib/giucong {user}`, then again",
            user=user,
        ) from error


def put_in_place(plan: RecoveryPlan, found: Found, made: list[Path]) -> None:
    """Do the steps.

    Args:
        plan: Says what goes where.
        found: What was restored.
        made: Gets the files and folders that were made, as they are made.

    Raises:
        OpsError: A folder cannot be written; what was there before is whole.
    """
    aside = datetime.now(UTC).strftime(".before-%Y%m%d%H%M%S")
    for step in plan.steps:
        if step.state == "same":
            continue
        try:
            if step.state == "taken":
                _move_aside(step, aside)
            made += _make_folders(step.path.parent, private=is_secret(step))
            _put(step, found)
        except OSError as error:
            raise OpsError(
                "{path} cannot be put in place",
                why="{reason}",
                data="what was there before is not affected;"
                " what was moved aside ends with {aside}",
                next_step="run it as root or as the service's user, or name a `--target`",
                path=step.path,
                reason=error.strerror or type(error).__name__,
                aside=aside,
            ) from error
        made.append(step.path)


def _move_aside(step: Step, aside: str) -> None:
    for path in (step.path, *(companions(step.path) if step.at == CATALOG_FILE else ())):
        with suppress(FileNotFoundError):
            path.rename(f"{path}{aside}")


def _make_folders(folder: Path, *, private: bool) -> list[Path]:
    missing = [it for it in (folder, *folder.parents) if not it.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700 if private else 0o750, exist_ok=True)
    return missing


def _put(step: Step, found: Found) -> None:
    if step.at == KEY:
        put_new(step.path, found.password + b"\n", 0o600)
        return
    source = found.source(step.at)
    secret = found.secret(step.at)
    if secret is not None:
        put_new(step.path, secret, 0o600)
        return
    mode = 0o600 if step.at == CATALOG_FILE else source.stat().st_mode & 0o755
    copy_new(source, step.path, mode)


def put_entry_keys(
    estate: Estate, repo: str, entry: Access, folders: Sequence[Path], made: list[Path]
) -> None:
    """Put the keys that let us in where the estate looks for them.

    Only for the store with the very address that was typed; what is there already stays.

    Args:
        estate: As it was recovered.
        repo: The address that was typed.
        entry: The files that were named.
        folders: Where this recovery may write.
        made: Gets the files and folders that were made.
    """
    for store in (it for it in estate.stores if _is_at(it, repo)):
        for reference, file in (
            (store.identity, entry.identity),
            (store.access_key, entry.access_key_file),
            (store.secret_key, entry.secret_key_file),
        ):
            scheme, _colon, rest = (reference or "").partition(":")
            path = Path(rest)
            if not file or scheme != "file" or os.path.lexists(path):
                continue
            if not list_outside([path], folders):
                made += [*_make_folders(path.parent, private=True), path]
                copy_new(Path(file), path, 0o600)


def _is_at(store: Store, repo: str) -> bool:
    try:
        address = reveal(store.url).rstrip("/")
    except SecretError:
        return False
    return repo.rstrip("/") in {address, f"{address}/{OWN_SITE}"}


def give_to(owner: pwd.struct_passwd | None, made: list[Path], folders: Iterable[Path]) -> None:
    """Give what was made to the service's user, and what root has in its working folders.

    What lies in a folder of root's for the installed estate stays root's, and is readable for the
    service; a key in there is its own.
    That user may still have a process that swaps names: each entry is held by its descriptor.
    """
    if owner is None:
        return
    for path in made:
        with suppress(FileNotFoundError), entered(path) as place:
            is_roots = os.fstat(place.folder).st_uid == 0
            lend = is_roots and path.is_relative_to(INSTALLED_PATH.parent)
            _give(owner, place.name, place.folder, lend=lend)
    for path in folders:
        with suppress(FileNotFoundError), entered(path) as place:
            _give(owner, place.name, place.folder)
            for _top, below, files, folder in os.fwalk(place.name, dir_fd=place.folder):
                for name in (*below, *files):
                    _give(owner, name, folder)


def _give(owner: pwd.struct_passwd, name: str, folder: int, *, lend: bool = False) -> None:
    """Give one entry that is root's; one with further names may be a file of root elsewhere.

    Args:
        owner: Whom to.
        name: Of the entry.
        folder: The descriptor of its folder.
        lend: Let it be root's and only be read, unless it is a file that was closed to all others.
    """
    with suppress(FileNotFoundError):
        held = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            found, path = os.fstat(held), f"/proc/self/fd/{held}"
            is_folder = stat.S_ISDIR(found.st_mode)
            if found.st_uid != 0 or not (is_folder or found.st_nlink == 1):
                return
            is_lent = lend and (is_folder or bool(found.st_mode & 0o077))
            os.chown(path, -1 if is_lent else owner.pw_uid, owner.pw_gid)
            if is_lent:
                Path(path).chmod(0o750 if is_folder else 0o640)
        finally:
            os.close(held)
