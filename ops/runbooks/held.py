"""Look at a place that somebody named, right before a command uses it, and hold it meanwhile.

The command has the service's rights, and whoever named the place may not have them. So nothing is
used that others could swap between the look and the use: a file is opened, as the person may and
without a link on the way, and the command gets the open file; a folder lies where what root and the
service's user have put stays under its name; one that is to be new is made here, and closed.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from archive.handed_in.access import MYSELF, Reader
from ops.access.caller import current_caller, is_at_console
from ops.entering import Entered, entered, find_around
from ops.errors import WrongUseError
from ops.estate.check import find_references
from ops.estate.load.load import load_estate
from ops.estate.load.read import INSTALLED_PATH
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import list_own_folders
from ops.estate.owner import callers_of_lent_rights
from ops.language.text import N_
from ops.runbooks.bare_machine import where_estate_is
from ops.runbooks.new_folders import find_fault, handed_over
from ops.secret_files import open_secret
from ops.terminal.elsewhere import is_elsewhere, open_as_typed
from runbooks.shapes import Place

_CLOSED, _OTHERS = 0o700, 0o077
_NOBODY = 65_534
_FILE = "file:"
_MOST_COPIED = 16 * 1024 * 1024


def are_rights_lent() -> bool:
    """Tell whether who acts has the rights of this process only for what it lets them do."""
    return bool(callers_of_lent_rights()) or current_caller() is not None


@contextmanager
def held(place: Place) -> Iterator[int | None]:
    """Hold a place; gives the open file that stands for it, None where its path does."""
    path = Path(place.path)
    if place.shape == "file":
        with _opened(path) as descriptor:
            yield descriptor
        return
    _refuse_own(path, may_be_store=place.shape == "folder")
    if place.shape != "new-folder":
        _look_at_folder(path, place)
        yield None
        return
    if fault := find_fault(place.path):
        raise _refuse(path, fault[0], **fault[1])
    _make(path)
    _look_at_folder(path, place)
    with handed_over(path):
        yield None


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    with ExitStack() as stack:
        if is_elsewhere():
            opened = _open_elsewhere(path)
            stack.callback(os.close, opened)
            yield stack.enter_context(open_secret(_read_small(opened, path)))
            return
        try:
            files = [stack.enter_context(it.open(path)) for it in _readers()]
        except PermissionError:  # laid there for the service, by an administrator
            files = [stack.enter_context(MYSELF.open(path))]
            found = os.fstat(files[0].fileno())
            if found.st_uid != os.geteuid() or found.st_nlink != 1:
                raise _closed_to_person(path) from None
            _refuse_own(path, beside_secrets=True)
        yield files[0].fileno()


def _open_elsewhere(path: Path) -> int:
    """Have who types open a file; their own process opens what they have typed, and nothing else.

    A run that goes on in another command, perhaps another person's, names it again.
    """
    try:
        return open_as_typed(str(path))
    except OSError as error:
        if error.errno != errno.EPERM:
            raise
        why = N_("nobody has typed it in this command, and it is opened with your rights")
        raise _name_again(path, why) from error


def _closed_to_person(path: Path) -> WrongUseError:
    if is_at_console():
        return _name_again(path, N_("at the console none of your own files can be opened"))
    return _refuse(path, N_("you may not read it yourself"))


def _name_again(path: Path, why: str) -> WrongUseError:
    return WrongUseError(
        "the step does not use {path}",
        why=why,
        data="the step was not begun",
        next_step="name it again at a terminal:"
        " `{program} runbook.resume --run RUN --set NAME={path}`",
        path=path,
    )


def _read_small(opened: int, path: Path) -> bytes:
    """Read a file that is copied: a command opens it anew, which a person's own forbids it."""
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        raise _refuse(path, N_("it is no file"))
    with os.fdopen(os.dup(opened), "rb") as file:
        content = file.read(_MOST_COPIED + 1)
    if len(content) > _MOST_COPIED:
        raise _refuse(path, N_("it is too large"))
    return content


def _readers() -> list[Reader]:
    """Give who all have to be allowed to read; who acts at the console has no account here."""
    if current_caller() is not None:
        return [Reader(_NOBODY)]
    return [Reader.of(uid) for uid in callers_of_lent_rights()] or [MYSELF]


def _refuse_own(path: Path, *, may_be_store: bool = False, beside_secrets: bool = False) -> None:
    """Refuse what lies in a folder of the service's own.

    Args:
        path: What somebody named.
        may_be_store: Whether a store will do: it is read.
        beside_secrets: Whether a folder that holds a secret is the service's own, too.
    """
    if where_estate_is() is None:
        return
    estate = load_estate()
    stores = {Path(it.url) for it in estate.stores}
    own = [it for it in list_own_folders(estate) if not (may_be_store and it in stores)]
    if beside_secrets:
        own += [Path(it).parent for it in _list_secrets(estate)]
    if place := find_around(path, [*own, INSTALLED_PATH.parent]):
        raise _refuse(path, N_("it lies in {place}, which the service keeps"), place=place)


def _list_secrets(estate: Estate) -> list[str]:
    named = (it for _location, it in find_references(estate) if it.startswith(_FILE))
    return [it.removeprefix(_FILE) for it in named]


def _make(path: Path) -> None:
    """Make a folder, and those above it; one that is there has to be ours."""
    try:
        with entered(path) as place:
            found = place.look()
            if found is None:
                os.mkdir(place.name, _CLOSED, dir_fd=place.folder)
            elif not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                raise _refuse(path, N_("it is there already, and is no folder of ours"))
    except FileNotFoundError:
        _make(path.parent)
        _make(path)


def _look_at_folder(path: Path, place: Place) -> None:
    """Refuse a folder, or what lies below it, that others could swap, or that a link leads to."""
    with entered(path) as outer:
        found = outer.look()
        if found is None:
            raise _refuse(path, N_("it is not there"))
        if not stat.S_ISDIR(found.st_mode) or not _stays(outer, found):
            raise _refuse(path, _SWAPPED)
        if place.below:
            with entered(path / place.below) as inner:
                if inner.path != outer.path / place.below:
                    raise _refuse(path / place.below, N_("a link leads out of the folder"))
                is_closed = not found.st_mode & _OTHERS
                if not is_closed and not _stays(inner, inner.look()):
                    raise _refuse(path / place.below, _SWAPPED)


_SWAPPED = N_("others than root and the service's user could put something else in its place")


def _stays(place: Entered, found: os.stat_result | None) -> bool:
    """Tell whether a name keeps what it names; who lends nobody's rights looks after that alone."""
    is_ours = place.keeps_ours and (found is None or found.st_uid in {0, os.geteuid()})
    return is_ours or not are_rights_lent()


def _refuse(path: Path, why: str, **params: object) -> WrongUseError:
    return WrongUseError(
        "the step does not use {path}",
        why=why,
        data="the step was not begun",
        next_step="put that right, or give another place with `--set`, and go on with the run",
        path=path,
        **params,
    )
