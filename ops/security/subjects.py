"""The tools, what they look at (hosts and sites of the estate), and which looks are due; pure.

A host has the levels of all systems whose sites it carries: the strictest control counts.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from ops.duties.table.subjects import Document, hosts_of
from ops.language.text import N_
from ops.security.controls import Control, rhythm_of
from ops.security.looks import facts

Where = Literal["host", "site"]
ALLOWED = ("ports", "keys", "sudoers")
"""Tools that list what is on a host, for the list of what is allowed there."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool.

    Attributes:
        name: For life: findings, looks and controls name it.
        title: A message.
        where: What it looks at.
    """

    name: str
    title: str
    where: Where


TOOLS: Mapping[str, Tool] = {
    it.name: it
    for it in (
        Tool("updates", N_("security updates"), "host"),
        Tool("reboot", N_("restart"), "host"),
        Tool("ports", N_("open ports"), "host"),
        Tool("keys", N_("SSH keys"), "host"),
        Tool("sudoers", N_("administrator rights"), "host"),
        Tool("accounts", N_("accounts"), "host"),
        Tool("logs", N_("logs"), "host"),
        Tool("clock", N_("clock"), "host"),
        Tool("lynis", "Lynis", "host"),
        Tool("ssh", "ssh-audit", "host"),
        Tool("tls", "testssl.sh", "site"),
        Tool("unicode", N_("Vietnamese text"), "site"),
    )
}
FACTS = tuple(facts.SECTIONS)
"""Tools that one program on the host feeds together."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A host or a site.

    Attributes:
        where: Which of the two.
        name: In the estate; `localhost` is this machine.
        levels: Of the systems that it belongs to or carries; None for a site without a system.
        sites: Names of the sites that it is or carries, in the estate's order.
    """

    where: Where
    name: str
    levels: frozenset[int | None]
    sites: tuple[str, ...]

    @property
    def key(self) -> str:
        """Give what findings and looks call it: `host:web1`."""
        return f"{self.where}:{self.name}"

    @property
    def tools(self) -> tuple[str, ...]:
        """Give the tools that look at it."""
        return tuple(it.name for it in TOOLS.values() if it.where == self.where)


def list_subjects(estate: Document) -> list[Subject]:
    """Give the hosts, this machine, and the sites, of an estate's stored document."""
    levels = {it["name"]: it.get("level") for it in estate.get("systems", ())}
    sites = {it["name"]: levels.get(it.get("system")) for it in estate.get("sites", ())}
    carried: dict[str, list[str]] = {it["name"]: [] for it in estate.get("hosts", ())}
    for site in estate.get("sites", ()):
        for host in hosts_of(site):
            carried.setdefault(host, []).append(site["name"])
    hosts = [
        Subject("host", name, frozenset(sites[it] for it in names), tuple(names))
        for name, names in carried.items()
    ]
    own = [Subject("site", name, frozenset({level}), (name,)) for name, level in sites.items()]
    return [*hosts, *own]


_SLACK = timedelta(hours=2)
"""A run that begins a little earlier than the last one did must not put a look off by a day."""


class LastLook(Protocol):
    """When a look was taken; a row of `ops.catalog.tables.security.SecurityLook`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be looked at.

    Attributes:
        subject: Host or site.
        tools: By which tools, in their order.
    """

    subject: Subject
    tools: tuple[str, ...]


def plan_looks(
    subjects: Iterable[Subject],
    controls: Collection[Control],
    answered: Mapping[tuple[str, str], LastLook],
    now: datetime,
) -> list[Plan]:
    """Give the looks that are due; what could not be looked at is tried again each day.

    Args:
        subjects: All there are.
        controls: Those in force.
        answered: The newest look of each subject and tool that came about.
        now: The moment.
    """
    plans = []
    for subject in subjects:
        due = [it for it in subject.tools if _is_due(subject, it, controls, answered, now)]
        if due:
            plans.append(Plan(subject, tuple(due)))
    return plans


def _is_due(
    subject: Subject,
    tool: str,
    controls: Collection[Control],
    answered: Mapping[tuple[str, str], LastLook],
    now: datetime,
) -> bool:
    days = rhythm_of(tool, subject.levels, controls)
    last = answered.get((subject.key, tool))
    if days is None:
        return False
    return last is None or now - last.at >= timedelta(days=days) - _SLACK


def plan_asked(
    subjects: Iterable[Subject],
    *,
    hosts: Collection[str],
    sites: Collection[str],
    only: Collection[str],
) -> list[Plan]:
    """Give the looks that somebody asks for; without names, at everything."""
    wanted = {*(f"host:{it}" for it in hosts), *(f"site:{it}" for it in sites)}
    plans = (
        Plan(it, tuple(name for name in it.tools if not only or name in only))
        for it in subjects
        if not wanted or it.key in wanted
    )
    return [it for it in plans if it.tools]
