"""Tasks that hold backups against each other, and against the site as it is now."""

from invoke.context import Context

from ops.tasks import flags
from ops.tasks.running import operator_task
from ops.text import N_

AREA = "backup"


@operator_task(
    help={
        "site": flags.SITE,
        "before": N_("Beginning of the earlier snapshot's id."),
        "after": N_("Beginning of the later one's; left out: the newest."),
        "folder": N_("Only what lies below, e.g. files/www."),
        "metadata": N_("Also other owners, modes and times."),
        "json": flags.JSON,
    }
)
def diff(
    _context: Context,
    site: str,
    before: str,
    after: str = "latest",
    folder: str = "",
    metadata: bool = False,
    json: bool = False,
) -> int:
    """Say what differs between two snapshots of a site: + added, - gone, M other content."""
    from ops.jobs.differing import show_difference

    return show_difference(
        site, before=before, after=after, folder=folder, metadata=metadata, as_json=json
    )


@operator_task(help={"site": flags.SITE, "snapshot": flags.SNAPSHOT_OR_NEWEST, "json": flags.JSON})
def pages(_context: Context, site: str, snapshot: str = "latest", json: bool = False) -> int:
    """Hold a site's pages, as they are now, against what a snapshot noted of them.

    Exit code 1 where a page does not come, 3 where one has changed or is not checked.
    """
    from ops.jobs.proving_pages import prove_pages

    return prove_pages(site, snapshot=snapshot, as_json=json)
