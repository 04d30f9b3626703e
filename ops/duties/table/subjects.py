"""Whom a duty concerns, in the estate of a day; pure, over the estate's stored document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ops.duties.table.models import Duty
from ops.hosts.connect import THIS_MACHINE

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """What must be proven for itself.

    Attributes:
        name: Of the system or site; empty for the organisation.
        level: Security level; None where there is none.
        sites: Names of the sites that belong to it.
    """

    name: str
    level: int | None
    sites: tuple[str, ...]


def list_subjects(duty: Duty, estate: Document) -> list[Subject]:
    """Give the subjects of a duty, in the order of the estate.

    A site without an information system has no level: duties of certain levels pass it by.
    """
    found = {"organisation": _organisation, "system": _systems, "site": _sites}
    levels = duty.applies.levels
    subjects = list(found[duty.applies.kind](estate, duty.applies.role))
    if duty.applies.kind == "organisation" and levels:
        return subjects if any(it.level in levels for it in _systems(estate, None)) else []
    return [it for it in subjects if not levels or it.level in levels]


def levels_in(estate: Document) -> frozenset[int]:
    """Give the security levels of the estate's systems."""
    return frozenset(it["level"] for it in estate.get("systems", ()))


def sites_without_level(estate: Document) -> list[str]:
    """Give the sites that belong to no information system, and so have no level."""
    return [site["name"] for site in estate.get("sites", ()) if not site.get("system")]


def hosts_of(site: Mapping[str, Any]) -> list[str]:
    """Give the hosts that a site's files and databases lie on, each once; `localhost` for here."""
    files = (
        it for it in site.get("files", ()) if it.get("host") or it.get("source", "files") == "files"
    )
    databases = (
        it for it in site.get("databases", ()) if it.get("host") or it.get("engine") == "sqlite"
    )
    return list(dict.fromkeys(it.get("host") or THIS_MACHINE for it in (*files, *databases)))


def _organisation(estate: Document, role: str | None) -> Iterator[Subject]:
    sites = tuple(it["name"] for it in _of_role(estate, role))
    if sites or role is None:
        yield Subject("", None, sites)


def _systems(estate: Document, role: str | None) -> Iterator[Subject]:
    for system in estate.get("systems", ()):
        sites = [it["name"] for it in _of_role(estate, role) if it.get("system") == system["name"]]
        if sites:
            yield Subject(system["name"], system.get("level"), tuple(sites))


def _sites(estate: Document, role: str | None) -> Iterator[Subject]:
    levels = {it["name"]: it.get("level") for it in estate.get("systems", ())}
    for site in _of_role(estate, role):
        yield Subject(site["name"], levels.get(site.get("system")), (site["name"],))


def _of_role(estate: Document, role: str | None) -> Iterator[Mapping[str, Any]]:
    sites = estate.get("sites", ())
    return (site for site in sites if role is None or site.get("role") == role)
