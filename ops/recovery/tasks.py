"""`service.recover`: the service comes back from a store."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "service"


@operator_task(
    as_owner=False,  # root gives everything to the service's user in the end
    help={
        "repo": N_("A store, or the repository STORE/giucong in it."),
        "password_file": N_("File with the key's line; else RESTIC_PASSWORD_FILE is read."),
        "share": N_("Words of a share from paper, a file each, in the place of the key's line."),
        **flags.ENTRY,
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
    iterable=["also", "share"],
    two_people=True,
)
def recover(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    repo: str,
    password_file: str = "",
    share: list[str] | None = None,
    identity: str = "",
    known_hosts: str = "",
    access_key_file: str = "",
    secret_key_file: str = "",
    region: str = "",
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
    from ops.backups.repositories.entry import Entry
    from ops.recovery.cli import RecoveryWish, recover_service
    from ops.terminal.progress import shown_progress

    wish = RecoveryWish(
        repo=repo,
        entry=Entry(
            identity=identity,
            known_hosts=known_hosts,
            access_key_file=access_key_file,
            secret_key_file=secret_key_file,
            region=region,
        ),
        password_file=password_file,
        shares=tuple(share or ()),
        target=target,
        also=also or (),
        confirm=confirm,
        reason=reason,
        document=document,
        dry_run=dry_run,
    )
    with shown_progress() as progress:
        return recover_service(wish, progress)
