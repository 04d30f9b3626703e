"""How hosts are reached, how much bandwidth they may take, and the programs sent to them."""

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from backup.stores.bandwidth import Allowance
from backup.stores.bandwidth_plan import RatePlan, RateWindow, SharedBucket
from ops.errors import SecretError
from ops.estate.model.estate import Estate
from ops.estate.model.hosts import Host as HostEntry
from ops.estate.model.values import limits_of
from provisioning.gate.account_script import Allowed
from provisioning.hosts import Command, Completed, Host
from provisioning.local_host import LocalHost
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool
from provisioning.ssh.process import Pace
from provisioning.ssh.targets import LegacyAlgorithms, SshTarget

_BYTES_A_MEGABIT = 125_000
_FOLDER = "limits"


def plan_rates(limits: Mapping[str, int], zone: str) -> RatePlan:
    """Give a bandwidth by part of the day.

    Args:
        limits: Megabits a second by part of the day, `default` for the rest of it.
        zone: The organisation's time zone.
    """
    rates = {part: mbps * _BYTES_A_MEGABIT for part, mbps in limits.items()}
    windows = []
    for part, rate in rates.items():
        if part != "default":
            start, _, end = part.partition("-")
            windows.append(RateWindow(_minute(start), _minute(end), rate))
    return RatePlan(rates.get("default"), tuple(windows), zone)


def share_bandwidth(estate: Estate, name: str, plan: RatePlan) -> Allowance:
    """Give what may pass, together with every process of this estate that asks by that name.

    Stores, hosts and lines have one each, by part of the day (`plan_rates`).
    """
    folder = estate.service.state / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Allowance(plan, bucket=SharedBucket(str(Path(folder, name))))


def _minute(clock: str) -> int:
    hours, minutes = clock.strip().split(":")
    return (int(hours) * 60 + int(minutes)) % 1440


KNOWN_HOSTS = "known_hosts"
"""The table in the state folder where a host names no other."""


def open_host(estate: Estate, name: str | None) -> Host:
    """Give a host by its name; None is this machine. Nothing is connected yet.

    Raises:
        WrongUseError: No host has that name.
        SecretError: Its key cannot be a file.
    """
    return LocalHost() if name is None else open_ssh_host(estate, name)


def open_ssh_host(estate: Estate, name: str) -> SshHost:
    """Give a host by its name; see `open_host`. It keeps to its bandwidth and to its line's."""
    return SshHost(make_target(estate, name), shared_pool(), pace=make_pace(estate, name))


def make_pace(estate: Estate, name: str) -> Pace | None:
    """Give what holds a host to its bandwidth; None where it has no limit."""
    entry = estate.host(name)
    line = next((it for it in estate.lines if it.name == entry.line), None)
    limits = {f"host-{name}": entry.limit_mbps}
    if line is not None:
        limits[f"line-{line.name}"] = line.limit_mbps
    zone = estate.organisation.timezone
    plans = {key: plan_rates(limits_of(limit), zone) for key, limit in limits.items()}
    allowances = [
        share_bandwidth(estate, key, plan) for key, plan in plans.items() if not plan.is_unlimited
    ]
    if not allowances:
        return None

    def pace(count: int) -> None:
        for allowance in allowances:
            allowance.take(count)

    return pace


@cache
def shared_pool() -> SshPool:
    """Give the connections of this process: one pool, so that its width holds for all hosts."""
    return SshPool()


def make_target(estate: Estate, name: str) -> SshTarget:
    """Say how a host is reached, jump hosts included.

    Raises:
        WrongUseError: No host has that name.
        SecretError: Its key cannot be a file, or the way to it leads through itself.
    """
    return _make_target(estate, name, ())


def _make_target(estate: Estate, name: str, passed: tuple[str, ...]) -> SshTarget:
    if name in passed:
        raise SecretError(
            "the way to the host {name} leads through itself: {way}",
            data="nothing was connected",
            next_step="correct `jump` in the estate, then run `{program} estate.check`",
            name=name,
            way=" → ".join((*passed, name)),
        )
    entry = estate.host(name)
    old = entry.legacy_algorithms
    return SshTarget(
        name=entry.name,
        address=entry.address,
        port=entry.port,
        user=entry.user,
        identity=identity_file(entry.identity),
        known_hosts=table_of(estate, entry),
        jump=_make_target(estate, entry.jump, (*passed, name)) if entry.jump else None,
        line=entry.line or "",
        legacy=LegacyAlgorithms(old.names, old.reason, old.until) if old else None,
        has_shell=entry.shell,
        silence_seconds=60.0 * entry.silence_minutes,
    )


def table_of(estate: Estate, entry: HostEntry) -> Path:
    """Give the table of host keys that counts for a host."""
    return entry.known_hosts or estate.service.state / KNOWN_HOSTS


def identity_file(reference: str | None) -> Path | None:
    """Give the file behind the reference to a private key.

    Raises:
        SecretError: It is kept in the environment, or outside the service.
    """
    if reference is None:
        return None
    scheme, _colon, rest = reference.partition(":")
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if scheme == "file":
        return Path(rest)
    if scheme == "credential" and folder:
        return Path(folder) / rest
    raise SecretError(
        'the SSH key "{reference}" is not in a file',
        why="a private key is read from a file, or from a credential inside the service",
        data="nothing was connected",
        next_step='write `identity = "file:var/keys/NAME"` in the estate',
        reference=reference,
    )


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
