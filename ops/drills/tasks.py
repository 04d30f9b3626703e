"""Tasks around restore drills: prove that a site comes back, and show the minutes of it."""

from typing import Annotated

from ops.access.rights import OFFICE, OPERATE
from ops.language.text import N_
from ops.terminal.flags import (
    Document,
    DryRun,
    Json,
    ReasonForJournal,
    Site,
    SiteOrAll,
    SnapshotOrNewest,
    StoreOrPrimary,
)
from ops.terminal.task import Flag, Form, task

TITLE = N_("drills: prove that a backup comes back to life")

_Drill = Annotated[str, Flag("Id of the drill, as `drill.list` shows it.", shape="drill")]
_Share = Annotated[
    tuple[str, ...],
    Flag(
        "File with the words of a share from paper; one flag each; left out: asks.", shape="secret"
    ),
]
_KeyFile = Annotated[
    tuple[str, ...],
    Flag("File with a key file from paper, where the repository has lost its own.", shape="secret"),
]


@task(
    "drill.run",
    "ops.drills.cli:drill_sites",
    roles=OPERATE,
    forms=(Form("Drill now", fields="site store snapshot file reason document"),),
)
class RunDrill:
    """Rehearse the restore of a site in a sandbox, or of one file by lot.

    Production is not touched. It ends with 0 where the drill was passed, 1 where it failed, and 3
    where something could not be checked.
    """

    site: Annotated[
        str,
        Flag(
            "Name of the site; with --file or --from archive it may be left out: all sites.",
            "Site",
            shape="site",
        ),
    ] = ""
    from_: Annotated[
        str,
        Flag(
            "backup, or archive: items by lot, from a copy of the archive.",
            one_of=("backup", "archive"),
        ),
    ] = "backup"
    with_: Annotated[
        str, Flag("Who restores: ours, or stock restic.", one_of=("ours", "restic"))
    ] = "ours"
    store: StoreOrPrimary = ""
    snapshot: SnapshotOrNewest = ""
    file: Annotated[
        bool, Flag("Restore and compare one file by lot instead of the whole site.")
    ] = False
    from_paper: Annotated[
        bool, Flag("Take the keys from paper; the folder of keys is not read.")
    ] = False
    share: _Share = ()
    key_file: _KeyFile = ()
    incident_at: Annotated[
        str, Flag("When the loss is taken to have happened, YYYY-MM-DD HH:MM.", shape="moment")
    ] = ""
    reason: ReasonForJournal = ""
    document: Document = ""
    dry_run: Annotated[
        bool, Flag("Say which copy would be drilled, how and with how much room; do nothing.")
    ] = False
    json: Json = False


@task("drill.list", "ops.drills.minutes.cli:show_list", roles=OFFICE)
class ListDrills:
    """List the drills, newest first; or what they have shown; or which are due.

    With --due it ends with 1 where one is overdue.
    """

    site: SiteOrAll = ""
    findings: Annotated[
        bool, Flag("List what drills have shown and none has shown fixed instead.")
    ] = False
    due: Annotated[bool, Flag("List which drills are overdue, due and next instead, and why.")] = (
        False
    )
    json: Json = False


@task("drill.show", "ops.drills.minutes.cli:show_drill", roles=OFFICE)
class ShowDrill:
    """Show the minutes of a drill: targets, what was reached, the evidence."""

    drill: _Drill = ""
    site: Annotated[str, Flag("Name of a site instead: its newest drill.", shape="site")] = ""
    json: Json = False


@task("drill.phase", "ops.drills.cli:carry_out_by_hand", roles=OPERATE)
class Phase:
    """Carry out one phase of a drill; the runbook restore-drill does so step by step."""

    drill: _Drill
    phase: Annotated[str, Flag("prepare, keys, fetch, scan, rehearse, wipe or conclude.")]
    share: _Share = ()
    key_file: _KeyFile = ()
    dry_run: DryRun = False


@task("drill.extract", "ops.drills.extract:extract_rows", roles=OPERATE)
class Extract:
    """Take one article or one table out of a backup, to hand over or to copy back.

    The database is loaded in a sandbox of this machine; production is neither asked nor changed.
    """

    site: Site
    database: Annotated[str, Flag("Name of its database, as in the estate file.")]
    table: Annotated[str, Flag("The table; PostgreSQL's may bear its schema, as public.posts.")]
    target: Annotated[
        str,
        Flag(
            "Empty folder that gets the rows, as rows.csv and rows.sql.",
            shape="output-folder",
            endings=(".csv", ".sql"),
        ),
    ]
    where: Annotated[
        tuple[str, ...],
        Flag("Only rows with this value, COLUMN=VALUE; may be given several times."),
    ] = ()
    contains: Annotated[str, Flag("Only rows in which some column contains this text.")] = ""
    snapshot: SnapshotOrNewest = ""
    store: StoreOrPrimary = ""
    reason: ReasonForJournal = ""
    document: Document = ""
    dry_run: DryRun = False


@task(
    "drill.wipe",
    "ops.drills.extract:wipe_rows",
    there="ops.drills.extract:wipe_here",
    roles=OPERATE,
)
class Wipe:
    """Overwrite and remove the rows that were taken out of a backup; nothing else in the folder."""

    target: Annotated[
        str, Flag("The folder that `drill.extract` has put the rows into.", shape="own-folder")
    ]
    dry_run: DryRun = False
