"""Take the looks of a plan at one host or site; writes nothing.

One subject's trouble is its own: whatever goes wrong with it becomes a look that is not checked.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import Occurrence, Run
from ops.catalog.tables.security import SecurityLook
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.hosts.connect import THIS_MACHINE, open_audit_host
from ops.security.controls import ControlSet, limits_of
from ops.security.findings import ToolLook, not_checked
from ops.security.looks import facts, lynis, ssh, tls, unicode_text
from ops.security.subjects import FACTS, Plan, Subject
from provisioning.errors import ProvisioningError
from provisioning.local_host import LocalHost

WAITS = ("cooldown", "near_backup")
_CORES = threading.BoundedSemaphore(os.cpu_count() or 1)
"""Lynis on one host at a time for each core: hosts may be machines of one machine, ours even."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What looks are held against and kept from.

    Attributes:
        estate: In force.
        controls: Those of the estate.
        ssh_waits: Why a host's SSH must not be scanned now, by the host's name; empty where it may.
        now: The moment.
    """

    estate: Estate
    controls: ControlSet
    ssh_waits: dict[str, str]
    now: datetime


def find_ssh_waits(session: Session, subjects: Sequence[Subject], now: datetime) -> dict[str, str]:
    """Say which hosts' SSH must not be scanned now, and why; see `ops.security.looks.ssh`."""
    rows = select(SecurityLook.subject, SecurityLook.at, SecurityLook.reason).where(
        SecurityLook.tool == ssh.TOOL, SecurityLook.at > now - ssh.COOLDOWN
    )
    taken = session.execute(rows.order_by(SecurityLook.at))
    last = {subject: at for subject, at, reason in taken if reason not in WAITS}
    running = set(
        session.execute(
            select(Run.site).where(Run.kind == "backup", Run.outcome.is_(None))
        ).scalars()
    )
    due: dict[str, list[datetime]] = {}
    waiting = select(Occurrence.site, Occurrence.due_at).where(
        Occurrence.kind == "backup",
        Occurrence.state != "ended",
        Occurrence.due_at < now + ssh.COOLDOWN,
        Occurrence.due_at > now - ssh.COOLDOWN,
    )
    for site, due_at in session.execute(waiting):
        due.setdefault(site, []).append(due_at)
    return {
        it.name: ssh.decide_wait(
            now,
            last.get(it.key),
            tuple(moment for site in it.sites for moment in due.get(site, ())),
            is_running=not running.isdisjoint(it.sites),
        )
        for it in subjects
        if it.where == "host"
    }


def take_looks(plan: Plan, bounds: Bounds) -> list[ToolLook]:
    """Give a look for each tool of the plan, in their order; raises nothing of the subject's."""
    looks: dict[str, ToolLook] = {}
    steps = _site_steps if plan.subject.where == "site" else _host_steps
    for step in steps(plan, bounds):
        looks |= {it.tool: it for it in _guarded(plan, step)}
    key = plan.subject.key
    return [looks.get(it) or not_checked(key, it, "no_answer", why="") for it in plan.tools]


Step = tuple[tuple[str, ...], Callable[[], list[ToolLook]]]
"""Tools, and what takes their looks."""


def _guarded(plan: Plan, step: Step) -> list[ToolLook]:
    tools, take = step
    try:
        return take()
    except (OpsError, ProvisioningError, OSError, ValueError) as error:
        key = plan.subject.key
        return [not_checked(key, it, "no_answer", why=str(error)) for it in tools]


def _site_steps(plan: Plan, bounds: Bounds) -> Iterator[Step]:
    estate, name, key = bounds.estate, plan.subject.name, plan.subject.key
    if tls.TOOL in plan.tools:
        yield (tls.TOOL,), lambda: [tls.look(estate.site(name).url, key)]
    if unicode_text.TOOL in plan.tools:
        yield (unicode_text.TOOL,), lambda: [unicode_text.look(estate, name, key)]


def _host_steps(plan: Plan, bounds: Bounds) -> Iterator[Step]:
    subject = plan.subject
    inside = tuple(it for it in plan.tools if it in FACTS)
    if inside:
        yield inside, lambda: _take_facts(subject, inside, bounds)
    if lynis.TOOL in plan.tools:
        yield (lynis.TOOL,), lambda: [_take_lynis(subject, bounds)]
    if ssh.TOOL in plan.tools:
        yield (ssh.TOOL,), lambda: [_take_ssh(subject, bounds)]


def _take_facts(subject: Subject, tools: tuple[str, ...], bounds: Bounds) -> list[ToolLook]:
    host = open_audit_host(bounds.estate, subject.name)
    if host is None:
        return [_no_account(subject, it) for it in tools]
    day = bounds.now.astimezone(bounds.estate.zone).date()
    limits = limits_of(subject.levels, bounds.controls.on(day))
    told = facts.read(host, subject.key, is_here=isinstance(host, LocalHost))
    return facts.judge(told, tools, limits)


def _take_lynis(subject: Subject, bounds: Bounds) -> ToolLook:
    host = open_audit_host(bounds.estate, subject.name)
    if host is None:
        return _no_account(subject, lynis.TOOL)
    with _CORES:
        look = lynis.look(host, subject.key)
    if isinstance(host, LocalHost) and os.geteuid() and look.outcome == "ok":
        return replace(look, outcome="incomplete", reason="not_root")
    return look


def _take_ssh(subject: Subject, bounds: Bounds) -> ToolLook:
    wait = bounds.ssh_waits.get(subject.name, "")
    if wait:
        return not_checked(subject.key, ssh.TOOL, wait)
    if subject.name == THIS_MACHINE and all(it.name != THIS_MACHINE for it in bounds.estate.hosts):
        return ssh.look("127.0.0.1", 22, subject.key)
    entry = bounds.estate.host(subject.name)
    if entry.jump:
        return not_checked(subject.key, ssh.TOOL, "behind_jump", jump=entry.jump)
    return ssh.look(entry.address, entry.port, subject.key)


def _no_account(subject: Subject, tool: str) -> ToolLook:
    return not_checked(subject.key, tool, "no_account", host=subject.name)
