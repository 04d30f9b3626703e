"""Tasks around backups: make them, look whether they are sound, mend them."""

from typing import Annotated

from ops.access.roles import ADMIN, KEYS, OPERATE
from ops.language.text import N_
from ops.terminal.flags import (
    ConfirmSite,
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


@task("backup.check", "ops.backups.checks.cli:check_sites", roles=OPERATE, keeps=True)
class Check:
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


@task("backup.copy", "ops.backups.copies.cli:copy_sites", roles=ADMIN)
class CopyNow:
    """Bring mirrors and copies up to date now; the service does so after each backup."""

    to: Annotated[str, Flag("The mirror or copy; left out: each of them.", shape="store")] = ""
    site: SiteOrAll = ""
    allow_shrink: Annotated[
        bool, Flag("Follow the source although it has lost most of its snapshots.")
    ] = False
    dry_run: DryRun = False


@task("backup.unlock", "ops.backups.repositories.unlock:unlock_site", roles=OPERATE)
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
        tuple[str, ...],
        Flag("Id of a damaged pack to take out; may be given several times."),
    ] = ()
    confirm: ConfirmSite = ""
    dry_run: DryRun = False


@task("backup.scan", "ops.backups.malware.cli:scan_sites", roles=OPERATE)
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
    "ops.backups.ransomware.cli:accept_backup",
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
