"""The audit of hosts and sites: looks taken, findings kept, and its kind of job.

Order (`audit`):

1. Read what is due, or what somebody asked for, and what is allowed where.
2. Look at several subjects at a time (`take_looks`); what goes wrong with one is its own: that look
   is not checked.
3. As each is done, write its looks, its findings and one journal row in one transaction.
4. The caller records the run's result.

Killed before 3, nothing is claimed of that subject; those that were done stay.
"""

import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.progress import SILENT, Progress
from ops.catalog.tables.core import Occurrence, Run
from ops.catalog.tables.security import SecurityLook
from ops.errors import OpsError, unknown
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.hosts.connect import THIS_MACHINE, open_audit_host
from ops.jobs.definitions import own_job
from ops.jobs.run_now import begin
from ops.language.text import N_
from ops.schedule.kinds import JobKind, RunContext
from ops.schedule.ledger.job import AUDITS, JobDefinition, JobResult, Outcome
from ops.security import host_facts, unicode_text
from ops.security.controls import ControlSet, limits_of, load_controls
from ops.security.findings import ToolLook, not_checked
from ops.security.programs import (
    COOLDOWN,
    LYNIS,
    SSH,
    TLS,
    decide_wait,
    look_lynis,
    look_ssh,
    look_tls,
)
from ops.security.records import (
    KeptLook,
    find_baselines,
    find_last_looks,
    hold_against,
    remember_looks,
)
from ops.security.subjects import FACTS, Plan, Subject, list_subjects, plan_asked, plan_looks
from provisioning.errors import ProvisioningError
from provisioning.local_host import LocalHost

AUDIT_JOB = f"{AUDITS}{OWN_SITE}"
"""The job that takes the looks that are due."""

_WHEN_PEOPLE_COME = "10 6 * * *"


def _jobs(estate: Estate) -> Iterator[JobDefinition]:
    yield own_job(estate, AUDIT.name, _WHEN_PEOPLE_COME)


