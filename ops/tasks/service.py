"""Tasks around the service that does everything by itself."""

from invoke.context import Context

from ops.tasks import flags
from ops.tasks.running import operator_task
from ops.text import N_

TITLE = N_("the service: what runs by itself, and when")


@operator_task()
def run(_context: Context) -> None:
    """Run the service in the foreground.

    Ctrl-C or SIGTERM ends it cleanly; SIGHUP makes it read the estate again.
    """
    from ops.jobs.serving import serve

    serve()


@operator_task(help={"json": flags.JSON})
def status(_context: Context, json: bool = False) -> int:
    """Say whether the service runs, and what it is doing."""
    from ops.jobs.overseeing import show_service

    return show_service(as_json=json)


@operator_task(help={"json": flags.JSON})
def jobs(_context: Context, json: bool = False) -> None:
    """List all jobs: how they ended last, and when and why they are due next."""
    from ops.jobs.overseeing import show_jobs

    show_jobs(as_json=json)


@operator_task(
    help={
        "job": N_("Name of the job, as `service.jobs` lists it."),
        "dry_run": flags.DRY_RUN,
    }
)
def trigger(_context: Context, job: str, dry_run: bool = False) -> None:
    """Have the service run a job now, beside its schedule."""
    from ops.jobs.overseeing import trigger_job

    trigger_job(job, dry_run=dry_run)


@operator_task(help={"days": N_("How many days to look back; 7 unless given."), "json": flags.JSON})
def missed(_context: Context, days: int = 7, json: bool = False) -> int:
    """List what was due and nobody ran."""
    from ops.jobs.overseeing import show_missed

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
    from ops.notices.trying import try_targets

    return try_targets(person, dry_run=dry_run)


@operator_task(
    help={
        "accept": N_("Have a second person accept what was found, so that it is signed again."),
        "reason": N_("Why it is accepted."),
        "document": flags.DOCUMENT,
        "json": flags.JSON,
    },
    two_people=True,
)
def journal_verify(
    _context: Context,
    accept: bool = False,
    reason: str = "",
    document: str = "",
    json: bool = False,
) -> int:
    """Hold the journal against its chain, the signed heads in the stores, and the records.

    With --accept two people accept what cannot be put right: heads of rows that are lost, a signing
    key that was lost or changed. The journal says so from then on.
    """
    if accept:
        from ops.jobs.journal_accepting import AcceptWish, accept_findings

        return accept_findings(AcceptWish(reason, document))
    from ops.jobs.journal_telling import verify_journal

    return verify_journal(as_json=json)


@operator_task(
    as_owner=False,  # root gives everything to the service's user in the end
    help={
        "repo": N_("A store, or the repository STORE/giucong in it."),
        "password_file": N_("File with the key's line; else RESTIC_PASSWORD_FILE is read."),
        "target": N_(
            "Folder that becomes the estate's; left out: the one it was in, where GIUCONG_ESTATE or"
            " --also names it, or it is /etc/giucong."
        ),
        "also": N_("Another folder that may be written into; may be given several times."),
        "confirm": N_("`giucong`: move aside what is there already."),
        "reason": N_("Why; who approves a recovery over a service that is there reads it."),
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    },
    iterable=["also"],
    two_people=True,
)
def recover(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    repo: str,
    password_file: str = "",
    target: str = "",
    also: list[str] | None = None,
    confirm: str = "",
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Bring the service back on a bare machine, from one store and the key.

    Over a catalog that is there it takes a backup administrator and a second person.
    """
    from ops.jobs.recovering import RecoveryWish, recover_service
    from ops.progress import shown_progress

    wish = RecoveryWish(
        repo=repo,
        password_file=password_file,
        target=target,
        also=also or (),
        confirm=confirm,
        reason=reason,
        document=document,
        dry_run=dry_run,
    )
    with shown_progress() as progress:
        return recover_service(wish, progress)
