"""`backup.copy`: bring mirrors and copies up to date."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "backup"


@operator_task(
    help={
        "to": N_("The mirror or copy; left out: each of them."),
        "site": flags.SITE_OR_ALL,
        "allow_shrink": N_("Follow the source although it has lost most of its snapshots."),
        "dry_run": flags.DRY_RUN,
    }
)
def copy(
    _context: Context,
    to: str = "",
    site: str = "",
    allow_shrink: bool = False,
    dry_run: bool = False,
) -> int:
    """Bring mirrors and copies up to date now; the service does so after each backup."""
    from ops.backups.copies.cli import copy_sites
    from ops.terminal.progress import shown_progress

    with shown_progress() as progress:
        return copy_sites(to, site, progress, allow_shrink=allow_shrink, dry_run=dry_run)