AUDIT = JobKind(
    name="security-audit",
    title=N_("audit of hosts and sites"),
    run="ops.security.job:audit",
    jobs=_jobs,
)


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
    """Say which hosts' SSH must not be scanned now, and why; see `ops.security.programs`."""
    rows = select(SecurityLook.subject, SecurityLook.at, SecurityLook.reason).where(
        SecurityLook.tool == SSH, SecurityLook.at > now - COOLDOWN
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
        Occurrence.due_at < now + COOLDOWN,
        Occurrence.due_at > now - COOLDOWN,
    )
    for site, due_at in session.execute(waiting):
        due.setdefault(site, []).append(due_at)
    return {
        it.name: decide_wait(
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
    if TLS in plan.tools:
        yield (TLS,), lambda: [look_tls(estate.site(name).url, key)]
    if unicode_text.TOOL in plan.tools:
        yield (unicode_text.TOOL,), lambda: [unicode_text.look(estate, name, key)]


def _host_steps(plan: Plan, bounds: Bounds) -> Iterator[Step]:
    subject = plan.subject
    inside = tuple(it for it in plan.tools if it in FACTS)
    if inside:
        yield inside, lambda: _take_facts(subject, inside, bounds)
    if LYNIS in plan.tools:
        yield (LYNIS,), lambda: [_take_lynis(subject, bounds)]
    if SSH in plan.tools:
        yield (SSH,), lambda: [_take_ssh(subject, bounds)]


def _take_facts(subject: Subject, tools: tuple[str, ...], bounds: Bounds) -> list[ToolLook]:
    host = open_audit_host(bounds.estate, subject.name)
    if host is None:
        return [_no_account(subject, it) for it in tools]
    day = bounds.now.astimezone(bounds.estate.zone).date()
    limits = limits_of(subject.levels, bounds.controls.on(day))
    told = host_facts.read(host, subject.key, is_here=isinstance(host, LocalHost))
    return host_facts.judge(told, tools, limits)


def _take_lynis(subject: Subject, bounds: Bounds) -> ToolLook:
    host = open_audit_host(bounds.estate, subject.name)
    if host is None:
        return _no_account(subject, LYNIS)
    with _CORES:
        look = look_lynis(host, subject.key)
    if isinstance(host, LocalHost) and os.geteuid() and look.outcome == "ok":
        return replace(look, outcome="incomplete", reason="not_root")
    return look


def _take_ssh(subject: Subject, bounds: Bounds) -> ToolLook:
    wait = bounds.ssh_waits.get(subject.name, "")
    if wait:
        return not_checked(subject.key, SSH, wait)
    if subject.name == THIS_MACHINE and all(it.name != THIS_MACHINE for it in bounds.estate.hosts):
        return look_ssh("127.0.0.1", 22, subject.key)
    entry = bounds.estate.host(subject.name)
    if entry.jump:
        return not_checked(subject.key, SSH, "behind_jump", jump=entry.jump)
    return look_ssh(entry.address, entry.port, subject.key)


def _no_account(subject: Subject, tool: str) -> ToolLook:
    return not_checked(subject.key, tool, "no_account", host=subject.name)


MOST_AT_ONCE = 8
FEW, MOST_NAMED = 5, 100


def audit(context: RunContext, progress: Progress = SILENT) -> JobResult:
    """Run it; the caller holds the job's lock.

    Arguments in the context: `hosts`, `sites`, `only`, lists of names. With any of them, or
    `all`, exactly that is looked at; without, what the controls ask for today.

    Raises:
        EstateError, OpsError: The estate, its tables, or a name that was given cannot be used.
    """
    estate, _version, _site = begin(context)
    now = datetime.now(UTC)
    controls = load_controls(estate)
    subjects = list_subjects(estate.document())
    with context.catalog.reading() as session:
        answered = find_last_looks(session, answered=True)
        baselines = find_baselines(session)
        waits = find_ssh_waits(session, subjects, now)
    today = now.astimezone(estate.zone).date()
    if context.arguments:
        plans = choose_plans(subjects, context.arguments)
    else:
        plans = plan_looks(subjects, controls.on(today), answered, now)
    bounds = Bounds(estate, controls, waits, now)
    kept: list[KeptLook] = []
    progress.start("look at hosts and sites", len(plans), "hosts and sites")
    for looks in _look_at_all(plans, bounds):
        held = [hold_against(it, baselines) for it in looks]
        with context.catalog.writing() as session:
            kept += remember_looks(session, context.origin, held, now=datetime.now(UTC))
        progress.advance(1)
    progress.finish()
    return conclude(kept)


def choose_plans(subjects: Collection[Subject], arguments: Mapping[str, Any]) -> list[Plan]:
    """Give the looks that somebody asks for."""
    hosts, sites, only = (tuple(arguments.get(it, ())) for it in ("hosts", "sites", "only"))
    known = {it.key for it in subjects}
    for kind, names in (("host:", hosts), ("site:", sites)):
        _refuse_unknown(names, [it.partition(":")[2] for it in known if it.startswith(kind)])
    return plan_asked(subjects, hosts=hosts, sites=sites, only=only)


def _refuse_unknown(names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise unknown('nothing called "{name}" is looked at', name, sorted(known))


def _look_at_all(plans: list[Plan], bounds: Bounds) -> Iterator[list[ToolLook]]:
    """Yield the looks at each subject as they are done."""
    workers = min(MOST_AT_ONCE, 2 * (os.cpu_count() or 1))
    with ThreadPoolExecutor(workers, thread_name_prefix="audit") as pool:
        running: set[Future[list[ToolLook]]] = {pool.submit(take_looks, it, bounds) for it in plans}
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (it.result() for it in done)
        finally:
            for future in running:
                future.cancel()


def conclude(kept: Collection[KeptLook]) -> JobResult:
    """Give the result of an audit; pure. What did not come about is never a pass."""
    blind = [it for it in kept if it.look.outcome != "ok"]
    grave = [it for it in kept if it.grave]
    summary: dict[str, Any] = {
        "looks": len(kept),
        "not_ok": len(blind),
        "opened": sum(it.opened for it in kept),
        "fixed": sum(it.fixed for it in kept),
        "open": sum(it.open for it in kept),
    }
    if grave:
        first = [f"{it.look.subject} ({it.look.tool})" for it in grave[:FEW]]
        found = [f"{it.look.subject} {it.look.tool} {name}" for it in grave for name in it.grave]
        params = {"count": len(found), "first": first, "found": found[:MOST_NAMED]}
        return JobResult("incomplete", "audit_found", params, summary)
    if blind:
        first = [f"{it.look.subject} ({it.look.tool})" for it in blind[:FEW]]
        params = {"count": len(blind), "all": len(kept), "first": first}
        outcome: Outcome = "not_checked" if len(blind) == len(kept) else "incomplete"
        return JobResult(outcome, "not_all_looked", params, summary)
    return JobResult("ok", summary=summary)
