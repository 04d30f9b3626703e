"""Who runs what inside: servers and the site are never root, and can gain no right.

Where root made the sandbox, each gets the account it has in production. Inside a user namespace
there is one account of the machine only; each gets a namespace of its own, in which it is somebody
other than root, who has no rights over the sandbox and gets no further one. Since all files belong
to that one account, the drill's folder, with copies and accounts of databases, is taken out of
sight there.
"""

import os
import pwd
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ops.sandbox.isolation import refused_calls
from ops.sandbox.isolation.new_root import ROOM

_NOBODY = 65534
_OUT_OF_SIGHT = f'umount --lazy {ROOM} && exec "$@"'


@dataclass(frozen=True, slots=True)
class Account:
    """An account of this machine.

    Attributes:
        user, group: Its numbers; never root's.
    """

    user: int
    group: int


def find_account(names: Iterable[str]) -> Account:
    """Give the first account that this machine has; nobody's where it has none."""
    for name in names:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(found.pw_uid, found.pw_gid)
    return Account(_NOBODY, _NOBODY)


def find_owner(folder: str, names: Iterable[str]) -> Account:
    """Give the account that owns a site's folder: its files may be for it alone.

    Args:
        folder: Of the site.
        names: Accounts of web servers, for a folder that belongs to root, or is not there.
    """
    try:
        status = Path(folder).stat()
    except OSError:
        return find_account(names)
    if status.st_uid == 0:
        return find_account(names)
    return Account(status.st_uid, status.st_gid or _NOBODY)


def run_as(account: Account, way: Literal["root", "user", ""]) -> list[str]:
    """Give the words before a command that is to run as somebody, without rights."""
    user, group = account.user, account.group
    if way == "root":
        return [
            "setpriv",
            f"--reuid={user}",
            f"--regid={group}",
            "--clear-groups",
            "--inh-caps=-all",
            "--bounding-set=-all",
            "--no-new-privs",
            "--",
        ]
    # Whoever is not root has no right left there once a program is started.
    return ["unshare", "--mount", "--", "sh", "-c", _OUT_OF_SIGHT, "sh",
            "unshare", "--user", f"--map-user={user}", f"--map-group={group}", "--",
            "setpriv", "--no-new-privs", "--",
            sys.executable, "-I", str(refused_calls.__file__)]  # fmt: skip


def give(path: Path, account: Account, way: Literal["root", "user", ""]) -> None:
    """Give a file or folder to an account; inside a user namespace all belongs to one already."""
    if way == "root":
        os.chown(path, account.user, account.group)
