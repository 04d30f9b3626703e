"""What is looked at: hosts and sites of the estate, and the levels that stand on them; pure.

A host has the levels of all systems whose sites it carries: the strictest control counts.
"""

from dataclasses import dataclass

from ops.duties.table.subjects import Document, hosts_of
from ops.security.looks.list import TOOLS, Where


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
