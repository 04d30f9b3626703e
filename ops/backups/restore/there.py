"""A restore into a folder of who types at a terminal elsewhere: their own process does it.

That process has their rights and neither the repository's key nor its store. The act hands it
sockets, and serves blobs over them; it looks at the target first, before anything is chosen. Which
folder it is, which site, whether it is a rehearsal: that process knows what was typed, and takes it
from nobody else.
"""

import socket
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from threading import Thread

import msgspec

from backup.errors import BackupError
from backup.progress import Progress
from backup.repository.repository import Repository
from backup.restorer.served_content import ServedContent, ends_wanted
from ops.backups.restore.into_folder import CameOf, IntoFolder, find_removed, restore_into, typed_of
from ops.backups.restore.targets import closed_folders, refuse_around, take_target
from ops.backups.restore.tasks import Restore
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.estate.load.read import INSTALLED_PATH
from ops.terminal.there import do_there


class _Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="look"):
    """Look whether the folder may be written into, and make it.

    Attributes:
        closed: Folders that nothing is restored into.
    """

    closed: tuple[str, ...]


class _Fill(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="fill"):
    """Restore into it.

    Attributes:
        looks: Whether only what would be removed is named and counted.
    """

    work: IntoFolder
    looks: bool = False


def look_there(closed: Sequence[Path], progress: Progress) -> None:
    """Have the folder looked at by who types; it is made there.

    Raises:
        WrongUseError, FailedThereError: Nothing is restored into it.
    """
    do_there(msgspec.json.encode(_Look(tuple(map(str, closed)))), [], progress, dict)


def fill_there(
    work: IntoFolder, repository: Repository, progress: Progress, *, looks: bool = False
) -> CameOf:
    """Have who types restore, and serve what is read; gives what that process says came of it.

    Args:
        work: What.
        repository: Of the site.
        progress: Told of every entry.
        looks: Whether only what would be removed is named and counted.

    Raises:
        BackupError: The repository cannot be read at all.
        FailedThereError, WrongUseError: It could not be done there.
        BrokenOffError: That process has gone.
    """
    from backup.restorer.serving import serve_content

    pairs = [socket.socketpair() for _ in range(ends_wanted())]
    ours, theirs = [it for it, _ in pairs], [it for _, it in pairs]
    failed: list[BackupError] = []

    def serve() -> None:
        try:
            serve_content(repository, ours)
        except BackupError as error:
            failed.append(error)

    thread = Thread(target=serve, name="serving")
    thread.start()
    try:
        return do_there(msgspec.json.encode(_Fill(work, looks)), theirs, progress, CameOf)
    except Exception:
        if failed:
            raise failed[0] from None
        raise
    finally:
        with suppress(OSError):  # whoever serves has closed it
            ours[0].shutdown(socket.SHUT_RDWR)
        thread.join()


def restore_here(wish: Restore, order: bytes, descriptors: list[int], progress: Progress) -> bytes:
    """Do what the act asks for, in the process of who typed; see `ops.terminal.there.Work`."""
    with ExitStack() as held:
        ends = [held.enter_context(socket.socket(fileno=it)) for it in descriptors]
        asked = msgspec.json.decode(order, type=_Look | _Fill)
        target = Path(wish.target)
        told = map(Path, asked.closed) if isinstance(asked, _Look) else ()
        refuse_around(target, [*told, *_closed_here()])
        take_target(target, dry_run=wish.dry_run)  # whatever the act has asked for before
        if isinstance(asked, _Look):
            return b"{}"
        work = msgspec.structs.replace(asked.work, **typed_of(wish))
        content = held.enter_context(closing(ServedContent(ends)))
        if asked.looks:
            return msgspec.json.encode(find_removed(work, target, content))
        return msgspec.json.encode(restore_into(work, target, content, progress, is_anybodys=True))


def _closed_here() -> list[Path]:
    """Give the folders that nothing is restored into, as far as this process can read of them."""
    with suppress(OpsError, OSError):
        return closed_folders(load_estate(INSTALLED_PATH))
    return [INSTALLED_PATH.parent]
