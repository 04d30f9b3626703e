"""Tasks around what may have got into backups: accept a suspicious one, look for malware."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "backup"


@operator_task(
    help={
        "site": flags.SITE,
        "reason": N_("What you have looked at, and what it was; it goes into the journal."),
        "dry_run": flags.DRY_RUN,
    }
)
def accept(_context: Context, site: str, reason: str, dry_run: bool = False) -> int:
    """Say that somebody has looked at a suspicious backup, and let old ones be deleted again.

    A backup that looks like the work of ransomware, or whose pages look defaced, freezes its site:
    nothing is deleted in any store. What pages show in the newest backup counts as usual once it is
    accepted; put an attacked site back, and back it up, first. A change that you plan is accepted
    at once: `backup.run --accept-size`.
    """
    from ops.backups.ransomware.cli import accept_backup

    return accept_backup(site, reason, dry_run=dry_run)
