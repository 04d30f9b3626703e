"""Tasks around what may have got into backups: accept a suspicious one, look for malware."""

from typing import Annotated

from ops.access.rights import KEYS
from ops.terminal.flags import DryRun, Site
from ops.terminal.task import Flag, Form, task


@task(
    "backup.accept",
    "ops.backups.ransomware.cli:accept_backup",
    roles=KEYS,
    forms=(Form("It was looked at"),),
)
class Accept:
    """Say that somebody has looked at a suspicious backup, and let old ones be deleted again.

    A backup that looks like the work of ransomware, or whose pages look defaced, freezes its site:
    nothing is deleted in any store. What pages show in the newest backup counts as usual once it is
    accepted; put an attacked site back, and back it up, first. A change that you plan is accepted
    at once: `backup.run --accept-size`.
    """

    site: Site
    reason: Annotated[
        str,
        Flag("What you have looked at, and what it was; it goes into the journal.", shape="long"),
    ]
    dry_run: DryRun = False
