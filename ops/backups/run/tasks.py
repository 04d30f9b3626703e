"""Tasks around backups: make, look, restore, check, forget."""

from typing import Annotated

from ops.access.rights import KEYS, OPERATE
from ops.language.text import N_
from ops.terminal.flags import DryRun, Json, Site
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
class Run:
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
