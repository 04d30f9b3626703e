"""Tasks around the service that does everything by itself."""

from typing import Annotated

from ops.access.rights import INCIDENT, OFFICE, OPERATE
from ops.language.text import N_
from ops.terminal.flags import DryRun, Json
from ops.terminal.task import Flag, Form, task

TITLE = N_("the service: what runs by itself, and when")


# What systemd starts is no person.
@task("service.run", "ops.service.serve:serve", roles=None, is_foreground=True)
class RunService:
    """Run the service in the foreground.

    Ctrl-C or SIGTERM ends it cleanly; SIGHUP makes it read the estate again.
    """


@task("service.status", "ops.service.cli:show_service", roles=OFFICE)
class ShowService:
    """Say whether the service runs, and what it is doing."""

    json: Json = False


@task("service.jobs", "ops.service.cli:show_jobs", roles=OFFICE)
class Jobs:
    """List all jobs: how they ended last, and when and why they are due next."""

    site: Annotated[str, Flag("Only the jobs of this site.", shape="site")] = ""
    kind: Annotated[str, Flag("Only jobs of this kind, such as backup or check.")] = ""
    failed: Annotated[bool, Flag("Only jobs whose last run did not end well.")] = False
    json: Json = False


@task("service.trigger", "ops.service.cli:trigger_job", roles=OPERATE, forms=(Form("Run now"),))
class Trigger:
    """Have the service run a job now, beside its schedule."""

    job: Annotated[str, Flag("Name of the job, as `service.jobs` lists it.", shape="job")]
    dry_run: DryRun = False


@task(
    "service.missed",
    "ops.service.cli:show_missed",
    roles=OFFICE,
    forms=(Form("All of them were looked at", fields="note", always={"seen": True}),),
)
class Missed:
    """List what was due and nobody ran, or note that somebody has looked at it."""

    days: Annotated[int, Flag("How many days to look back; 7 unless given.")] = 7
    seen: Annotated[
        bool,
        Flag("Note that you have looked at all of it: it is no problem any more.", roles=INCIDENT),
    ] = False
    note: Annotated[
        str,
        Flag(
            "With --seen: what you found; goes into the journal.",
            "What you found; goes into the journal.",
            shape="long",
        ),
    ] = ""
    dry_run: DryRun = False
    json: Json = False


@task(
    "service.notify-test",
    "ops.service.cli:try_targets",
    roles=OPERATE,
    forms=(Form("Send a test message"),),
)
class NotifyTest:
    """Send a marked test message to everybody who can be told, and say what came of each.

    Exit code 0 when all of them arrived, 1 when one did not.
    """

    person: Annotated[
        str, Flag("Only this person; everybody who can be told unless given.", shape="person")
    ] = ""
    dry_run: DryRun = False
