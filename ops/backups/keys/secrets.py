"""How secrets come from people, and how they are written for them.

They come from a file, from standard input, or typed twice without echo. They go to a folder on a
removable medium, as files for the owner only. Order:

1. Refuse a folder of the service, which would be backed up, and one on the service's own disk.
2. Write each file whole under its name, readable by its owner only; one that is there is refused.
3. When one cannot be written, those of this call that were are removed again.
"""

import getpass
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ops.durable_files import put_new
from ops.entering import find_around
from ops.errors import OpsError, WrongUseError
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import list_own_folders
from ops.estate.model.references import MAXIMUM_BYTES
from ops.language.text import N_, _, as_typed
from ops.terminal.elsewhere import device_as_typed, is_elsewhere

STANDARD_INPUT = "-"


def read_secret(file: str) -> bytes:
    """Take the secret from a file, from standard input, or from the person, typed twice.

    Raises:
        WrongUseError: It is empty, too long, no text, or was typed in two ways.
    """
    try:
        if file and file != STANDARD_INPUT:
            with Path(file).open("rb") as source:
                content = source.read(MAXIMUM_BYTES + 1)
        elif file == STANDARD_INPUT or not sys.stdin.isatty():
            content = sys.stdin.buffer.read(MAXIMUM_BYTES + 1)
        else:
            content = _ask()
    except OSError as error:
        raise _refused(
            N_("the file with the secret cannot be read: {reason}"), reason=error.strerror or ""
        ) from error
    content = content.rstrip(b"\r\n")
    if not content or len(content) > MAXIMUM_BYTES:
        raise _refused(N_("a secret has to have 1 to {limit} bytes"))
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        raise _refused(N_("a secret has to be text")) from None
    if b"\0" in content:
        raise _refused(N_("a secret has to be text"))
    return content + b"\n"


def _ask() -> bytes:
    first = getpass.getpass(_("The secret (nothing is shown while you type): "))
    if getpass.getpass(_("Once more: ")) != first:
        raise _refused(N_("the two were not the same"))
    return first.encode("utf-8", "surrogateescape")


def _refused(what: str, *, reason: str = "") -> WrongUseError:
    return WrongUseError(
        what,
        data="nothing was stored",
        next_step="give it again; `--file -` reads it from standard input",
        reason=reason,
        limit=MAXIMUM_BYTES,
    )


_MODE = 0o600


class PaperFolderError(OpsError):
    """The files cannot be written there."""


def check_folder(estate: Estate, to: str, *, any_disk: bool) -> Path:
    """Give the folder that was named.

    Args:
        estate: The estate.
        to: As typed.
        any_disk: Whether the service's own disk will do.

    Raises:
        WrongUseError: It is no folder, belongs to the service, or lies on the service's own disk.
    """
    folder = Path(to).absolute()
    if not to or not folder.is_dir():
        raise WrongUseError(
            'there is no folder "{folder}"',
            data="nothing was written",
            next_step="mount the removable medium, and name a folder on it with `--to FOLDER`",
            folder=to,
        )
    folder = folder.resolve()
    if is_elsewhere():
        device = _device_elsewhere(as_typed(str(folder)))
    else:
        refuse_own_folder(estate, folder)
        device = folder.stat().st_dev
    if not any_disk and device == estate.path.stat().st_dev:
        raise WrongUseError(
            "{folder} is on the same disk as the estate file",
            why="a secret that was written to a disk stays readable on it after the file is gone",
            data="nothing was written",
            next_step="name a folder on a removable medium or in /dev/shm, or add `--any-disk`",
            folder=folder,
        )
    return folder


def _device_elsewhere(typed: str) -> int:
    """Give the disk of a folder that who types looks at; their own process writes into it."""
    try:
        return device_as_typed(typed)
    except OSError as error:
        raise WrongUseError(
            'there is no folder "{folder}"',
            data="nothing was written",
            next_step="mount the removable medium, and name a folder on it with `--to FOLDER`",
            folder=typed,
        ) from error


def refuse_own_folder(estate: Estate, folder: Path) -> None:
    """Refuse a folder that the service keeps or backs up.

    Raises:
        WrongUseError: It is, or lies below, one of them.
    """
    backed_up = [Path(part.path) for site in estate.sites for part in site.files if not part.host]
    place = find_around(folder, [*list_own_folders(estate), *backed_up])
    if place is not None:
        raise WrongUseError(
            "{folder} lies in {place}, which the service keeps or backs up",
            why="the secret would end in the backups that it opens",
            data="nothing was written",
            next_step="name a folder on a removable medium, or in /dev/shm",
            folder=folder,
            place=place,
        )


def write_secret_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files that are not there yet, all or none; gives their paths.

    Raises:
        PaperFolderError: One is there already, or the folder cannot be written.
    """
    done: list[Path] = []
    try:
        for name, content in files.items():
            put_new(folder / name, content, _MODE)
            done.append(folder / name)
    except OSError as error:
        for path in done:
            with suppress(OSError):
                path.unlink()
        raise PaperFolderError(
            "{path} cannot be written",
            why="{reason}",
            data="nothing is left there of what was written",
            next_step="name an empty folder with room on it",
            path=folder / name,
            reason=error.strerror or type(error).__name__,
        ) from error
    return done
