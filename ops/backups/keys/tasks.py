"""Tasks around the keys of backups: list, add, export, put on paper, get back, change."""

from typing import Annotated

from ops.access.rights import ADMIN, KEYS, OFFICE
from ops.terminal.flags import (
    AccessKeyFile,
    Document,
    DryRun,
    Identity,
    Json,
    KnownHosts,
    PasswordFile,
    ReasonForApprover,
    ReasonForJournal,
    Region,
    SecretKeyFile,
    SiteOrAll,
)
from ops.terminal.task import Flag, task

_KeyStore = Annotated[
    str, Flag("Store whose password is meant; left out: the primary.", shape="store")
]
_AnyDisk = Annotated[bool, Flag("Write there although it is the service's own disk.")]


@task("backup.key-list", "ops.backups.keys.key_holders:show_keys", roles=OFFICE)
class KeyList:
    """List the keys of sites' repositories in every store."""

    site: SiteOrAll = ""
    store: Annotated[str, Flag("Store; left out: every one.", shape="store")] = ""
    json: Json = False


@task(
    "backup.key-add",
    "ops.backups.keys.key_holders:add_password",
    roles=ADMIN,
    second=("key-export",),
)
class KeyAdd:
    """Give repositories one more password; takes a second person."""

    site: SiteOrAll = ""
    store: Annotated[str, Flag("Store; left out: the primary and every copy.", shape="store")] = ""
    password_file: PasswordFile = ""
    reason: ReasonForApprover = ""
    document: Document = ""
    dry_run: DryRun = False


@task(
    "backup.key-export",
    "ops.backups.keys.key_holders:export_key",
    roles=KEYS,
    second=("key-export",),
)
class KeyExport:
    """Write the password and the key files to a folder; takes a second person."""

    to: Annotated[
        str,
        Flag(
            "Folder on a removable medium that gets the password and the key files.",
            shape="output-secrets",
            endings=(".key", ""),
        ),
    ]
    site: SiteOrAll = ""
    store: _KeyStore = ""
    reason: ReasonForApprover = ""
    document: Document = ""
    any_disk: _AnyDisk = False
    dry_run: DryRun = False


@task(
    "backup.key-escrow",
    "ops.backups.keys.paper.escrow:escrow_key",
    roles=KEYS,
    second=("key-export",),
)
class KeyEscrow:
    """Print the password in shares, and the key files; takes a second person.

    Writes one sheet for each holder and one with the key files of all sites, as HTML for the
    printer and as text. Nothing of it stays with the service.
    """

    to: Annotated[
        str,
        Flag(
            "Folder on a removable medium that gets the sheets.",
            shape="output-secrets",
            endings=(".html", ".txt"),
        ),
    ]
    holder: Annotated[
        tuple[str, ...],
        Flag("Person of the estate who will hold a share; one flag for each.", shape="person"),
    ] = ()
    threshold: Annotated[int, Flag("How many shares give the password back.")] = 3
    store: _KeyStore = ""
    entry_keys: Annotated[
        bool, Flag("Also print the SSH and S3 keys that let into the stores.")
    ] = False
    reason: ReasonForApprover = ""
    document: Document = ""
    any_disk: _AnyDisk = False
    dry_run: DryRun = False


@task("backup.key-combine", "ops.backups.keys.paper.combine:combine_key", roles=KEYS)
class KeyCombine:
    """Get the password back from shares on paper, and a repository's lost key file."""

    to: Annotated[str, Flag("File that gets the password.", shape="output-secret")] = ""
    share: Annotated[
        tuple[str, ...],
        Flag("File with the words of a share; left out: they are typed.", shape="secret"),
    ] = ()
    key_file: Annotated[
        tuple[str, ...],
        Flag("File with scanned codes or typed lines of the sheet of key files.", shape="secret"),
    ] = ()
    repo: Annotated[str, Flag("Repository that has lost its key files: gets a new one.")] = ""
    identity: Identity = ""
    known_hosts: KnownHosts = ""
    access_key_file: AccessKeyFile = ""
    secret_key_file: SecretKeyFile = ""
    region: Region = ""
    dry_run: Annotated[bool, Flag("Only look whether everything fits together.")] = False


@task(
    "backup.key-rotate",
    "ops.backups.keys.rotate:rotate_key",
    roles=ADMIN,
    second=("deletion-below-minimum",),
)
class KeyRotate:
    """Change a password or a master key that has leaked.

    A password is added anew to every repository and proven before the old one is removed anywhere.
    A master key cannot change: the site gets a new repository, filled by copy and read back; the
    old one is kept until two people have it removed. Cut off, the same command goes on.
    """

    leaked: Annotated[
        str, Flag("What has leaked: password, or master-key.", one_of=("password", "master-key"))
    ]
    site: Annotated[str, Flag("Site whose master key has leaked.", shape="site")] = ""
    store: _KeyStore = ""
    remove_old: Annotated[
        bool, Flag("Remove what an earlier change of the master key has left behind.")
    ] = False
    reason: ReasonForJournal = ""
    document: Document = ""
    confirm: Annotated[str, Flag("Name of the site or, for a password, of the store.")] = ""
    dry_run: DryRun = False
