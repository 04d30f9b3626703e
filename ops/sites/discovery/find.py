"""Look at a machine's files: what is served from where, and which databases belong to it."""

import posixpath
from dataclasses import dataclass, field, replace

from ops.sites.discovery.databases import PARSERS
from ops.sites.discovery.machine_files import DatabaseSettings, Files, Note, VirtualHost, read_text
from ops.sites.discovery.web_servers import find_virtual_hosts

_PUBLIC_FOLDERS = ("public", "web", "html", "public_html", "htdocs", "www")
_WHERE_LINKS_ARE = {
    "wordpress": (
        "wp-content",
        "wp-content/uploads",
        "wp-content/plugins",
        "wp-content/themes",
        "wp-config.php",
    ),
    "mediawiki": ("LocalSettings.php", "images", "extensions", "skins"),
    "nukeviet": ("config.php", "uploads", "data", "modules", "themes"),
}
_SQLITE_ENDINGS = (".sqlite", ".sqlite3", ".db", ".db3")
_SQLITE_MAGIC = b"SQLite format 3\x00"  # sqlite.org/fileformat.html, 1.3


@dataclass(frozen=True, slots=True)
class FoundSite:
    """One folder that is served.

    Attributes:
        names: Server names, without duplicates, in the order they were met.
        server: `nginx` or `apache`.
        server_folder: The web server's configuration folder.
        path: The folder to save: the document root, or the one above it where the content
            system's configuration lies.
        databases: What configurations and files tell of databases; paths are absolute.
        application: The content system; empty where its configuration was not found.
        beside: Folders of it that lie elsewhere: its configuration names them, or links lead there.
        is_secure: Whether it is served encrypted.
    """

    names: tuple[str, ...]
    server: str
    server_folder: str
    path: str
    databases: tuple[DatabaseSettings, ...]
    application: str = ""
    beside: tuple[str, ...] = ()
    is_secure: bool = False


@dataclass(slots=True)
class MachineLook:
    """What was found, and what could not be read."""

    sites: list[FoundSite] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def look_around(files: Files) -> MachineLook:
    """Find what the web servers of a machine serve."""
    looked = MachineLook(notes=files.notes)
    found: dict[str, FoundSite] = {}
    for host, folder in find_virtual_hosts(files):
        served = files.resolve(host.root) if host.root.startswith("/") else None
        if served in {None, "/"} or "$" in host.root:
            looked.notes.append(Note(" ".join(host.names) or folder, "no_root"))
        elif not files.is_folder(served or ""):
            looked.notes.append(Note(served or "", "missing"))
        else:
            _take(files, found, served or "", host, folder)
    looked.sites.extend(found.values())
    return looked


def _take(
    files: Files, found: dict[str, FoundSite], served: str, host: VirtualHost, folder: str
) -> None:
    known = found.get(served)
    if known is not None:
        names = tuple(dict.fromkeys((*known.names, *host.names)))
        is_secure = known.is_secure or host.is_secure
        found[served] = replace(known, names=names, is_secure=is_secure)
        return
    path, named = find_settings(files, served)
    is_known = any(it.engine == "sqlite" for it in named)
    stored = [] if is_known else _find_sqlite(files, path)
    names = tuple(dict.fromkeys(host.names))
    application = named[0].application if named else ""
    beside = _find_beside(files, path, named[0]) if named else ()
    found[served] = FoundSite(
        names, host.server, folder, path, (*named, *stored), application, beside, host.is_secure
    )


def _find_beside(files: Files, place: str, settings: DatabaseSettings) -> tuple[str, ...]:
    """Give the folders of a content system that do not lie in its own; none within another."""
    top = files.resolve(place) or place
    names = _WHERE_LINKS_ARE.get(settings.application, ())
    ends = [files.resolve(it) for it in (*(f"{place}/{it}" for it in names), *settings.folders)]
    # Of a file with settings its folder is meant.
    folders = [posixpath.dirname(it) if it.endswith(".php") else it for it in ends if it]
    found: list[str] = []
    for folder in sorted({it for it in folders if files.is_folder(it)}):
        if folder != "/" and not any(_lies_in(folder, it) for it in (top, *found)):
            found.append(folder)
    return tuple(found)


def _lies_in(folder: str, other: str) -> bool:
    return f"{folder}/".startswith(f"{other}/")


def find_settings(files: Files, served: str) -> tuple[str, list[DatabaseSettings]]:
    """Give the folder to save and what the configuration in it, or just above it, names."""
    above, base = posixpath.split(served)
    places = [served, above] if base in _PUBLIC_FOLDERS and above != "/" else [served]
    for place in places:
        there = set(files.names_in(place))
        for name, parse in PARSERS.items():
            if name.partition("/")[0] not in there:
                continue
            text = read_text(files, f"{place}/{name}")
            settings = parse(text) if text is not None else None
            if settings is not None:
                return place, [_with_absolute_file(settings, place)]
    return served, []


def _with_absolute_file(settings: DatabaseSettings, place: str) -> DatabaseSettings:
    if settings.engine != "sqlite":
        return settings
    return replace(settings, database=posixpath.normpath(posixpath.join(place, settings.database)))


def _find_sqlite(files: Files, top: str) -> list[DatabaseSettings]:
    """Find SQLite files by their first bytes."""
    return [
        DatabaseSettings("", "sqlite", path)
        for path in files.find(top, _SQLITE_ENDINGS)
        if files.read(path, len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    ]
