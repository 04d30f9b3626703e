"""Tasks around the estate file."""

from typing import Annotated

from ops.access.rights import ADMIN, KEYS, OFFICE, OPERATE
from ops.language.text import N_
from ops.terminal.flags import ConfirmSite, Document, DryRun, Json, ReasonForJournal, Site
from ops.terminal.task import Flag, task

TITLE = N_("the estate file: what is backed up, from where, to where")

_Host = Annotated[str, Flag("Name of the host.", shape="host")]


# What it prints is the same for everybody.
@task("estate.sample", "ops.sites.show:sample", roles=None, as_owner=False, is_looking=True)
class Sample:
    """Print a commented sample of the estate file."""


# Whoever can read the file may learn what is wrong with it.
@task("estate.check", "ops.sites.show:check", roles=None, is_looking=True)
class CheckEstate:
    """Check the estate file and what it points to; list every problem with its fix.

    Nothing is changed. Exit code 0 when there is no problem, 1 when there is one; warnings do not
    count. What a site lacks by the rules, and a site that has vanished, are warnings. What this
    version cannot do yet is a problem where it stops a backup, else a warning.
    """

    json: Annotated[bool, Flag("Print the problems as JSON.")] = False


@task("estate.show", "ops.sites.show:show_estate", roles=OFFICE)
class ShowEstate:
    """Show the estate as the service understands it, with defaults merged in."""

    at: Annotated[
        str, Flag("The estate that was in force on this day, e.g. 31/03/2026.", shape="date")
    ] = ""
    json: Annotated[bool, Flag("Print the whole estate as JSON.")] = False


@task("estate.keep", "ops.sites.propose:keep_estate", roles=ADMIN)
class Keep:
    """Keep a copy of the estate file before it is changed, or put that copy back.

    Where the file is root's, to put it back is proposed to root.
    """

    back: Annotated[bool, Flag("Put the kept copy back in the place of the estate file.")] = False
    dry_run: DryRun = False


@task("estate.import", "ops.sites.hand_in:import_sites", roles=ADMIN)
class ImportSites:
    """Add sites from a table (CSV); sites that are there already stay as they are.

    Columns: name, title, unit, owner, system, role, profile, host, url, classes, path, config_path,
    system_path, engine, database, address, port, socket, user, password (a reference), lacks,
    reason, until. All mistakes are told at once, with row and column.
    """

    csv: Annotated[
        str,
        Flag("The table of sites, saved as `CSV UTF-8`; - is standard input.", shape="input-file"),
    ]
    # A file of the estate, which includes it: none of whoever types.
    out: Annotated[str, Flag("The file that gets the blocks; left out: sites.d/imported.toml.")] = (
        ""
    )
    dry_run: Annotated[bool, Flag("Print the blocks, and write nothing.")] = False
    json: Json = False


@task("estate.propose", "ops.sites.hand_in:hand_in", roles=ADMIN)
class Propose:
    """Hand in a file of the estate, new or changed; where the files are root's, propose it.

    Checked as the estate would read it; the difference is shown. `estate.discover --out` makes such
    a file.
    """

    file: Annotated[str, Flag("The file.", shape="input-file")]
    # A file of the estate, which includes it: none of whoever types.
    out: Annotated[str, Flag("Which file of the estate it becomes, e.g. sites.d/web1.toml.")]
    dry_run: DryRun = False


@task("estate.change", "ops.sites.hand_in:change_part", roles=ADMIN)
class ChangePart:
    """Change what takes no root: titles, people, routes, roster, days off. Or print it.

    The file takes the place of the whole part; begin with what --show prints. Where the estate file
    says something too, that holds. The difference is shown.
    """

    file: Annotated[
        str, Flag("The new part, in the form of the estate file.", shape="input-file")
    ] = ""
    show: Annotated[bool, Flag("Print the part as it is.")] = False
    reason: ReasonForJournal = ""
    dry_run: DryRun = False


# Root's files are written by root, in a process of its own; inside it asks whose the login is.
@task("estate.take", "ops.sites.take:take_proposal", roles=KEYS, as_owner=False, as_oneself=True)
class Take:
    """Root takes what the service has proposed for the estate's files; without --id: what waits.

    The difference is shown, and what is shown is what is written. It is refused where the file has
    changed meanwhile, or where the estate would have a mistake.
    """

    id: Annotated[str, Flag("The proposal, as the task that made it said.")] = ""
    confirm: Annotated[str, Flag("Name of the file, instead of typing it when asked.")] = ""
    dry_run: DryRun = False
    json: Json = False


