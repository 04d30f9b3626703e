"""The programs that hosts let us run, word for word as their gates know them."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Literal

from ops.estate.model.estate import Estate
from ops.hosts.connect import identity_file, make_target, shared_pool
from provisioning.gate.account_script import Allowed
from provisioning.hosts import Command, Completed, Host
from provisioning.local_host import LocalHost
from provisioning.ssh.host import SshHost
from provisioning.ssh.targets import SshTarget


def _program(name: str) -> Command:
    return (b"sh", b"-c", Path(__file__).with_name(name).read_bytes())


SAMPLE = _program("sample.sh")
"""What changes all the time; milliseconds."""

UPKEEP = _program("upkeep.sh")
"""What changes slowly; seconds."""

EQUIPMENT = _program("equipment.sh")
"""What the machine itself is, for the register of assets; milliseconds."""


Program = Literal["facts", "lynis"]
PROGRAMS: tuple[Program, ...] = ("facts", "lynis")
THIS_MACHINE = "localhost"
"""How this machine is called among hosts; the estate's host of that name comes first."""

MOST_BYTES = 4 << 20


def read_program(name: Program) -> bytes:
    """Give a program as it is sent, and as the gate knows it."""
    return files("provisioning.audit").joinpath(f"{name}.py").read_bytes()


def list_audit_programs() -> Allowed:
    """List all that the account for audits may do: these programs, by one loader."""
    from backup.sources.remote.python_tree import PYTHON

    return Allowed(loaders=(PYTHON,), programs=tuple(read_program(it) for it in PROGRAMS))


def make_audit_target(estate: Estate, name: str) -> SshTarget | None:
    """Say how a host is reached for audits; None where the estate names no account for them.

    Raises:
        WrongUseError: No host has that name.
        SecretError: Its key cannot be a file.
    """
    entry = estate.host(name)
    if not entry.audit_user or entry.audit_identity is None:
        return None
    identity = identity_file(entry.audit_identity)
    return replace(make_target(estate, name), user=entry.audit_user, identity=identity)


def open_audit_host(estate: Estate, name: str) -> Host | None:
    """Give a host as its account for audits enters it; None where there is none.

    This machine is looked at as the user that the service runs as.

    Raises:
        WrongUseError, SecretError: As for `make_audit_target`.
    """
    if name == THIS_MACHINE and all(it.name != name for it in estate.hosts):
        return LocalHost()
    target = make_audit_target(estate, name)
    return None if target is None else SshHost(target, shared_pool())


def run_program(host: Host, name: Program, *, timeout: float) -> Completed:
    """Run one of the programs to its end, bounded in time and in what it may print.

    Raises:
        ProvisioningError: The host cannot be entered, or its answer is late or too long.
    """
    from backup.sources.remote.python_tree import PYTHON

    program = read_program(name)
    sent = b"%d\n" % len(program) + program
    return host.run(PYTHON, stdin=sent, timeout=timeout, most_bytes=MOST_BYTES)
