"""Where the installed service does not answer: whether it runs, and what is to be typed."""

import os
import subprocess
from pathlib import Path

from ops.errors import OpsError
from ops.estate.load.read import INSTALLED_PATH
from ops.estate.owner import find_state_folder
from ops.terminal.elsewhere import GROUP, SOCKET

_BOOTED = Path("/run/systemd/system")
"""Is there where systemd runs the machine: sd_booted(3)."""

_STANDS = frozenset({"inactive", "failed", "unknown", "not-found", ""})
_LOOK_SECONDS = 5.0


class ServiceAwayError(OpsError):
    """The service does not answer, and this person cannot do without it."""


def is_service_up() -> bool:
    """Say whether the service runs: its systemd says so, or the sign on its state folder.

    The socket is no proof: the service, or who has its rights, can take it away.
    """
    if _is_unit_up():
        return True
    from ops.jobs.live import is_service_running

    folder = find_state_folder(INSTALLED_PATH)
    return folder is not None and is_service_running(folder)


def _is_unit_up() -> bool:
    if not _BOOTED.is_dir():
        return False
    try:
        told = subprocess.run(
            ["/usr/bin/systemctl", "is-active", "giucong"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LOOK_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return True  # nobody knows
    except OSError:
        return False
    return told.stdout.strip() not in _STANDS


def away(error: OSError) -> ServiceAwayError:
    """Give the error for a socket that nobody answers at."""
    if os.geteuid() == 0:  # else root would do without it
        return ServiceAwayError(
            "the service runs, and does not answer at {path}",
            why="{reason}",
            data="nothing was changed",
            next_step="`systemctl restart giucong`; or stop it, `systemctl stop giucong`: root's"
            " tasks run without it",
            path=SOCKET,
            reason=error.strerror or type(error).__name__,
        )
    if isinstance(error, PermissionError):
        return ServiceAwayError(
            "you may not speak to the service",
            why="you are not in the group {group}, or were not yet when you logged in",
            data="nothing was changed",
            next_step="have root type `adduser {login} {group}`, then log in anew",
            group=GROUP,
            login=os.environ.get("LOGNAME", "LOGIN"),
        )
    return ServiceAwayError(
        "the service does not run",
        why="nobody answers at {socket}"
        if isinstance(error, FileNotFoundError | ConnectionRefusedError)
        else "{reason}",
        data="nothing was changed",
        next_step="have root type `systemctl start giucong`; `systemctl status giucong` says why",
        socket=SOCKET,
        reason=error.strerror or type(error).__name__,
    )


def stranger(user: int) -> ServiceAwayError:
    """Give the error for a socket that somebody else answers at."""
    return ServiceAwayError(
        "it is not the service that answers at {path}",
        why="it is the user {user}, and the service's folders belong to another",
        data="nothing was changed",
        next_step="have root type `systemctl restart giucong`, and look for who that is",
        path=SOCKET,
        user=user,
    )
