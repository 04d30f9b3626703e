"""`backup.copy`: bring mirrors and copies up to date."""

from typing import Annotated

from ops.access.rights import ADMIN
from ops.terminal.flags import DryRun, SiteOrAll
from ops.terminal.task import Flag, task


@task("backup.copy", "ops.backups.copies.cli:copy_sites", roles=ADMIN)
class Copy:
    """Bring mirrors and copies up to date now; the service does so after each backup."""

    to: Annotated[str, Flag("The mirror or copy; left out: each of them.", shape="store")] = ""
    site: SiteOrAll = ""
    allow_shrink: Annotated[
        bool, Flag("Follow the source although it has lost most of its snapshots.")
    ] = False
    dry_run: DryRun = False
