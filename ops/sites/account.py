"""A host's account through which files are read, and its key after somebody has compared it.

Order:

1. Ask the host for its key, and look up what is on record.
2. Show both; take the fingerprint from the person, who has it from the host itself.
3. In one transaction: journal it, then put the key into the table (`host_keys`).

Cut off inside 3, the key may be on record without its row in the journal; asking again tells so.
"""

from pathlib import Path

from ops.access.session import at_bench
from ops.backups.sources.parts import commands_of_files, commands_on
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.hosts.connect import (
    EQUIPMENT,
    SAMPLE,
    UPKEEP,
    list_audit_programs,
    make_audit_target,
    make_target,
    shared_pool,
    table_of,
)
from ops.journal import journal
from ops.language.text import _
from ops.sites.propose import is_closed_here, propose, read_if_there
from ops.sites.tasks import Account, TrustHost
from ops.terminal.exit_codes import warn
from ops.terminal.output import write_json, write_line, write_text
from ops.terminal.progress import need_confirmation
from provisioning.gate.account_script import Allowed, Rights, is_account, make_list, make_script
from provisioning.hosts import Command
from provisioning.ssh.host_keys import HostKey, make_table, read_keys, record_key
from provisioning.ssh.targets import SshTarget


def print_script(wish: Account) -> int:
    """Print the script that root runs on the host; gives the exit code.

    Raises:
        WrongUseError: No host has that name, or databases would be dumped by root.
        OpsError: Its user is root; or it is for audits, and also the one for backups.
        HostRefusedError: Our key cannot be read.
    """
    from provisioning.ssh.connect import read_identity

    estate = load_estate()
    plan = _plan_for_audits if wish.audit else _plan_for_backups
    target, allowed, rights = plan(estate, wish)
    key = read_identity(target)
    public_key = f"{key.get_name()} {key.get_base64()}"
    say = str if wish.json else _
    script = make_script(target.user, public_key, allowed, rights, is_audit=wish.audit, say=say)
    if not wish.json:
        write_text(script)
        return 0
    write_json(
        [
            {
                "host": wish.host,
                "user": target.user,
                "public_key": public_key,
                "rights": rights,
                "allowed": make_list(allowed).splitlines(),
                "script": script,
            }
        ]
    )
    return 0


def _plan_for_audits(estate: Estate, wish: Account) -> tuple[SshTarget, Allowed, Rights]:
    target = make_audit_target(estate, wish.host)
    if target is None or target.user == estate.host(wish.host).user:
        raise OpsError(
            "the host {host} has no account for audits in the estate",
            why="it is another one than that of backups, with another key, so that neither can do"
            " what the other may",
            data="nothing was changed",
            next_step='write `audit_user = "giucong-audit"` and `audit_identity ='
            ' "file:var/keys/{host}-audit"` for the host; the key: `ssh-keygen -t ed25519 -N ""`',
            host=wish.host,
        )
    _need_account(target.user, wish.host)
    return target, list_audit_programs(), "sudo"


def _plan_for_backups(estate: Estate, wish: Account) -> tuple[SshTarget, Allowed, Rights]:
    target = make_target(estate, wish.host)
    if wish.databases and wish.sudo:
        raise WrongUseError(
            "--databases and --sudo do not go together",
            why="the clients of databases can start a shell, and it would be root's",
            next_step="leave out one of them",
        )
    _need_account(target.user, wish.host)
    dumps = commands_on(estate, wish.host)
    files = commands_of_files(estate, wish.host)
    allowed = list_allowed(files + (dumps if wish.databases else ()))
    if dumps and not wish.databases:
        told = _(
            "Databases of this host are not dumped through this account; --databases adds them."
        )
        warn(told)
    return target, allowed, "sudo" if wish.sudo else "capability"


def _need_account(user: str, host: str) -> None:
    if not is_account(user):
        raise OpsError(
            'the account "{user}" of the host {host} cannot be made',
            why="it has to be an account of its own: root and odd names are not",
            data="nothing was changed",
            next_step='write `user = "giucong"` for the host in the estate',
            user=user,
            host=host,
        )


def list_allowed(commands: tuple[Command, ...] = ()) -> Allowed:
    """List what the service sends to a host: one program that reads files, three that look at it.

    Args:
        commands: What its databases and the output of its commands need beside that.
    """
    from backup.sources.remote import python_tree

    program = Path(python_tree.__file__).with_name("agent.py").read_bytes()
    commands = (*commands, SAMPLE, UPKEEP, EQUIPMENT)
    return Allowed(commands=commands, loaders=(python_tree.PYTHON,), programs=(program,))


def trust_host(wish: TrustHost) -> int:
    """Show the key of a host and record it; gives the exit code.

    Raises:
        WrongUseError: No host has that name, or the fingerprint is another.
        HostUnavailableError: It does not answer.
        OpsError: The table cannot be read or written.
    """
    estate = load_estate()
    target = make_target(estate, wish.host)
    table = table_of(estate, estate.host(wish.host))
    shown = shared_pool().ask_key(target)
    try:
        known = read_keys(table, target.known_name)
        if wish.confirm and shown in known:
            need_confirmation(shown.fingerprint, wish.confirm, "")
        if shown in known:
            write_line(
                _("the key {shown} of the host {host} is on record already").format(
                    shown=shown.fingerprint, host=wish.host
                )
            )
            return 0
        _show(target, shown, known)
        if wish.dry_run:
            write_line(_("would record this key in {file}").format(file=table))
            return 0
        need_confirmation(shown.fingerprint, wish.confirm, _question(known))
        waits = is_closed_here(estate, table)
        details = {
            "waits_for_root": waits,
            "address": target.known_name,
            "kind": shown.kind,
            "new": shown.fingerprint,
            "old": [key.fingerprint for key in known],
        }
        with at_bench(estate) as bench, bench.catalog.writing() as session:
            journal.append(
                session, bench.origin, [journal.Entry("host.trusted", wish.host, details)]
            )
            if not waits:
                record_key(table, target.known_name, shown)
        if waits:
            before = read_if_there(table)
            content = make_table(table, target.known_name, shown).encode("utf-8", "surrogateescape")
            made = propose(estate, table, before, content, task="estate.trust", kind="hosts")
            return made.tell()
    except OSError as error:
        raise OpsError(
            "the table of host keys {file} cannot be used",
            why="{reason}",
            data="no key was recorded",
            next_step="let the service's user write it, then run `{program} estate.trust --host"
            " {host}`",
            file=table,
            reason=error.strerror or str(error),
            host=wish.host,
        ) from error
    write_line(
        _("recorded {shown} as the key of the host {host}").format(
            shown=shown.fingerprint, host=wish.host
        )
    )
    return 0


def _show(target: SshTarget, shown: HostKey, known: list[HostKey]) -> None:
    write_line(_("host {host} at {place}").format(host=target.name, place=target.known_name))
    for key in known:
        write_line(_("  on record:  {key} ({kind})").format(key=key.fingerprint, kind=key.kind))
    write_line(_("  it shows:   {key} ({kind})").format(key=shown.fingerprint, kind=shown.kind))
    write_line(
        _(
            "  to compare, on the host itself: ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub"
        ).format(kind=shown.kind.removeprefix("ssh-").partition("-")[0])
    )


def _question(known: list[HostKey]) -> str:
    if known:
        return _(
            "The key has changed. Go on only if those who run the host say that they changed it,"
            " and the fingerprint above is the one they see there."
        )
    return _("Go on only if the fingerprint above is the one that is seen on the host itself.")
