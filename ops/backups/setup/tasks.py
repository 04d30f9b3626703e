"""`backup.init` and `backup.reindex`: repositories made, and what the catalog knows of them."""

from typing import Annotated

from ops.access.rights import ADMIN, OPERATE
from ops.terminal.flags import DryRun, SiteOrAll
from ops.terminal.task import Flag, task


@task("backup.init", "ops.backups.setup.init:make_repositories", roles=ADMIN)
class Init:
    """Make the repositories of sites, and the key if there is none yet."""

    site: SiteOrAll = ""
    anew: Annotated[
        str,
        Flag(
            "Store whose disk or bucket was lost and replaced: make anew what it held.",
            shape="store",
        ),
    ] = ""
    confirm: Annotated[str, Flag("Name of that store.", shape="store")] = ""
    dry_run: DryRun = False


@task("backup.reindex", "ops.backups.setup.init:reindex", roles=OPERATE)
class Reindex:
    """Build the catalog's index tables anew from the repositories."""

    site: SiteOrAll = ""
    dry_run: DryRun = False
