"""Propose blocks for the estate from what a machine serves; nothing is written unless asked."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.durable_files import place_file
from ops.errors import OpsError, WrongUseError
from ops.estate.edit.import_sites import write_site
from ops.estate.load.inherit import shipped_profiles
from ops.estate.load.load import load_estate
from ops.estate.load.read import find_estate_path
from ops.estate.model.estate import Estate
from ops.estate.model.sites import RESERVED_SITE_NAMES, Site
from ops.hosts.connect import open_host
from ops.language.text import N_, _, fill, ngettext
from ops.sites.discovery.databases import find_unnamed, list_databases
from ops.sites.discovery.find import FoundSite, MachineLook, look_around
from ops.sites.discovery.machine_files import Below, DatabaseSettings, Files, FilesOnHost
from ops.sites.tasks import Discover
from ops.terminal.output import write_json, write_line, write_text
from provisioning.hosts import Host
from provisioning.local_host import LocalHost

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


_REASONS = {
    "unreadable": N_("it may not be read by this user"),
    "too_large": N_("it is larger than 1 MiB"),
    "no_root": N_("it serves no folder of its own"),
    "missing": N_("there is no such folder"),
    "unlisted": N_("the server does not list its databases to this user, or does not run"),
}
_THIS_MACHINE = frozenset({"", "localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class _Machine:
    """The machine to look at.

    Attributes:
        files: Its files.
        host: The machine as it runs; None where only its files are there.
        name: Of the host in the estate; empty for this machine.
        address: Of that host.
    """

    files: Files
    host: Host | None
    name: str = ""
    address: str = ""


def discover(wish: Discover) -> int:
    """Look around and write what could go into the estate; gives the exit code.

    Raises:
        WrongUseError: There is no such root or host.
        OpsError, ProvisioningError: The host does not let us look, or does not answer.
        OpsError: The file to write is there already, or cannot be written.
    """
    estate = _estate_if_any()
    machine = _find_machine(estate, wish.host, wish.root)
    looked = look_around(machine.files)
    stored = list_databases(machine.files, machine.host)
    named = [database for site in looked.sites for database in site.databases]
    sites, units = (estate.sites, estate.units) if estate else ((), ())
    proposals = propose(
        looked.sites,
        find_unnamed(stored, [*named, *_databases_in(sites, machine.name)], machine.address),
        taken=[site.name for site in sites],
        known_paths=_paths_in(sites, machine.name),
        place=SiteSetting(unit=units[0].name if len(units) == 1 else "", host=machine.name),
    )
    if wish.out:
        _write(Path(wish.out), proposals)
    _tell(looked, proposals, out=wish.out, as_json=wish.json)
    return 0


def _find_machine(estate: Estate | None, host: str, root: str) -> _Machine:
    is_named = estate is not None and any(it.name == host for it in estate.hosts)
    if host in _THIS_MACHINE and not is_named:
        if not Path(root).is_dir():
            raise WrongUseError(
                'there is no folder "{root}"',
                data="nothing was read or changed",
                next_step="name the folder in which the machine's `etc` lies",
                root=root,
            )
        is_running = Path(root).resolve() == Path("/")
        return _Machine(Below(Path(root), []), LocalHost() if is_running else None)
    if root != "/":
        raise WrongUseError(
            "--root and --host do not go together",
            why="--root is a folder of this machine",
            data="nothing was read or changed",
            next_step="leave one of them out",
        )
    known = estate or load_estate()  # which says what is wrong with it
    opened = open_host(known, host)
    return _Machine(FilesOnHost(opened, []), opened, host, known.host(host).address)


def _paths_in(sites: Sequence[Site], host: str) -> list[str]:
    """Give the folders of a machine that sites save already."""
    return [part.path for site in sites for part in site.files if (part.host or "") == host]


def _databases_in(sites: Sequence[Site], host: str) -> list[DatabaseSettings]:
    """Give the databases of a machine that sites save already."""
    return [
        DatabaseSettings("", part.engine, part.database, address=part.address)
        for site in sites
        for part in site.databases
        if (part.host or "") == host
    ]


def _estate_if_any() -> Estate | None:
    """Load the estate, so that what it has is not proposed again; without one, all is new."""
    try:
        path = find_estate_path()
    except WrongUseError:
        return None
    return load_estate(path)


def _write(out: Path, proposals: list[ProposedSite]) -> None:
    text = "\n".join(it.toml for it in proposals)
    try:
        place_file(out, text.encode(), mode=0o644, replace=False)
    except OSError as error:
        raise OpsError(
            "the blocks cannot be written to {path}",
            why="{reason}",
            data="nothing was written",
            next_step="choose another file with --out, or leave it out to see the blocks",
            path=out,
            reason=error.strerror or type(error).__name__,
        ) from error


def _tell(looked: MachineLook, proposals: list[ProposedSite], *, out: str, as_json: bool) -> None:
    if as_json:
        write_json(proposals, notes=looked.notes)
        return
    if not out:
        write_text("\n".join(it.toml for it in proposals))
        if proposals:
            write_line()
    for note in looked.notes:
        told = _("not looked at: {path}: {reason}")
        write_line("# " + told.format(path=clean(note.path), reason=_(_REASONS[note.reason])))
    count = len(proposals)
    known = len(looked.sites) - sum(bool(it.path) for it in proposals)
    text = ngettext("{count} new site found", "{count} new sites found", count)
    write_line("# " + text.format(count=count))
    if known:
        write_line("# " + _("in the estate already: {count}").format(count=known))
    if out:
        write_line("# " + _("written to {path}").format(path=out))
        next_step = N_(
            "next: complete it, then `{program} estate.propose --file {path} --out"
            " sites.d/NAME.toml`"
        )
        write_line("# " + fill(next_step, {"path": out}))
