"""New folders that a run makes: where they may lie, and who may read them when a step has ended.

Whoever has an account beside the service's could not enter what it makes. Such a folder lies right
in a place of the estate, which people may enter (0711), is closed while a command works in it, and
then handed over by a POSIX access list (acl(5)): to look, not to change.
"""

import os
import pwd
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ops.access.caller import current_caller
from ops.entering import entered
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.estate.load.read import INSTALLED_PATH
from ops.estate.model.estate import Estate
from ops.language.text import N_, fill
from ops.runbooks.bare_machine import where_estate_is
from ops.terminal.elsewhere import is_elsewhere
from ops.terminal.output import write_line

_OWN = (Path("/srv"), Path("/var/tmp"))  # noqa: S108 -- a new folder there, named by its moment
_NOT_HERE = N_(
    "the service makes it for you to read: name one right below {places}. For another place root"
    " types `install -d -o giucong -g giucong -m 711 /srv/given`, adds to {estate} `[[places]]`,"
    ' `name = "given"`, `path = "/srv/given"`, and to the unit, below `[Service]`,'
    " `ReadWritePaths=/srv/given`"
)
_LIST = "system.posix_acl_access"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OWNER, _PERSON, _GROUP, _MASK, _OTHERS = 1, 2, 4, 16, 32  # linux/posix_acl.h
_NO_ID = 0xFFFFFFFF
_HEAD, _ENTRY = struct.Struct("<I"), struct.Struct("<HHI")  # linux/posix_acl_xattr.h
_VERSION = 2
_Entries = dict[tuple[int, int], int]


def is_at_places() -> bool:
    """Tell whether who acts has an account beside the one under which the folder is made."""
    is_called = current_caller() is not None
    return is_elsewhere() or (is_called and where_estate_is() == INSTALLED_PATH)


def list_roots(estate: Estate) -> list[Path]:
    """List the folders in which a new one may be made: we may write there, and others pass."""
    if not is_at_places():
        return [it for it in _OWN if os.access(it, os.W_OK)]
    places = (it.path for it in estate.places if os.access(it.path, os.W_OK))
    return [it for it in places if it.stat().st_mode & stat.S_IXOTH]


def find_fault(folder: str) -> tuple[str, dict[str, object]] | None:
    """Say why a new folder cannot be made just there, with parameters; None where it can."""
    if not is_at_places():
        return None
    estate = load_estate()
    roots = list_roots(estate)
    if Path(folder).parent in roots:
        return None
    return _NOT_HERE, {"places": ", ".join(map(str, roots)) or "–", "estate": estate.path}


@contextmanager
def handed_over(path: Path) -> Iterator[None]:
    """Close a folder that is ours while a command works in it; then let who acts read it all.

    What cannot be handed over is told: nothing that was done is lost by it.
    """
    if not is_at_places():
        yield
        return
    with _opened(path) as folder:
        _close(folder)
    yield
    user = _find_user()
    if user in {None, 0, os.geteuid()}:
        return
    try:
        with _opened(path) as folder:
            _let_read(folder, user)
    except FileNotFoundError:
        return
    except (OSError, OpsError, RecursionError) as error:
        why = getattr(error, "strerror", None) or str(error)
        told = N_(
            "{path} is not handed over to you: {why}. Have root do it when the run is over:"
            " `chown -R {user}: {path}`"
        )
        write_line(fill(told, {"path": path, "why": why, "user": user}))


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    with entered(path) as place:
        folder = os.open(place.name, _FOLDER, dir_fd=place.folder)
    try:
        yield folder
    finally:
        os.close(folder)


def _close(folder: int) -> None:
    with suppress(OSError):  # it has none
        os.removexattr(folder, _LIST)
    os.fchmod(folder, stat.S_IRWXU)


def _find_user() -> int | None:
    """Give the account of who acts: the kernel's word, or at the console the estate's."""
    caller = current_caller()
    if caller is None or caller.at_terminal:
        return caller.user if caller else None
    logins = (it.login for it in load_estate().people if it.name == caller.person and it.login)
    with suppress(KeyError, StopIteration):
        return pwd.getpwnam(next(logins)).pw_uid
    return None


def _let_read(top: int, user: int) -> None:
    """Let somebody read what lies in a folder that is closed as yet, then enter it."""
    for _path, below, files, folder in os.fwalk(".", dir_fd=top, onerror=_raise):
        for name in (*below, *files):
            _add(name, folder, user)
    entries = {(_OWNER, _NO_ID): 7, (_GROUP, _NO_ID): 0, (_OTHERS, _NO_ID): 0}
    _write(top, entries, user, 5)


def _raise(error: OSError) -> None:
    raise error


def _add(name: str, folder: int, user: int) -> None:
    """Add somebody to who may read a file or folder; links and the rest stay as they are."""
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        found = os.fstat(handle)
        is_folder = stat.S_ISDIR(found.st_mode)
        if found.st_uid != os.geteuid() or not (is_folder or stat.S_ISREG(found.st_mode)):
            return
        where = f"/proc/self/fd/{handle}"
        try:
            entries = _parse(os.getxattr(where, _LIST))
        except OSError:  # it has none: the mode says it
            groups = {_OWNER: 6, _GROUP: 3, _OTHERS: 0}
            entries = {(tag, _NO_ID): found.st_mode >> bits & 7 for tag, bits in groups.items()}
        _write(where, entries, user, 5 if is_folder or found.st_mode & 0o111 else 4)
    finally:
        os.close(handle)


def _parse(content: bytes) -> _Entries:
    return {(tag, of): may for tag, may, of in _ENTRY.iter_unpack(content[_HEAD.size :])}


def _write(where: str | int, entries: _Entries, user: int, may: int) -> None:
    """Write an access list with one more person, by which nobody else gets more."""
    mask = entries.get((_MASK, _NO_ID), 7)
    bounded = {
        key: it if key[0] in {_OWNER, _OTHERS} else it & mask for key, it in entries.items()
    } | {(_PERSON, user): may}
    bounded[_MASK, _NO_ID] = entries.get((_MASK, _NO_ID), bounded[_GROUP, _NO_ID]) | may
    told = b"".join(_ENTRY.pack(tag, it, of) for (tag, of), it in sorted(bounded.items()))
    os.setxattr(where, _LIST, _HEAD.pack(_VERSION) + told)
