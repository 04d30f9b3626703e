"""Tasks that mend a repository, and the catalog's index of it."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "backup"


@operator_task(
    help={
        "site": flags.SITE,
        "store": N_("Store; left out: all."),
        "confirm": flags.CONFIRM_SITE,
        "dry_run": flags.DRY_RUN,
    }
)
def unlock(
    _context: Context, site: str, store: str = "", confirm: str = "", dry_run: bool = False
) -> int:
    """Remove locks of processes that are gone from a site's repositories; says whose they are.

    A process that works gives a sign of life every five minutes; a lock without one for half an
    hour goes once you have confirmed it. Exit code 11 where locks of working processes stay.
    """
    from ops.backups.repositories.unlock import unlock_site

    return unlock_site(site, store=store, confirm=confirm, dry_run=dry_run)


@operator_task(
    help={
        "site": flags.SITE,
        "store": flags.STORE_OR_PRIMARY,
        "pack": N_("Id of a damaged pack to take out; may be given several times."),
        "confirm": flags.CONFIRM_SITE,
        "dry_run": flags.DRY_RUN,
    },
    iterable=("pack",),
)
def repair(
    _context: Context,
    site: str,
    store: str = "",
    pack: list[str] | None = None,
    confirm: str = "",
    dry_run: bool = False,
) -> int:
    """Repair a site's repository: its index, or the damaged packs that are named.

    The index then says again what the packs really hold. Of a damaged pack, what is sound is stored
    anew before it goes. What is lost is stored again by the next backup, if the site still has it.
    """
    from ops.backups.repositories.repair import RepairWish, repair_site
    from ops.terminal.progress import shown_progress

    wish = RepairWish(
        site=site, store=store, packs=tuple(pack or ()), confirm=confirm, dry_run=dry_run
    )
    with shown_progress() as progress:
        return repair_site(wish, progress)
