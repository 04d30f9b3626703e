"""Tasks around backups: make, look, restore, check, forget."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "backup"
TITLE = N_("backups: make them, prove them, give data back")


@operator_task(
    help={
        "site": flags.SITE,
        "database": N_("Back up this database alone."),
        "full_read": N_("Read every byte of the source again, whatever looks unchanged."),
        "accept_size": N_(
            "The site is whole although it shrank or grew: take this size for normal."
        ),
        "dry_run": N_("Read everything and say what would be stored, but store nothing."),
        "json": flags.JSON,
    }
)
def run(
    _context: Context,
    site: str,
    database: str = "",
    full_read: bool = False,
    accept_size: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Back up one site now."""
    from ops.backups.run.cli import rehearse_site, run_site
    from ops.terminal.progress import shown_progress

    with shown_progress() as progress:
        if dry_run:
            return rehearse_site(site, progress, as_json=json)
        return run_site(
            site,
            progress,
            database=database,
            full_read=full_read,
            accept_size=accept_size,
            as_json=json,
        )


@operator_task(help={"dry_run": flags.DRY_RUN})
def run_all(_context: Context, dry_run: bool = False) -> int:
    """Back up all sites; one that fails does not stop the others."""
    from ops.backups.run.cli import run_all_sites
    from ops.terminal.progress import shown_progress

    with shown_progress() as progress:
        return run_all_sites(progress, dry_run=dry_run)
