"""For whom this process acts: who is logged in at the console, or types at a terminal elsewhere.

And whether a person waits for it; the service's own work says nothing of that.

Reads are answered by threads of one process, so the caller belongs to the thread.
"""

import os
import pwd
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from ops.estate.owner import BY_ROOT
from ops.meanwhile import meanwhile
from ops.terminal.exit_codes import attempt
from ops.terminal.output import flush


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody for whom the service acts.

    Attributes:
        person: Name in the estate; empty for who is nobody there.
        login: What the person typed to log in, or the account at the terminal.
        address: Where from.
        at_terminal: Whether they type at a terminal of this machine, and no form speaks for them.
        by_kernel: Whether the kernel says that the account is theirs (SO_PEERCRED, unix(7)).
        is_root: Whether the kernel says that it is root who types.
        user: Number of the account, where the kernel says it.
    """

    person: str
    login: str
    address: str
    at_terminal: bool = False
    by_kernel: bool = False
    is_root: bool = False
    user: int | None = None


_CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)


def acting_for(caller: Caller) -> AbstractContextManager[None]:
    """Have this thread act for somebody, in place of who sits at a terminal."""
    return meanwhile(_CALLER, caller)


def current_caller() -> Caller | None:
    """Give for whom this thread acts; None for who has started this process."""
    return _CALLER.get()


def is_at_console() -> bool:
    """Tell whether this thread acts for somebody at the console, whom nothing can be asked."""
    caller = current_caller()
    return caller is not None and not caller.at_terminal


@dataclass(slots=True)
class Waiting:
    """Who waits.

    Attributes:
        is_task: Whether this process runs a task that somebody typed, or a script typed for them.
        is_person: Whether they look at it, so that a quick answer is worth more than patience.
    """

    is_task: bool = False
    is_person: bool = False


WAITING = Waiting()

_TRIED_BY_HAND = frozenset({"backup.init", "estate.test"})
"""What no clock starts: whoever types it waits, wherever the output goes."""


def note_task(name: str) -> None:
    """Note that this process runs a task for somebody."""
    WAITING.is_task = True
    WAITING.is_person = name in _TRIED_BY_HAND or sys.stderr.isatty()


def run_as_owner(folder: Path, act: Callable[[], int | None]) -> int:
    """Run something as a folder's owner; gives its exit code, its errors are told.

    Root itself opens no catalog: what SQLite makes beside it would be root's, and stop the service.

    Args:
        folder: The state folder.
        act: What; in a process of its own, where root runs this.
    """
    owner = folder.stat()
    if owner.st_uid == os.geteuid():
        return attempt(act)
    account = pwd.getpwuid(owner.st_uid)
    flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.initgroups(account.pw_name, account.pw_gid)
            os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
            os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
            os.environ[BY_ROOT] = "1"
            code = attempt(act)
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 1  # a signal has ended it
