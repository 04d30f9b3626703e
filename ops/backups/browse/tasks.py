"""Tasks that hold backups against each other, and against the site as it is now."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

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
    from ops.backups.browse.compare import show_difference

    return show_difference(
        site, before=before, after=after, folder=folder, metadata=metadata, as_json=json
    )


@operator_task(help={"site": flags.SITE, "snapshot": flags.SNAPSHOT_OR_NEWEST, "json": flags.JSON})
def pages(_context: Context, site: str, snapshot: str = "latest", json: bool = False) -> int:
    """Hold a site's pages, as they are now, against what a snapshot noted of them.

    Exit code 1 where a page does not come, 3 where one has changed or is not checked.
    """
    from ops.backups.browse.compare import prove_pages

    return prove_pages(site, snapshot=snapshot, as_json=json)


@operator_task(
    name="list",
    help={
        "site": flags.SITE,
        "store": flags.STORE_OR_PRIMARY,
        "deletions": N_("List what was deleted instead, by which rule or approval."),
        "holds": N_("List what is held instead."),
        "json": flags.JSON,
    },
)
def list_(
    _context: Context,
    site: str,
    store: str = "",
    deletions: bool = False,
    holds: bool = False,
    json: bool = False,
) -> None:
    """List the snapshots of a site, newest last."""
    from ops.backups.browse.cli import list_snapshots
    from ops.backups.retention.cli_holds import show_deletions, show_holds

    if holds:
        show_holds(site, as_json=json)
    elif deletions:
        show_deletions(site, as_json=json)
    else:
        list_snapshots(site, store=store, as_json=json)


@operator_task(
    help={
        "site": flags.SITE,
        "store": flags.STORE_OR_PRIMARY,
        "snapshot": flags.SNAPSHOT_OR_NEWEST,
        "folder": N_("Only what lies in this folder of the snapshot, e.g. cong-xa/files/www."),
        "all": N_("Also what lies below its folders."),
        "name": N_(
            "Only paths that hold this text, at any depth, small and capital letters alike."
        ),
        "json": flags.JSON,
    }
)
def files(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    site: str,
    store: str = "",
    snapshot: str = "latest",
    folder: str = "",
    all: bool = False,  # noqa: A002 - the flag's name
    name: str = "",
    json: bool = False,
) -> None:
    """List the files of a snapshot."""
    from ops.backups.browse.cli import list_files

    list_files(
        site, store=store, snapshot=snapshot, folder=folder, recursive=all, part=name, as_json=json
    )


@operator_task(
    help={
        "site": flags.SITE,
        "name": N_("Name of a file with * and ?, or a path from /SITE on; whatever the case."),
        "store": flags.STORE_OR_PRIMARY,
        "snapshot": N_("Look into this snapshot only: beginning of its id."),
        "json": flags.JSON,
    }
)
def find(
    _context: Context,
    site: str,
    name: str,
    store: str = "",
    snapshot: str = "",
    json: bool = False,
) -> int:
    """Find a file over all snapshots of a site: every version, since when and until when.

    Exit code 1 where nothing of that name was ever saved.
    """
    from ops.backups.browse.find import find_files
    from ops.terminal.progress import shown_progress

    with shown_progress() as progress:
        return find_files(site, name, progress, store=store, snapshot=snapshot, as_json=json)
