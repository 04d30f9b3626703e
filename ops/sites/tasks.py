"""Tasks around the estate file."""

from typing import Literal

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "estate"
TITLE = N_("the estate file: what is backed up, from where, to where")

_HOST = N_("Name of the host.")


@operator_task(as_owner=False)
def sample(_context: Context) -> None:
    """Print a commented sample of the estate file."""
    from ops.estate.edit.sample import write_sample
    from ops.terminal.output import write_text

    write_text(write_sample())


@operator_task(help={"json": N_("Print the problems as JSON.")})
def check(_context: Context, json: bool = False) -> int:
    """Check the estate file and what it points to; list every problem with its fix.

    Nothing is changed. Exit code 0 when there is no problem, 1 when there is one; warnings do not
    count. What a site lacks by the rules, and a site that has vanished, are warnings. What this
    version cannot do yet is a problem where it stops a backup, else a warning.
    """
    from datetime import datetime

    from ops.access.unanswerable import check_answering
    from ops.backups.retention.cli_lower_minimum import check_lowered
    from ops.duties.table.load import check_tables
    from ops.errors import EstateError
    from ops.estate.check.check import check_surroundings
    from ops.estate.check.not_yet import list_not_available
    from ops.estate.check.output import report_problems
    from ops.estate.check.site_rules import check_required
    from ops.estate.history.vanished import check_vanished
    from ops.estate.load.load import load_estate

    try:
        estate = load_estate()
    except EstateError as error:
        if not json:
            raise
        return report_problems(error.path, error.problems, as_json=True)
    today = datetime.now(estate.zone).date()
    problems = [
        *check_surroundings(estate, today),
        *check_vanished(estate),
        *check_lowered(estate),
        *check_answering(estate),
        *check_tables(estate),
        *check_required(estate, today),
        *list_not_available(estate),
    ]
    return report_problems(estate.path, problems, as_json=json)


@operator_task(
    help={
        "json": N_("Print the whole estate as JSON."),
        "at": N_("The estate that was in force on this day, e.g. 31/03/2026."),
    }
)
def show(_context: Context, at: str = "", json: bool = False) -> None:
    """Show the estate as the service understands it, with defaults merged in."""
    from ops.sites.show import show_estate

    show_estate(at=at, as_json=json)


@operator_task(
    help={
        "back": N_("Put the kept copy back in the place of the estate file."),
        "dry_run": flags.DRY_RUN,
    }
)
def keep(_context: Context, back: bool = False, dry_run: bool = False) -> int:
    """Keep a copy of the estate file beside it before it is changed, or put that copy back.

    Where the file is root's, it says what root types.
    """
    from ops.estate.edit.keep import keep_estate

    return keep_estate(back=back, dry_run=dry_run)


@operator_task(
    name="import",
    help={
        "csv": N_("The table of sites, saved as `CSV UTF-8`; - is standard input."),
        "out": N_("The file that gets the blocks; left out: sites.d/imported.toml."),
        "dry_run": N_("Print the blocks, and write nothing."),
        "json": flags.JSON,
    },
)
def import_(
    _context: Context, csv: str, out: str = "", dry_run: bool = False, json: bool = False
) -> int:
    """Add sites from a table (CSV); sites that are there already stay as they are.

    Columns: name, title, unit, owner, system, role, profile, host, url, classes, path, config_path,
    system_path, engine, database, address, port, socket, user, password (a reference), lacks,
    reason, until. All mistakes are told at once, with row and column.
    """
    from ops.sites.import_csv import import_sites

    return import_sites(csv, out=out, dry_run=dry_run, as_json=json)


@operator_task(
    help={
        "host": N_("A host of the estate, over SSH; left out or `localhost`: this machine."),
        "root": N_("Look below this folder instead of /, e.g. a mounted disk."),
        "out": N_("Write the blocks to this new file instead of showing them."),
        "json": flags.JSON,
    },
    as_owner=False,
)
def discover(
    _context: Context, host: str = "", root: str = "/", out: str = "", json: bool = False
) -> int:
    """Propose sites from what web servers serve and databases hold; changes nothing.

    Passwords that are found are never shown: each becomes a reference, with the command that
    stores it.
    """
    from ops.sites.discover import discover as look_and_propose

    return look_and_propose(host=host, root=root, out=out, as_json=json)


