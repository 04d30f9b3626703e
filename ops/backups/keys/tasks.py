"""Tasks around the keys of backups: list, add, export, put on paper, get back, change."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "backup"

_KEY_STORE = N_("Store whose password is meant; left out: the primary.")
_ANY_DISK = N_("Write there although it is the service's own disk.")


@operator_task(
    help={
        "site": flags.SITE_OR_ALL,
        "store": N_("Store; left out: every one."),
        "json": flags.JSON,
    }
)
def key_list(_context: Context, site: str = "", store: str = "", json: bool = False) -> int:
    """List the keys of sites' repositories in every store."""
    from ops.backups.keys.list import show_keys

    return show_keys(site, store, as_json=json)


@operator_task(
    help={
        "site": flags.SITE_OR_ALL,
        "store": N_("Store; left out: the primary and every copy."),
        "password_file": flags.PASSWORD_FILE,
        "reason": flags.REASON_FOR_APPROVER,
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    },
    two_people=True,
)
def key_add(
    _context: Context,
    site: str = "",
    store: str = "",
    password_file: str = "",
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Give repositories one more password; takes a second person."""
    from ops.backups.keys.add import AddWish, add_password

    return add_password(
        AddWish(
            site=site,
            store=store,
            password_file=password_file,
            reason=reason,
            document=document,
            dry_run=dry_run,
        )
    )


@operator_task(
    help={
        "to": N_("Folder on a removable medium that gets the password and the key files."),
        "site": flags.SITE_OR_ALL,
        "store": _KEY_STORE,
        "reason": flags.REASON_FOR_APPROVER,
        "document": flags.DOCUMENT,
        "any_disk": _ANY_DISK,
        "dry_run": flags.DRY_RUN,
    },
    two_people=True,
)
def key_export(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    to: str,
    site: str = "",
    store: str = "",
    reason: str = "",
    document: str = "",
    any_disk: bool = False,
    dry_run: bool = False,
) -> int:
    """Write the password and the key files to a folder; takes a second person."""
    from ops.backups.keys.export import ExportWish, export_key

    return export_key(
        ExportWish(
            to=to,
            site=site,
            store=store,
            reason=reason,
            document=document,
            any_disk=any_disk,
            dry_run=dry_run,
        )
    )


@operator_task(
    help={
        "to": N_("Folder on a removable medium that gets the sheets."),
        "holder": N_("Person of the estate who will hold a share; one flag for each."),
        "threshold": N_("How many shares give the password back."),
        "store": _KEY_STORE,
        "entry_keys": N_("Also print the SSH and S3 keys that let into the stores."),
        "reason": flags.REASON_FOR_APPROVER,
        "document": flags.DOCUMENT,
        "any_disk": _ANY_DISK,
        "dry_run": flags.DRY_RUN,
    },
    iterable=("holder",),
    two_people=True,
)
def key_escrow(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    to: str,
    holder: list[str] | None = None,
    threshold: int = 3,
    store: str = "",
    entry_keys: bool = False,
    reason: str = "",
    document: str = "",
    any_disk: bool = False,
    dry_run: bool = False,
) -> int:
    """Print the password in shares, and the key files; takes a second person.

    Writes one sheet for each holder and one with the key files of all sites, as HTML for the
    printer and as text. Nothing of it stays with the service.
    """
    from ops.backups.keys.paper.escrow import EscrowWish, escrow_key

    return escrow_key(
        EscrowWish(
            to=to,
            holders=tuple(holder or ()),
            threshold=threshold,
            store=store,
            reason=reason,
            document=document,
            any_disk=any_disk,
            entry_keys=entry_keys,
            dry_run=dry_run,
        )
    )


@operator_task(
    help={
        "to": N_("File that gets the password."),
        "share": N_("File with the words of a share; left out: they are typed."),
        "key_file": N_("File with scanned codes or typed lines of the sheet of key files."),
        "repo": N_("Repository that has lost its key files: gets a new one."),
        **flags.ENTRY,
        "dry_run": N_("Only look whether everything fits together."),
    },
    iterable=("share", "key_file"),
)
def key_combine(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    to: str = "",
    share: list[str] | None = None,
    key_file: list[str] | None = None,
    repo: str = "",
    identity: str = "",
    known_hosts: str = "",
    access_key_file: str = "",
    secret_key_file: str = "",
    region: str = "",
    dry_run: bool = False,
) -> int:
    """Get the password back from shares on paper, and a repository's lost key file."""
    from ops.backups.keys.paper.combine import CombineWish, combine_key
    from ops.backups.repositories.entry import Entry

    return combine_key(
        CombineWish(
            to=to,
            shares=tuple(share or ()),
            key_files=tuple(key_file or ()),
            repo=repo,
            entry=Entry(
                identity=identity,
                known_hosts=known_hosts,
                access_key_file=access_key_file,
                secret_key_file=secret_key_file,
                region=region,
            ),
            dry_run=dry_run,
        )
    )


@operator_task(
    help={
        "leaked": N_("What has leaked: password, or master-key."),
        "site": N_("Site whose master key has leaked."),
        "store": _KEY_STORE,
        "remove_old": N_("Remove what an earlier change of the master key has left behind."),
        "reason": flags.REASON_FOR_JOURNAL,
        "document": flags.DOCUMENT,
        "confirm": N_("Name of the site or, for a password, of the store."),
        "dry_run": flags.DRY_RUN,
    },
    two_people=True,
)
def key_rotate(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    leaked: str,
    site: str = "",
    store: str = "",
    remove_old: bool = False,
    reason: str = "",
    document: str = "",
    confirm: str = "",
    dry_run: bool = False,
) -> int:
    """Change a password or a master key that has leaked.

    A password is added anew to every repository and proven before the old one is removed anywhere.
    A master key cannot change: the site gets a new repository, filled by copy and read back; the
    old one is kept until two people have it removed. Cut off, the same command goes on.
    """
    from ops.backups.keys.rotation.cli import RotationWish, rotate_key
    from ops.terminal.progress import shown_progress

    wish = RotationWish(
        leaked=leaked,
        site=site,
        store=store,
        remove_old=remove_old,
        reason=reason,
        document=document,
        confirm=confirm,
        dry_run=dry_run,
    )
    with shown_progress() as progress:
        return rotate_key(wish, progress)
