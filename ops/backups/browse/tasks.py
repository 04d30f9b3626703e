"""Tasks that hold backups against each other, and against the site as it is now."""

from typing import Annotated

from ops.access.roles import OFFICE, OPERATE
from ops.terminal.flags import Json, Site, SnapshotOrNewest, StoreOrPrimary
from ops.terminal.task import Flag, task

_READERS = OFFICE | {"unit_contact"}


@task("backup.diff", "ops.backups.browse.compare:show_difference", roles=OFFICE)
class Diff:
    """Say what differs between two snapshots of a site: + added, - gone, M other content."""

    site: Site
    before: Annotated[str, Flag("Beginning of the earlier snapshot's id.", shape="snapshot")]
    after: Annotated[
        str, Flag("Beginning of the later one's; left out: the newest.", shape="snapshot")
    ] = "latest"
    folder: Annotated[str, Flag("Only what lies below, e.g. files/www.")] = ""
    metadata: Annotated[bool, Flag("Also other owners, modes and times.")] = False
    json: Json = False


@task("backup.pages", "ops.backups.browse.compare:prove_pages", roles=OPERATE)
class Pages:
    """Hold a site's pages, as they are now, against what a snapshot noted of them.

    Exit code 1 where a page does not come, 3 where one has changed or is not checked.
    """

    site: Site
    snapshot: SnapshotOrNewest = "latest"
    json: Json = False


@task("backup.list", "ops.backups.browse.cli:show", roles=_READERS, own_sites=True)
class Snapshots:
    """List the snapshots of a site, newest last."""

    site: Site
    store: StoreOrPrimary = ""
    deletions: Annotated[
        bool, Flag("List what was deleted instead, by which rule or approval.")
    ] = False
    holds: Annotated[bool, Flag("List what is held instead.")] = False
    json: Json = False


@task("backup.files", "ops.backups.browse.cli:list_files", roles=_READERS, own_sites=True)
class Files:
    """List the files of a snapshot."""

    site: Site
    store: StoreOrPrimary = ""
    snapshot: SnapshotOrNewest = "latest"
    folder: Annotated[
        str, Flag("Only what lies in this folder of the snapshot, e.g. cong-xa/files/www.")
    ] = ""
    all: Annotated[bool, Flag("Also what lies below its folders.")] = False
    name: Annotated[
        str, Flag("Only paths that hold this text, at any depth, small and capital letters alike.")
    ] = ""
    json: Json = False


@task("backup.find", "ops.backups.browse.find:find_files", roles=_READERS, own_sites=True)
class Find:
    """Find a file over all snapshots of a site: every version, since when and until when.

    Exit code 1 where nothing of that name was ever saved.
    """

    site: Site
    name: Annotated[
        str, Flag("Name of a file with * and ?, or a path from /SITE on; whatever the case.")
    ]
    store: StoreOrPrimary = ""
    snapshot: Annotated[
        str, Flag("Look into this snapshot only: beginning of its id.", shape="snapshot")
    ] = ""
    json: Json = False
