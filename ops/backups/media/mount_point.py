"""The folder that a medium is mounted at: is it one, is it the right one, what does it say?"""

import errno
import os
import stat
from collections.abc import Collection
from pathlib import Path

from ops.backups.media.label import NAME, Label, LabelError, decode_label, encode_label
from ops.durable_files import put_anew
from ops.errors import WrongUseError

_MODE = 0o644
_LARGEST = 128 << 20  # bytes; 200 repositories of 1000 snapshots have 26 MB


def check_place(to: str, *, allow_folder: bool) -> Path:
    """Give the folder that was named.

    Args:
        to: As typed.
        allow_folder: Whether a folder will do that no medium is mounted at.

    Raises:
        WrongUseError: It is no folder, or no medium is mounted there.
    """
    folder = Path(to).absolute()
    if not to or not folder.is_dir():
        raise WrongUseError(
            'there is no folder "{folder}"',
            data="nothing was written",
            next_step="mount the medium, and name the folder it is mounted at",
            folder=to,
        )
    folder = folder.resolve()
    if not allow_folder and not os.path.ismount(folder):
        raise WrongUseError(
            "no medium is mounted at {folder}",
            why="it is a folder of another disk, which would be filled in the medium's place",
            data="nothing was written",
            next_step="mount the medium there: `findmnt {folder}`; or add `--allow-folder`",
            folder=folder,
        )
    return folder


def read_label(folder: Path) -> Label | None:
    """Read a medium's label; None where there is none.

    Raises:
        LabelError: It cannot be read.
    """
    path = folder / NAME
    try:
        data = _read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LabelError(
            "the label {place} cannot be read",
            why="{reason}",
            data="nothing was changed",
            next_step="look at the medium: `ls -la {folder}`",
            place=path,
            folder=folder,
            reason=error.strerror or type(error).__name__,
        ) from error
    return decode_label(data, path)


def _read(path: Path) -> bytes:
    """Read a regular file of a foreign medium, to what a label can have."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return file.read(_LARGEST)


def repository_on(folder: Path, site: str) -> Path:
    """Give where a site's repository lies on a medium: below it, and nowhere else.

    Args:
        folder: Where the medium is mounted.
        site: A name.

    Raises:
        LabelError: A folder there is a link, which may lead anywhere.
    """
    place = folder / site
    for it in (place, *place.glob("*"), *place.glob("data/*")):
        if it.is_symlink():
            raise LabelError(
                "{place} is a link, and not of this service",
                why="what is written to the medium or read from it would lie elsewhere",
                data="nothing was changed",
                next_step="look where it leads: `ls -l {place}`; then remove it",
                place=it,
            )
    return place


def write_label(folder: Path, label: Label) -> None:
    """Write a medium's label; readers see the old one or the new one, whole.

    Raises:
        LabelError: The medium cannot be written.
    """
    write_file(folder / NAME, encode_label(label))


def write_file(path: Path, data: bytes) -> None:
    """Write a file of the medium's root, readable by everybody.

    Raises:
        LabelError: The medium cannot be written.
    """
    try:
        put_anew(path, data, _MODE)
    except OSError as error:
        raise LabelError(
            "{place} cannot be written",
            why="{reason}",
            data="what lay on the medium before is still there",
            next_step="look whether it is full, or mounted read-only: `findmnt {folder}`",
            place=path,
            folder=path.parent,
            reason=error.strerror or type(error).__name__,
        ) from error


def check_code(label: Label | None, code: str, known: Collection[str], folder: Path) -> None:
    """Refuse a medium that is another one than was named.

    Args:
        label: What is on it.
        code: The code that was named.
        known: Codes of the media that were written before.
        folder: Where it is mounted.

    Raises:
        WrongUseError: It has another code, or it has none and another medium has this one.
    """
    if label is not None and label.code != code:
        raise WrongUseError(
            "the medium at {folder} is {found}, not {code}",
            data="nothing was written",
            next_step="mount the medium {code}, or name this one: `--code {found}`",
            folder=folder,
            found=label.code,
            code=code,
        )
    if label is None and code in known:
        raise WrongUseError(
            "the medium at {folder} has no label, and another medium has the code {code}",
            why="a code names one medium for life, also after it was replaced",
            data="nothing was written",
            next_step="mount the medium {code}, or give this one a new code",
            folder=folder,
            code=code,
        )
