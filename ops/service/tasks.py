"""Tasks around the service that does everything by itself."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "service"
TITLE = N_("the service: what runs by itself, and when")


@operator_task(foreground=True)
def run(_context: Context) -> None:
    """Run the service in the foreground.

    Ctrl-C or SIGTERM ends it cleanly; SIGHUP makes it read the estate again.
    """
    from ops.service.serve import serve

    serve()


@operator_task(help={"json": flags.JSON})
def status(_context: Context, json: bool = False) -> int:
    """Say whether the service runs, and what it is doing."""
    from ops.service.cli import show_service

    return show_service(as_json=json)


@operator_task(help={"json": flags.JSON})
def jobs(_context: Context, json: bool = False) -> None:
    """List all jobs: how they ended last, and when and why they are due next."""
    from ops.service.cli import show_jobs

    show_jobs(as_json=json)


@operator_task(
    help={
        "job": N_("Name of the job, as `service.jobs` lists it."),
        "dry_run": flags.DRY_RUN,
    }
)
def trigger(_context: Context, job: str, dry_run: bool = False) -> None:
    """Have the service run a job now, beside its schedule."""
    from ops.service.cli import trigger_job

    trigger_job(job, dry_run=dry_run)


@operator_task(help={"days": N_("How many days to look back; 7 unless given."), "json": flags.JSON})
def missed(_context: Context, days: int = 7, json: bool = False) -> int:
    """List what was due and nobody ran."""
    from ops.service.cli import show_missed

    return show_missed(days, as_json=json)


@operator_task(
    name="notify-test",
    help={
        "person": N_("Only this person; everybody who can be told unless given."),
        "dry_run": flags.DRY_RUN,
    },
)
def notify_test(_context: Context, person: str = "", dry_run: bool = False) -> int:
    """Send a marked test message to everybody who can be told, and say what came of each.

    Exit code 0 when all of them arrived, 1 when one did not.
    """
    from ops.service.notify_test import try_targets

    return try_targets(person, dry_run=dry_run)
