"""Run as the user who owns the catalog's folder, so that no root-owned file breaks the next night.

Installed, the folder belongs to the user `giucong`. Root's commands are executed again as that
user; another user is told the command to type. A checkout or the demo belongs to who started it.

What is executed again holds nothing of root's: it has a session and a terminal of its own, as an
act of the service has, and root's process carries between (`ops.cli.pump`).

Who acts with that user's rights, by `sudo` or executed again, chooses neither the code nor the
estate: it is `giucong` that is executed again, whatever was typed, without anybody's own modules
and with the few variables that a task reads.
"""

import json
import os
import pwd
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from ops.cli.pump import handed_streams
from ops.errors import OpsError
from ops.estate.owner import BY_ROOT, decide_step, find_state_folder
from ops.jobs.life import die_with_parent
from ops.terminal.elsewhere import WasTyped, take_terminal

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


def _become(account: pwd.struct_passwd, path: Path) -> NoReturn:
    """Run this very command again as another user, and end as it does."""
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
    environment = dict(_environment(account, path))
    command = [sys.executable, "-I", "-m", "ops.cli.main", *sys.argv[1:]]
    sys.stdout.flush()
    try:
        _check_readable(account)
        raise SystemExit(_run_as(account, command, environment))
    except OSError as error:
        raise OtherOwnerError(
            'the catalog belongs to "{owner}", who may not run {program_file}',
            why="{reason}",
            data="nothing was changed",
            next_step="install Giữ Cổng where that user can read it, e.g. /opt/giucong",
            owner=account.pw_name,
            program_file=error.filename,
            reason=error.strerror,
        ) from error


def _check_readable(account: pwd.struct_passwd) -> None:
    """Open as that user what it needs: the interpreter alone is not enough."""
    group, groups = os.getegid(), os.getgroups()
    os.setgroups(os.getgrouplist(account.pw_name, account.pw_gid))
    os.setegid(account.pw_gid)
    os.seteuid(account.pw_uid)
    try:
        for it in (sys.executable, __file__):
            os.close(os.open(it, os.O_RDONLY))
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def _run_as(account: pwd.struct_passwd, command: list[str], environment: dict[str, str]) -> int:
    """Run it in a session of its own, at a terminal of our making; gives its exit code.

    Whoever has that user's rights can trace it, take its descriptors and type into its terminal.
    """
    parent = os.getpid()

    def begin() -> None:  # in the new process, as that user
        die_with_parent(parent)
        take_terminal()

    with handed_streams() as (streams, pump):
        started = subprocess.Popen(
            command,
            env=environment,
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=os.getgrouplist(account.pw_name, account.pw_gid),
            start_new_session=True,
            preexec_fn=begin,  # noqa: PLW1509 - here are no threads
        )
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _frame: started.send_signal(number))
        end = os.pidfd_open(started.pid)
        with suppress(OSError, termios.error):  # root's terminal has gone: so does its own
            pump.run(end, WasTyped([]), lambda: started.send_signal(signal.SIGINT))
    code = started.wait()
    return code if code >= 0 else 128 - code  # as a shell tells of signals


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
