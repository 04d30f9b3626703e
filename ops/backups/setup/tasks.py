"""`backup.init` and `backup.reindex`: repositories made, and what the catalog knows of them."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "backup"


@operator_task(
    help={
        "site": flags.SITE_OR_ALL,
        "anew": N_("Store whose disk or bucket was lost and replaced: make anew what it held."),
        "confirm": N_("Name of that store."),
        "dry_run": flags.DRY_RUN,
    }
)
def init(
    _context: Context, site: str = "", anew: str = "", confirm: str = "", dry_run: bool = False
) -> int:
    """Make the repositories of sites, and the key if there is none yet."""
    from ops.backups.setup.init import make_repositories

    return make_repositories(site, anew=anew, confirm=confirm, dry_run=dry_run)


@operator_task(help={"site": flags.SITE_OR_ALL, "dry_run": flags.DRY_RUN})
def reindex(_context: Context, site: str = "", dry_run: bool = False) -> int:
    """Build the catalog's index tables anew from the repositories."""
    from ops.backups.setup.init import rebuild_index

    return rebuild_index(site, dry_run=dry_run)
