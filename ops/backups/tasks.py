"""Tasks around backups: make, check and mend them, look into them, carry them on media."""

from typing import Annotated

from ops.access.rights import ADMIN, KEYS, OFFICE, OPERATE
from ops.language.text import N_
from ops.terminal.flags import (
    ConfirmSite,
    Document,
    DryRun,
    Json,
    Site,
    SiteOrAll,
    SnapshotOrNewest,
    StoreOrPrimary,
)
from ops.terminal.task import Flag, Form, task

TITLE = N_("backups: make them, prove them, give data back")


@task(
    "backup.run",
    "ops.backups.run.cli:run",
    roles=OPERATE,
    forms=(
        Form(
            "Back up; the change is meant so",
            "Much has gone or changed on purpose: this backup takes it for normal.",
            name="backup.run.accept",
            fields="site",
            always={"accept_size": True},
        ),
    ),
)
class BackUp:
    """Back up one site now."""

    site: Site
    database: Annotated[str, Flag("Back up this database alone.")] = ""
    full_read: Annotated[
        bool, Flag("Read every byte of the source again, whatever looks unchanged.")
    ] = False
    # As `backup.accept`: it ends what would freeze the site.
    accept_size: Annotated[
        bool,
        Flag(
            "The site is whole although it shrank or grew: take this size for normal.", roles=KEYS
        ),
    ] = False
    dry_run: Annotated[
        bool, Flag("Read everything and say what would be stored, but store nothing.")
    ] = False
    json: Json = False


@task("backup.run-all", "ops.backups.run.cli:run_all", roles=OPERATE)
class RunAll:
    """Back up all sites; one that fails does not stop the others."""

    dry_run: DryRun = False


@task("backup.init", "ops.backups.repositories.init:make_repositories", roles=ADMIN)
class Init:
    """Make the repositories of sites, and the key if there is none yet."""

    site: SiteOrAll = ""
    anew: Annotated[
        str,
        Flag(
            "Store whose disk or bucket was lost and replaced: make anew what it held.",
            shape="store",
        ),
    ] = ""
    confirm: Annotated[str, Flag("Name of that store.", shape="store")] = ""
    dry_run: DryRun = False


@task("backup.reindex", "ops.backups.repositories.init:reindex", roles=OPERATE)
class Reindex:
    """Build the catalog's index tables anew from the repositories."""

    site: SiteOrAll = ""
    dry_run: DryRun = False


@task("backup.check", "ops.backups.checks.job:check_sites", roles=OPERATE, keeps=True)
class CheckBackups:
    """Check repositories: is everything there, and is it sound?"""

    site: SiteOrAll = ""
    store: Annotated[
        str,
        Flag(
            "Store, or primary; left out: every one that has been brought up to date before.",
            shape="store",
        ),
    ] = ""
    read_data: Annotated[bool, Flag("Read every stored byte back.")] = False
    share: Annotated[
        bool, Flag("Read the day's share of the stored bytes back, as the service does.")
    ] = False
    json: Json = False


@task("backup.copy", "ops.backups.copies.job:copy_sites", roles=ADMIN)
class CopyNow:
    """Bring mirrors and copies up to date now; the service does so after each backup."""

    to: Annotated[str, Flag("The mirror or copy; left out: each of them.", shape="store")] = ""
    site: SiteOrAll = ""
    allow_shrink: Annotated[
        bool, Flag("Follow the source although it has lost most of its snapshots.")
    ] = False
    dry_run: DryRun = False


@task("backup.unlock", "ops.backups.repositories.repair:unlock_site", roles=OPERATE)
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
        tuple[str, ...], Flag("Id of a damaged pack to take out; may be given several times.")
    ] = ()
    confirm: ConfirmSite = ""
    dry_run: DryRun = False


@task("backup.scan", "ops.backups.malware.job:scan_sites", roles=OPERATE)
class Scan:
    """Look through a site's copy for malware, with ClamAV; nothing is ever deleted.

    What could not be looked into counts as not checked, and is listed.
    """

    site: SiteOrAll = ""
    snapshot: SnapshotOrNewest = ""
    store: StoreOrPrimary = ""
    json: Json = False
    dry_run: DryRun = False


@task(
    "backup.accept",
    "ops.backups.ransomware.freeze:accept_backup",
    roles=KEYS,
    forms=(Form("It was looked at"),),
)
class Accept:
    """Say that somebody has looked at a suspicious backup, and let old ones be deleted again.

    A backup that looks like the work of ransomware, or whose pages look defaced, freezes its site:
    nothing is deleted in any store. What pages show in the newest backup counts as usual once it is
    accepted; put an attacked site back, and back it up, first. A change that you plan is accepted
    at once: `backup.run --accept-size`.
    """

    site: Site
    reason: Annotated[
        str,
        Flag("What you have looked at, and what it was; it goes into the journal.", shape="long"),
    ]
    dry_run: DryRun = False


_READERS = OFFICE | {"unit_contact"}


@task("backup.diff", "ops.backups.compare:show_difference", roles=OFFICE)
class CompareSnapshots:
    """Say what differs between two snapshots of a site: + added, - gone, M other content."""

    site: Site
    before: Annotated[str, Flag("Beginning of the earlier snapshot's id.", shape="snapshot")]
    after: Annotated[
        str, Flag("Beginning of the later one's; left out: the newest.", shape="snapshot")
    ] = "latest"
    folder: Annotated[str, Flag("Only what lies below, e.g. files/www.")] = ""
    metadata: Annotated[bool, Flag("Also other owners, modes and times.")] = False
    json: Json = False


@task("backup.pages", "ops.backups.compare:prove_pages", roles=OPERATE)
class Pages:
    """Hold a site's pages, as they are now, against what a snapshot noted of them.

    Exit code 1 where a page does not come, 3 where one has changed or is not checked.
    """

    site: Site
    snapshot: SnapshotOrNewest = "latest"
    json: Json = False


@task("backup.list", "ops.backups.browse:show", roles=_READERS, own_sites=True)
class Snapshots:
    """List the snapshots of a site, newest last."""

    site: Site
    store: StoreOrPrimary = ""
    deletions: Annotated[
        bool, Flag("List what was deleted instead, by which rule or approval.")
    ] = False
    holds: Annotated[bool, Flag("List what is held instead.")] = False
    json: Json = False


@task("backup.files", "ops.backups.browse:list_files", roles=_READERS, own_sites=True)
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


@task("backup.find", "ops.backups.browse:find_files", roles=_READERS, own_sites=True)
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
            "Day on which it was first used; left out: today, or what its label says.", shape="date"
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
