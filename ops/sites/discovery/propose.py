"""Turn what was found into blocks of the estate, with what a person still has to say; pure."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ops.estate.edit.import_sites import write_site
from ops.estate.load.inherit import shipped_profiles
from ops.estate.model.sites import RESERVED_SITE_NAMES
from ops.language.text import N_, _, fill
from ops.sites.discovery.find import FoundSite
from ops.sites.discovery.machine_files import DatabaseSettings

_LONGEST_NAME = 63
_SAY_NOTHING = frozenset(
    {"localhost", "_", "default", "public", "web", "html", "public_html", "htdocs", "www"}
)


@dataclass(frozen=True, slots=True)
class ProposedSite:
    """A block for the estate.

    Attributes:
        name: Name of the site.
        names: Server names it was found under.
        path: Its folder; empty for a database alone.
        toml: The block, with comments on what is still to be said.
        secrets: References whose secrets are to be stored.
    """

    name: str
    names: tuple[str, ...]
    path: str
    toml: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SiteSetting:
    """Where the sites are that are proposed.

    Attributes:
        unit: The unit to write; empty when a person has to choose one.
        host: The host they are on; empty for this machine.
    """

    unit: str = ""
    host: str = ""


def propose(
    found: Sequence[FoundSite],
    stored: Sequence[DatabaseSettings] = (),
    *,
    taken: Iterable[str],
    known_paths: Iterable[str],
    place: SiteSetting = SiteSetting(),
) -> list[ProposedSite]:
    """Give a block for each folder that no site of the estate saves yet, and for each database.

    Args:
        found: What is served.
        stored: Databases of the machine's servers that belong to none of them.
        taken: Names of sites that are there already.
        known_paths: Folders that sites save already.
        place: What all of them have in common.
    """
    names, known = {*taken, *RESERVED_SITE_NAMES}, set(known_paths)
    proposals = []
    for site in found:
        if site.path in known:
            continue
        name = _free_name(make_name(_telling_name(site)) or "site", names)
        names.add(name)
        proposals.append(_propose(site, name, place))
    for database in stored:
        name = _free_name(make_name(database.database) or "database", names)
        names.add(name)
        proposals.append(_propose_alone(database, name, place))
    return proposals


def make_name(text: str) -> str:
    """Give a name for the estate: letters without marks, hyphens between words."""
    plain = text.casefold().replace("đ", "d")
    bare = "".join(
        it for it in unicodedata.normalize("NFD", plain) if not unicodedata.combining(it)
    )
    return re.sub(r"[^a-z0-9]+", "-", bare)[:_LONGEST_NAME].strip("-")


def _telling_name(site: FoundSite) -> str:
    """Give the first label of a server name, or else the folder's name, that says something."""
    labels = [name.removeprefix("www.").partition(".")[0] for name in site.names]
    folders = reversed(site.path.split("/"))
    candidates = (_decode_label(it) for it in (*labels, *folders))
    return next((it for it in candidates if it and it not in _SAY_NOTHING), "site")


def _decode_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label.encode("ascii").decode("idna")
    except UnicodeError:
        return label


def _free_name(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name[: _LONGEST_NAME - 4]}-{number}" in taken:
        number += 1
    return f"{name[: _LONGEST_NAME - 4]}-{number}"


def _propose(site: FoundSite, name: str, place: SiteSetting) -> ProposedSite:
    databases = [_database(it, name, number, place) for number, it in enumerate(site.databases, 1)]
    table = _head(name, site.names[0] if site.names else name, place)
    if site.application in shipped_profiles():
        table["profile"] = site.application
    table["files"] = [
        {"name": "www", "path": clean(site.path), "kind": "content"},
        *_beside(site.beside),
        {"name": "config", "path": site.server_folder, "kind": "config"},
    ]
    table["databases"] = [it for it in databases if it["engine"]]
    if site.names:
        table["url"] = f"{'https' if site.is_secure else 'http'}://{clean(site.names[0])}"
    secrets = tuple(it["password"] for it in table["databases"] if "password" in it)
    lines = [*_open_points(site, place.unit, secrets), write_site(table)]
    return ProposedSite(name, site.names, site.path, "\n".join(lines), secrets)


def _beside(folders: Sequence[str]) -> Iterator[dict[str, str]]:
    """Give the folders that lie elsewhere; what lies below /etc is configuration."""
    taken = {"www", "config"}
    for folder in folders:
        name = _free_name(make_name(folder.rpartition("/")[2]) or "beside", taken)
        taken.add(name)
        kind = "config" if folder.startswith("/etc/") else "content"
        yield {"name": name, "path": clean(folder), "kind": kind}


def _propose_alone(database: DatabaseSettings, name: str, place: SiteSetting) -> ProposedSite:
    """Give the block of a database that no configuration names."""
    table = _head(name, database.database, place)
    table["databases"] = [_database(database, name, 1, place)]
    lines = [
        "# " + _("no configuration that was read names this database: does it belong to a site?"),
        "# " + _("then move it there; add user and password, or take the block out"),
        *([] if place.unit else ["# " + _("unit: write the name of one below [[units]]")]),
        write_site(table),
    ]
    return ProposedSite(name, (), "", "\n".join(lines), ())


def _head(name: str, title: str, place: SiteSetting) -> dict[str, Any]:
    table: dict[str, Any] = {"name": name, "title": clean(title), "unit": place.unit or "?"}
    return table | ({"host": place.host} if place.host else {})


def clean(text: str) -> str:
    """Give a text of a found file without what could end a comment or confuse a terminal."""
    return "".join(it if unicodedata.category(it)[0] != "C" else " " for it in text).strip()


def _database(
    found: DatabaseSettings, site: str, number: int, place: SiteSetting
) -> dict[str, Any]:
    table: dict[str, Any] = {
        "name": "db" if number == 1 else f"db-{number}",
        "engine": found.engine,
        "database": clean(found.database),
    }
    if place.host:
        table["host"] = place.host  # an address alone would be reached from this machine
    for key in ("user", "address", "port", "socket"):
        value = getattr(found, key)
        if value:
            table[key] = clean(value) if isinstance(value, str) else value
    if found.has_password:
        table["password"] = f"file:var/keys/{site}-{table['name']}"
    return table


def _open_points(site: FoundSite, unit: str, secrets: Sequence[str]) -> Iterator[str]:
    """Yield comment lines: what a person has to add before the block is complete."""
    if not unit:
        yield "# " + _("unit: write the name of one below [[units]]")
    yield "# " + _("add owner, system and classes; a system image, or why there is none")
    for found in site.databases:
        if not found.engine:
            told = _("a database of another kind is named there: {name}")
            yield "# " + told.format(name=clean(found.database))
    for reference in secrets:
        command = fill(N_("`{program} estate.secret --name {name}`"), {"name": reference})
        yield "# " + _("store the database's password: {command}").format(command=command)
