"""Tasks that write into database servers, by an administrator's account given for that run."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "backup"

_DATABASE = N_("Name of the database, as in the estate file.")
_USER = N_("An administrator's account in the database server.")
_PASSWORD_FILE = N_("File with that account's password; left out: it needs none.")
_LOGIN = N_("An administrator's account on the database's host.")
_IDENTITY = N_("File with that account's private SSH key (ed25519).")
_PASSPHRASE_FILE = N_("File with the key's passphrase.")
_RUN_AS = N_("Account there that runs the client, e.g. postgres; root has to log in.")


@operator_task(
    help={
        "site": flags.SITE,
        "database": _DATABASE,
        "into": N_("Name of the fresh database; it must not be there."),
        "snapshot": flags.SNAPSHOT_OR_NEWEST,
        "at": flags.AT,
        "user": _USER,
        "password_file": _PASSWORD_FILE,
        "login": _LOGIN,
        "identity": _IDENTITY,
        "passphrase_file": _PASSPHRASE_FILE,
        "run_as": _RUN_AS,
        "accounts": N_("Make accounts and roles first: for a server that has none yet."),
        "reason": flags.REASON_FOR_JOURNAL,
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    }
)
def load(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    site: str,
    database: str,
    into: str,
    snapshot: str = "",
    at: str = "",
    user: str = "",
    password_file: str = "",
    login: str = "",
    identity: str = "",
    passphrase_file: str = "",
    run_as: str = "",
    accounts: bool = False,
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Load a database of a snapshot into a fresh one beside the live one, and count its rows.

    The live database is not touched. The service keeps no account that writes: an administrator's
    is given for this run.
    """
    from ops.backups.restore.load_database import LoadWish, load_database
    from ops.hosts.admin_login import WayIn

    way = WayIn(login=login, identity=identity, passphrase_file=passphrase_file, run_as=run_as)
    return load_database(
        LoadWish(
            site=site,
            database=database,
            into=into,
            snapshot=snapshot,
            at=at,
            user=user,
            password_file=password_file,
            way=way,
            accounts=accounts,
            reason=reason,
            document=document,
            dry_run=dry_run,
        )
    )


@operator_task(
    help={
        "site": flags.SITE,
        "database": _DATABASE,
        "to": N_("Name of the database that was loaded; the live one is kept as NAME_truoc."),
        "user": _USER,
        "password_file": _PASSWORD_FILE,
        "login": _LOGIN,
        "identity": _IDENTITY,
        "passphrase_file": _PASSPHRASE_FILE,
        "run_as": _RUN_AS,
        "confirm": flags.CONFIRM_SITE,
        "reason": flags.REASON_FOR_APPROVER,
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    },
    two_people=True,
)
def switch(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    site: str,
    database: str,
    to: str,
    user: str = "",
    password_file: str = "",
    login: str = "",
    identity: str = "",
    passphrase_file: str = "",
    run_as: str = "",
    confirm: str = "",
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Give a database that was loaded the name of the live one, which is kept as NAME_truoc."""
    from ops.backups.restore.load_database import LoadWish
    from ops.backups.restore.switch_database import switch_database
    from ops.hosts.admin_login import WayIn

    way = WayIn(login=login, identity=identity, passphrase_file=passphrase_file, run_as=run_as)
    return switch_database(
        LoadWish(
            site=site,
            database=database,
            into=to,
            user=user,
            password_file=password_file,
            way=way,
            confirm=confirm,
            reason=reason,
            document=document,
            dry_run=dry_run,
        )
    )


@operator_task(
    help={
        "site": flags.SITE,
        "target": N_("Folder that gets the content; made if it is missing."),
        "store": flags.STORE_OR_PRIMARY,
        "snapshot": flags.SNAPSHOT_OR_NEWEST,
        "at": flags.AT,
        "include": N_("Only what this pattern matches; may be given several times."),
        "in_place": N_("Put files and databases back where they came from; asks first."),
        "login": N_("With --in-place: an administrator's account on the files' host, or this one."),
        "identity": N_("File with that account's private SSH key (ed25519)."),
        "passphrase_file": N_("File with the key's passphrase."),
        "verify": N_("Read every restored file back and compare it."),
        "confirm": flags.CONFIRM_SITE,
        "reason": N_("Why; the person who approves a restore in place reads it."),
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    },
    iterable=("include",),
    two_people=True,
)
def restore(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    site: str,
    target: str = "",
    store: str = "",
    snapshot: str = "",
    at: str = "",
    include: list[str] | None = None,
    in_place: bool = False,
    login: str = "",
    identity: str = "",
    passphrase_file: str = "",
    verify: bool = False,
    confirm: str = "",
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Restore a site, or a part of it, into a folder or in its place."""
    from ops.backups.restore.cli import RestoreWish, restore_site
    from ops.hosts.admin_login import WayIn
    from ops.terminal.progress import shown_progress

    wish = RestoreWish(
        site=site,
        target=target,
        store=store,
        snapshot=snapshot,
        at=at,
        include=tuple(include or ()),
        in_place=in_place,
        way=WayIn(login=login, identity=identity, passphrase_file=passphrase_file),
        verify=verify,
        confirm=confirm,
        reason=reason,
        document=document,
        dry_run=dry_run,
    )
    with shown_progress() as progress:
        return restore_site(wish, progress)
