"""Run as the user who owns the catalog's folder, so that no root-owned file breaks the next night.

Installed, the folder belongs to the user `giucong`. Root's commands are executed again as that
user; another user is told the command to type. A checkout or the demo belongs to who started it.

Who acts with that user's rights, by `sudo` or executed again, chooses neither the code nor the
estate: it is `giucong` that is executed again, whatever was typed, without anybody's own modules
and with the few variables that a task reads.
"""

import json
import os
import pwd
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from ops.errors import OpsError
from ops.estate.owner import BY_ROOT, decide_step, find_state_folder

_KEPT = re.compile(
    r"LANG|LC_\w+|TERM|COLORTERM|NO_COLOR|COLUMNS|LINES|TZ|SUDO_(USER|UID|GID)"
    r"|GIUCONG_(LANG|DEBUG|PROOF_FILE)"
)
_REFERENCE = re.compile(r'"env:(\w+)"')
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where the re-executed command finds programs; sudo's own choice in Debian (`secure_path`)."""


class OtherOwnerError(OpsError):
    """The catalog's folder belongs to a user that this process cannot become."""


def act_as_owner(path: Path) -> None:
    """Make sure that this process runs as the owner of the catalog's folder.

    Args:
        path: The main estate file.

    Raises:
        OtherOwnerError: It cannot; the error holds the command to type.
    """
    folder = find_state_folder(path)
    if folder is None:
        return
    owner = folder.stat().st_uid
    step = decide_step(owner, os.geteuid())
    if step == "stay":
        return
    try:
        account = pwd.getpwuid(owner)
    except KeyError as error:
        raise OtherOwnerError(
            "the folder {folder} belongs to user {owner}, who does not exist",
            data="nothing was changed",
            next_step="give it to the service's user: `chown -R giucong: {folder}`",
            folder=folder,
            owner=owner,
        ) from error
    if step == "refuse":
        raise OtherOwnerError(
            'the folder {folder} belongs to "{owner}", and you are somebody else',
            data="nothing was changed",
            next_step="type `sudo -u {owner} {command}`",
            folder=folder,
            owner=account.pw_name,
            command=" ".join(sys.argv),
        )
    _become(account, path)


def _become(account: pwd.struct_passwd, path: Path) -> None:
    """Start this very command again as another user; does not come back.

    Root's rights are in reserve until the other program has begun (which loses them): where it
    cannot, it takes them to read what the error's words need.

    Raises:
        OtherOwnerError: The estate is not the installed one, or that user may not run this Python.
    """
    from ops.estate.load.read import INSTALLED_PATH

    if path != INSTALLED_PATH:
        raise OtherOwnerError(
            'the catalog of {path} belongs to "{owner}", and you are root',
            why="root's tasks become another user's for the installed estate alone: {installed}",
            data="nothing was changed",
            next_step="type `runuser -u {owner} -- {command}`",
            path=path,
            owner=account.pw_name,
            installed=INSTALLED_PATH,
            command=" ".join(sys.argv),
        )
    environment = dict(_environment(account, path))  # the estate is read before rights are given up
    command = [sys.executable, "-I", "-m", "ops.cli.main", *sys.argv[1:]]
    sys.stdout.flush()
    os.initgroups(account.pw_name, account.pw_gid)
    os.setresgid(account.pw_gid, account.pw_gid, 0)
    os.setresuid(account.pw_uid, account.pw_uid, 0)
    try:
        os.close(os.open(__file__, os.O_RDONLY))  # the interpreter alone is not enough
        os.execve(sys.executable, command, environment)  # noqa: S606 - no shell is wanted
    except OSError as error:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        raise OtherOwnerError(
            'the catalog belongs to "{owner}", who may not run {program_file}',
            why="{reason}",
            data="nothing was changed",
            next_step="install Giữ Cổng where that user can read it, e.g. /opt/giucong",
            owner=account.pw_name,
            program_file=error.filename,
            reason=error.strerror,
        ) from error


def _environment(account: pwd.struct_passwd, path: Path) -> Iterator[tuple[str, str]]:
    """Yield the variables that another user's task gets: none that chooses code is among them.

    Those that the estate names as secrets (`env:NAME`) are kept too.
    """
    from ops.estate.load.read import read_document

    named = set(_REFERENCE.findall(json.dumps(read_document(path).data, default=str)))
    for name, value in os.environ.items():
        if name in named or _KEPT.fullmatch(name):
            yield name, value
    if "SUDO_USER" not in os.environ:
        yield "SUDO_USER", "root"  # the journal wants to know who really asked
    yield BY_ROOT, "1"
    yield "GIUCONG_ESTATE", str(path)
    yield "PATH", _PATH
    yield "HOME", account.pw_dir
    yield from ((name, account.pw_name) for name in ("USER", "LOGNAME"))
