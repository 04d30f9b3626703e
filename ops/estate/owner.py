"""Whose the catalog's folder is, and with whose rights somebody acts."""

import os
import pwd
from contextlib import suppress
from pathlib import Path
from typing import Literal

from ops.toml import read_toml

Step = Literal["stay", "become", "refuse"]


BY_ROOT = "GIUCONG_BY_ROOT"
"""Set where root's task goes on as the service's user; `sudo` hands nobody's variables on."""


def is_borrowed() -> bool:
    """Tell whether somebody acts here with the rights of another user, neither of them root.

    `sudo`, `pkexec` and `doas` say by whom they were called, and their caller cannot keep them from
    that.
    """
    callers = _callers()
    return any(callers) and os.geteuid() not in {0, *callers}


def callers_of_lent_rights() -> frozenset[int]:
    """Give the accounts, root left out, that rights were lent to; none where nothing is lent.

    More than one where the environment names several: nobody can say which of them is true.
    """
    return frozenset(_callers()) - {0} if is_borrowed() else frozenset()


def _callers() -> list[int]:
    callers = [
        int(it)
        for name in ("SUDO_UID", "PKEXEC_UID")
        if (it := os.environ.get(name, "")).isdecimal()
    ]
    with suppress(KeyError):
        callers.append(pwd.getpwnam(os.environ["DOAS_USER"]).pw_uid)
    return callers


def is_services_user(installed: Path) -> bool:
    """Tell whether this user owns the state of the installed service, and is not root."""
    folder = find_state_folder(installed)
    return folder is not None and folder.stat().st_uid == os.geteuid() != 0


def decide_step(folder_owner: int, me: int) -> Step:
    """Decide from two user ids; root becomes the owner, anybody else must be the owner."""
    if folder_owner == me:
        return "stay"
    return "become" if me == 0 else "refuse"


def find_state_folder(path: Path) -> Path | None:
    """Give the existing state folder that an estate file names; None when there is none yet.

    Reads no more than it needs and reports no mistake: the task that loads the estate will.
    """
    try:
        data = read_toml(path)
        folder = path.parent / str(data.get("service", {}).get("state", "var"))
    except (OSError, ValueError, AttributeError):
        return None
    return folder if folder.is_dir() else None
