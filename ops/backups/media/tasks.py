"""Tasks around removable media that hold backups."""

from typing import Annotated

from ops.access.roles import ADMIN
from ops.terminal.flags import Document, DryRun, SiteOrAll, StoreOrPrimary
from ops.terminal.task import Flag, task

_Code = Annotated[str, Flag("The medium's code, as it stands on its outside.")]


@task("backup.export-media", "ops.backups.media.export_medium:export", roles=ADMIN)
class ExportMedia:
    """Write backups onto a removable medium, byte for byte, and read them back from it.

    The medium also gets its label, the way back as a text, and the list of all copies. Written
    again later, it is brought up to date.
    """

    to: Annotated[str, Flag("Where the medium is mounted: a place of the estate.", shape="place")]
    code: _Code
    site: SiteOrAll = ""
    kind: Annotated[str, Flag("What the medium is; left out: disk, or what its label says.")] = ""
    kept_at: Annotated[str, Flag("Where it is kept afterwards.")] = ""
    holder: Annotated[str, Flag("Who keeps it; left out: you, or what its label says.")] = ""
    started: Annotated[
        str,
        Flag(
            "Day on which it was first used; left out: today, or what its label says.",
            shape="date",
        ),
    ] = ""
    allow_folder: Annotated[
        bool, Flag("Write into a folder although no medium is mounted there.")
    ] = False
    dry_run: DryRun = False


@task("backup.import-media", "ops.backups.media.import_medium:import_media", roles=ADMIN)
class ImportMedia:
    """Take backups that a store lacks from a removable medium, after reading them back.

    A repository that is in the store already stays as it is, and another one is never written to.
    """

    from_: Annotated[
        str, Flag("Where the medium is mounted: a place of the estate.", shape="place")
    ]
    site: Annotated[str, Flag("Name of the site; left out: all sites on it.", shape="site")] = ""
    store: StoreOrPrimary = ""
    dry_run: Annotated[bool, Flag("Only read the medium back, and say what would be taken.")] = (
        False
    )


@task("backup.retire-media", "ops.backups.media.records:retire_medium", roles=ADMIN)
class RetireMedia:
    """Take a removable medium out of use: lost, broken, or renewed by another one."""

    code: _Code
    reason: Annotated[str, Flag("Why, and what became of it; goes into the journal.", shape="long")]
    document: Document = ""
    confirm: Annotated[str, Flag("The medium's code, instead of typing it when asked.")] = ""
    dry_run: DryRun = False