# It reads and writes as the user who types it.
@task(
    "estate.discover",
    "ops.sites.discover:discover",
    roles=None,
    as_owner=False,
    is_looking=True,
    as_oneself=True,
)
class Discover:
    """Propose sites from what web servers serve and databases hold; changes nothing.

    Passwords that are found are never shown: each becomes a reference, with the command that
    stores it.
    """

    host: Annotated[
        str,
        Flag(
            "A host of the estate, over SSH; left out or `localhost`: this machine.", shape="host"
        ),
    ] = ""
    root: Annotated[
        str, Flag("Look below this folder instead of /, e.g. a mounted disk.", shape="input-folder")
    ] = "/"
    out: Annotated[
        str, Flag("Write the blocks to this new file instead of showing them.", shape="output-file")
    ] = ""
    json: Json = False


@task("estate.secret", "ops.sites.secret:store_secret", roles=ADMIN, second=("key-replacement",))
class Secret:
    """Store a password or key where a reference says; it is asked for and never shown.

    To replace a key of repositories, of the journal or of people's proofs takes a second person;
    the one that was there is kept beside it.
    """

    name: Annotated[str, Flag("The reference, as it stands in the estate: file:var/keys/NAME.")]
    file: Annotated[
        str,
        Flag(
            "Read the secret from this file instead of asking; - is standard input.", shape="secret"
        ),
    ] = ""
    replace: Annotated[bool, Flag("Put it in the place of one that is there already.")] = False
    confirm: Annotated[str, Flag("Name of the key's file, where a key is replaced.")] = ""
    reason: Annotated[
        str, Flag("Why a key is replaced; the person who approves it reads it.", shape="long")
    ] = ""
    document: Document = ""
    dry_run: DryRun = False


@task("estate.trust", "ops.sites.account:trust_host", roles=ADMIN)
class TrustHost:
    """Show the key of a host and record it once you have compared it.

    Only a host whose key is on record is ever logged in to. A key that has changed is shown beside
    the one on record.
    """

    host: _Host
    confirm: Annotated[
        str, Flag("The fingerprint that you compared, instead of typing it when asked.")
    ] = ""
    dry_run: Annotated[bool, Flag("Show the fingerprints, and record nothing.")] = False


@task("estate.account", "ops.sites.account:print_script", roles=ADMIN)
class Account:
    """Print the script that makes the account for backups on a host; root runs it there.

    The account reads every file of the host and writes none: a gate lets through only the commands
    of a backup. Print and run it again after each upgrade of the service, and when a database or a
    command of the estate has changed.

    With --audit: the account through which `security.audit` looks at the host, by fixed programs
    that only look, as root through sudo.
    """

    host: _Host
    sudo: Annotated[
        bool, Flag("Read all files through sudo, where the host's file system has no capabilities.")
    ] = False
    databases: Annotated[
        bool, Flag("Let it dump the databases of the host, too; they can start a shell.")
    ] = False
    audit: Annotated[
        bool, Flag("Make the account for audits instead: another one, with a gate of its own.")
    ] = False
    json: Json = False


@task("estate.test", "ops.sites.probe.probe:show_trials", roles=OPERATE)
class Test:
    """Try every part of a site now, and say how long the first copy will take.

    A store gets a small object that is removed again; nothing else is written. Exit code 1 when
    something failed, 3 when something was not checked.
    """

    site: Site
    json: Json = False


@task("estate.retire", "ops.sites.retire:retire_site", roles=ADMIN)
class Retire:
    """Take a site out of backup: its backups stay, and minutes say where they are.

    Afterwards its lines may leave the estate. A site whose lines go without this is an alarm.
    """

    site: Site
    reason: Annotated[str, Flag("Why, in your words.", shape="long")] = ""
    document: Annotated[str, Flag("Number of the decision behind it.")] = ""
    confirm: ConfirmSite = ""
    show: Annotated[bool, Flag("Print the minutes of its last retirement again.")] = False
    dry_run: DryRun = False
