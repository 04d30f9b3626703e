"""Tasks that mend a repository, and the catalog's index of it."""

from typing import Annotated

from ops.access.rights import ADMIN, OPERATE
from ops.terminal.flags import ConfirmSite, DryRun, Site, StoreOrPrimary
from ops.terminal.task import Flag, task


@task("backup.unlock", "ops.backups.repositories.unlock:unlock_site", roles=OPERATE)
class Unlock:
    """Remove locks of processes that are gone from a site's repositories; says whose they are.

    A process that works gives a sign of life every five minutes; a lock without one for half an
    hour goes once you have confirmed it. Exit code 11 where locks of working processes stay.
    """

    site: Site
    store: Annotated[str, Flag("Store; left out: all.", shape="store")] = ""
    confirm: ConfirmSite = ""
    dry_run: DryRun = False


@task("backup.repair", "ops.backups.repositories.repair:repair_site", roles=ADMIN)
class Repair:
    """Repair a site's repository: its index, or the damaged packs that are named.

    The index then says again what the packs really hold. Of a damaged pack, what is sound is stored
    anew before it goes. What is lost is stored again by the next backup, if the site still has it.
    """

    site: Site
    store: StoreOrPrimary = ""
    pack: Annotated[
        tuple[str, ...],
        Flag("Id of a damaged pack to take out; may be given several times."),
    ] = ()
    confirm: ConfirmSite = ""
    dry_run: DryRun = False
