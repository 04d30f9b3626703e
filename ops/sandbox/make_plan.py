"""Plan a rehearsal from the estate and a restored copy's own manifest; touches nothing but paths.

The manifest tells what was taken and from where: a drill of an old snapshot finds the places of
then, and a private server for each of production's (`find_endpoints`). The estate tells how the
site is started.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from backup.stores.kinds import find_kind
from ops.backups.pages.notes import read_note
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.estate.model.site_drill import SiteDrill
from ops.estate.model.sites import DatabasePart, Site
from ops.sandbox.plan import Bounds, DatabasePlan, FilesPlan, RehearsalPlan, ServingPlan, Way
from ops.sandbox.site_settings import find_caches, follow_site

_PORTS = {"mariadb": 3306, "postgresql": 5432}
_GB = 1_000_000_000


def plan_rehearsal(
    estate: Estate,
    site: Site,
    *,
    manifest: Mapping[str, Any],
    restored: Path,
    work: Path,
    incident_at: datetime,
) -> RehearsalPlan:
    """Plan the rehearsal of a site.

    Args:
        estate: The estate in force.
        site: Which.
        manifest: Of the snapshot, as read from JSON.
        restored: The folder that holds `manifest.json`, `files` and `databases`; below `work`.
        work: The drill's own folder, absolute.
        incident_at: When the loss is taken to have happened; aware.

    Raises:
        KeyError, TypeError, ValueError: The manifest is none.
    """
    files = tuple(_plan_files(manifest["files"], restored))
    ways = follow_site(
        [plan_database(it, restored) for it in manifest["databases"]], files, site.drill.root
    )
    url = str(manifest["site"]["url"])
    return RehearsalPlan(
        work=str(work),
        site=site.name,
        files=files,
        databases=ways.databases,
        url=url,
        pages=tuple(read_note(it) for it in manifest["pages"]),
        caches=tuple(find_caches(site, files)),
        serving=decide_serving(site.drill, _content_first(files, manifest["files"]), url),
        addresses=tuple(
            dict.fromkeys(
                (
                    *site.drill.addresses,
                    *ways.addresses,
                    *_find_hosts(estate, manifest["databases"]),
                )
            )
        ),
        probes=tuple(dict.fromkeys(list_probes(estate))),
        incident_at=incident_at,
        zone=estate.organisation.timezone,
        bounds=bounds_of(estate),
    )


def bounds_of(estate: Estate) -> Bounds:
    """Give what the estate allows a restored site to take of the machine."""
    drill = estate.drill
    return Bounds(
        memory_bytes=drill.max_memory_gb * _GB,
        processes=drill.max_processes,
        file_bytes=drill.max_size_gb * _GB,
    )


def _plan_files(parts: Sequence[Mapping[str, Any]], restored: Path) -> Iterator[FilesPlan]:
    for part in parts:
        if part["source"]["kind"] != "command":  # what a command printed is no folder of the site
            yield FilesPlan(
                name=str(part["name"]),
                restored=str(restored / part["at"]),
                live=str(part["source"]["path"]),
            )


def _content_first(
    files: Sequence[FilesPlan], parts: Sequence[Mapping[str, Any]]
) -> tuple[FilesPlan, ...]:
    """Sort folders so that the first is the site's content, not its configuration."""
    content = {part["name"] for part in parts if part["kind"] == "content"}
    return tuple(sorted(files, key=lambda it: it.name not in content))


def plan_database(part: Mapping[str, Any], restored: Path) -> DatabasePlan:
    """Plan one database.

    Args:
        part: As the manifest describes it.
        restored: As for `plan_rehearsal`.

    Raises:
        KeyError, TypeError, ValueError: It is no such description.
    """
    source, beside = part["source"], part.get("globals")
    return DatabasePlan(
        name=str(part["name"]),
        engine=part["engine"],
        database=str(source["path" if part["engine"] == "sqlite" else "database"]),
        dump=str(restored / part["at"]),
        globals=str(restored / beside) if beside else "",
        address=source.get("address") or "",
        port=source.get("port"),
        socket=source.get("socket") or "",
        server=str(part.get("server", "")),
        settings=dict(part.get("settings", {})),
        tables=dict(part.get("tables", {})),
        tables_after=part.get("tables_after"),
    )


