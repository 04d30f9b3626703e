"""Tasks around what may have got into backups: accept a suspicious one, look for malware."""

from invoke.context import Context

from ops.tasks import flags
from ops.tasks.running import operator_task
from ops.text import N_

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

    A backup that looks like the work of ransomware freezes its site: nothing is deleted in any
    store. A change that you plan is accepted at once: `backup.run --accept-size`.
    """
    from ops.jobs.watch_telling import accept_backup

    return accept_backup(site, reason, dry_run=dry_run)


@operator_task(
    help={
        "site": flags.SITE_OR_ALL,
        "snapshot": flags.SNAPSHOT_OR_NEWEST,
        "store": flags.STORE_OR_PRIMARY,
        "json": flags.JSON,
        "dry_run": flags.DRY_RUN,
    }
)
def scan(
    _context: Context,
    site: str = "",
    snapshot: str = "",
    store: str = "",
    json: bool = False,
    dry_run: bool = False,
) -> int:
    """Look through a site's copy for malware, with ClamAV; nothing is ever deleted.

    What could not be looked into counts as not checked, and is listed.
    """
    from ops.jobs.scanning_by_hand import scan_sites
    from ops.progress import shown_progress

    with shown_progress() as progress:
        return scan_sites(
            site, progress, snapshot=snapshot, store=store, as_json=json, dry_run=dry_run
        )
