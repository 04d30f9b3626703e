"""Have the user whose the catalog is do a piece of what root does in a process of its own.

Root itself opens no catalog: what SQLite makes beside it would be root's, and stop the service.
"""

import os
import pwd
from collections.abc import Callable
from pathlib import Path

from ops.estate.owner import BY_ROOT
from ops.terminal.exit_codes import attempt
from ops.terminal.output import flush


def run_as_owner(folder: Path, act: Callable[[], int | None]) -> int:
    """Run something as a folder's owner; gives its exit code, its errors are told.

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