def _find_hosts(estate: Estate, parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the addresses of the hosts that databases are on: the site may call them by these."""
    addresses = {host.name: host.address for host in estate.hosts}
    names = dict.fromkeys(part["source"].get("host") for part in parts)
    yield from (addresses[name] for name in names if name in addresses)


def decide_serving(drill: SiteDrill, files: Sequence[FilesPlan], url: str) -> ServingPlan:
    """Decide how the site is started; with `auto` its restored files tell.

    Args:
        drill: What the estate says.
        files: The site's folders, content first; unless the estate says, the first one is the
            document root.
        url: Address of the site; without one there is nothing to start.
    """
    if drill.serve == "none" or not url:
        return ServingPlan()
    name, _slash, below = drill.root.partition("/")
    part = next((it for it in files if name in {it.name, ""}), None)
    if part is None:
        command = drill.command if drill.serve == "command" else ()
        return ServingPlan(way="command" if command else "none", command=command, port=drill.port)
    top = Path(part.restored) / below
    way: Way = drill.serve if drill.serve != "auto" else _guess_way(top)
    folder = str(Path(part.live) / below)
    return ServingPlan(way=way, folder=folder, command=drill.command, port=drill.port)


def _guess_way(top: Path) -> Way:
    if any(top.glob("*.php")):
        return "php"
    return "static" if any(top.glob("*.htm*")) else "none"


def list_probes(estate: Estate) -> Iterator[str]:
    """Name what a drill must not be able to reach: hosts, database servers, sites, stores, keys."""
    addresses = {host.name: host.address for host in estate.hosts}
    for host in estate.hosts:
        yield f"{host.address}:{host.port}"
    for site in estate.sites:
        for part in site.databases:
            if part.engine != "sqlite":
                yield from _database_probes(part, addresses)
        if site.url:
            yield _web_probe(site.url)
    for store in estate.stores:
        yield from _store_probes(reveal(store.url))
    for reference in (estate.catalog.url, estate.keys.repository, estate.keys.signing):
        yield from _file_probes(reference or "")


def _database_probes(part: DatabasePart, addresses: Mapping[str, str]) -> Iterator[str]:
    if part.host is None and part.socket:
        yield part.socket
        return
    address = part.address or addresses.get(part.host or "", "127.0.0.1")
    yield f"{address}:{part.port or _PORTS[part.engine]}"


def _web_probe(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.hostname}:{port}"


def _store_probes(url: str) -> Iterator[str]:
    kind = find_kind(url)
    if kind is not None and kind.is_remote:
        yield kind.endpoint(url.partition(":")[2])
    elif url.startswith("/"):
        yield url


def _file_probes(reference: str) -> Iterator[str]:
    path = reference.removeprefix("sqlite:///").removeprefix("file:")
    if path.startswith("/"):
        yield path


_PORTS = {"mariadb": 3306, "postgresql": 5432}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One of production's database servers.

    Attributes:
        engine: `mariadb` or `postgresql`.
        number: Among those of its engine, from 1; the first has the usual socket, too.
        address, port, socket: Where it listens; address and socket may be empty.
        shares_port: Whether another one listens at the same port, on another address.
        databases: What it holds.
    """

    engine: str
    number: int
    address: str
    port: int
    socket: str
    shares_port: bool = False
    databases: tuple[DatabasePlan, ...] = ()

    @property
    def name(self) -> str:
        """Of its folder and its log."""
        return f"{self.engine}-{self.number}"

    @property
    def listens(self) -> tuple[str, ...]:
        """Addresses it listens at; `*`: at all of them."""
        return (self.address or "127.0.0.1",) if self.shares_port else ("*",)


def find_endpoints(databases: Iterable[DatabasePlan]) -> tuple[Endpoint, ...]:
    """Sort databases by the server that has them, in the order they come; SQLite needs none."""
    made: dict[tuple[str, str, int, str], Endpoint] = {}
    for database in databases:
        if database.engine == "sqlite":
            continue
        port = database.port or _PORTS[database.engine]
        key = (database.engine, database.address, port, database.socket)
        number = sum(it.engine == database.engine for it in made.values()) + 1
        known = made.get(key) or Endpoint(
            engine=database.engine,
            number=number,
            address=database.address,
            port=port,
            socket=database.socket,
        )
        made[key] = replace(known, databases=(*known.databases, database))
    ports = [(it.engine, it.port) for it in made.values()]
    return tuple(
        replace(it, shares_port=ports.count((it.engine, it.port)) > 1) for it in made.values()
    )
