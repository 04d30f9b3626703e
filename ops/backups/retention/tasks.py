"""Tasks around how long backups are kept: minimums, deletion, holds, moments."""

from typing import Annotated

from ops.access.rights import ADMIN, KEYS
from ops.terminal.flags import Document, DryRun, ReasonForApprover, Site, StoreOrPrimary
from ops.terminal.task import Flag, Form, task


@task(
    "backup.lower-minimum",
    "ops.backups.retention.minimums:lower_minimum",
    roles=ADMIN,
    second=("minimum-lowering",),
)
class LowerMinimum:
    """Let a lower minimum count for the snapshots that are there; takes a second person.

    The lower figure stands in the estate already. Without this, snapshots keep the minimum they
    were made under, and the lower one counts for later ones only.
    """

    site: Site
    reason: ReasonForApprover = ""
    document: Document = ""
    dry_run: DryRun = False


@task(
    "backup.forget",
    "ops.backups.retention.cli:forget",
    roles=ADMIN,
    second=("deletion-below-minimum",),
)
class Forget:
    """Remove the snapshots that the site's retention no longer keeps."""

    site: Site
    store: StoreOrPrimary = ""
    snapshot: Annotated[
        tuple[str, ...],
        Flag(
            "Delete this snapshot past the rules; takes a second person; may be given several"
            " times.",
            shape="snapshot",
        ),
    ] = ()
    accept: Annotated[
        bool, Flag("Take what is there, and the clock, as right; deletes nothing.")
    ] = False
    reason: Annotated[str, Flag("Why; needed with --snapshot and --accept.", shape="long")] = ""
    document: Document = ""
    confirm: Site = ""
    dry_run: DryRun = False


@task("backup.prune", "ops.backups.retention.cli:prune_site", roles=ADMIN)
class Prune:
    """Remove the data that no snapshot needs any more."""

    site: Site
    store: StoreOrPrimary = ""
    confirm: Site = ""
    dry_run: DryRun = False


@task(
    "backup.hold",
    "ops.backups.retention.holds:hold",
    roles=KEYS,
    forms=(Form("Hold backups", fields="site snapshot reason reference"),),
)
class PlaceHold:
    """Hold snapshots for an inspection: nothing deletes them until two people release the hold."""

    site: Annotated[
        str, Flag("Name of the site; with --list left out: all sites.", "Site", shape="site")
    ] = ""
    snapshot: Annotated[
        str,
        Flag("Beginning of one snapshot's id; left out: all, later ones too.", shape="snapshot"),
    ] = ""
    reason: Annotated[str, Flag("Why it must stay.", shape="long")] = ""
    reference: Annotated[str, Flag("Reference of the document that asks for it.")] = ""
    list: Annotated[bool, Flag("List the holds instead of placing one.")] = False
    json: Annotated[bool, Flag("Print the list as JSON.")] = False
    dry_run: DryRun = False


@task(
    "backup.release",
    "ops.backups.retention.holds:release",
    roles=KEYS,
    second=("hold-release",),
    forms=(Form("Release the hold"),),
)
class Release:
    """End a hold; always takes a second person."""

    hold: Annotated[
        str, Flag("The hold, as `backup.hold --list` prints it.", "The hold", shape="hold")
    ]
    reason: Annotated[
        str, Flag("Why it may end; the person who approves it reads it.", shape="long")
    ]
    dry_run: DryRun = False


@task(
    "backup.redate",
    "ops.backups.retention.redate:redate",
    roles=ADMIN,
    second=("moment-correction",),
)
class Redate:
    """Give backups that a wrong clock has dated ahead of now a moment that is believed.

    It always takes a second person. Their content stays as it is; a hold on one goes on.
    """

    site: Site
    to: Annotated[
        str,
        Flag(
            "Moment that the backups are given; left out: the last one that the journal believes"
            " before each.",
            shape="moment",
        ),
    ] = ""
    reason: ReasonForApprover = ""
    document: Document = ""
    dry_run: DryRun = False
