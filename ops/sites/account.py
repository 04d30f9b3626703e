"""The account on a host through which its files are read: what it may do, and how it is made."""

from pathlib import Path

from ops.backups.sources.databases import commands_on
from ops.backups.sources.files import commands_of_files
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.hosts.connect import make_target
from ops.hosts.programs import EQUIPMENT, SAMPLE, UPKEEP, list_audit_programs, make_audit_target
from ops.language.text import _
from ops.sites.tasks import Account
from ops.terminal.exit_codes import warn
from ops.terminal.output import write_json, write_text
from provisioning.gate.account_script import Allowed, Rights, is_account, make_list, make_script
from provisioning.hosts import Command
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