@operator_task(
    help={
        "name": N_("The reference, as it stands in the estate: file:var/keys/NAME."),
        "file": N_("Read the secret from this file instead of asking; - is standard input."),
        "replace": N_("Put it in the place of one that is there already."),
        "confirm": N_("Name of the key's file, where a key is replaced."),
        "reason": N_("Why a key is replaced; the person who approves it reads it."),
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    },
    two_people=True,
)
def secret(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    name: str,
    file: str = "",
    replace: bool = False,
    confirm: str = "",
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Store a password or key where a reference says; it is asked for and never shown.

    To replace a key of repositories, of the journal or of people's proofs takes a second person;
    the one that was there is kept beside it.
    """
    from ops.backups.keys.secrets import store_secret
    from ops.backups.keys.secrets_guard import SecretWish

    return store_secret(
        SecretWish(
            name=name,
            file=file,
            replace=replace,
            confirm=confirm,
            reason=reason,
            document=document,
            dry_run=dry_run,
        )
    )


@operator_task(
    help={
        "host": _HOST,
        "confirm": N_("The fingerprint that you compared, instead of typing it when asked."),
        "dry_run": N_("Show the fingerprints, and record nothing."),
    }
)
def trust(_context: Context, host: str, confirm: str = "", dry_run: bool = False) -> int:
    """Show the key of a host and record it once you have compared it.

    Only a host whose key is on record is ever logged in to. A key that has changed is shown beside
    the one on record.
    """
    from ops.hosts.trust import trust_host

    return trust_host(host, confirm=confirm, dry_run=dry_run)


@operator_task(
    help={
        "host": _HOST,
        "sudo": N_(
            "Read all files through sudo, where the host's file system has no capabilities."
        ),
        "databases": N_("Let it dump the databases of the host, too; they can start a shell."),
        "audit": N_("Make the account for audits instead: another one, with a gate of its own."),
        "json": flags.JSON,
    }
)
def account(
    _context: Context,
    host: str,
    sudo: bool = False,
    databases: bool = False,
    audit: bool = False,
    json: bool = False,
) -> int:
    """Print the script that makes the account for backups on a host; root runs it there.

    The account reads every file of the host and writes none: a gate lets through only the commands
    of a backup. Print and run it again after each upgrade of the service, and when a database or a
    command of the estate has changed.

    With --audit: the account through which `security.audit` looks at the host, by fixed programs
    that only look, as root through sudo.
    """
    from ops.sites.account import print_account, print_audit_account

    if audit:
        return print_audit_account(host, as_json=json)
    rights: Literal["sudo", "capability"] = "sudo" if sudo else "capability"
    return print_account(host, rights=rights, databases=databases, as_json=json)


@operator_task(help={"site": flags.SITE, "json": flags.JSON})
def test(_context: Context, site: str, json: bool = False) -> int:  # noqa: PT028 - a task
    """Try every part of a site now, and say how long the first copy will take.

    A store gets a small object that is removed again; nothing else is written. Exit code 1 when
    something failed, 3 when something was not checked.
    """
    from ops.sites.probe.cli import show_trials

    return show_trials(site, as_json=json)


@operator_task(
    help={
        "site": flags.SITE,
        "reason": N_("Why, in your words."),
        "document": N_("Number of the decision behind it."),
        "confirm": flags.CONFIRM_SITE,
        "show": N_("Print the minutes of its last retirement again."),
        "dry_run": flags.DRY_RUN,
    }
)
def retire(
    _context: Context,
    site: str,
    reason: str = "",
    document: str = "",
    confirm: str = "",
    show: bool = False,
    dry_run: bool = False,
) -> int:
    """Take a site out of backup: its backups stay, and minutes say where they are.

    Afterwards its lines may leave the estate. A site whose lines go without this is an alarm.
    """
    from ops.sites.retire.cli import retire_site, show_minutes

    if show:
        return show_minutes(site)
    return retire_site(site, reason=reason, document=document, confirm=confirm, dry_run=dry_run)
