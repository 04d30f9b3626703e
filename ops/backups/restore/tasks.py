"""Tasks that give data back: load a database beside the live one, switch to it, restore a site."""

from typing import TYPE_CHECKING, Annotated

from ops.access.rights import OPERATE
from ops.terminal.flags import (
    At,
    ConfirmSite,
    Document,
    DryRun,
    ReasonForApprover,
    ReasonForJournal,
    Site,
    SnapshotOrNewest,
    StoreOrPrimary,
)
from ops.terminal.task import Flag, Form, task

if TYPE_CHECKING:
    from ops.hosts.admin_login import WayIn

_Database = Annotated[str, Flag("Name of the database, as in the estate file.")]
_User = Annotated[str, Flag("An administrator's account in the database server.")]
_PasswordFile = Annotated[
    str, Flag("File with that account's password; left out: it needs none.", shape="secret")
]
_Login = Annotated[str, Flag("An administrator's account on the database's host.")]
_Identity = Annotated[
    str, Flag("File with that account's private SSH key (ed25519).", shape="secret")
]
_PassphraseFile = Annotated[str, Flag("File with the key's passphrase.", shape="secret")]
_RunAs = Annotated[
    str, Flag("Account there that runs the client, e.g. postgres; root has to log in.")
]


class _AsAdministrator:
    """What has the flags that let an administrator into a host for one run."""

    login: str
    identity: str
    passphrase_file: str
    run_as = ""

    @property
    def way(self) -> "WayIn":
        """The way in."""
        from ops.hosts.admin_login import WayIn

        return WayIn(
            login=self.login,
            identity=self.identity,
            passphrase_file=self.passphrase_file,
            run_as=self.run_as,
        )


@task("backup.load", "ops.backups.restore.load_database:load_database", roles=OPERATE)
class Load(_AsAdministrator):
    """Load a database of a snapshot into a fresh one beside the live one, and count its rows.

    The live database is not touched. The service keeps no account that writes: an administrator's
    is given for this run.
    """

    site: Site
    database: _Database
    into: Annotated[str, Flag("Name of the fresh database; it must not be there.")]
    snapshot: SnapshotOrNewest = ""
    at: At = ""
    user: _User = ""
    password_file: _PasswordFile = ""
    login: _Login = ""
    identity: _Identity = ""
    passphrase_file: _PassphraseFile = ""
    run_as: _RunAs = ""
    accounts: Annotated[
        bool, Flag("Make accounts and roles first: for a server that has none yet.")
    ] = False
    reason: ReasonForJournal = ""
    document: Document = ""
    dry_run: DryRun = False


@task(
    "backup.switch",
    "ops.backups.restore.switch_database:switch_database",
    roles=OPERATE,
    second=("restore-in-place",),
)
class Switch(_AsAdministrator):
    """Give a database that was loaded the name of the live one, which is kept as NAME_truoc."""

    site: Site
    database: _Database
    to: Annotated[
        str, Flag("Name of the database that was loaded; the live one is kept as NAME_truoc.")
    ]
    user: _User = ""
    password_file: _PasswordFile = ""
    login: _Login = ""
    identity: _Identity = ""
    passphrase_file: _PassphraseFile = ""
    run_as: _RunAs = ""
    confirm: ConfirmSite = ""
    reason: ReasonForApprover = ""
    document: Document = ""
    dry_run: DryRun = False


@task(
    "backup.restore",
    "ops.backups.restore.cli:restore_site",
    there="ops.backups.restore.there:restore_here",
    roles=OPERATE,
    second=("restore-in-place",),
    forms=(
        Form(
            "Get this file",
            "Gets it as it was then, to be downloaded; nothing on the site changes.",
            fields="site store snapshot include reason",
            needs="include",
            proves=False,
            out="target",
        ),
        Form(
            "Put back in its place",
            "Puts it back where it was, in place of what is there now; a second person has to"
            " agree.",
            name="backup.restore.in-place",
            fields="site store snapshot include confirm reason document verify",
            always={"in_place": True},
        ),
    ),
)
class Restore(_AsAdministrator):
    """Restore a site, or a part of it, into a folder or in its place."""

    site: Site
    target: Annotated[
        str, Flag("Folder that gets the content; made if it is missing.", shape="own-folder")
    ] = ""
    store: StoreOrPrimary = ""
    snapshot: SnapshotOrNewest = ""
    at: At = ""
    include: Annotated[
        tuple[str, ...],
        Flag(
            "Only what this pattern matches; may be given several times.",
            "File or folder",
            shape="path",
        ),
    ] = ()
    in_place: Annotated[
        bool, Flag("Put files and databases back where they came from; asks first.")
    ] = False
    login: Annotated[
        str, Flag("With --in-place: an administrator's account on the files' host, or this one.")
    ] = ""
    identity: _Identity = ""
    passphrase_file: _PassphraseFile = ""
    verify: Annotated[bool, Flag("Read every restored file back and compare it.")] = False
    overwrite: Annotated[
        str,
        Flag(
            "With --target, what becomes of what is there: always, if-changed, if-newer or never"
            " overwritten; left out: always, and what is right already is only read.",
            one_of="backup.restorer.request:Overwrite",
        ),
    ] = "always"
    delete: Annotated[
        bool, Flag("With --target: remove what the backup does not have; asks first.")
    ] = False
    confirm: ConfirmSite = ""
    reason: Annotated[
        str,
        Flag(
            "Why; the person who approves a restore in place reads it.",
            "Why; goes into the journal.",
            shape="long",
        ),
    ] = ""
    document: Document = ""
    dry_run: DryRun = False
